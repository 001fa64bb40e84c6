/**
 * Decodes request bodies of content type `application/vnd.kubernetes.protobuf` into the JSON objects
 * that a JSON client would have sent. kubectl and every typed client-go client of 1.32 encode what they
 * create this way and do not fall back; answers may stay JSON, so nothing is ever encoded.
 *
 * A body is `k8s\0` and a `runtime.Unknown` that wraps the message of a kind. Go encodes every
 * non-pointer field even when it is empty: zeros of optional fields are dropped again unless the field
 * can tell zero from absent (`replicas: 0`), and structs stay as `{}`, exactly as Go's JSON encoder has
 * them.
 *
 * Guarantees: a body that cannot be decoded is an ApiError 400, whatever its bytes; nesting is bounded;
 * the work is linear in the size of the body.
 */
import { leafTypeNames, schemaOfKind, schemaOfType } from '../../api/facts/index.js';
import {
  apiVersionOf,
  badRequest,
  isApiError,
  type JsonObject,
  type JsonValue,
  parseApiVersion,
  type ProtobufField,
  type Schema,
} from '../../api/index.js';
import { leafDecoders, type NestedDecoder, parseJson, toBase64, zeroQuantity } from './protobuf-leaves.js';
import { WireError, WireReader, wireTypes } from './wire-reader.js';

export interface DecodedBody {
  readonly apiVersion: string;
  readonly kind: string;
  /** With `apiVersion` and `kind`, which the wire keeps beside the message. */
  readonly object: JsonObject;
}

const magic = [0x6b, 0x38, 0x73, 0x00];

/** Deeper nesting than any kind has, far less than the stack. */
const maxDepth = 200;

/** True when the bytes start like a Kubernetes protobuf body. */
export function isProtobufBody(body: Uint8Array): boolean {
  return magic.every((byte, i) => body[i] === byte);
}

/**
 * @throws ApiError 400 BadRequest when the body is not the encoding of a built-in kind
 */
export function decodeProtobuf(body: Uint8Array): DecodedBody {
  try {
    return decodeEnvelope(body, 0);
  } catch (error) {
    if (isApiError(error)) throw error;
    if (error instanceof WireError || error instanceof SyntaxError) {
      throw badRequest(`couldn't decode the protobuf body: ${error.message}`);
    }
    throw error;
  }
}

function decodeEnvelope(body: Uint8Array, depth: number): DecodedBody {
  if (body.length === 0) throw badRequest('empty data');
  if (!isProtobufBody(body)) {
    throw badRequest(
      `provided data does not appear to be a protobuf message, expected prefix [${magic.join(' ')}]`,
    );
  }
  let apiVersion = '';
  let kind = '';
  let raw = new Uint8Array(0);
  let contentEncoding = '';
  let contentType = '';
  const unknown = new WireReader(body, magic.length);
  while (!unknown.done) {
    const { number, wireType } = unknown.tag();
    if (wireType !== wireTypes.bytes) unknown.skip(wireType);
    else if (number === 1) [apiVersion, kind] = decodeTypeMeta(unknown.message());
    else if (number === 2) raw = unknown.bytes() as Uint8Array<ArrayBuffer>;
    else if (number === 3) contentEncoding = unknown.string();
    else if (number === 4) contentType = unknown.string();
    else unknown.skip(wireType);
  }
  if (contentEncoding !== '') throw badRequest(`unsupported content encoding ${contentEncoding}`);
  if (contentType === 'application/json') return decodeJson(raw, apiVersion, kind);
  if (contentType !== '' && contentType !== 'application/vnd.kubernetes.protobuf') {
    throw badRequest(`unsupported content type ${contentType} in a protobuf body`);
  }
  if (kind === '') throw badRequest('Object "Kind" is missing in the protobuf body');
  if (apiVersion === '') throw badRequest('Object "apiVersion" is missing in the protobuf body');
  const gvk = { ...parseApiVersion(apiVersion), kind };
  const schema = schemaOfKind(gvk);
  if (!schema?.protobuf) {
    throw badRequest(`no kind "${kind}" is registered for version "${apiVersionOf(gvk)}"`);
  }
  const object: Target = { apiVersion, kind };
  decodeMessage(new WireReader(raw), schema, object, depth);
  return { apiVersion, kind, object };
}

