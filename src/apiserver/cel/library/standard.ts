/** What the language itself brings: sizes, conversions, texts, times. */
import { PatternError, type StepMeter } from '../../../api/index.js';
import { crossing, func, matching, method, type Overload, traversal } from '../functions.js';
import { toDuration, toInt, toTimestamp, toUint } from '../operators.js';
import { regexp } from '../regexp.js';
import {
  CelError,
  type Duration,
  type ListValue,
  type MapValue,
  type Timestamp,
  TypeValue,
  typeNameOf,
  type Uint,
  type Value,
} from '../values.js';
import {
  type CalendarTime,
  durationText,
  parseDuration,
  parseTimestamp,
  timestampText,
  zoned,
} from './time.js';

const size = (value: string | Uint8Array | ListValue | MapValue): bigint => {
  if (typeof value === 'string') return BigInt([...value].length);
  return BigInt(value instanceof Uint8Array ? value.length : value.size);
};
const sized = ['string', 'bytes', 'list<A>', 'map<A,B>'];
const longest = { size: (length = 0) => length };
const printed = { size: () => 40 };

function intOf(value: number): Value {
  if (!Number.isFinite(value) || value >= 2 ** 63 || value <= -(2 ** 63))
    return new CelError('integer overflow');
  return BigInt(Math.trunc(value));
}

function parseInteger(text: string, type: string): bigint | CelError {
  return /^[-+]?\d{1,20}$/.test(text)
    ? BigInt(text.replace('+', ''))
    : new CelError(`type conversion error from 'string' to '${type}'`);
}

function parseDouble(text: string): Value {
  const valid = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text);
  if (valid) return Number(text);
  if (/^\+?inf(inity)?$/i.test(text)) return Number.POSITIVE_INFINITY;
  if (/^-inf(inity)?$/i.test(text)) return Number.NEGATIVE_INFINITY;
  return /^nan$/i.test(text) ? Number.NaN : new CelError("type conversion error from 'string' to 'double'");
}

function parseBool(text: string): Value {
  if (['true', 'True', 'TRUE', 't', '1'].includes(text)) return true;
  if (['false', 'False', 'FALSE', 'f', '0'].includes(text)) return false;
  return new CelError("type conversion error from 'string' to 'bool'");
}

function decodeUtf8(bytes: Uint8Array): Value {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new CelError('invalid UTF-8 in bytes, cannot convert to string');
  }
}

