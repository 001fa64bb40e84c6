/** URLs, IP addresses and CIDR ranges (libraries of Kubernetes). */
import { isIP } from 'node:net';
import { func, method, type Overload, traversal } from '../functions.js';
import { BuiltMap, CelError, ListValue, OpaqueValue, type Value } from '../values.js';

class UrlValue extends OpaqueValue {
  override readonly typeName = 'kubernetes.URL';

  constructor(
    readonly url: URL,
    /** As given: a URL normalizes what a rule may ask about. */
    readonly text: string,
  ) {
    super();
  }

  override equals(other: OpaqueValue): boolean {
    return other instanceof UrlValue && other.url.href === this.url.href;
  }
}

const standIn = 'http://relative.invalid';

/** An absolute URI, or an absolute path. */
function parseUrl(text: string): UrlValue | CelError {
  const wrong = new CelError(
    `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
  );
  if (/[\s\p{Cc}]/u.test(text) || /%(?![0-9A-Fa-f]{2})/.test(text)) return wrong;
  if (!text.startsWith('/') && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)) return wrong;
  const url = URL.canParse(text) ? new URL(text) : text.startsWith('/') ? new URL(standIn + text) : undefined;
  return url ? new UrlValue(url, text) : wrong;
}

/** The part of the text that names a host, port included. */
function hostOf({ text }: UrlValue): string {
  const authority = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/.exec(text)?.[1] ?? '';
  return authority.slice(authority.lastIndexOf('@') + 1);
}

function hostname(url: UrlValue): string {
  const host = hostOf(url);
  return host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d*$/, '');
}

function queryOf({ url }: UrlValue): BuiltMap {
  const map = new BuiltMap();
  for (const key of new Set(url.searchParams.keys()))
    map.add(key, new ListValue(url.searchParams.getAll(key)));
  return map;
}

function escapedPath({ text }: UrlValue): string {
  const rest = text.replace(/^[A-Za-z][A-Za-z0-9+.-]*:(?:\/\/[^/?#]*)?/, '');
  return rest.replace(/[?#].*$/s, '');
}

class IpValue extends OpaqueValue {
  override readonly typeName = 'net.IP';

  constructor(
    readonly family: 4 | 6,
    readonly bits: bigint,
  ) {
    super();
  }

  override equals(other: OpaqueValue): boolean {
    return other instanceof IpValue && other.family === this.family && other.bits === this.bits;
  }

  get width(): number {
    return this.family === 4 ? 32 : 128;
  }

  in(base: bigint, prefix: number): boolean {
    const shift = BigInt(this.width - prefix);
    return this.bits >> shift === base >> shift;
  }

  override toString(): string {
    return this.family === 4 ? v4Text(this.bits) : v6Text(this.bits);
  }
}

function v4Text(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.');
}

/** The longest run of zeros is left out (RFC 5952). */
function v6Text(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  let [from, length] = [0, 0];
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (groups[i + run] === '0') run++;
    if (run > length) [from, length] = [i, run];
  }
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, from).join(':')}::${groups.slice(from + length).join(':')}`;
}

function v4Bits(text: string): bigint {
  return text.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function v6Bits(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [left, right] = [groups(head), tail === undefined ? [] : groups(tail)];
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return all.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

function ipOf(text: string): IpValue | undefined {
  const family = isIP(text);
  if (family === 4) return new IpValue(4, v4Bits(text));
  // Neither zones nor IPv4 addresses in IPv6 clothes.
  if (family !== 6 || text.includes('%') || text.includes('.')) return undefined;
  return new IpValue(6, v6Bits(text));
}

function parseIp(text: string): IpValue | CelError {
  return (
    ipOf(text) ??
    new CelError(
      `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`,
    )
  );
}

class CidrValue extends OpaqueValue {
  override readonly typeName = 'net.CIDR';

  constructor(
    readonly address: IpValue,
    readonly prefix: number,
  ) {
    super();
  }

  override equals(other: OpaqueValue): boolean {
    return other instanceof CidrValue && other.prefix === this.prefix && other.address.equals(this.address);
  }

  contains({ family, width, bits }: IpValue): boolean {
    const { address } = this;
    return (
      family === address.family && new IpValue(family, bits).in(address.bits, Math.min(width, this.prefix))
    );
  }

  masked(): CidrValue {
    const shift = BigInt(this.address.width - this.prefix);
    return new CidrValue(
      new IpValue(this.address.family, (this.address.bits >> shift) << shift),
      this.prefix,
    );
  }
}

function cidrOf(text: string): CidrValue | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = match ? ipOf(match[1] ?? '') : undefined;
  const prefix = Number(match?.[2]);
  return address && prefix <= address.width ? new CidrValue(address, prefix) : undefined;
}

function parseCidr(text: string): CidrValue | CelError {
  return (
    cidrOf(text) ??
    new CelError(
      `network address parse error during conversion from string: ParsePrefix(${JSON.stringify(text)}): no '/'`,
    )
  );
}

function inCidr(cidr: CidrValue, other: Value): Value {
  const given = typeof other === 'string' ? parseIp(other) : other;
  return given instanceof CelError ? given : cidr.contains(given as IpValue);
}

function withinCidr(cidr: CidrValue, other: Value): Value {
  const given = typeof other === 'string' ? parseCidr(other) : other;
  if (given instanceof CelError) return given;
  const inner = given as CidrValue;
  return inner.prefix >= cidr.prefix && cidr.contains(inner.address);
}

const range = (from: bigint, prefix: number, family: 4 | 6) => (ip: IpValue) =>
  ip.family === family && ip.in(from, prefix);
const loopback4 = range(v4Bits('127.0.0.0'), 8, 4);
const linkLocal4 = range(v4Bits('169.254.0.0'), 16, 4);
const linkLocal6 = range(v6Bits('fe80::'), 10, 6);
const multicast4 = range(v4Bits('224.0.0.0'), 4, 4);
const multicast6 = range(v6Bits('ff00::'), 8, 6);
const linkLocalMulticast4 = range(v4Bits('224.0.0.0'), 24, 4);

const isLoopback = (ip: IpValue): boolean => loopback4(ip) || (ip.family === 6 && ip.bits === 1n);
const isLinkLocalUnicast = (ip: IpValue): boolean => linkLocal4(ip) || linkLocal6(ip);
const isLinkLocalMulticast = (ip: IpValue): boolean =>
  linkLocalMulticast4(ip) || (ip.family === 6 && ((ip.bits >> 112n) & 0xff0fn) === 0xff02n);
const isUnspecified = (ip: IpValue): boolean => ip.bits === 0n;

function isGlobalUnicast(ip: IpValue): boolean {
  const broadcast = ip.family === 4 && ip.bits === 0xffffffffn;
  return !(
    isUnspecified(ip) ||
    isLoopback(ip) ||
    multicast4(ip) ||
    multicast6(ip) ||
    isLinkLocalUnicast(ip) ||
    broadcast
  );
}

const once = { cost: traversal };

export const networkFunctions: readonly Overload[] = [
  func('url(string): kubernetes.URL', parseUrl, once),
  func('isURL(string): bool', (text: string) => parseUrl(text) instanceof UrlValue, once),
  method('kubernetes.URL.getScheme(): string', ({ text }: UrlValue) =>
    text.startsWith('/') ? '' : (/^[^:]*/.exec(text)?.[0] ?? '').toLowerCase(),
  ),
  method('kubernetes.URL.getHost(): string', hostOf),
  method('kubernetes.URL.getHostname(): string', hostname),
  method(
    'kubernetes.URL.getPort(): string',
    (url: UrlValue) => /:(\d*)$/.exec(hostOf(url).replace(/^\[.*\]/, ''))?.[1] ?? '',
  ),
  method('kubernetes.URL.getEscapedPath(): string', escapedPath),
  method('kubernetes.URL.getQuery(): map<string,list<string>>', queryOf),
  func('ip(string): net.IP', parseIp, once),
  func('isIP(string): bool', (text: string) => ipOf(text) !== undefined, once),
  func(
    'ip.isCanonical(string): bool',
    (text: string) => {
      const ip = parseIp(text);
      return ip instanceof CelError ? ip : String(ip) === text;
    },
    once,
  ),
  func('string(net.IP): string', (ip: IpValue) => String(ip), { size: () => 40 }),
  method('net.IP.family(): int', (ip: IpValue) => BigInt(ip.family)),
  method('net.IP.isUnspecified(): bool', isUnspecified),
  method('net.IP.isLoopback(): bool', isLoopback),
  method('net.IP.isLinkLocalMulticast(): bool', isLinkLocalMulticast),
  method('net.IP.isLinkLocalUnicast(): bool', isLinkLocalUnicast),
  method('net.IP.isGlobalUnicast(): bool', isGlobalUnicast),
  func('cidr(string): net.CIDR', parseCidr, once),
  func('isCIDR(string): bool', (text: string) => cidrOf(text) !== undefined, once),
  func('string(net.CIDR): string', ({ address, prefix }: CidrValue) => `${address}/${prefix}`, {
    size: () => 45,
  }),
  method('net.CIDR.containsIP(net.IP): bool', inCidr),
  method('net.CIDR.containsIP(string): bool', inCidr),
  method('net.CIDR.containsCIDR(net.CIDR): bool', withinCidr),
  method('net.CIDR.containsCIDR(string): bool', withinCidr),
  method('net.CIDR.ip(): net.IP', ({ address }: CidrValue) => address),
  method('net.CIDR.masked(): net.CIDR', (cidr: CidrValue) => cidr.masked()),
  method('net.CIDR.prefixLength(): int', ({ prefix }: CidrValue) => BigInt(prefix)),
];
