/**
 * Kubernetes quantities: exact decimal numbers with a suffix (`100m`, `1.5Gi`, `2e3`). Compared and added
 * as integers of nano-units, which is as fine as Kubernetes goes.
 */

const pattern = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?$/;

const decimalExponent: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binaryShift: Readonly<Record<string, bigint>> = {
  Ki: 10n,
  Mi: 20n,
  Gi: 30n,
  Ti: 40n,
  Pi: 50n,
  Ei: 60n,
};
const maxLength = 200;
/** Beyond this, whatever the digits, a number is capped or rounded up to the finest there is. */
const maxExponent = 30 + maxLength;
/** Kubernetes caps at the largest 64-bit integer. */
const maxNanos = (2n ** 63n - 1n) * 10n ** 9n;

/** True for text that Kubernetes accepts as a quantity. */
export function isQuantity(text: string): boolean {
  return nanosOf(text) !== undefined;
}

function nanosOf(text: string): bigint | undefined {
  const match = text.length > maxLength ? null : pattern.exec(text);
  if (!match) return undefined;
  const [, sign, number = '', suffix = '', exponentText] = match;
  const exponent = Math.max(-maxExponent, Math.min(maxExponent, Number(exponentText ?? 0)));
  const [whole = '', fraction = ''] = number.split('.');
  const shift = binaryShift[suffix] ?? 0n;
  const scale = exponentText === undefined ? (decimalExponent[suffix] ?? 0) : exponent;
  const digits = BigInt(whole + fraction || '0') << shift;
  const power = 9 + scale - fraction.length;
  // Finer than a nano is rounded up, as Kubernetes does.
  const nanos = power >= 0 ? digits * 10n ** BigInt(power) : ceilDivide(digits, 10n ** BigInt(-power));
  const capped = nanos > maxNanos ? maxNanos : nanos;
  return sign === '-' ? -capped : capped;
}

function ceilDivide(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

/** @throws TypeError for text that is no quantity */
export function parseQuantity(text: string | number): bigint {
  const nanos = nanosOf(String(text));
  if (nanos === undefined) {
    throw new TypeError(
      `quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$', not ${JSON.stringify(text)}`,
    );
  }
  return nanos;
}

/** -1, 0 or 1. @throws TypeError */
export function compareQuantity(a: string | number, b: string | number): -1 | 0 | 1 {
  const [x, y] = [parseQuantity(a), parseQuantity(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Thousandths, rounded up: millicores of a cpu quantity. @throws TypeError */
export function quantityMillis(text: string | number): number {
  return Number(roundUp(parseQuantity(text), 1_000_000n));
}

/** Whole units, rounded up: bytes of a memory quantity. @throws TypeError */
export function quantityUnits(text: string | number): number {
  return Number(roundUp(parseQuantity(text), 1_000_000_000n));
}

function roundUp(nanos: bigint, unit: bigint): bigint {
  const quotient = nanos / unit;
  return nanos > 0n && nanos % unit !== 0n ? quotient + 1n : quotient;
}

/** The sum, in the form of the first one: binary suffixes stay binary. @throws TypeError */
export function addQuantity(a: string, b: string): string {
  return formatQuantity(parseQuantity(a) + parseQuantity(b), a.endsWith('i') ? 'binary' : 'decimal');
}

/**
 * The canonical text of a quantity, as the API writes it back: `0.5` is `500m`, `1000m` is `1`, `2048Ki` is
 * `2Mi`. Powers of ten stay powers of ten (`1e3`).
 * @throws TypeError
 */
export function canonicalQuantity(text: string | number): string {
  const nanos = parseQuantity(text);
  if (/[eE][+-]?\d+$/.test(String(text))) return exponentForm(nanos);
  return formatQuantity(nanos, String(text).endsWith('i') ? 'binary' : 'decimal');
}

/** A multiple of a thousand's power, without a suffix. */
function exponentForm(nanos: bigint): string {
  const plain = formatQuantity(nanos);
  const match = /^(-?\d+)([numkMGTPE])$/.exec(plain);
  return match ? `${match[1]}e${decimalExponent[match[2] as string]}` : plain;
}

/** The shortest text with the largest suffix that loses nothing; binary ones from 1Ki on, in whole units. */
export function formatQuantity(nanos: bigint, form: 'decimal' | 'binary' = 'decimal'): string {
  if (nanos === 0n) return '0';
  const size = nanos < 0n ? -nanos : nanos;
  if (form === 'binary' && size >= 1024n * 1_000_000_000n) {
    const whole = ceilDivide(size, 1_000_000_000n);
    const units = nanos < 0n ? -whole : whole;
    for (const [suffix, shift] of Object.entries(binaryShift).reverse()) {
      if (units % (1n << shift) === 0n) return `${units >> shift}${suffix}`;
    }
    return `${units}`;
  }
  for (const [suffix, exponent] of Object.entries(decimalExponent).sort((x, y) => y[1] - x[1])) {
    const unit = 10n ** BigInt(exponent + 9);
    if (nanos % unit === 0n) return `${nanos / unit}${suffix}`;
  }
  return `${nanos}n`;
}
