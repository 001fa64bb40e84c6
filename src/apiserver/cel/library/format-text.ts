/** `'%s has %d'.format([name, count])`: a small printf. */
import {
  CelError,
  Duration,
  ListValue,
  MapValue,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
  typeNameOf,
} from '../values.js';
import { durationText, timestampText } from './time.js';

const maxResult = 16 * 1024 * 1024;
const maxPrecision = 100;

export function format(template: string, args: ListValue): string | CelError {
  let used = 0;
  let result = '';
  let last = 0;
  for (const match of template.matchAll(/%(?:%|(?:\.(\d{1,3}))?([a-zA-Z])?)/g)) {
    result += template.slice(last, match.index);
    last = match.index + match[0].length;
    if (match[0] === '%%') {
      result += '%';
      continue;
    }
    const clause = match[2];
    if (clause === undefined)
      return new CelError('could not parse formatting clause: unexpected end of string');
    if (used >= args.size) return new CelError(`index ${used} out of range`);
    const value = args.at(used++);
    if (value instanceof CelError) return value;
    const text = formatted(
      clause,
      value,
      match[1] === undefined ? 6 : Math.min(maxPrecision, Number(match[1])),
    );
    if (text instanceof CelError) return text;
    result += text;
    if (result.length > maxResult) return new CelError('string exceeds the size limit');
  }
  return result + template.slice(last);
}

function formatted(clause: string, value: Value, precision: number): string | CelError {
  switch (clause) {
    case 's':
      return shown(value);
    case 'd':
      if (typeof value === 'bigint') return String(value);
      if (value instanceof Uint) return String(value.value);
      return misfit('decimal clause can only be used on integers', value);
    case 'f':
    case 'e': {
      const number = typeof value === 'number' ? value : numberOf(value);
      if (number === undefined) {
        return misfit(
          clause === 'f'
            ? 'fixed-point clause can only be used on doubles'
            : 'scientific clause can only be used on doubles',
          value,
        );
      }
      return clause === 'f' ? number.toFixed(precision) : exponential(number, precision);
    }
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0';
      return radix(value, 2) ?? misfit('only integers and bools can be formatted as binary', value);
    case 'o':
      return radix(value, 8) ?? misfit('octal clause can only be used on integers', value);
    case 'x':
    case 'X': {
      const hex = radix(value, 16) ?? hexOf(value);
      if (hex === undefined)
        return misfit('only integers, byte buffers, and strings can be formatted as hex', value);
      return clause === 'X' ? hex.toUpperCase() : hex;
    }
    default:
      return new CelError(
        `could not parse formatting clause: unrecognized formatting clause ${JSON.stringify(clause)}`,
      );
  }
}

function misfit(what: string, value: Value): CelError {
  return new CelError(`error during formatting: ${what}, was given ${typeNameOf(value)}`);
}

function numberOf(value: Value): number | undefined {
  if (typeof value === 'bigint') return Number(value);
  return value instanceof Uint ? Number(value.value) : undefined;
}

function exponential(value: number, precision: number): string {
  const [digits = '', power = '0'] = value.toExponential(precision).split('e');
  return `${digits}e${power.startsWith('-') ? '-' : '+'}${power.replace(/[-+]/, '').padStart(2, '0')}`;
}

function radix(value: Value, base: number): string | undefined {
  if (typeof value === 'bigint') return value.toString(base);
  return value instanceof Uint ? value.value.toString(base) : undefined;
}

function hexOf(value: Value): string | undefined {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return bytes instanceof Uint8Array
    ? [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    : undefined;
}

/** `%s`, and what is inside of lists and maps. */
function shown(value: Value, depth = 0): string | CelError {
  if (depth > 50) return new CelError('error during formatting: nested too deeply');
  if (typeof value === 'string') return value;
  if (typeof value === 'number')
    return Number.isFinite(value)
      ? String(value)
      : value > 0
        ? 'Infinity'
        : Number.isNaN(value)
          ? 'NaN'
          : '-Infinity';
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value === null) return 'null';
  if (value instanceof Uint) return String(value.value);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value);
  if (value instanceof ListValue) {
    const items = [...value].map((item) => shown(item, depth + 1));
    return items.find((item) => item instanceof CelError) ?? `[${items.join(', ')}]`;
  }
  if (value instanceof MapValue) {
    const members = value
      .keys()
      .map((key) => [shown(key, depth + 1), shown(value.get(key) ?? null, depth + 1)]);
    const failed = members.flat().find((part) => part instanceof CelError);
    if (failed instanceof CelError) return failed;
    return `{${members
      .map((pair) => pair.join(': '))
      .sort()
      .join(', ')}}`;
  }
  return misfit(
    'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
    value,
  );
}
