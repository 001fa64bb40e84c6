/** The JSON a value stands for. */
import { type JsonValue, setOwn } from '../../api/index.js';
import { durationText, timestampText } from './library/time.js';
import {
  CelError,
  Duration,
  ListValue,
  MapValue,
  Timestamp,
  typeNameOf,
  Uint,
  type Value,
} from './values.js';

/** An error where there is no such JSON: keys that are no text, numbers JSON has not, what only functions can use. */
export function toJson(value: Value): JsonValue | CelError {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'bigint':
      return integer(value);
    case 'number':
      return Number.isFinite(value) ? value : new CelError(`${value} is no number of JSON`);
    default:
  }
  if (value === null || value instanceof CelError) return value;
  if (value instanceof Uint) return integer(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value);
  if (value instanceof ListValue) return list(value);
  if (value instanceof MapValue) return object(value);
  return new CelError(`unsupported conversion of ${typeNameOf(value)} to JSON`);
}

function integer(value: bigint): number | CelError {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : new CelError(`${value} is too large for a number of JSON`);
}

function list(value: ListValue): JsonValue | CelError {
  const items: JsonValue[] = [];
  for (const item of value) {
    const json = toJson(item);
    if (json instanceof CelError) return json;
    items.push(json);
  }
  return items;
}

function object(value: MapValue): JsonValue | CelError {
  const members: Record<string, JsonValue> = {};
  for (const key of value.keys()) {
    if (typeof key !== 'string')
      return new CelError(`a key of type ${typeNameOf(key)} is none of JSON: it must be a string`);
    const json = toJson(value.get(key) ?? null);
    if (json instanceof CelError) return json;
    setOwn(members, key, json);
  }
  return members;
}
