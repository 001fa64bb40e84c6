/** Checks that many kinds share, each giving the causes a value is refused for. */
import {
  deepEqualJson,
  dns1123Label,
  dns1123Subdomain,
  type FieldPath,
  fieldError,
  GoSyntax,
  isQuantity,
  labelValue,
  parseQuantity,
  portName,
  qualifiedName,
  type StatusCause,
} from '../../api/index.js';

export type Labels = Readonly<Record<string, string | undefined>> | undefined;
type IntOrString = number | string;

export const immutableMessage = 'field is immutable';
const atLeastZero = 'must be greater than or equal to 0';

/** One cause per reason that the rule finds. */
export function ruled(
  path: FieldPath,
  value: string,
  rule: (value: string) => readonly string[],
): StatusCause[] {
  return rule(value).map((why) => fieldError.invalid(path, value, why));
}

/** Required, and then by the rule. */
export function requiredName(
  path: FieldPath,
  value: string | undefined,
  rule: (value: string) => readonly string[],
): StatusCause[] {
  return value ? ruled(path, value, rule) : [fieldError.required(path)];
}

export function required(path: FieldPath, value: string | undefined): StatusCause[] {
  return value ? [] : [fieldError.required(path)];
}

/** An optional value out of a list. */
export function oneOf(
  path: FieldPath,
  value: string | undefined,
  supported: readonly string[],
): StatusCause[] {
  return value === undefined || supported.includes(value)
    ? []
    : [fieldError.notSupported(path, value, supported)];
}

/** A value that must be there, out of a list. */
export function requiredOneOf(
  path: FieldPath,
  value: string | undefined,
  supported: readonly string[],
): StatusCause[] {
  return value ? oneOf(path, value, supported) : [fieldError.required(path)];
}

export function nonNegative(path: FieldPath, value: number | undefined): StatusCause[] {
  return value !== undefined && value < 0 ? [fieldError.invalid(path, value, atLeastZero)] : [];
}

export function positive(path: FieldPath, value: number | undefined): StatusCause[] {
  return value !== undefined && value <= 0 ? [fieldError.invalid(path, value, 'must be greater than 0')] : [];
}

/** @param shown how the message writes the value; default the value itself */
export function immutable(
  path: FieldPath,
  value: unknown,
  old: unknown,
  shown: unknown = value,
): StatusCause[] {
  return deepEqualJson(value, old) ? [] : [fieldError.invalid(path, shown, immutableMessage)];
}

export function portNumber(path: FieldPath, port: number): StatusCause[] {
  return Number.isInteger(port) && port >= 1 && port <= 65535
    ? []
    : [fieldError.invalid(path, port, 'must be between 1 and 65535, inclusive')];
}

export function portNumberOrName(path: FieldPath, port: IntOrString): StatusCause[] {
  return typeof port === 'number' ? portNumber(path, port) : ruled(path, port, portName);
}

export const protocols = ['SCTP', 'TCP', 'UDP'] as const;

export function labels(path: FieldPath, map: Labels): StatusCause[] {
  return Object.entries(map ?? {}).flatMap(([key, value = '']) => [
    ...ruled(path, key, qualifiedName),
    ...ruled(path, value, labelValue),
  ]);
}

/** How Go writes an int-or-string value. */
export function goIntOrString(value: IntOrString): GoSyntax {
  const [type, int, text] = typeof value === 'number' ? [0, value, ''] : [1, 0, value];
  return new GoSyntax(`intstr.IntOrString{Type:${type}, IntVal:${int}, StrVal:${JSON.stringify(text)}}`);
}

/** A count, or a percentage such as `25%`. */
export function intOrPercent(path: FieldPath, value: IntOrString | undefined): StatusCause[] {
  if (value === undefined) return [];
  if (typeof value === 'number') return nonNegative(path, value);
  if (/^[0-9]+%$/.test(value)) return [];
  return [
    fieldError.invalid(
      path,
      goIntOrString(value),
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ),
  ];
}

/** The number in a count or percentage. */
export function amountOf(value: IntOrString | undefined): number {
  if (typeof value === 'number') return value;
  return value === undefined ? 0 : Number.parseInt(value, 10) || 0;
}

export function notMoreThan100Percent(path: FieldPath, value: IntOrString | undefined): StatusCause[] {
  if (typeof value !== 'string' || !/^[0-9]+%$/.test(value) || amountOf(value) <= 100) return [];
  return [fieldError.invalid(path, goIntOrString(value), 'must not be greater than 100%')];
}

/** Quantities are strings, but YAML lets numbers through. */
export function quantity(path: FieldPath, value: string | number | undefined): StatusCause[] {
  const text = String(value);
  if (!isQuantity(text)) {
    return [
      fieldError.invalid(
        path,
        text,
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      ),
    ];
  }
  return parseQuantity(text) < 0n ? [fieldError.invalid(path, text, atLeastZero)] : [];
}

const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

export function isIpv4(text: string): boolean {
  return ipv4.test(text);
}

export function isIpv6(text: string): boolean {
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !text.includes(':')) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const half of halves) {
    const parts = half === '' ? [] : half.split(':');
    for (const [i, part] of parts.entries()) {
      if (i === parts.length - 1 && part.includes('.')) {
        if (!isIpv4(part)) return false;
        groups += 2;
      } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups++;
      else return false;
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}

export function ipAddress(path: FieldPath, text: string): StatusCause[] {
  return isIpv4(text) || isIpv6(text)
    ? []
    : [fieldError.invalid(path, text, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
}

export function cidr(path: FieldPath, text: string): StatusCause[] {
  const [address = '', bits = ''] = text.split('/');
  const most = isIpv4(address) ? 32 : isIpv6(address) ? 128 : -1;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most
    ? []
    : [fieldError.invalid(path, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
}

/** A path that stays below where it starts. */
export function localPath(path: FieldPath, text: string): StatusCause[] {
  const causes: StatusCause[] = [];
  if (text.startsWith('/')) causes.push(fieldError.invalid(path, text, 'must be a relative path'));
  if (text.split('/').includes('..')) causes.push(fieldError.invalid(path, text, "must not contain '..'"));
  return causes;
}

export const subdomain = (path: FieldPath, value: string): StatusCause[] =>
  ruled(path, value, dns1123Subdomain);
export const label = (path: FieldPath, value: string): StatusCause[] => ruled(path, value, dns1123Label);
