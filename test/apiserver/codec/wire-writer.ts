/** Writes protobuf wire format, for tests: as plainly as can be, and knowing nothing of the server's own writer. */

export type Bytes = readonly number[];

function varint(value: bigint): Bytes {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return bytes;
}
const tag = (field: number, wireType: number): Bytes => varint(BigInt(field * 8 + wireType));

/** int32, int64 and bool. */
export const int = (field: number, value: number | bigint): Bytes => [
  ...tag(field, 0),
  ...varint(BigInt(value)),
];
export const bytes = (field: number, value: Uint8Array | Bytes): Bytes => [
  ...tag(field, 2),
  ...varint(BigInt(value.length)),
  ...value,
];
export const str = (field: number, value: string): Bytes => bytes(field, new TextEncoder().encode(value));
export const msg = (field: number, ...parts: Bytes[]): Bytes => bytes(field, parts.flat());
export const packed = (field: number, values: readonly number[]): Bytes =>
  bytes(
    field,
    values.flatMap((v) => varint(BigInt(v))),
  );
export const double = (field: number, value: number): Bytes => [
  ...tag(field, 1),
  ...new Uint8Array(new Float64Array([value]).buffer),
];
export const group = (field: number): Bytes => tag(field, 3);

/** A whole body: the magic and the `runtime.Unknown` around the message of a kind. */
export function body(apiVersion: string, kind: string, ...message: Bytes[]): Uint8Array {
  return Uint8Array.from([
    0x6b,
    0x38,
    0x73,
    0x00,
    ...msg(1, str(1, apiVersion), str(2, kind)),
    ...msg(2, ...message),
    ...str(3, ''),
    ...str(4, ''),
  ]);
}
