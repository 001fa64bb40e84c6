/** What a pod's spec names: the objects its node has to read to run it. Pure. */
import type { Pod } from '../../../api/kinds/core/v1.js';
import type { Given } from '../../builtin/given.js';

export interface PodReferences {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
}

type GivenSpec = Given<NonNullable<Pod['spec']>>;
type GivenVolume = NonNullable<GivenSpec['volumes']>[number];
interface NamesSecret {
  readonly secretRef?: { readonly name?: string };
}

/** Volume sources that name the secret they are opened with as `secretRef`. */
const openedWithSecret = ['cephfs', 'cinder', 'flexVolume', 'rbd', 'scaleIO', 'iscsi', 'storageos'] as const;

/** Names in the pod's own namespace. */
export function referencesOf({ metadata, spec = {} }: Given<Pod>): PodReferences {
  const [secrets, configMaps, claims] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const add = (to: Set<string>, name: string | undefined): void => {
    if (name) to.add(name);
  };
  for (const { name } of spec.imagePullSecrets ?? []) add(secrets, name);
  const containers = [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ];
  for (const { env = [], envFrom = [] } of containers) {
    for (const { valueFrom } of env) {
      add(secrets, valueFrom?.secretKeyRef?.name);
      add(configMaps, valueFrom?.configMapKeyRef?.name);
    }
    for (const { secretRef, configMapRef } of envFrom) {
      add(secrets, secretRef?.name);
      add(configMaps, configMapRef?.name);
    }
  }
  for (const volume of spec.volumes ?? []) {
    for (const name of secretsOf(volume)) add(secrets, name);
    add(configMaps, volume.configMap?.name);
    for (const { secret, configMap } of volume.projected?.sources ?? []) {
      add(secrets, secret?.name);
      add(configMaps, configMap?.name);
    }
    add(claims, volume.persistentVolumeClaim?.claimName);
    if (volume.ephemeral) add(claims, `${metadata?.name ?? ''}-${volume.name ?? ''}`);
  }
  return { secrets, configMaps, claims };
}

function* secretsOf(volume: GivenVolume): Iterable<string | undefined> {
  yield volume.secret?.secretName;
  yield volume.azureFile?.secretName;
  yield volume.csi?.nodePublishSecretRef?.name;
  for (const source of openedWithSecret) yield (volume[source] as NamesSecret | undefined)?.secretRef?.name;
}
