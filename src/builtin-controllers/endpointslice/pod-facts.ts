/** What the endpoints of a Service depend on in a pod, and which changes of one therefore matter. */
import { deepEqualJson, type Predicate } from 'gyre';
import type { Pod, Service } from 'gyre/kinds';
import type { ServicePort } from 'gyre/kinds/core/v1';

export type IpFamily = 'IPv4' | 'IPv6';

export function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
}

/** When readiness last changed. */
export function readySince({ status }: Pod): string | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
}

export function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** EP-1: a pod counts until it has ended for good, once it has an address. */
export function counts({ status }: Pod): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return false;
  return Boolean(status?.podIP) || (status?.podIPs?.length ?? 0) > 0;
}

export function addressesOf({ status }: Pod, family: IpFamily): string[] {
  const all = status?.podIPs?.length ? status.podIPs.map(({ ip }) => ip) : [status?.podIP ?? ''];
  return all.filter((ip) => ip !== '' && (ip.includes(':') ? 'IPv6' : 'IPv4') === family);
}

/** EP-2: a pod has a name of its own in DNS only where it says that this Service gives it one. */
export function hostnameOf({ metadata, spec }: Pod, service: Service): string | undefined {
  const named = spec?.hostname && spec.subdomain === service.metadata.name;
  return named && metadata.namespace === service.metadata.namespace ? spec.hostname : undefined;
}

/** EP-4: a Service port as this pod has it; undefined for a pod that lacks the name. */
export function portOn(
  { spec }: Pod,
  { targetPort, port, protocol = 'TCP' }: ServicePort,
): number | undefined {
  if (typeof targetPort !== 'string') return targetPort || port;
  const sidecars = spec?.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always') ?? [];
  for (const { ports = [] } of [...(spec?.containers ?? []), ...sidecars]) {
    const found = ports.find((p) => p.name === targetPort && (p.protocol ?? 'TCP') === protocol);
    if (found) return found.containerPort;
  }
  return undefined;
}

export function isHeadless({ spec }: Service): boolean {
  return !spec?.clusterIP || spec.clusterIP === 'None';
}

/** True for a change of a pod that may change the endpoints of a Service. */
export const endpointsChange: Predicate<Pod> = ({ object, previous, deleted }) =>
  deleted || previous === undefined || !deepEqualJson(relevant(object), relevant(previous));

function relevant(pod: Pod) {
  const { metadata, spec, status } = pod;
  return {
    uid: metadata.uid,
    labels: metadata.labels ?? {},
    terminating: isTerminating(pod),
    counts: counts(pod),
    ready: isReady(pod),
    ips: [status?.podIP ?? '', ...(status?.podIPs ?? []).map(({ ip }) => ip)],
    // The rest of a pod's spec never changes.
    nodeName: spec?.nodeName ?? '',
  };
}
