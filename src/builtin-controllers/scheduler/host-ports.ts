/** The ports that pods take on their node itself. `0.0.0.0` is every address of it (SC-6). */
import type { Pod } from 'gyre/kinds';

export interface HostPort {
  readonly ip: string;
  /** Protocol and number, `TCP/80`. */
  readonly port: string;
}

const anyAddress = '0.0.0.0';

export function hostPortsOf(spec: Pod['spec']): readonly HostPort[] {
  const ports: HostPort[] = [];
  for (const { ports: declared = [] } of spec.containers) {
    for (const { hostPort, hostIP, protocol } of declared) {
      if (hostPort) ports.push({ ip: hostIP || anyAddress, port: `${protocol ?? 'TCP'}/${hostPort}` });
    }
  }
  return ports;
}

export function conflicts(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && (a.ip === b.ip || a.ip === anyAddress || b.ip === anyAddress);
}

/** The host ports in use on one node. */
export class UsedPorts {
  /** Addresses by port, with how many pods hold each: two may while one is on its way out. */
  readonly #addresses = new Map<string, Map<string, number>>();

  add({ ip, port }: HostPort): void {
    let addresses = this.#addresses.get(port);
    if (!addresses) {
      addresses = new Map();
      this.#addresses.set(port, addresses);
    }
    addresses.set(ip, (addresses.get(ip) ?? 0) + 1);
  }

  remove({ ip, port }: HostPort): void {
    const addresses = this.#addresses.get(port);
    const left = (addresses?.get(ip) ?? 0) - 1;
    if (left > 0) addresses?.set(ip, left);
    else addresses?.delete(ip);
    if (addresses?.size === 0) this.#addresses.delete(port);
  }

  taken({ ip, port }: HostPort): boolean {
    const addresses = this.#addresses.get(port);
    if (!addresses) return false;
    return ip === anyAddress || addresses.has(ip) || addresses.has(anyAddress);
  }

  get size(): number {
    return this.#addresses.size;
  }
}
