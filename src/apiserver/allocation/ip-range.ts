/** A range of IPv4 addresses. Pure. */

export interface IpRange {
  readonly cidr: string;
  /** The first and the last address that may be given: not the network's own, not the broadcast address. */
  readonly first: number;
  readonly last: number;
}

/** @throws TypeError for what is no IPv4 CIDR with room for two addresses */
export function parseIpRange(cidr: string): IpRange {
  const [, address = '', bits = ''] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr) ?? [];
  const number = ipNumber(address);
  const prefix = Number(bits);
  if (number === undefined || prefix < 8 || prefix > 30)
    throw new TypeError(`not a range of addresses: ${cidr}`);
  const size = 2 ** (32 - prefix);
  const network = number - (number % size);
  return { cidr, first: network + 1, last: network + size - 2 };
}

/** Undefined for what is no IPv4 address. */
export function ipNumber(address: string): number | undefined {
  const parts = address.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : Number.NaN));
  if (parts.length !== 4 || parts.some((part) => Number.isNaN(part) || part > 255)) return undefined;
  return parts.reduce((number, part) => number * 256 + part, 0);
}

export function ipText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
