/** What a custom object has to satisfy: its schema, then the rules in it. */
import {
  fieldError,
  FieldPath,
  type JsonObject,
  type Schema,
  type StatusCause,
  validateSchema,
  validateSchemaUpdate,
} from '../../api/index.js';
import { hasRules } from './cel-rules.js';
import { runRules } from './run-rules.js';

/** Rules may not look at an object with one of these: it is not what they were checked against. */
const blocking = new Set<string>([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

/** @param old what is stored; undefined when the object is new */
export function validateCustom(object: JsonObject, schema: Schema, old?: JsonObject): StatusCause[] {
  const causes = old ? validateSchemaUpdate(object, old, schema) : validateSchema(object, schema);
  if (!hasRules(schema)) return causes;
  if (causes.some(({ reason }) => reason !== undefined && blocking.has(reason))) {
    return [
      ...causes,
      fieldError.invalid(
        FieldPath.root,
        null,
        'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
      ),
    ];
  }
  return [...causes, ...runRules(object, schema, old)];
}
