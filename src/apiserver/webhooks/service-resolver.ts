/**
 * Who answers for a Service, read from the cluster's own objects: a ready endpoint, so that nothing but the
 * endpoint itself has to work.
 */
import type { Random } from '../../api/index.js';
import type { Endpoints, Service } from '../../api/kinds/core/v1.js';
import type { EndpointSlice } from '../../api/kinds/discovery/v1.js';
import { given, type Given } from '../builtin/given.js';
import { storagePrefix, type WatchCache } from '../cache/watch-cache.js';
import type { ServiceAddress, ServiceReference } from './https-dialer.js';

const services = storagePrefix({ group: '', plural: 'services' });
const endpoints = storagePrefix({ group: '', plural: 'endpoints' });
const slices = storagePrefix({ group: 'discovery.k8s.io', plural: 'endpointslices' });
export interface EndpointAddress extends ServiceAddress {
  /** Whose it is, where it is a pod's of the service's namespace. */
  readonly pod?: string;
}

type EndpointReference = NonNullable<EndpointSlice['endpoints'][number]['targetRef']> | undefined;

const serviceNameLabel = 'kubernetes.io/service-name';

/** @returns finds an address; throws an Error worded as Kubernetes words it */
export function serviceResolver(
  cache: WatchCache,
  random: Random,
): (service: ServiceReference) => ServiceAddress {
  return ({ namespace, name, port = 443 }) => {
    const found = cache.resource(services).get(`${services}${namespace}/${name}`);
    if (!found) throw new Error(`service ${JSON.stringify(name)} not found`);
    const { spec } = given<Service>(found.object);
    if (spec?.type === 'ExternalName' && spec.externalName) return { host: spec.externalName, port };
    const portName = spec?.ports?.find((p) => p.port === port);
    if (!portName) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`);
    const all = addresses(cache, namespace, name, portName.name ?? '');
    const one = all[Math.floor(random.next() * all.length)];
    if (!one) throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
    return one;
  };
}

/** Who answers for a service at the port of that name: all that are ready. */
export function addresses(
  cache: WatchCache,
  namespace: string,
  name: string,
  portName: string,
): EndpointAddress[] {
  const own = [...cache.resource(slices).scan(`${slices}${namespace}/`)]
    .map(({ object }) => object)
    .filter(({ metadata }) => metadata.labels?.[serviceNameLabel] === name)
    .map((object) => given<EndpointSlice>(object));
  if (own.length > 0) return own.flatMap((slice) => ofSlice(slice, portName));
  const legacy = cache.resource(endpoints).get(`${endpoints}${namespace}/${name}`);
  const { subsets = [] } = legacy ? given<Endpoints>(legacy.object) : {};
  return subsets.flatMap((subset) => {
    const port = subset.ports?.find((p) => (p.name ?? '') === portName)?.port;
    return port === undefined
      ? []
      : (subset.addresses ?? []).map(({ ip = '', targetRef }) => ({ host: ip, port, ...podOf(targetRef) }));
  });
}

function podOf(target: Given<EndpointReference>): { readonly pod?: string } {
  return target?.kind === 'Pod' && target.name ? { pod: target.name } : {};
}

function ofSlice(slice: Given<EndpointSlice>, portName: string): EndpointAddress[] {
  const port = slice.ports?.find((p) => (p.name ?? '') === portName)?.port;
  if (port === undefined) return [];
  return (slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses: [host] = [], targetRef }) =>
      host === undefined ? [] : [{ host, port, ...podOf(targetRef) }],
    );
}
