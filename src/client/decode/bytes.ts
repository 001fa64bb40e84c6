/** What the decoder knows of single bytes, and the few operations it needs of a Buffer beyond the typed ones. */

export const ascii = {
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  quote: 0x22,
  plus: 0x2b,
  comma: 0x2c,
  minus: 0x2d,
  dot: 0x2e,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  upperE: 0x45,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  lowerE: 0x65,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

/** 1 for bytes that stand for themselves within a string: ASCII without quote, backslash and control characters. */
export const standsForItself = new Uint8Array(256).fill(1, 0x20, 0x80);
standsForItself[ascii.quote] = 0;
standsForItself[ascii.backslash] = 0;

/** Start and step of the 32-bit FNV-1a hash. */
export const hashBasis = 0x811c9dc5 | 0;
export const hashPrime = 0x01000193;

/** Node's own slices without the checks of `toString`: half the cost of a short string. */
export interface SliceableBytes extends Buffer {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

export function sliceable(bytes: Uint8Array): SliceableBytes {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer as SliceableBytes;
}

export function isWhitespace(byte: number | undefined): boolean {
  return (
    byte === ascii.space || byte === ascii.lineFeed || byte === ascii.carriageReturn || byte === ascii.tab
  );
}
