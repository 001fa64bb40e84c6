/**
 * What a container can ask of its own pod: `fieldRef` and `resourceFieldRef`, for environment variables and
 * downwardAPI volumes alike (KL-14). Pure.
 */
import { parseQuantity, type Shared } from '../api/index.js';
import type { Pod, ResourceFieldSelector } from '../api/kinds/core/v1.js';

/** What the spec does not know. */
export interface PodFacts {
  readonly podIP: string;
  readonly hostIP: string;
  readonly nodeName: string;
  /** What the node can give: the limit of a container without one. */
  readonly allocatable: { readonly cpuMillis: number; readonly memoryBytes: number };
}

/** A field path that cannot be resolved; worded for a container status. */
export class FieldRefError extends Error {
  override readonly name = 'FieldRefError';
}

/** @throws FieldRefError */
export function resolveFieldRef(pod: Shared<Pod>, fieldPath: string, facts: PodFacts): string {
  const { metadata, spec } = pod;
  const [, map, key] = /^metadata\.(labels|annotations)\['([^']*)'\]$/.exec(fieldPath) ?? [];
  if (map === 'labels' || map === 'annotations') {
    const values: Readonly<Record<string, string>> = metadata[map] ?? {};
    return Object.hasOwn(values, key as string) ? (values[key as string] ?? '') : '';
  }
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid;
    case 'metadata.labels':
      return quotedLines(metadata.labels);
    case 'metadata.annotations':
      return quotedLines(metadata.annotations);
    case 'spec.nodeName':
      return facts.nodeName;
    case 'spec.serviceAccountName':
      return spec?.serviceAccountName ?? 'default';
    case 'status.hostIP':
    case 'status.hostIPs':
      return facts.hostIP;
    case 'status.podIP':
    case 'status.podIPs':
      return facts.podIP;
    default:
      throw new FieldRefError(`unsupported fieldPath: ${fieldPath}`);
  }
}

/** `key="value"` lines in key order, as downwardAPI files have them. */
function quotedLines(values: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(values ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

const nanosPerUnit = 1_000_000_000n;

/**
 * A container's own resources in units of the divisor, rounded up; a limit that is not set is what the node can
 * give. @throws FieldRefError
 */
export function resolveResourceFieldRef(
  pod: Shared<Pod>,
  container: string,
  selector: Shared<ResourceFieldSelector>,
  { allocatable }: PodFacts,
): string {
  const all = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const found = all.find(({ name }) => name === (selector.containerName ?? container));
  if (!found) throw new FieldRefError(`container ${selector.containerName} not found`);
  const [, which, resource] = /^(limits|requests)\.(\S+)$/.exec(selector.resource) ?? [];
  if ((which !== 'limits' && which !== 'requests') || resource === undefined)
    throw new FieldRefError(`unsupported container resource: ${selector.resource}`);
  const given = found.resources?.[which]?.[resource];
  let nanos: bigint;
  if (given !== undefined) nanos = parseQuantity(given);
  else if (which === 'requests') nanos = 0n;
  else if (resource === 'cpu') nanos = BigInt(allocatable.cpuMillis) * 1_000_000n;
  else if (resource === 'memory') nanos = BigInt(allocatable.memoryBytes) * nanosPerUnit;
  else nanos = 0n;
  const divisor = parseQuantity(selector.divisor && selector.divisor !== '0' ? selector.divisor : '1');
  return String((nanos + divisor - 1n) / divisor);
}
