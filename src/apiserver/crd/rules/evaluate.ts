/**
 * The rules of a custom kind, evaluated on an object (API-16): each node's rules on its value, transition rules where there
 * is an old value to compare with. A value that did not change does not fail for a rule that came after it
 * (ratcheting).
 */
import { Optional } from '@marcbachmann/cel-js';
import {
  deepEqualJson,
  fieldError,
  type FieldPath,
  type JsonValue,
  type Schema,
  type StatusCause,
} from '../../../api/index.js';
import { toCel } from '../../cel/values.js';
import { type CompiledRule, hasRules, ruleCompiler, rulesOf } from './compiled.js';
import { isObject, oldItem, oldMember } from './correlation.js';
import { childPath } from './field-path.js';

/** @param old absent on create, and where a value has no past */
export function ruleErrors(
  value: JsonValue | undefined,
  old: JsonValue | undefined,
  schema: Schema,
  path: FieldPath,
): StatusCause[] {
  if (value === undefined || value === null || !hasRules(schema)) return [];
  const causes: StatusCause[] = [];
  const rules = rulesOf(schema);
  if (rules.length > 0) {
    const unchanged = old !== undefined && deepEqualJson(value, old);
    const self = toCel(value, schema, ruleCompiler.moments);
    const before = old === undefined ? undefined : toCel(old, schema, ruleCompiler.moments);
    for (const rule of rules) {
      if (unchanged && !rule.transition) continue;
      const cause = evaluate(rule, self, before, schema, path);
      if (cause) causes.push(cause);
    }
  }
  if (Array.isArray(value) && schema.items) {
    for (const [i, item] of (value as readonly JsonValue[]).entries())
      causes.push(...ruleErrors(item, oldItem(old, schema, item), schema.items, path.index(i)));
  } else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      const own =
        schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      const of =
        own ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
      if (of)
        causes.push(
          ...ruleErrors(member, oldMember(old, schema, name), of, own ? path.child(name) : path.key(name)),
        );
    }
  }
  return causes;
}

function evaluate(
  compiled: CompiledRule,
  self: unknown,
  oldSelf: unknown,
  schema: Schema,
  path: FieldPath,
): StatusCause | undefined {
  const { rule, program, transition } = compiled;
  if (transition && oldSelf === undefined && !rule.optionalOldSelf) return undefined;
  const values = {
    self,
    ...(transition ? { oldSelf: rule.optionalOldSelf ? optional(oldSelf) : oldSelf } : {}),
  };
  const outcome = program.run(values);
  const shown = schema.type ?? 'integer or string';
  if ('error' in outcome)
    return fieldError.invalid(path, shown, `${outcome.error} evaluating rule: ${rule.message ?? rule.rule}`);
  if (outcome.value === true) return undefined;
  const told = compiled.message?.run(values);
  const computed = told && 'value' in told && typeof told.value === 'string' ? told.value.trim() : '';
  const usable = computed !== '' && !computed.includes('\n') && computed.length <= maxMessage;
  const detail = usable ? computed : (rule.message ?? `failed rule: ${rule.rule}`);
  return causeOf(
    rule.reason,
    rule.fieldPath === undefined ? path : childPath(path, rule.fieldPath),
    shown,
    detail,
  );
}

const maxMessage = 5 * 1024;

function optional(value: unknown): Optional {
  return value === undefined ? Optional.none() : Optional.of(value);
}

function causeOf(reason: string | undefined, at: FieldPath, shown: string, detail: string): StatusCause {
  switch (reason) {
    case 'FieldValueRequired':
      return fieldError.required(at, detail);
    case 'FieldValueForbidden':
      return fieldError.forbidden(at, detail);
    case 'FieldValueDuplicate':
      return fieldError.duplicate(at, shown);
    default:
      return fieldError.invalid(at, shown, detail);
  }
}
