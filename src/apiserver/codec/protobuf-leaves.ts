/**
 * The messages that are not objects in JSON: times, quantities, int-or-string, raw JSON and the unions of
 * a CustomResourceDefinition's schema.
 */
import { leafTypeNames } from '../../api/facts/index.js';
import type { JsonValue } from '../../api/index.js';
import { WireError, type WireReader, wireTypes } from './wire-reader.js';

/** What a leaf may hold besides scalars. */
export interface NestedDecoder {
  message(typeName: string, reader: WireReader, depth: number): JsonValue;
  /** A whole object: JSON, or an enveloped protobuf message. */
  object(raw: Uint8Array, depth: number): JsonValue;
}

export type LeafDecoder = (reader: WireReader, depth: number, nested: NestedDecoder) => JsonValue;

/** How Go shows a quantity nobody set. */
export const zeroQuantity = '0';

const utf8 = new TextDecoder();

/** @throws SyntaxError when the bytes are not JSON */
export function parseJson(raw: Uint8Array): JsonValue {
  return JSON.parse(utf8.decode(raw)) as JsonValue;
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

/** Calls `read` for each field; a field it does not take (returns false) is passed over. */
function eachField(reader: WireReader, read: (number: number, wireType: number) => boolean): void {
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    if (!read(number, wireType)) reader.skip(wireType);
  }
}

// The years 1 to 9999, which RFC 3339 can write.
const firstSecond = -62_135_596_800;
const lastSecond = 253_402_300_799;

/** An empty message is the zero time, which JSON shows as null. */
function decodeTime(reader: WireReader, micro: boolean): JsonValue {
  if (reader.done) return null;
  let seconds = 0;
  let nanos = 0;
  eachField(reader, (number, wireType) => {
    if (wireType !== wireTypes.varint) return false;
    if (number === 1) seconds = reader.int64();
    else if (number === 2) nanos = reader.int32();
    else return false;
    return true;
  });
  if (seconds < firstSecond || seconds > lastSecond) throw new WireError(`time out of range: ${seconds}`);
  if (nanos < 0 || nanos > 999_999_999) throw new WireError(`nanoseconds out of range: ${nanos}`);
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return micro ? `${text}.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z` : `${text}Z`;
}

function decodeQuantity(reader: WireReader): JsonValue {
  let text = '';
  eachField(reader, (number, wireType) => {
    if (number !== 1 || wireType !== wireTypes.bytes) return false;
    text = reader.string();
    return true;
  });
  return text === '' ? zeroQuantity : text;
}

function decodeIntOrString(reader: WireReader): JsonValue {
  let isString = false;
  let int = 0;
  let text = '';
  eachField(reader, (number, wireType) => {
    if (number === 1 && wireType === wireTypes.varint) isString = reader.int32() === 1;
    else if (number === 2 && wireType === wireTypes.varint) int = reader.int32();
    else if (number === 3 && wireType === wireTypes.bytes) text = reader.string();
    else return false;
    return true;
  });
  return isString ? text : int;
}

/** The bytes of field 1; undefined when there are none. */
function rawField(reader: WireReader): Uint8Array | undefined {
  let raw: Uint8Array | undefined;
  eachField(reader, (number, wireType) => {
    if (number !== 1 || wireType !== wireTypes.bytes) return false;
    raw = reader.bytes();
    return true;
  });
  return raw?.length ? raw : undefined;
}

function decodeRawJson(reader: WireReader): JsonValue {
  const raw = rawField(reader);
  return raw === undefined ? null : parseJson(raw);
}

const jsonSchemaProps = leafTypeNames.jsonSchemaPropsOrArray.replace(/OrArray$/, '');

/** A schema or a list: of schemas (`JSONSchemaPropsOrArray`) or strings (`JSONSchemaPropsOrStringArray`). */
function decodeSchemaOrList(
  reader: WireReader,
  depth: number,
  nested: NestedDecoder,
  item: (reader: WireReader) => JsonValue,
): JsonValue {
  let schema: JsonValue = null;
  const list: JsonValue[] = [];
  eachField(reader, (number, wireType) => {
    if (wireType !== wireTypes.bytes) return false;
    if (number === 1) schema = nested.message(jsonSchemaProps, reader.message(), depth);
    else if (number === 2) list.push(item(reader));
    else return false;
    return true;
  });
  return list.length > 0 ? list : schema;
}

function decodeSchemaOrBool(reader: WireReader, depth: number, nested: NestedDecoder): JsonValue {
  let allows = false;
  let schema: JsonValue = null;
  eachField(reader, (number, wireType) => {
    if (number === 1 && wireType === wireTypes.varint) allows = reader.bool();
    else if (number === 2 && wireType === wireTypes.bytes) {
      schema = nested.message(jsonSchemaProps, reader.message(), depth);
    } else return false;
    return true;
  });
  return schema ?? allows;
}

/** By type name. */
export const leafDecoders: ReadonlyMap<string, LeafDecoder> = new Map<string, LeafDecoder>([
  [leafTypeNames.time, (reader) => decodeTime(reader, false)],
  [leafTypeNames.microTime, (reader) => decodeTime(reader, true)],
  [leafTypeNames.quantity, decodeQuantity],
  [leafTypeNames.intOrString, decodeIntOrString],
  [leafTypeNames.fieldsV1, decodeRawJson],
  [leafTypeNames.json, decodeRawJson],
  [
    leafTypeNames.rawExtension,
    (reader, depth, nested) => {
      const raw = rawField(reader);
      return raw === undefined ? null : nested.object(raw, depth);
    },
  ],
  [
    leafTypeNames.jsonSchemaPropsOrArray,
    (reader, depth, nested) =>
      decodeSchemaOrList(reader, depth, nested, (r) => nested.message(jsonSchemaProps, r.message(), depth)),
  ],
  [
    leafTypeNames.jsonSchemaPropsOrStringArray,
    (reader, depth, nested) => decodeSchemaOrList(reader, depth, nested, (r) => r.string()),
  ],
  [leafTypeNames.jsonSchemaPropsOrBool, decodeSchemaOrBool],
]);
