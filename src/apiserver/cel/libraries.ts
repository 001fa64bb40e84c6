/**
 * The functions Kubernetes adds to CEL (https://kubernetes.io/docs/reference/using-api/cel/): lists, regular expressions,
 * URLs, IP addresses and CIDRs, quantities, sets, and the extended strings.
 */
import { Buffer } from 'node:buffer';
import { isIPv4, isIPv6 } from 'node:net';
import type { Environment } from '@marcbachmann/cel-js';
import { compareQuantity, compilePattern, isQuantity, parseQuantity } from '../../api/index.js';

/** An error of an expression, in the words of Kubernetes. */
export class CelFailure extends Error {
  override readonly name = 'CelFailure';
}

/** A pattern is tried on no more than this: JavaScript's expressions can take very long. */
const maxMatched = 64 * 1024;

class Quantity {
  constructor(readonly text: string) {}
}
class Url {
  constructor(readonly url: URL) {}
}
class Ip {
  constructor(
    readonly text: string,
    readonly bits: bigint,
    readonly family: 4 | 6,
  ) {}
}
class Cidr {
  constructor(
    readonly ip: Ip,
    readonly length: number,
  ) {}
}

export function registerLibraries(env: Environment): void {
  registerLists(env);
  registerStrings(env);
  registerRegex(env);
  registerUrls(env);
  registerAddresses(env);
  registerQuantities(env);
  registerSets(env);
}

type Comparable = bigint | number | string;

function registerLists(env: Environment): void {
  const nonEmpty = (list: Comparable[], what: string): Comparable[] => {
    if (list.length === 0) throw new CelFailure(`${what} called on empty list`);
    return list;
  };
  env.registerFunction('list<dyn>.isSorted(): bool', (list: Comparable[]) =>
    list.every((item, i) => i === 0 || (list[i - 1] as Comparable) <= item),
  );
  env.registerFunction('list<dyn>.sum(): dyn', (list: bigint[]) =>
    list.length === 0 ? 0n : list.reduce((a, b) => a + b),
  );
  env.registerFunction('list<dyn>.min(): dyn', (list: Comparable[]) =>
    nonEmpty(list, 'min').reduce((a, b) => (b < a ? b : a)),
  );
  env.registerFunction('list<dyn>.max(): dyn', (list: Comparable[]) =>
    nonEmpty(list, 'max').reduce((a, b) => (b > a ? b : a)),
  );
  env.registerFunction('list<dyn>.indexOf(dyn): int', (list: unknown[], item: unknown) =>
    BigInt(list.indexOf(item)),
  );
  env.registerFunction('list<dyn>.lastIndexOf(dyn): int', (list: unknown[], item: unknown) =>
    BigInt(list.lastIndexOf(item)),
  );
}

function registerStrings(env: Environment): void {
  env.registerFunction('string.charAt(int): string', (text: string, at: bigint) => {
    const points = [...text];
    if (at < 0n || at > BigInt(points.length)) throw new CelFailure(`index out of range: ${at}`);
    return points[Number(at)] ?? '';
  });
  env.registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
    text.replaceAll(from, () => to),
  );
  env.registerFunction(
    'string.replace(string, string, int): string',
    (text: string, from: string, to: string, times: bigint) => {
      let left = times < 0n ? Number.POSITIVE_INFINITY : Number(times);
      return text.replaceAll(from, (found) => (left-- > 0 ? to : found));
    },
  );
  env.registerFunction('string.reverse(): string', (text: string) => [...text].reverse().join(''));
  env.registerFunction('string.format(list<dyn>): string', formatted);
}

function formatted(pattern: string, values: unknown[]): string {
  let next = 0;
  return pattern.replace(
    /%(?:%|(?:\.(\d+))?([sdfebxXo]))/g,
    (found, digits: string | undefined, verb?: string) => {
      if (found === '%%') return '%';
      if (next >= values.length) throw new CelFailure(`index ${next} out of range`);
      const value = values[next++];
      switch (verb) {
        case 'd':
          return String(value);
        case 'f':
          return Number(value).toFixed(digits === undefined ? 6 : Number(digits));
        case 'e':
          return Number(value).toExponential(digits === undefined ? 6 : Number(digits));
        case 'b':
          return typeof value === 'boolean' ? String(Number(value)) : (value as bigint).toString(2);
        case 'o':
          return (value as bigint).toString(8);
        case 'x':
        case 'X': {
          const hex =
            typeof value === 'string' ? Buffer.from(value).toString('hex') : (value as bigint).toString(16);
          return verb === 'X' ? hex.toUpperCase() : hex;
        }
        default:
          return shown(value);
      }
    },
  );
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (value instanceof Map) return `{${[...value].map(([k, v]) => `${shown(k)}: ${shown(v)}`).join(', ')}}`;
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  return String(value);
}

function regex(pattern: string, text: string): RegExp {
  if (text.length > maxMatched)
    throw new CelFailure(`a text of more than ${maxMatched} characters is not matched`);
  const compiled = compilePattern(pattern);
  if (!compiled) throw new CelFailure(`error parsing regexp: ${JSON.stringify(pattern)}`);
  return new RegExp(compiled.source, `${compiled.flags}g`);
}

