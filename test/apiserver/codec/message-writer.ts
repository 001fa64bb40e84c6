/** Objects of built-in kinds as protobuf bodies, by the field numbers of their types; for tests. */
import { leafTypeNames, schemaOfKind, schemaOfType } from '#src/api/facts/index.js';
import type { JsonObject, JsonValue, Schema } from 'gyre/api';
import { body, type Bytes, bytes, double, int, msg, str } from './wire-writer.js';

/** A whole body. What is of another type than its field is written as the text it is: a server must refuse it. */
export function bodyOf(
  object: JsonObject,
  gvk: { group: string; version: string; kind: string },
): Uint8Array {
  const schema = schemaOfKind(gvk);
  if (!schema?.protobuf) throw new Error(`no message for ${gvk.kind}`);
  const apiVersion = gvk.group === '' ? gvk.version : `${gvk.group}/${gvk.version}`;
  return body(apiVersion, gvk.kind, fieldsOf(object, schema));
}

function fieldsOf(object: JsonObject, schema: Schema): Bytes {
  return Object.entries(schema.protobuf ?? {}).flatMap(([name, field]): Bytes => {
    const { number, type, inline, repeated } = field;
    if (inline) {
      const inner = schemaOfType(type);
      return inner ? msg(number, fieldsOf(object, inner)) : [];
    }
    const value = Object.hasOwn(object, name) ? object[name] : undefined;
    if (value === undefined || value === null) return [];
    const property = schema.properties?.[name] ?? {};
    const map = /^map<string, (.+)>$/.exec(type)?.[1];
    if (map !== undefined && isObject(value)) {
      const { additionalProperties } = property;
      const values = typeof additionalProperties === 'object' ? additionalProperties : {};
      return Object.entries(value).flatMap(([key, each]) =>
        msg(number, str(1, key), one(2, map, values, each)),
      );
    }
    if (repeated && Array.isArray(value))
      return value.flatMap((each) => one(number, type, property.items ?? {}, each));
    return one(number, type, property, value);
  });
}

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const json = (value: JsonValue): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const text = (value: JsonValue): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);
/** As far as 64 bits go. */
const whole = (value: number): bigint =>
  Number.isFinite(value) ? BigInt.asIntN(64, BigInt(Math.trunc(value))) : 0n;

function one(number: number, type: string, schema: Schema, value: JsonValue): Bytes {
  switch (type) {
    case 'string':
      return str(number, text(value));
    case 'bytes':
      return bytes(number, Buffer.from(text(value), 'base64'));
    case 'bool':
      if (typeof value === 'boolean') return int(number, value ? 1 : 0);
      break;
    case 'int32':
    case 'int64':
      if (typeof value === 'number') return int(number, whole(value));
      break;
    case 'double':
      if (typeof value === 'number') return double(number, value);
      break;
    case leafTypeNames.time:
    case leafTypeNames.microTime: {
      const at = Date.parse(text(value));
      return Number.isNaN(at) ? msg(number) : msg(number, int(1, Math.floor(at / 1000)));
    }
    case leafTypeNames.quantity:
      return msg(number, str(1, text(value)));
    case leafTypeNames.intOrString:
      return typeof value === 'number'
        ? msg(number, int(1, 0), int(2, whole(value)))
        : msg(number, int(1, 1), str(3, text(value)));
    case leafTypeNames.fieldsV1:
    case leafTypeNames.json:
    case leafTypeNames.rawExtension:
      return msg(number, bytes(1, json(value)));
    default:
      if (Array.isArray(value))
        return msg(
          number,
          value.flatMap((each) => str(1, text(each))),
        );
      if (isObject(value)) return msg(number, fieldsOf(value, schemaOfType(type) ?? schema));
  }
  return bytes(number, json(value));
}
