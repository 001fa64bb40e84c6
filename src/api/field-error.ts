/**
 * Field errors, worded as k8s.io/apimachinery/pkg/util/validation/field words them: each becomes one
 * cause of a 422 Invalid.
 */
import type { JsonObject, JsonValue } from './objects.js';
import type { StatusCause } from './status.js';

/** A path into an object: `spec.containers[0].name`, `metadata.annotations[a/b]`. */
export class FieldPath {
  private constructor(private readonly text: string) {}

  static readonly root = new FieldPath('');

  static of(...names: string[]): FieldPath {
    return names.reduce((path, name) => path.child(name), FieldPath.root);
  }
  child(name: string): FieldPath {
    return new FieldPath(this.text === '' ? name : `${this.text}.${name}`);
  }
  index(i: number): FieldPath {
    return new FieldPath(`${this.text}[${i}]`);
  }
  key(key: string): FieldPath {
    return new FieldPath(`${this.text}[${key}]`);
  }
  toString(): string {
    return this.text === '' ? '<nil>' : this.text;
  }
}

/** A value already written as Go's `%#v` writes it, for types whose Go form messages are known by. */
export class GoSyntax {
  constructor(readonly text: string) {}
}

/** `map[string]string{"app":"web"}`, by key. */
export function goStringMap(map: Readonly<Record<string, string | undefined>> | undefined): GoSyntax {
  if (!map) return new GoSyntax('map[string]string(nil)');
  const members = Object.keys(map)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(map[key] ?? '')}`);
  return new GoSyntax(`map[string]string{${members.join(', ')}}`);
}

/** `[]string{"a", "b"}`. */
export function goStrings(items: readonly string[] | undefined): GoSyntax {
  if (!items) return new GoSyntax('[]string(nil)');
  return new GoSyntax(`[]string{${items.map((item) => JSON.stringify(item)).join(', ')}}`);
}

/** `map[string]interface {}{"name":"web"}`: a decoded JSON value as Go writes it. */
export function goValue(value: JsonValue): GoSyntax | string | number | boolean {
  return typeof value === 'object' && value !== null ? new GoSyntax(goText(value)) : (value ?? 'null');
}

function goText(value: JsonValue): string {
  if (value === null) return 'interface {}(nil)';
  if (Array.isArray(value))
    return `[]interface {}{${(value as readonly JsonValue[]).map(goText).join(', ')}}`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value as JsonObject)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${goText(member)}`);
  return `map[string]interface {}{${members.join(', ')}}`;
}

/** How a value stands in a message: strings quoted, `GoSyntax` as it is, the rest as JSON; nothing is `"null"`. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return '"null"';
  return value instanceof GoSyntax ? value.text : JSON.stringify(value);
}

export const fieldError = {
  required: (path: FieldPath, why = ''): StatusCause => ({
    reason: 'FieldValueRequired',
    message: why === '' ? 'Required value' : `Required value: ${why}`,
    field: path.toString(),
  }),
  invalid: (path: FieldPath, value: unknown, why: string): StatusCause => ({
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${shown(value)}: ${why}`,
    field: path.toString(),
  }),
  /** `Invalid value: "string": …`, where the value's *type* is what is wrong. */
  typeInvalid: (path: FieldPath, value: unknown, why: string): StatusCause => ({
    reason: 'FieldValueTypeInvalid',
    message: `Invalid value: ${shown(value)}: ${why}`,
    field: path.toString(),
  }),
  duplicate: (path: FieldPath, value: unknown): StatusCause => ({
    reason: 'FieldValueDuplicate',
    message: `Duplicate value: ${shown(value)}`,
    field: path.toString(),
  }),
  forbidden: (path: FieldPath, why: string): StatusCause => ({
    reason: 'FieldValueForbidden',
    message: `Forbidden: ${why}`,
    field: path.toString(),
  }),
  notFound: (path: FieldPath, value: unknown): StatusCause => ({
    reason: 'FieldValueNotFound',
    message: `Not found: ${shown(value)}`,
    field: path.toString(),
  }),
  notSupported: (path: FieldPath, value: unknown, supported: readonly string[]): StatusCause => ({
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${shown(value)}${
      supported.length === 0
        ? ''
        : `: supported values: ${supported.map((s) => JSON.stringify(s)).join(', ')}`
    }`,
    field: path.toString(),
  }),
  tooLong: (path: FieldPath, max: number): StatusCause => ({
    reason: 'FieldValueTooLong',
    message: `Too long: may not be more than ${max} bytes`,
    field: path.toString(),
  }),
  tooMany: (path: FieldPath, actual: number, max: number): StatusCause => ({
    reason: 'FieldValueTooMany',
    message: `Too many: ${actual}: must have at most ${max} items`,
    field: path.toString(),
  }),
};
