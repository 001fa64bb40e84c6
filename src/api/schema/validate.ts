/**
 * Validating a value against a structural schema, with the wording of the CustomResource validator
 * (k8s.io/apiextensions-apiserver, kube-openapi).
 */
import { fieldError, FieldPath, goValue } from '../field-error.js';
import { deepEqualJson } from '../json.js';
import type { JsonObject, JsonValue } from '../objects.js';
import type { StatusCause } from '../status.js';
import { correlate } from './correlate.js';
import { matchesFormat } from './formats.js';
import { isJsonObject, memberSchema } from './navigate.js';
import { compilePattern } from './pattern.js';
import type { Schema } from './schema.js';

/** Stops collecting at this many: a report nobody reads to its end. */
const maxCauses = 100;

export function validateSchema(
  value: JsonValue,
  schema: Schema,
  path: FieldPath = FieldPath.root,
): StatusCause[] {
  const causes: StatusCause[] = [];
  check(value, schema, path, causes);
  return causes;
}

/**
 * What is wrong with the new value that is not wrong with the old one already: members and elements that have
 * not changed are not held to what the schema has learned since (ratcheting). Elements of lists are
 * compared where the list has keys.
 */
export function validateSchemaUpdate(value: JsonValue, old: JsonValue, schema: Schema): StatusCause[] {
  if (validateSchema(value, schema).length === 0) return [];
  const causes: StatusCause[] = [];
  check(value, schema, FieldPath.root, causes, old);
  return causes;
}

/** The path as messages name it: `spec.replicas`, or `<nil>` at the root. */
function inBody(path: FieldPath): string {
  const text = path.toString();
  return text === '<nil>' ? '' : text;
}

function typeOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function hasType(value: JsonValue, schema: Schema): boolean {
  if (schema['x-kubernetes-int-or-string'])
    return typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value));
  if (schema.type === undefined) return true;
  const actual = typeOf(value);
  return actual === schema.type || (schema.type === 'number' && actual === 'integer');
}

function check(
  value: JsonValue,
  schema: Schema,
  path: FieldPath,
  causes: StatusCause[],
  old?: JsonValue,
): void {
  if (causes.length >= maxCauses) return;
  if (old !== undefined && deepEqualJson(value, old)) return;
  if (value === null && schema.nullable) return;
  if (!hasType(value, schema)) {
    const wanted = schema['x-kubernetes-int-or-string'] ? 'integer,string' : schema.type;
    // A wrong type is shown by its name, as the value may be a whole tree.
    causes.push(
      fieldError.typeInvalid(
        path,
        typeOf(value),
        `${inBody(path)} in body must be of type ${wanted}: ${JSON.stringify(typeOf(value))}`,
      ),
    );
    return;
  }
  if (schema.enum && !schema.enum.some((allowed) => deepEqualJson(allowed, value))) {
    causes.push(
      fieldError.notSupported(
        path,
        value,
        schema.enum.map((v) => (typeof v === 'string' ? v : JSON.stringify(v))),
      ),
    );
  }
  if (typeof value === 'string') checkString(value, schema, path, causes);
  else if (typeof value === 'number') checkNumber(value, schema, path, causes);
  else if (Array.isArray(value)) checkArray(value, schema, path, causes, old);
  else if (isJsonObject(value)) checkObject(value, schema, path, causes, old);
  checkLogic(value, schema, path, causes);
}