function registerRegex(env: Environment): void {
  env.registerFunction(
    'string.find(string): string',
    (text: string, pattern: string) => regex(pattern, text).exec(text)?.[0] ?? '',
  );
  env.registerFunction(
    'string.findAll(string): list<string>',
    (text: string, pattern: string) => text.match(regex(pattern, text)) ?? [],
  );
  env.registerFunction(
    'string.findAll(string, int): list<string>',
    (text: string, pattern: string, most: bigint) =>
      (text.match(regex(pattern, text)) ?? []).slice(0, most < 0n ? undefined : Number(most)),
  );
}

function parseUrl(text: string): URL | undefined {
  try {
    return text.startsWith('/') ? new URL(text, 'none://none') : new URL(text);
  } catch {
    return undefined;
  }
}

function registerUrls(env: Environment): void {
  env.registerType('kubernetes.URL', { ctor: Url, fields: {} });
  env.registerFunction('url(string): kubernetes.URL', (text: string) => {
    const url = parseUrl(text);
    if (!url) throw new CelFailure(`URL parse error during conversion from string: ${text}`);
    return new Url(url);
  });
  env.registerFunction('isURL(string): bool', (text: string) => parseUrl(text) !== undefined);
  const none = (url: URL): boolean => url.protocol === 'none:';
  const parts: Readonly<Record<string, (url: URL) => string>> = {
    getScheme: (url) => (none(url) ? '' : url.protocol.slice(0, -1)),
    getHost: (url) => (none(url) ? '' : url.host),
    getHostname: (url) => (none(url) ? '' : url.hostname.replace(/^\[|\]$/g, '')),
    getPort: (url) => (none(url) ? '' : url.port),
    getEscapedPath: (url) => url.pathname,
  };
  for (const [name, part] of Object.entries(parts))
    env.registerFunction(`kubernetes.URL.${name}(): string`, ({ url }: Url) => part(url));
  env.registerFunction('kubernetes.URL.getQuery(): map<string, list<string>>', ({ url }: Url) => {
    const query = new Map<string, string[]>();
    for (const [key, value] of url.searchParams) query.set(key, [...(query.get(key) ?? []), value]);
    return query;
  });
}

function parseIp(text: string): Ip | undefined {
  if (isIPv4(text)) {
    const bits = text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
    return new Ip(text, bits, 4);
  }
  if (!isIPv6(text) || text.includes('%') || text.includes('.')) return undefined;
  const [head = '', tail] = text.split('::');
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
  const bits = all.reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n);
  return new Ip(text, bits, 6);
}

function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const ip = parseIp(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (slash < 0 || !ip || !/^\d{1,3}$/.test(length) || Number(length) > bitsOf(ip)) return undefined;
  return new Cidr(ip, Number(length));
}

const bitsOf = ({ family }: Ip): number => (family === 4 ? 32 : 128);

function holds({ ip, length }: Cidr, other: Ip): boolean {
  const shift = BigInt(bitsOf(ip) - length);
  return ip.family === other.family && ip.bits >> shift === other.bits >> shift;
}

function within(ip: Ip, ...ranges: readonly string[]): boolean {
  return ranges.some((range) => holds(parseCidr(range) as Cidr, ip));
}

