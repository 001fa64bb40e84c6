/** Times and durations as texts, and a time's place in the calendar of a zone. */
import { toDuration, toTimestamp } from '../operators.js';
import { CelError, type Duration, type Timestamp } from '../values.js';

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Nanoseconds of a Go duration, `1h30m`, `-1.5s`; undefined for text that is none. */
export function durationNanos(text: string): bigint | undefined {
  if (text.length > 100) return undefined;
  const whole = /^([-+]?)(0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (!whole) return undefined;
  let nanos = 0n;
  for (const [, number = '', unit = ''] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const [integer = '', fraction = ''] = number.split('.');
    const scale = units[unit] ?? 0n;
    nanos += BigInt(integer || '0') * scale;
    if (fraction !== '') nanos += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  return whole[1] === '-' ? -nanos : nanos;
}

export function parseDuration(text: string): Duration | CelError {
  const nanos = durationNanos(text);
  return nanos === undefined
    ? new CelError(`time: invalid duration ${JSON.stringify(text)}`)
    : toDuration(nanos);
}

const rfc3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[-+]\d\d:\d\d)$/;

export function parseTimestamp(text: string): Timestamp | CelError {
  const match = rfc3339.exec(text);
  const millis = match ? Date.parse(`${match[1]}T${match[2]}${match[4]?.toUpperCase()}`) : Number.NaN;
  if (!match || Number.isNaN(millis)) {
    return new CelError(
      `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)} as "2006"`,
    );
  }
  return toTimestamp(BigInt(millis) * 1_000_000n + BigInt((match[3] ?? '').padEnd(9, '0')));
}

/** Seconds, with as many decimals as it takes: `90s`, `0.5s`. */
export function durationText({ nanos }: Duration): string {
  const whole = nanos < 0n ? -nanos : nanos;
  return `${nanos < 0n ? '-' : ''}${whole / 1_000_000_000n}${decimals(whole % 1_000_000_000n)}s`;
}

export function timestampText({ nanos }: Timestamp): string {
  const fraction = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = (nanos - fraction) / 1_000_000_000n;
  const text = new Date(Number(seconds) * 1000).toISOString();
  return `${text.slice(0, 19)}${decimals(fraction)}Z`;
}

function decimals(nanos: bigint): string {
  return nanos === 0n ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;
}

export interface CalendarTime {
  readonly year: number;
  /** From 0. */
  readonly month: number;
  /** From 1. */
  readonly day: number;
  /** From Sunday, which is 0. */
  readonly weekday: number;
  /** From 0. */
  readonly dayOfYear: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
  readonly milliseconds: number;
}

/** @param zone a name (`America/New_York`) or an offset (`-08:00`) */
export function zoned({ nanos }: Timestamp, zone: string): CalendarTime | CelError {
  const millis = Number(nanos / 1_000_000n) - (nanos % 1_000_000n < 0n ? 1 : 0);
  const offset = offsetMillis(millis, zone);
  if (offset === undefined) return new CelError(`unknown time zone ${zone}`);
  const date = new Date(millis + offset);
  const year = date.getUTCFullYear();
  return {
    year,
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    dayOfYear: Math.floor(
      (date.getTime() - new Date(Date.UTC(year, 0, 1)).setUTCFullYear(year)) / 86_400_000,
    ),
    hours: date.getUTCHours(),
    minutes: date.getUTCMinutes(),
    seconds: date.getUTCSeconds(),
    milliseconds: date.getUTCMilliseconds(),
  };
}

function offsetMillis(millis: number, zone: string): number | undefined {
  if (zone === 'UTC' || zone === '') return 0;
  const fixed = /^([-+]?)(\d\d):(\d\d)$/.exec(zone);
  if (fixed) return (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000 * (fixed[1] === '-' ? -1 : 1);
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    const parts = Object.fromEntries(
      format.formatToParts(millis).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(millis / 1000) * 1000;
  } catch {
    return undefined;
  }
}