function checkString(value: string, schema: Schema, path: FieldPath, causes: StatusCause[]): void {
  const { minLength, maxLength, pattern, format } = schema;
  const length = maxLength === undefined && minLength === undefined ? 0 : [...value].length;
  if (maxLength !== undefined && length > maxLength) {
    causes.push({
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${maxLength} bytes`,
      field: path.toString(),
    });
  }
  if (minLength !== undefined && length < minLength) {
    causes.push(
      fieldError.invalid(path, value, `${inBody(path)} in body should be at least ${minLength} chars long`),
    );
  }
  // A pattern that does not compile matches nothing; validation of the CRD has refused it before.
  if (pattern !== undefined && !compilePattern(pattern)?.test(value)) {
    causes.push(fieldError.invalid(path, value, `${inBody(path)} in body should match '${pattern}'`));
  }
  if (format !== undefined && !matchesFormat(value, format)) {
    causes.push(
      fieldError.typeInvalid(
        path,
        value,
        `${inBody(path)} in body must be of type ${format}: ${JSON.stringify(value)}`,
      ),
    );
  }
}

function checkNumber(value: number, schema: Schema, path: FieldPath, causes: StatusCause[]): void {
  const { minimum, maximum, multipleOf, format } = schema;
  if (maximum !== undefined && (schema.exclusiveMaximum ? value >= maximum : value > maximum)) {
    causes.push(
      fieldError.invalid(
        path,
        value,
        `${inBody(path)} in body should be less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${maximum}`,
      ),
    );
  }
  if (minimum !== undefined && (schema.exclusiveMinimum ? value <= minimum : value < minimum)) {
    causes.push(
      fieldError.invalid(
        path,
        value,
        `${inBody(path)} in body should be greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${minimum}`,
      ),
    );
  }
  if (
    multipleOf !== undefined &&
    multipleOf > 0 &&
    Math.abs(value / multipleOf - Math.round(value / multipleOf)) > 1e-9
  ) {
    causes.push(
      fieldError.invalid(path, value, `${inBody(path)} in body should be a multiple of ${multipleOf}`),
    );
  }
  if (format !== undefined && !matchesFormat(value, format)) {
    causes.push(
      fieldError.typeInvalid(
        path,
        value,
        `${inBody(path)} in body must be of type ${format}: ${JSON.stringify(value)}`,
      ),
    );
  }
}

function checkArray(
  value: readonly JsonValue[],
  schema: Schema,
  path: FieldPath,
  causes: StatusCause[],
  old: JsonValue | undefined,
): void {
  const { minItems, maxItems, items } = schema;
  if (maxItems !== undefined && value.length > maxItems)
    causes.push(fieldError.tooMany(path, value.length, maxItems));
  if (minItems !== undefined && value.length < minItems) {
    causes.push(
      fieldError.invalid(
        path,
        value.length,
        `${inBody(path)} in body should have at least ${minItems} items`,
      ),
    );
  }
  checkUnique(value, schema, path, causes);
  if (!items) return;
  const before = correlate(old, schema);
  value.forEach((item, i) => check(item, items, path.index(i), causes, before(item)));
}

/** List types map and set hold each key once. */
function checkUnique(
  value: readonly JsonValue[],
  schema: Schema,
  path: FieldPath,
  causes: StatusCause[],
): void {
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== 'map' && listType !== 'set') return;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const seen = new Set<string>();
  value.forEach((item, i) => {
    const identity =
      listType === 'set'
        ? item
        : Object.fromEntries(
            keys.map((k) => [
              k,
              (isJsonObject(item) ? (item[k] ?? memberSchema(schema.items, k)?.default) : undefined) ?? null,
            ]),
          );
    const text = stableText(identity);
    if (seen.has(text)) causes.push(fieldError.duplicate(path.index(i), goValue(identity)));
    seen.add(text);
  });
}

/** Equal values have equal text, whatever the order of members. */
function stableText(value: JsonValue): string {
  return JSON.stringify(value, (_key, member: JsonValue) =>
    isJsonObject(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

function checkObject(
  value: JsonObject,
  schema: Schema,
  path: FieldPath,
  causes: StatusCause[],
  old: JsonValue | undefined,
): void {
  const { required, minProperties, maxProperties } = schema;
  for (const key of required ?? []) {
    if (!Object.hasOwn(value, key)) causes.push(fieldError.required(path.child(key)));
  }
  const size = Object.keys(value).length;
  if (maxProperties !== undefined && size > maxProperties)
    causes.push(fieldError.tooMany(path, size, maxProperties));
  if (minProperties !== undefined && size < minProperties) {
    causes.push(
      fieldError.invalid(
        path,
        size,
        `${inBody(path)} in body should have at least ${minProperties} properties`,
      ),
    );
  }
  for (const [key, member] of Object.entries(value)) {
    const child = memberSchema(schema, key);
    // Entries of a map are named like fields.
    if (!child) continue;
    const before = isJsonObject(old) && Object.hasOwn(old, key) ? old[key] : undefined;
    check(member, child, path.child(key), causes, before);
  }
}

/** The value is left out of these messages, as it may be a whole tree; so is the field, as Kubernetes does. */
function checkLogic(value: JsonValue, schema: Schema, path: FieldPath, causes: StatusCause[]): void {
  const violated = (rule: string): void => {
    causes.push(fieldError.invalid(FieldPath.root, '', `${JSON.stringify(inBody(path))} ${rule}`));
  };
  const problems = (branch: Schema): StatusCause[] => validateSchema(value, branch, path);
  const { allOf, anyOf, oneOf, not } = schema;
  if (anyOf?.length) {
    const nearest = nearestBranch(anyOf, problems);
    if (nearest.length > 0) {
      violated('must validate at least one schema (anyOf)');
      causes.push(...nearest);
    }
  }
  if (oneOf?.length) {
    const valid = oneOf.filter((branch) => problems(branch).length === 0).length;
    if (valid !== 1) {
      const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
      violated(`must validate one and only one schema (oneOf). ${found}`);
      if (valid === 0) causes.push(...nearestBranch(oneOf, problems));
    }
  }
  if (allOf?.length) {
    const failures = allOf.map(problems).filter((branch) => branch.length > 0);
    causes.push(...failures.flat());
    if (failures.length > 0) {
      violated(
        `must validate all the schemas (allOf)${failures.length === allOf.length ? '. None validated' : ''}`,
      );
    }
  }
  if (not && problems(not).length === 0) violated('must not validate the schema (not)');
}

/** What is wrong with the branch that fits best; nothing when one fits. */
function nearestBranch(
  branches: readonly Schema[],
  problems: (branch: Schema) => StatusCause[],
): readonly StatusCause[] {
  let nearest: readonly StatusCause[] | undefined;
  for (const branch of branches) {
    const found = problems(branch);
    if (found.length === 0) return found;
    if (!nearest || found.length < nearest.length) nearest = found;
  }
  return nearest ?? [];
}
