/**
 * The document of OpenAPI v2 in protobuf: the messages that gnostic's `openapi.v2` makes of it. `kubectl explain
 * --output=plaintext-openapiv2` reads no other, and clients of before v3 take it for its size.
 *
 * What its messages have no field for is left out; what begins with `x-` goes beside the others as YAML, of which JSON is one.
 */
import type { JsonObject, JsonValue } from '../../api/index.js';
import { WireWriter } from '../codec/wire-writer.js';

/** Clients ask for it with an `@`, which is not allowed in a media type. */
export const protobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

export function acceptsProtobufV2(accept: string | undefined): boolean {
  return accept?.includes('proto-openapi.spec.v2') ?? false;
}

/** @param document of OpenAPI v2 */
export function protobufOfSwagger(document: JsonObject): Uint8Array {
  const out = new WireWriter();
  write(out, messages.document, document);
  return out.bytes;
}

/** Writes a value as the field of that number. */
type Form = (out: WireWriter, number: number, value: JsonValue) => void;

/** Which keys of an object are which fields of a message. */
interface Message {
  readonly fields: Readonly<Record<string, readonly [number: number, form: Form]>>;
  /** The number of the field for keys that begin with `x-`. */
  readonly extensions?: number;
}

function write(out: WireWriter, { fields, extensions }: Message, value: JsonObject): void {
  // Backwards, as the writer goes; extensions behind the fields.
  const entries = Object.entries(value).reverse();
  if (extensions !== undefined)
    for (const entry of entries) if (entry[0].startsWith('x-')) pair(out, extensions, entry, yaml);
  for (const [key, each] of entries) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field && each !== null) field[1](out, field[0], each);
  }
}

function pair(out: WireWriter, number: number, [name, value]: [string, JsonValue], form: Form): void {
  out.message(number, () => {
    form(out, 2, value);
    out.string(1, name);
  });
}

const text: Form = (out, number, value) => out.string(number, String(value));
const flag: Form = (out, number, value) => out.bool(number, value === true);
const integer: Form = (out, number, value) => out.int64(number, Number(value));
const double: Form = (out, number, value) => out.double(number, Number(value));
const yaml: Form = (out, number, value) => out.message(number, () => out.string(2, yamlOf(value)));

const message =
  (of: () => Message): Form =>
  (out, number, value) =>
    out.message(number, () => write(out, of(), value as JsonObject));
/** One field for each item. */
const each =
  (form: Form): Form =>
  (out, number, value) => {
    for (const item of [value].flat().reverse()) form(out, number, item as JsonValue);
  };
/** One field for each entry: a message of its name and its value. */
const named =
  (form: Form): Form =>
  (out, number, value) => {
    for (const entry of Object.entries(value as JsonObject).reverse()) pair(out, number, entry, form);
  };
/** A message around it, of which it is the only field. */
const within =
  (inner: number, form: Form): Form =>
  (out, number, value) =>
    out.message(number, () => form(out, inner, value));

const schema = message(() => messages.schema);
const operation = message(() => messages.operation);
/** What a request takes. A document of ours refers to none that is described elsewhere. */
const parameters: Form = each((out, number, value) => {
  const { in: place } = value as JsonObject;
  const said =
    place === 'body'
      ? within(
          1,
          message(() => messages.bodyParameter),
        )
      : within(
          2,
          place === 'path'
            ? within(
                4,
                message(() => messages.pathParameter),
              )
            : within(
                3,
                message(() => messages.queryParameter),
              ),
        );
  within(1, said)(out, number, value);
});

type MessageName =
  | 'document'
  | 'info'
  | 'apiKey'
  | 'pathItem'
  | 'operation'
  | 'response'
  | 'bodyParameter'
  | 'queryParameter'
  | 'pathParameter'
  | 'schema'
  | 'externalDocs';

