/** What configMap, secret, downwardAPI and projected volumes hold (KL-15): from sources to files. */
import type { Shared } from '../../api/index.js';
import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  ProjectedVolumeSource,
  Secret,
  Volume,
} from '../../api/kinds/core/v1.js';
import { type PodFacts, resolveFieldRef, resolveResourceFieldRef } from '../pod-fields.js';
import type { VolumeSources } from '../volume-manager.js';
import type { Payload, ProjectedFile } from './atomic-writer.js';

const defaultMode = 0o644;
const defaultTokenSeconds = 3600;

export interface ContentContext {
  readonly pod: Shared<Pod>;
  readonly sources: VolumeSources;
  /** What the node can give; for limits that are not set. */
  readonly allocatable: PodFacts['allocatable'];
  /** A token that is still good for a while. */
  readonly token: (audience: string | undefined, expirationSeconds: number) => Promise<string>;
}

type Data = ReadonlyMap<string, Uint8Array>;

/** The files of a volume of one of these kinds; undefined for others. @throws Error */
export async function volumeContent(
  volume: Shared<Volume>,
  context: ContentContext,
): Promise<Payload | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) {
    const { name = '', optional = false, items } = configMap;
    return select(await configMapData(name, optional, context), items, configMap.defaultMode, {
      optional,
      missing: (key) => `configmap references non-existent config key: ${key}`,
    });
  }
  if (secret) {
    const { secretName = '', optional = false, items } = secret;
    return select(await secretData(secretName, optional, context), items, secret.defaultMode, {
      optional,
      missing: (key) => `references non-existent secret key: ${key}`,
    });
  }
  if (downwardAPI) return downwardFiles(downwardAPI.items, downwardAPI.defaultMode, context);
  if (projected) return await projectedFiles(projected, context);
  return undefined;
}

async function projectedFiles(
  { sources = [], defaultMode: mode }: Shared<ProjectedVolumeSource>,
  context: ContentContext,
): Promise<Payload> {
  const files = new Map<string, ProjectedFile>();
  for (const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle } of sources) {
    let part: Payload = new Map();
    if (configMap) {
      const { name = '', optional = false, items } = configMap;
      part = select(await configMapData(name, optional, context), items, mode, {
        optional,
        missing: (key) => `configmap references non-existent config key: ${key}`,
      });
    } else if (secret) {
      const { name = '', optional = false, items } = secret;
      part = select(await secretData(name, optional, context), items, mode, {
        optional,
        missing: (key) => `references non-existent secret key: ${key}`,
      });
    } else if (downwardAPI) part = downwardFiles(downwardAPI.items, mode, context);
    else if (serviceAccountToken) {
      const { audience, expirationSeconds = defaultTokenSeconds, path } = serviceAccountToken;
      const token = await context.token(audience, expirationSeconds);
      part = new Map([[path, { content: Buffer.from(token), mode: mode ?? defaultMode }]]);
    } else if (clusterTrustBundle) throw new Error('clusterTrustBundle projections are not supported');
    // Later sources win.
    for (const [path, file] of part) files.set(path, file);
  }
  return files;
}

async function configMapData(
  name: string,
  optional: boolean,
  { pod, sources }: ContentContext,
): Promise<Data> {
  const found: Shared<ConfigMap> | undefined = await sources.configMap(pod.metadata.namespace ?? '', name);
  if (!found && !optional) throw new Error(`configmap ${JSON.stringify(name)} not found`);
  return new Map([
    ...Object.entries(found?.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...Object.entries(found?.binaryData ?? {}).map(
      ([key, text]) => [key, Buffer.from(text, 'base64')] as const,
    ),
  ]);
}

async function secretData(name: string, optional: boolean, { pod, sources }: ContentContext): Promise<Data> {
  const found: Shared<Secret> | undefined = await sources.secret(pod.metadata.namespace ?? '', name);
  if (!found && !optional) throw new Error(`secret ${JSON.stringify(name)} not found`);
  return new Map(
    Object.entries(found?.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
  );
}

/** All keys, or those listed at the paths they are listed with. */
function select(
  data: Data,
  items: readonly Shared<KeyToPath>[] | undefined,
  mode: number | undefined,
  { optional, missing }: { readonly optional: boolean; readonly missing: (key: string) => string },
): Payload {
  const files = new Map<string, ProjectedFile>();
  if (!items || items.length === 0) {
    for (const [key, content] of data) files.set(key, { content, mode: mode ?? defaultMode });
    return files;
  }
  for (const item of items) {
    const content = data.get(item.key);
    if (content) files.set(item.path, { content, mode: item.mode ?? mode ?? defaultMode });
    else if (!optional) throw new Error(missing(item.key));
  }
  return files;
}

function downwardFiles(
  items: readonly Shared<DownwardAPIVolumeFile>[] | undefined,
  mode: number | undefined,
  { pod, allocatable }: ContentContext,
): Payload {
  // Volumes are prepared before the pod has addresses: those are only to be had as variables.
  const facts: PodFacts = { podIP: '', hostIP: '', nodeName: pod.spec?.nodeName ?? '', allocatable };
  const files = new Map<string, ProjectedFile>();
  for (const { path, fieldRef, resourceFieldRef, mode: own } of items ?? []) {
    let text = '';
    if (fieldRef) text = resolveFieldRef(pod, fieldRef.fieldPath, facts);
    else if (resourceFieldRef) {
      text = resolveResourceFieldRef(pod, resourceFieldRef.containerName ?? '', resourceFieldRef, facts);
    }
    files.set(path, { content: Buffer.from(text), mode: own ?? mode ?? defaultMode });
  }
  return files;
}