function decodeTypeMeta(reader: WireReader): [apiVersion: string, kind: string] {
  let apiVersion = '';
  let kind = '';
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    if (number === 1 && wireType === wireTypes.bytes) apiVersion = reader.string();
    else if (number === 2 && wireType === wireTypes.bytes) kind = reader.string();
    else reader.skip(wireType);
  }
  return [apiVersion, kind];
}

function decodeJson(raw: Uint8Array, apiVersion: string, kind: string): DecodedBody {
  const object = parseJson(raw);
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    throw badRequest('the protobuf body wraps JSON that is not an object');
  }
  const own = object as { apiVersion?: unknown; kind?: unknown };
  const typed = {
    apiVersion: typeof own.apiVersion === 'string' ? own.apiVersion : apiVersion,
    kind: typeof own.kind === 'string' ? own.kind : kind,
  };
  return { ...typed, object: { ...(object as JsonObject), ...typed } };
}

type Target = Record<string, JsonValue>;

/** One field of a message, ready to decode. */
interface FieldPlan {
  readonly name: string;
  readonly field: ProtobufField;
  /** Of the property; of the embedded message when inline. */
  readonly schema: Schema;
  readonly mapValueType?: string;
}

const plans = new WeakMap<object, ReadonlyMap<number, FieldPlan>>();

function planOf(schema: Schema): ReadonlyMap<number, FieldPlan> {
  const { protobuf, properties } = schema;
  if (!protobuf) return new Map();
  const known = plans.get(protobuf);
  if (known) return known;
  const plan = new Map<number, FieldPlan>();
  for (const [name, field] of Object.entries(protobuf)) {
    const fieldSchema = field.inline ? schemaOfType(field.type) : properties?.[name];
    if (!fieldSchema) continue;
    const map = /^map<string, (.+)>$/.exec(field.type);
    plan.set(field.number, {
      name,
      field,
      schema: fieldSchema,
      ...(map?.[1] ? { mapValueType: map[1] } : {}),
    });
  }
  plans.set(protobuf, plan);
  return plan;
}

function decodeMessage(reader: WireReader, schema: Schema, target: Target, depth: number): void {
  if (depth > maxDepth) throw new WireError(`nesting deeper than ${maxDepth} messages`);
  const plan = planOf(schema);
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    const entry = plan.get(number);
    if (!entry) {
      reader.skip(wireType);
      continue;
    }
    const { name, field } = entry;
    if (field.inline) {
      expectWireType(wireType, wireTypes.bytes, name);
      decodeMessage(reader.message(), entry.schema, target, depth + 1);
    } else if (entry.mapValueType !== undefined) {
      expectWireType(wireType, wireTypes.bytes, name);
      decodeMapEntry(reader.message(), entry, entry.mapValueType, mapOf(target, name), depth + 1);
    } else if (field.repeated) {
      decodeRepeated(reader, wireType, entry, listOf(target, name), depth);
    } else {
      const value = decodeValue(reader, wireType, field.type, entry.schema, name, depth);
      if (field.keepsZero || !isZero(value, field.type)) target[name] = value;
    }
  }
}

/** Whether a value is what Go writes for an optional field nobody set. */
function isZero(value: JsonValue, type: string): boolean {
  switch (type) {
    case 'string':
    case 'bytes':
    case 'bool':
    case 'int32':
    case 'int64':
    case 'double':
    case leafTypeNames.intOrString:
      return value === '' || value === 0 || value === false;
    case leafTypeNames.quantity:
      return value === zeroQuantity;
    default:
      return false;
  }
}

function mapOf(target: Target, name: string): Target {
  const map = target[name] as Target | undefined;
  if (map) return map;
  const created: Target = {};
  target[name] = created;
  return created;
}

function listOf(target: Target, name: string): JsonValue[] {
  const list = target[name] as JsonValue[] | undefined;
  if (list) return list;
  const created: JsonValue[] = [];
  target[name] = created;
  return created;
}