const messages: Readonly<Record<MessageName, Message>> = {
  document: {
    fields: {
      swagger: [1, text],
      info: [2, message(() => messages.info)],
      paths: [8, within(2, named(message(() => messages.pathItem)))],
      definitions: [9, within(1, named(schema))],
      security: [12, each(within(1, named(within(1, each(text)))))],
      securityDefinitions: [
        13,
        within(
          1,
          named(
            within(
              2,
              message(() => messages.apiKey),
            ),
          ),
        ),
      ],
    },
    extensions: 16,
  },
  info: { fields: { title: [1, text], version: [2, text], description: [3, text] }, extensions: 7 },
  apiKey: {
    fields: { type: [1, text], name: [2, text], in: [3, text], description: [4, text] },
    extensions: 5,
  },
  pathItem: {
    fields: {
      get: [2, operation],
      put: [3, operation],
      post: [4, operation],
      delete: [5, operation],
      options: [6, operation],
      head: [7, operation],
      patch: [8, operation],
      parameters: [9, parameters],
    },
    extensions: 10,
  },
  operation: {
    fields: {
      tags: [1, each(text)],
      summary: [2, text],
      description: [3, text],
      operationId: [5, text],
      produces: [6, each(text)],
      consumes: [7, each(text)],
      parameters: [8, parameters],
      responses: [
        9,
        within(
          1,
          named(
            within(
              1,
              message(() => messages.response),
            ),
          ),
        ),
      ],
      schemes: [10, each(text)],
      deprecated: [11, flag],
    },
    extensions: 13,
  },
  response: { fields: { description: [1, text], schema: [2, within(1, schema)] }, extensions: 5 },
  bodyParameter: {
    fields: {
      description: [1, text],
      name: [2, text],
      in: [3, text],
      required: [4, flag],
      schema: [5, schema],
    },
    extensions: 6,
  },
  queryParameter: {
    fields: {
      required: [1, flag],
      in: [2, text],
      description: [3, text],
      name: [4, text],
      type: [6, text],
      format: [7, text],
      uniqueItems: [20, flag],
    },
    extensions: 23,
  },
  pathParameter: {
    fields: {
      required: [1, flag],
      in: [2, text],
      description: [3, text],
      name: [4, text],
      type: [5, text],
      format: [6, text],
      uniqueItems: [19, flag],
    },
    extensions: 22,
  },
  schema: {
    fields: {
      $ref: [1, text],
      format: [2, text],
      title: [3, text],
      description: [4, text],
      default: [5, yaml],
      multipleOf: [6, double],
      maximum: [7, double],
      exclusiveMaximum: [8, flag],
      minimum: [9, double],
      exclusiveMinimum: [10, flag],
      maxLength: [11, integer],
      minLength: [12, integer],
      pattern: [13, text],
      maxItems: [14, integer],
      minItems: [15, integer],
      uniqueItems: [16, flag],
      maxProperties: [17, integer],
      minProperties: [18, integer],
      required: [19, each(text)],
      enum: [20, each(yaml)],
      additionalProperties: [
        21,
        (out, number, value) =>
          typeof value === 'boolean'
            ? within(2, flag)(out, number, value)
            : within(1, schema)(out, number, value),
      ],
      type: [22, within(1, each(text))],
      items: [23, within(1, each(schema))],
      allOf: [24, each(schema)],
      properties: [25, within(1, named(schema))],
      externalDocs: [29, message(() => messages.externalDocs)],
      example: [30, yaml],
    },
    extensions: 31,
  },
  externalDocs: { fields: { description: [1, text], url: [2, text] }, extensions: 3 },
};

/**
 * JSON that a parser of YAML takes: without the characters that YAML wants escaped and without halves of characters, which
 * only a custom kind can have; one such kind must not keep a client from reading of the others.
 */
function yamlOf(value: JsonValue): string {
  let json = JSON.stringify(value);
  if (/\\ud[89a-f]/.test(json))
    json = JSON.stringify(value, (_key, part: unknown) =>
      typeof part === 'string' ? Buffer.from(part).toString() : part,
    );
  return json.replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
