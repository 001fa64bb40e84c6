/**
 * From a Service and its EndpointSlices to what a proxy does: where it listens, and where each connection may
 * go. Pure.
 */
import type { Shared } from '../../api/index.js';
import type { Service, ServicePort } from '../../api/kinds/core/v1.js';
import type { Endpoint as SliceEndpoint, EndpointSlice } from '../../api/kinds/discovery/v1.js';

export type Protocol = 'TCP' | 'UDP';

export interface Target {
  readonly address: string;
  readonly port: number;
}

/** One address and port to listen on, and where what arrives there goes. */
export interface ServicePortRule {
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
  readonly targets: readonly Target[];
  /** Session affinity by client address: how long it lasts, ms. */
  readonly affinityMs?: number;
}

export interface ProxyView {
  /** The node the proxy runs on: what `Local` traffic policies compare with. */
  readonly nodeName: string;
  /** Where node ports listen. */
  readonly nodePortAddresses: readonly string[];
}

export const serviceNameLabel = 'kubernetes.io/service-name';

/** `tcp/127.96.0.10:80`: what two rules must not share. */
export function ruleKey(rule: Pick<ServicePortRule, 'protocol' | 'address' | 'port'>): string {
  return `${rule.protocol.toLowerCase()}/${rule.address}:${rule.port}`;
}

/** Services without addresses of their own (headless, ExternalName) get no rules (KP-2). */
export function rulesOf(
  service: Shared<Service>,
  slices: readonly Shared<EndpointSlice>[],
  view: ProxyView,
): ServicePortRule[] {
  const { spec } = service;
  if (!spec || spec.type === 'ExternalName' || !spec.clusterIP || spec.clusterIP === 'None') return [];
  const rules: ServicePortRule[] = [];
  const affinity =
    spec.sessionAffinity === 'ClientIP'
      ? { affinityMs: (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) * 1000 }
      : {};
  for (const port of spec.ports ?? []) {
    const protocol = port.protocol ?? 'TCP';
    if (protocol !== 'TCP' && protocol !== 'UDP') continue;
    const endpoints = endpointsOf(port, protocol, slices);
    const internal = targetsFor(endpoints, spec.internalTrafficPolicy === 'Local', view.nodeName);
    const addresses = new Set([...(spec.clusterIPs ?? []), spec.clusterIP, ...(spec.externalIPs ?? [])]);
    for (const address of addresses) {
      rules.push({ protocol, address, port: port.port, targets: internal, ...affinity });
    }
    if (port.nodePort) {
      const external = targetsFor(endpoints, spec.externalTrafficPolicy === 'Local', view.nodeName);
      for (const address of view.nodePortAddresses) {
        rules.push({ protocol, address, port: port.nodePort, targets: external, ...affinity });
      }
    }
  }
  return rules;
}

interface Candidate {
  readonly target: Target;
  readonly endpoint: Shared<SliceEndpoint>;
}

/** The endpoints of one port. Named ports may have another number in each slice (EP-4). */
function endpointsOf(
  port: Shared<ServicePort>,
  protocol: Protocol,
  slices: readonly Shared<EndpointSlice>[],
): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue;
    const here = slice.ports?.find(
      (p) => (p.name ?? '') === (port.name ?? '') && (p.protocol ?? 'TCP') === protocol,
    );
    if (here?.port === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const address = endpoint.addresses[0];
      // While slices are rearranged an endpoint may be in two of them.
      if (address !== undefined)
        found.set(`${address}:${here.port}`, { target: { address, port: here.port }, endpoint });
    }
  }
  return [...found.values()];
}

/** Ready endpoints; where there are none, those that still serve while they end (KP-1). */
function targetsFor(candidates: readonly Candidate[], localOnly: boolean, nodeName: string): Target[] {
  const eligible = localOnly
    ? candidates.filter(({ endpoint }) => endpoint.nodeName === nodeName)
    : candidates;
  const ready = eligible.filter(({ endpoint }) => endpoint.conditions?.ready ?? true);
  const chosen =
    ready.length > 0
      ? ready
      : eligible.filter(
          ({ endpoint }) => endpoint.conditions?.serving === true && endpoint.conditions.terminating === true,
        );
  return chosen.map(({ target }) => target);
}
