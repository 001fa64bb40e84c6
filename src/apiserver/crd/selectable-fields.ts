/** `selectableFields` of a version: what field selectors may name beyond name and namespace (API-13). */
import {
  fieldError,
  type FieldPath,
  type JsonObject,
  type JsonValue,
  type Schema,
  type StatusCause,
} from '../../api/index.js';

export interface SelectableField {
  readonly jsonPath: string;
}

const maxFields = 8;
const selectableTypes = ['string', 'boolean', 'integer'];

/** The names of `.spec.color`; undefined for a path of any other form. */
function namesOf(jsonPath: string): readonly string[] | undefined {
  return /^(?:\.[^.[\]\s]+)+$/.test(jsonPath) ? jsonPath.slice(1).split('.') : undefined;
}

function fieldAt(schema: Schema, names: readonly string[]): Schema | undefined {
  let at: Schema | undefined = schema;
  for (const name of names) {
    const { properties = {} }: Schema = at;
    at = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (!at) return undefined;
  }
  return at;
}

export function selectableFieldErrors(
  fields: readonly SelectableField[] = [],
  schema: Schema,
  at: FieldPath,
): StatusCause[] {
  const seen = new Set<string>();
  const causes: StatusCause[] = [];
  for (const [i, { jsonPath = '' }] of fields.entries()) {
    const path = at.index(i).child('jsonPath');
    if (jsonPath === '') {
      causes.push(fieldError.required(path));
      continue;
    }
    const names = namesOf(jsonPath);
    const found = names?.[0] === 'metadata' ? { type: 'string' as const } : names && fieldAt(schema, names);
    if (!names || !found) {
      const why = names ? 'does not refer to a valid field' : `expected [ or . but got: ${jsonPath}`;
      causes.push(fieldError.invalid(path, jsonPath, `is an invalid path: ${why}`));
      continue;
    }
    if (names[0] === 'metadata') {
      causes.push(fieldError.invalid(path, jsonPath, 'must not point to fields in metadata'));
    }
    if (!selectableTypes.includes(found.type ?? '')) {
      const why =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      causes.push(fieldError.invalid(path, jsonPath, why));
    }
    if (seen.has(jsonPath)) causes.push(fieldError.duplicate(path, jsonPath));
    seen.add(jsonPath);
  }
  if (seen.size > maxFields) causes.push(fieldError.tooMany(at, seen.size, maxFields));
  return causes;
}

/** Reads all of them off an object: what is not there is empty. */
export function selectableFieldsOf(
  fields: readonly SelectableField[],
): (object: JsonObject) => Readonly<Record<string, string>> {
  const known = fields.flatMap(({ jsonPath }) => {
    const names = namesOf(jsonPath);
    return names ? [[names.join('.'), names] as const] : [];
  });
  return (object) => Object.fromEntries(known.map(([path, names]) => [path, textAt(object, names)]));
}

function textAt(object: JsonObject, names: readonly string[]): string {
  let value: JsonValue | undefined = object;
  for (const name of names) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
      return '';
    value = (value as JsonObject)[name];
  }
  return typeof value === 'object' || value === undefined ? '' : String(value);
}
