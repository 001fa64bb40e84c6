/**
 * Validating an object by the CEL rules of its schema (API-16): every rule of every node the object has, within one
 * budget.
 *
 * Guarantees: transition rules run only where there is an old value to compare with; what an update has left as it
 * was is not held to rules that came later (ratcheting).
 */
import {
  correlate,
  deepEqualJson,
  fieldError,
  FieldPath,
  type JsonObject,
  type JsonValue,
  type Schema,
  type StatusCause,
  type ValidationRule,
} from '../../api/index.js';
import { CelError, celValue, isProgram, OptionalValue, type Value } from '../cel/index.js';
import { type CompiledRule, hasRules, rulesOf } from './cel-rules.js';

/** What all rules may cost together for one object, in the units of Kubernetes. */
const objectBudget = 10_000_000;
const maxMessage = 5 * 1024;

/** @param old what is stored; undefined when the object is new */
export function runRules(object: JsonObject, schema: Schema, old: JsonObject | undefined): StatusCause[] {
  if (!hasRules(schema)) return [];
  const run = new RuleRun();
  run.node(object, old, schema, FieldPath.root, true);
  return run.causes;
}

class RuleRun {
  readonly causes: StatusCause[] = [];
  #budget = objectBudget;
  #spent = false;

  node(value: JsonValue, old: JsonValue | undefined, schema: Schema, path: FieldPath, root: boolean): void {
    if (this.#spent || value === null || !hasRules(schema)) return;
    this.#rules(value, old, schema, path, root);
    if (Array.isArray(value)) {
      const { items } = schema;
      if (!items) return;
      const before = correlate(old, schema);
      value.forEach((item: JsonValue, i) => this.node(item, before(item), items, path.index(i), false));
      return;
    }
    if (typeof value !== 'object') return;
    const { properties = {}, additionalProperties: members } = schema;
    for (const [key, member] of Object.entries(value as JsonObject)) {
      const declared = Object.hasOwn(properties, key) ? properties[key] : undefined;
      const child = declared ?? (typeof members === 'object' ? members : undefined);
      // The server's own metadata has no rules.
      if (!child || (root && key === 'metadata')) continue;
      const at = declared ? path.child(key) : path.key(key);
      this.node(member, memberOf(old, key), child, at, false);
    }
  }

  #rules(value: JsonValue, old: JsonValue | undefined, schema: Schema, path: FieldPath, root: boolean): void {
    const rules = rulesOf(schema, root);
    if (rules.length === 0) return;
    const unchanged = old !== undefined && deepEqualJson(value, old);
    const self = celValue(value, schema, root);
    const oldSelf = old === undefined || old === null ? undefined : celValue(old, schema, root);
    for (const rule of rules) {
      if (this.#spent) return;
      const { optionalOldSelf } = rule.rule;
      if (rule.transition && oldSelf === undefined && !optionalOldSelf) continue;
      if (unchanged && !rule.transition) continue;
      const before: Value = optionalOldSelf
        ? oldSelf === undefined
          ? OptionalValue.none
          : new OptionalValue(oldSelf)
        : (oldSelf ?? null);
      this.#check(rule, { self, oldSelf: before }, schema, path);
    }
  }

  #check(
    { rule, program, message }: CompiledRule,
    variables: Readonly<Record<string, Value>>,
    schema: Schema,
    path: FieldPath,
  ): void {
    const type = schema.type ?? '';
    // An old definition may hold what would not be accepted any more.
    if (!isProgram(program)) {
      this.causes.push(fieldError.invalid(path, type, `rule compile error: ${program.failure}`));
      return;
    }
    const { value, cost, exceeded } = program.evaluate(variables);
    if (exceeded) {
      this.#spent = true;
      const why = `'${(value as CelError).message}': no further validation rules will be run due to call cost exceeds limit for rule: ${ruleText(rule)}`;
      this.causes.push(fieldError.invalid(path, type, why));
      return;
    }
    if (!this.#pay(cost, type, path)) return;
    if (value === true) return;
    if (value instanceof CelError) {
      const why = value.message.startsWith('no such overload')
        ? `'${value.message}': call arguments did not match a supported operator, function or macro signature for rule: ${ruleText(rule)}`
        : `${value.message} evaluating rule: ${ruleText(rule)}`;
      this.causes.push(fieldError.invalid(path, type, why));
      return;
    }
    let said = rule.message?.trim() || `failed rule: ${rule.rule.trim()}`;
    if (message && isProgram(message)) {
      const made = message.evaluate(variables);
      if (!made.exceeded && typeof made.value === 'string') said = usable(made.value) ?? said;
      if (!this.#pay(made.cost, type, path)) return;
    }
    this.causes.push(failure(rule, fieldOf(path, rule.fieldPath), type, said));
  }

  #pay(cost: number, type: string, path: FieldPath): boolean {
    this.#budget -= cost;
    if (this.#budget >= 0) return true;
    this.#spent = true;
    const why =
      'validation failed due to running out of cost budget, no further validation rules will be run';
    this.causes.push(fieldError.invalid(path, type, why));
    return false;
  }
}

function memberOf(value: JsonValue | undefined, key: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined;
}

function ruleText({ rule, message }: ValidationRule): string {
  return message?.trim() || rule.trim();
}

/** A message has to be one line, and say something. */
function usable(message: string): string | undefined {
  const text = message.trim();
  return text === '' || text.length > maxMessage || /[\n\r]/.test(text) ? undefined : text;
}

/** `.spec.x`, `['a.b']`: as the rule's fieldPath has it, below the node. */
function fieldOf(path: FieldPath, given: string | undefined): FieldPath {
  if (!given) return path;
  let at = path;
  for (const [, name, quoted] of given.matchAll(/\.([^.[\]]+)|\['([^']*)'\]/g)) {
    at = at.child(name ?? quoted ?? '');
  }
  return at;
}

function failure({ reason }: ValidationRule, path: FieldPath, type: string, message: string): StatusCause {
  switch (reason) {
    case 'FieldValueRequired':
      return fieldError.required(path, message);
    case 'FieldValueForbidden':
      return fieldError.forbidden(path, message);
    case 'FieldValueDuplicate': {
      const duplicate = fieldError.duplicate(path, type);
      return { ...duplicate, message: `${duplicate.message}: ${message}` };
    }
    default:
      return fieldError.invalid(path, type, message);
  }
}
