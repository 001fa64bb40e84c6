/**
 * A custom object against its kind's schema and rules. On an update what has not changed is not held against the
 * one who writes: a schema may have become stricter since (ratcheting, on by default in Kubernetes 1.32).
 */
import {
  deepEqualJson,
  fieldError,
  FieldPath,
  type JsonObject,
  type JsonValue,
  type Schema,
  type StatusCause,
  validateSchema,
} from '../../../api/index.js';
import { hasRules } from './compiled.js';
import { isObject } from './correlation.js';
import { ruleErrors } from './evaluate.js';

export function customErrors(object: JsonObject, old: JsonObject | undefined, schema: Schema): StatusCause[] {
  const found = validateSchema(object, schema);
  const causes = old ? found.filter(({ field = '' }) => !isUnchanged(object, old, field)) : found;
  if (causes.length === 0) return ruleErrors(object, old, schema, FieldPath.root);
  if (!hasRules(schema)) return causes;
  return [
    ...causes,
    fieldError.invalid(
      FieldPath.root,
      null,
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    ),
  ];
}

/** Whether what a cause is about is as it was. Of lists that changed nothing can be said. */
function isUnchanged(object: JsonObject, old: JsonObject, field: string): boolean {
  let [now, before]: [JsonValue | undefined, JsonValue | undefined] = [object, old];
  for (const step of stepsOf(field)) {
    if (now === undefined || before === undefined) return false;
    if (Array.isArray(now) || Array.isArray(before)) return deepEqualJson(now, before);
    if (!isObject(now) || !isObject(before)) return deepEqualJson(now, before);
    // A field that is missing is told of the object that should have it.
    if (!Object.hasOwn(now, step)) return !Object.hasOwn(before, step);
    [now, before] = [now[step], Object.hasOwn(before, step) ? before[step] : undefined];
  }
  return now !== undefined && before !== undefined && deepEqualJson(now, before);
}

/** `spec.a[0].b[key]` in steps. */
function stepsOf(field: string): string[] {
  return [...field.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map(([whole, key]) => key ?? whole);
}
