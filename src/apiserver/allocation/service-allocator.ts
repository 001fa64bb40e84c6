/**
 * Cluster addresses and node ports of Services (KP-4, OC-17): given when a Service needs them, kept while it has
 * them, never given twice.
 *
 * What is taken is read off the stored Services each time, so nothing can leak or go stale, and a restart has
 * nothing to rebuild; what is being written at this moment is remembered until the write is done. Where several servers share
 * a store, `service-claims.ts` has the store decide between them.
 */
import {
  FieldPath,
  fieldError,
  goStrings,
  invalid,
  type JsonObject,
  type Random,
  type StatusCause,
} from '../../api/index.js';
import type { Service, ServiceSpec } from '../../api/kinds/core/v1.js';
import { type Fillable, fillable, type Given, given } from '../builtin/given.js';
import type { StampedObject } from '../cache/resource-cache.js';
import { type IpRange, ipNumber, ipText, parseIpRange } from './ip-range.js';

export const defaultServiceCidr = '127.96.0.0/12';
const nodePorts = { first: 30_000, last: 32_767 };
const headless = 'None';
/** Of a large range the first addresses are left for those who ask for one, so that both rarely meet. */
const reservedForAsking = 256;
const randomTries = 64;

export interface ServiceAllocatorOptions {
  /** Default 127.96.0.0/12. */
  readonly cidr?: string;
  readonly random: Random;
  /** The Services that are stored now. */
  readonly stored: () => Iterable<StampedObject>;
}

/** Holds what a write was given until it is done, whether it succeeded or not. */
export interface Allocation {
  /** What was given and was not had before: `10.0.0.7`, `TCP/30080`. */
  readonly given: readonly string[];
  done(): void;
}

type Spec = Given<ServiceSpec>;
type PortLike = { readonly protocol?: string | undefined; readonly nodePort?: number | undefined };

interface Taken {
  readonly addresses: Set<string>;
  /** `TCP/30080` */
  readonly ports: Set<string>;
}

const nothing: Allocation = { given: [], done: () => {} };

export class ServiceAllocator {
  readonly #range: IpRange;
  readonly #random: Random;
  readonly #stored: () => Iterable<StampedObject>;
  readonly #underWay = new Set<Taken>();

  constructor({ cidr = defaultServiceCidr, random, stored }: ServiceAllocatorOptions) {
    this.#range = parseIpRange(cidr);
    this.#random = random;
    this.#stored = stored;
  }

  /** What the `kubernetes` Service has: the first address of the range. */
  get firstAddress(): string {
    return ipText(this.#range.first);
  }

  /**
   * Fills in what the Service is to be given, in place.
   * @param busy taken, beside what is stored and under way here
   * @throws ApiError Invalid when it asks for what is taken or out of range, or nothing is left
   */
  allocate(
    object: { [key: string]: unknown },
    old: JsonObject | undefined,
    busy: ReadonlySet<string> = new Set(),
  ): Allocation {
    const spec = (fillable<Service>(object).spec ??= {});
    if (spec.type === 'ExternalName') return nothing;
    const before: Spec = (old && given<Service>(old).spec) ?? {};
    const { name = '', uid } = (object.metadata ?? {}) as { readonly name?: string; readonly uid?: string };
    // Reading all Services is worth it only when something is to be given.
    let taken: Taken | undefined;
    const takenNow = (): Taken => {
      if (taken) return taken;
      taken = this.#taken(uid);
      for (const each of busy) (each.includes('/') ? taken.ports : taken.addresses).add(each);
      return taken;
    };
    const mine: Taken = { addresses: new Set(), ports: new Set() };
    const causes = [
      ...this.#addresses(spec, before, takenNow, mine),
      ...this.#nodePorts(spec, before, takenNow, mine),
    ];
    if (causes.length > 0) throw invalid({ group: '', kind: 'Service' }, name, causes);
    if (mine.addresses.size === 0 && mine.ports.size === 0) return nothing;
    this.#underWay.add(mine);
    return { given: [...mine.addresses, ...mine.ports], done: () => this.#underWay.delete(mine) };
  }

  /** Whether no other stored Service has any of what the object was given. */
  isFree(all: readonly string[], object: { [key: string]: unknown }): boolean {
    const { uid } = (object.metadata ?? {}) as { readonly uid?: string };
    const { addresses, ports } = this.#storedBy(uid);
    return !all.some((each) => addresses.has(each) || ports.has(each));
  }

  #taken(exceptUid: string | undefined): Taken {
    const taken = this.#storedBy(exceptUid);
    for (const { addresses, ports } of this.#underWay) {
      for (const address of addresses) taken.addresses.add(address);
      for (const port of ports) taken.ports.add(port);
    }
    return taken;
  }

  #storedBy(exceptUid: string | undefined): Taken {
    const taken: Taken = { addresses: new Set(), ports: new Set() };
    for (const object of this.#stored()) {
      if (object.metadata.uid === exceptUid) continue;
      const { spec = {} } = given<Service>(object);
      for (const address of spec.clusterIPs ?? []) taken.addresses.add(address);
      for (const port of spec.ports ?? []) if (port.nodePort) taken.ports.add(portKey(port));
      if (spec.healthCheckNodePort) taken.ports.add(`TCP/${spec.healthCheckNodePort}`);
    }
    return taken;
  }