function decodeRepeated(
  reader: WireReader,
  wireType: number,
  entry: FieldPlan,
  list: JsonValue[],
  depth: number,
): void {
  const { field, name } = entry;
  const items = entry.schema.items ?? {};
  if (wireType === wireTypes.bytes && scalarWireType(field.type) !== wireTypes.bytes) {
    const packed = reader.message();
    while (!packed.done) {
      list.push(decodeValue(packed, scalarWireType(field.type), field.type, items, name, depth));
    }
    return;
  }
  list.push(decodeValue(reader, wireType, field.type, items, name, depth));
}

function decodeMapEntry(
  reader: WireReader,
  entry: FieldPlan,
  valueType: string,
  map: Target,
  depth: number,
): void {
  const { additionalProperties } = entry.schema;
  const valueSchema = typeof additionalProperties === 'object' ? additionalProperties : {};
  let key = '';
  let value: JsonValue | undefined;
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    if (number === 1) {
      expectWireType(wireType, wireTypes.bytes, entry.name);
      key = reader.string();
    } else if (number === 2) {
      value =
        valueSchema.type === 'array'
          ? decodeWrappedList(reader, wireType, entry.name)
          : decodeValue(reader, wireType, valueType, valueSchema, entry.name, depth);
    } else {
      reader.skip(wireType);
    }
  }
  // An own property whatever the key: `__proto__` is a legal one.
  Object.defineProperty(map, key, {
    configurable: true,
    enumerable: true,
    writable: true,
    value: value ?? zeroOf(valueType, valueSchema, depth),
  });
}

/** `ExtraValue`: a message around a list of strings, which JSON shows as the list. */
function decodeWrappedList(reader: WireReader, wireType: number, name: string): JsonValue {
  expectWireType(wireType, wireTypes.bytes, name);
  const message = reader.message();
  const items: string[] = [];
  while (!message.done) {
    const tag = message.tag();
    if (tag.number === 1 && tag.wireType === wireTypes.bytes) items.push(message.string());
    else message.skip(tag.wireType);
  }
  return items;
}

function zeroOf(type: string, schema: Schema, depth: number): JsonValue {
  switch (type) {
    case 'string':
    case 'bytes':
      return '';
    case 'bool':
      return false;
    case 'int32':
    case 'int64':
    case 'double':
      return 0;
    default:
      if (schema.type === 'array') return [];
      return decodeMessageValue(new WireReader(new Uint8Array(0)), type, schema, depth);
  }
}

function scalarWireType(type: string): number {
  switch (type) {
    case 'int32':
    case 'int64':
    case 'bool':
      return wireTypes.varint;
    case 'double':
      return wireTypes.fixed64;
    default:
      return wireTypes.bytes;
  }
}

function expectWireType(actual: number, expected: number, name: string): void {
  if (actual !== expected) throw new WireError(`wrong wire type ${actual} for field ${name}`);
}

function decodeValue(
  reader: WireReader,
  wireType: number,
  type: string,
  schema: Schema,
  name: string,
  depth: number,
): JsonValue {
  expectWireType(wireType, scalarWireType(type), name);
  switch (type) {
    case 'string':
      return reader.string();
    case 'bytes':
      return toBase64(reader.bytes());
    case 'bool':
      return reader.bool();
    case 'int32':
      return reader.int32();
    case 'int64':
      return reader.int64();
    case 'double': {
      const value = reader.double();
      if (!Number.isFinite(value)) throw new WireError(`JSON has no ${value} for field ${name}`);
      return value;
    }
    default:
      return decodeMessageValue(reader.message(), type, schema, depth);
  }
}

function decodeMessageValue(message: WireReader, type: string, schema: Schema, depth: number): JsonValue {
  const leaf = leafDecoders.get(type);
  if (leaf) return leaf(message, depth, nested);
  const target: Target = {};
  decodeMessage(message, schema, target, depth + 1);
  return target;
}

const nested: NestedDecoder = {
  message(typeName, reader, depth) {
    const schema = schemaOfType(typeName);
    if (!schema) throw new WireError(`no type ${typeName}`);
    return decodeMessageValue(reader, typeName, schema, depth);
  },
  object(raw, depth) {
    if (depth >= maxDepth) throw new WireError(`nesting deeper than ${maxDepth} messages`);
    return isProtobufBody(raw) ? decodeEnvelope(raw, depth + 1).object : parseJson(raw);
  },
};