function registerAddresses(env: Environment): void {
  env.registerType('net.IP', { ctor: Ip, fields: {} });
  env.registerType('net.CIDR', { ctor: Cidr, fields: {} });
  const ip = (text: string): Ip => {
    const parsed = parseIp(text);
    if (!parsed)
      throw new CelFailure(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
    return parsed;
  };
  const cidr = (text: string): Cidr => {
    const parsed = parseCidr(text);
    if (!parsed) throw new CelFailure(`network address parse error during conversion from string: ${text}`);
    return parsed;
  };
  env.registerFunction('ip(string): net.IP', ip);
  env.registerFunction('isIP(string): bool', (text: string) => parseIp(text) !== undefined);
  env.registerFunction('net.IP.family(): int', (given: Ip) => BigInt(given.family));
  env.registerFunction('net.IP.isUnspecified(): bool', (given: Ip) => given.bits === 0n);
  env.registerFunction('net.IP.isLoopback(): bool', (given: Ip) => within(given, '127.0.0.0/8', '::1/128'));
  env.registerFunction('net.IP.isLinkLocalUnicast(): bool', (given: Ip) =>
    within(given, '169.254.0.0/16', 'fe80::/10'),
  );
  env.registerFunction('net.IP.isLinkLocalMulticast(): bool', (given: Ip) =>
    within(given, '224.0.0.0/24', 'ff02::/16'),
  );
  env.registerFunction(
    'net.IP.isGlobalUnicast(): bool',
    (given: Ip) =>
      given.bits !== 0n &&
      given.text !== '255.255.255.255' &&
      !within(given, '127.0.0.0/8', '::1/128', '224.0.0.0/4', 'ff00::/8', '169.254.0.0/16', 'fe80::/10'),
  );
  env.registerFunction('string(net.IP): string', (given: Ip) => given.text);
  env.registerFunction('cidr(string): net.CIDR', cidr);
  env.registerFunction('isCIDR(string): bool', (text: string) => parseCidr(text) !== undefined);
  env.registerFunction('net.CIDR.containsIP(net.IP): bool', holds);
  env.registerFunction('net.CIDR.containsIP(string): bool', (range: Cidr, text: string) =>
    holds(range, ip(text)),
  );
  const containsRange = (range: Cidr, other: Cidr): boolean =>
    holds(range, other.ip) && other.length >= range.length;
  env.registerFunction('net.CIDR.containsCIDR(net.CIDR): bool', containsRange);
  env.registerFunction('net.CIDR.containsCIDR(string): bool', (range: Cidr, text: string) =>
    containsRange(range, cidr(text)),
  );
  env.registerFunction('net.CIDR.ip(): net.IP', (range: Cidr) => range.ip);
  env.registerFunction('net.CIDR.prefixLength(): int', (range: Cidr) => BigInt(range.length));
  env.registerFunction('string(net.CIDR): string', ({ ip: { text }, length }: Cidr) => `${text}/${length}`);
}

function registerQuantities(env: Environment): void {
  env.registerType('kubernetes.Quantity', { ctor: Quantity, fields: {} });
  env.registerFunction('quantity(string): kubernetes.Quantity', (text: string) => {
    if (!isQuantity(text))
      throw new CelFailure(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      );
    return new Quantity(text);
  });
  env.registerFunction('isQuantity(string): bool', isQuantity);
  const compare = (a: Quantity, b: Quantity) => compareQuantity(a.text, b.text);
  env.registerFunction('kubernetes.Quantity.sign(): int', (a: Quantity) =>
    BigInt(compareQuantity(a.text, '0')),
  );
  env.registerFunction(
    'kubernetes.Quantity.isInteger(): bool',
    (a: Quantity) => parseQuantity(a.text) % nano === 0n,
  );
  env.registerFunction('kubernetes.Quantity.asInteger(): int', (a: Quantity) => {
    if (parseQuantity(a.text) % nano !== 0n) throw new CelFailure('cannot convert value to integer');
    return parseQuantity(a.text) / nano;
  });
  env.registerFunction(
    'kubernetes.Quantity.asApproximateFloat(): double',
    (a: Quantity) => Number(parseQuantity(a.text)) / 1e9,
  );
  env.registerFunction(
    'kubernetes.Quantity.compareTo(kubernetes.Quantity): int',
    (a: Quantity, b: Quantity) => BigInt(compare(a, b)),
  );
  env.registerFunction(
    'kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool',
    (a: Quantity, b: Quantity) => compare(a, b) < 0,
  );
  env.registerFunction(
    'kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool',
    (a: Quantity, b: Quantity) => compare(a, b) > 0,
  );
  const nanos = (sum: bigint): Quantity => new Quantity(`${sum}n`);
  env.registerFunction(
    'kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity',
    (a: Quantity, b: Quantity) => nanos(parseQuantity(a.text) + parseQuantity(b.text)),
  );
  env.registerFunction(
    'kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity',
    (a: Quantity, b: Quantity) => nanos(parseQuantity(a.text) - parseQuantity(b.text)),
  );
  env.registerFunction('kubernetes.Quantity.add(int): kubernetes.Quantity', (a: Quantity, b: bigint) =>
    nanos(parseQuantity(a.text) + b * nano),
  );
  env.registerFunction('kubernetes.Quantity.sub(int): kubernetes.Quantity', (a: Quantity, b: bigint) =>
    nanos(parseQuantity(a.text) - b * nano),
  );
}

const nano = 1_000_000_000n;

function registerSets(env: Environment): void {
  class Sets {}
  env.registerType('kubernetes.Sets', { ctor: Sets, fields: {} });
  env.registerConstant('sets', 'kubernetes.Sets', new Sets());
  const key = (value: unknown): string => `${typeof value}:${shown(value)}`;
  const keys = (list: unknown[]): Set<string> => new Set(list.map(key));
  const contains = (list: unknown[], sub: unknown[]): boolean => {
    const all = keys(list);
    return sub.every((item) => all.has(key(item)));
  };
  env.registerFunction(
    'kubernetes.Sets.contains(list<dyn>, list<dyn>): bool',
    (_: Sets, list: unknown[], sub: unknown[]) => contains(list, sub),
  );
  env.registerFunction(
    'kubernetes.Sets.equivalent(list<dyn>, list<dyn>): bool',
    (_: Sets, a: unknown[], b: unknown[]) => contains(a, b) && contains(b, a),
  );
  env.registerFunction(
    'kubernetes.Sets.intersects(list<dyn>, list<dyn>): bool',
    (_: Sets, a: unknown[], b: unknown[]) => {
      const all = keys(a);
      return b.some((item) => all.has(key(item)));
    },
  );
}