/** As Go's `%v` writes a double. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const [digits = '', exponent] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power < -4 || power >= 21) {
    return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  return String(value);
}

function matches(text: string, pattern: string, meter: StepMeter): Value {
  try {
    return regexp(pattern).test(text, meter);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return new CelError(error.message);
  }
}

const regexCost = { cost: matching, metered: true };
const prefixCost = { cost: (_text = 0, part = 0) => traversal(part) };

const conversions: readonly Overload[] = [
  func('int(int): int', (v: bigint) => v),
  func('int(uint): int', (v: Uint) => toInt(v.value)),
  func('int(double): int', intOf),
  func(
    'int(string): int',
    (text: string) => {
      const value = parseInteger(text, 'int');
      return value instanceof CelError ? value : toInt(value);
    },
    { cost: traversal },
  ),
  func('int(timestamp): int', (t: Timestamp) => floorDivide(t.nanos, 1_000_000_000n)),
  func('int(duration): int', (d: Duration) => d.nanos),
  func('uint(uint): uint', (v: Uint) => v),
  func('uint(int): uint', (v: bigint) => toUint(v)),
  func('uint(double): uint', (v: number) =>
    Number.isFinite(v) && v >= 0 && v < 2 ** 64
      ? toUint(BigInt(Math.trunc(v)))
      : new CelError('unsigned integer overflow'),
  ),
  func('uint(string): uint', (text: string) => {
    const value = parseInteger(text, 'uint');
    return value instanceof CelError ? value : toUint(value);
  }),
  func('double(double): double', (v: number) => v),
  func('double(int): double', (v: bigint) => Number(v)),
  func('double(uint): double', (v: Uint) => Number(v.value)),
  func('double(string): double', parseDouble, { cost: traversal }),
  func('bool(bool): bool', (v: boolean) => v),
  func('bool(string): bool', parseBool),
  func('string(string): string', (v: string) => v),
  func('string(int): string', (v: bigint) => String(v), printed),
  func('string(uint): string', (v: Uint) => String(v.value), printed),
  func('string(double): string', doubleText, printed),
  func('string(bool): string', (v: boolean) => String(v), printed),
  func('string(bytes): string', decodeUtf8, { cost: traversal }),
  func('string(timestamp): string', (t: Timestamp) => timestampText(t), printed),
  func('string(duration): string', (d: Duration) => durationText(d), printed),
  func('bytes(bytes): bytes', (v: Uint8Array) => v),
  func('bytes(string): bytes', (v: string) => new TextEncoder().encode(v), { cost: traversal }),
  func('timestamp(timestamp): timestamp', (t: Timestamp) => t),
  func('timestamp(int): timestamp', (seconds: bigint) => toTimestamp(seconds * 1_000_000_000n)),
  func('timestamp(string): timestamp', (text: string) => parseTimestamp(text)),
  func('duration(duration): duration', (d: Duration) => d),
  func('duration(int): duration', (nanos: bigint) => toDuration(nanos)),
  func('duration(string): duration', (text: string) => parseDuration(text)),
  func('dyn(A): dyn', (v: Value) => v),
  func('type(A): type', (v: Value) => new TypeValue(typeNameOf(v))),
];

/** floor, as a second has begun before 1970 too. */
function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

type Reader = (date: CalendarTime) => number;

const dateParts: Readonly<Record<string, Reader>> = {
  getFullYear: (d) => d.year,
  getMonth: (d) => d.month,
  getDate: (d) => d.day,
  getDayOfMonth: (d) => d.day - 1,
  getDayOfWeek: (d) => d.weekday,
  getDayOfYear: (d) => d.dayOfYear,
  getHours: (d) => d.hours,
  getMinutes: (d) => d.minutes,
  getSeconds: (d) => d.seconds,
  getMilliseconds: (d) => d.milliseconds,
};

function datePart(read: Reader) {
  return (time: Timestamp, zone = 'UTC'): Value => {
    const parts = zoned(time, zone);
    return parts instanceof CelError ? parts : BigInt(read(parts));
  };
}

const durationParts: Readonly<Record<string, bigint>> = {
  getHours: 3_600_000_000_000n,
  getMinutes: 60_000_000_000n,
  getSeconds: 1_000_000_000n,
};

export const standardFunctions: readonly Overload[] = [
  ...sized.flatMap((type) => [
    func(`size(${type}): int`, size, longest),
    method(`${type}.size(): int`, size, longest),
  ]),
  ...conversions,
  func('matches(string, string): bool', matches, regexCost),
  method('string.matches(string): bool', matches, regexCost),
  method('string.contains(string): bool', (text: string, part: string) => text.includes(part), {
    cost: crossing,
  }),
  method(
    'string.startsWith(string): bool',
    (text: string, part: string) => text.startsWith(part),
    prefixCost,
  ),
  method('string.endsWith(string): bool', (text: string, part: string) => text.endsWith(part), prefixCost),
  ...Object.entries(dateParts).flatMap(([name, read]) => [
    method(`timestamp.${name}(): int`, datePart(read)),
    method(`timestamp.${name}(string): int`, datePart(read)),
  ]),
  ...Object.entries(durationParts).map(([name, unit]) =>
    method(`duration.${name}(): int`, (d: Duration) => d.nanos / unit),
  ),
  method('duration.getMilliseconds(): int', (d: Duration) => (d.nanos / 1_000_000n) % 1000n),
];