  #addresses(spec: Fillable<ServiceSpec>, before: Spec, taken: () => Taken, mine: Taken): StatusCause[] {
    const at = FieldPath.of('spec', 'clusterIPs');
    if (spec.clusterIP === headless) return [];
    if (!spec.clusterIP) {
      const address = this.#freeAddress(taken().addresses);
      if (address === undefined) {
        const message = 'failed to allocate a serviceIP: range is full';
        return [fieldError.invalid(at, goStrings([]), message)];
      }
      spec.clusterIP = address;
      spec.clusterIPs = [address];
      mine.addresses.add(address);
      return [];
    }
    const kept = new Set(before.type === 'ExternalName' ? [] : (before.clusterIPs ?? []));
    for (const address of spec.clusterIPs ?? [spec.clusterIP]) {
      if (kept.has(address)) continue;
      const problem = this.#refusal(address, taken().addresses);
      if (problem) {
        const message = `failed to allocate IP ${address}: ${problem}`;
        return [fieldError.invalid(at, goStrings(spec.clusterIPs ?? []), message)];
      }
      mine.addresses.add(address);
    }
    return [];
  }

  #refusal(address: string, taken: ReadonlySet<string>): string | undefined {
    const number = ipNumber(address);
    // The other family has no range here: such addresses are their owner's affair.
    if (number === undefined) return undefined;
    const { first, last, cidr } = this.#range;
    if (number < first || number > last)
      return `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${cidr}`;
    return taken.has(address) ? 'provided IP is already allocated' : undefined;
  }

  #freeAddress(taken: ReadonlySet<string>): string | undefined {
    const { first, last } = this.#range;
    const size = last - first + 1;
    const from = size > 4 * reservedForAsking ? first + reservedForAsking : first;
    for (let i = 0; i < randomTries; i++) {
      const address = ipText(from + Math.floor(this.#random.next() * (last - from + 1)));
      if (!taken.has(address)) return address;
    }
    for (let number = last; number >= first; number--) {
      const address = ipText(number);
      if (!taken.has(address)) return address;
    }
    return undefined;
  }

  #nodePorts(spec: Fillable<ServiceSpec>, before: Spec, taken: () => Taken, mine: Taken): StatusCause[] {
    const outer =
      spec.type === 'NodePort' ||
      (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
    if (!outer && spec.type !== 'LoadBalancer') return [];
    const kept = new Set((before.ports ?? []).filter((port) => port.nodePort).map(portKey));
    const causes: StatusCause[] = [];
    for (const [i, port] of (spec.ports ?? []).entries()) {
      const at = FieldPath.of('spec', 'ports').index(i).child('nodePort');
      if (!port.nodePort) {
        if (!outer) continue;
        const free = this.#freePort(port.protocol ?? 'TCP', spec, taken().ports, mine.ports);
        if (free === undefined) {
          causes.push(fieldError.invalid(at, 0, 'failed to allocate a nodePort: range is full'));
          continue;
        }
        port.nodePort = free;
        mine.ports.add(portKey(port));
      } else if (!kept.has(portKey(port))) {
        const problem = portRefusal(port.nodePort, portKey(port), taken().ports);
        if (problem) causes.push(fieldError.invalid(at, port.nodePort, problem));
        else mine.ports.add(portKey(port));
      }
    }
    causes.push(...this.#healthPort(spec, before, taken, mine));
    return causes;
  }

  #healthPort(spec: Fillable<ServiceSpec>, before: Spec, taken: () => Taken, mine: Taken): StatusCause[] {
    if (spec.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local') return [];
    const at = FieldPath.of('spec', 'healthCheckNodePort');
    if (!spec.healthCheckNodePort) {
      const free = this.#freePort('TCP', spec, taken().ports, mine.ports);
      if (free === undefined)
        return [fieldError.invalid(at, 0, 'failed to allocate a nodePort: range is full')];
      spec.healthCheckNodePort = free;
    } else if (spec.healthCheckNodePort !== before.healthCheckNodePort) {
      const problem = portRefusal(spec.healthCheckNodePort, `TCP/${spec.healthCheckNodePort}`, taken().ports);
      if (problem) return [fieldError.invalid(at, spec.healthCheckNodePort, problem)];
    }
    mine.ports.add(`TCP/${spec.healthCheckNodePort}`);
    return [];
  }

  /** The same number for TCP and UDP of one Service port is what everybody means. */
  #freePort(
    protocol: string,
    spec: Fillable<ServiceSpec>,
    taken: ReadonlySet<string>,
    mine: ReadonlySet<string>,
  ): number | undefined {
    const isFree = (port: number): boolean =>
      !taken.has(`${protocol}/${port}`) && !mine.has(`${protocol}/${port}`);
    const twin = spec.ports?.find((port) => port.nodePort && port.protocol !== protocol)?.nodePort;
    if (twin && isFree(twin)) return twin;
    const { first, last } = nodePorts;
    for (let i = 0; i < randomTries; i++) {
      const port = first + Math.floor(this.#random.next() * (last - first + 1));
      if (isFree(port)) return port;
    }
    for (let port = last; port >= first; port--) if (isFree(port)) return port;
    return undefined;
  }
}

function portKey({ protocol = 'TCP', nodePort }: PortLike): string {
  return `${protocol}/${nodePort}`;
}

function portRefusal(port: number, key: string, taken: ReadonlySet<string>): string | undefined {
  const { first, last } = nodePorts;
  if (port < first || port > last)
    return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
  return taken.has(key) ? 'provided port is already allocated' : undefined;
}
