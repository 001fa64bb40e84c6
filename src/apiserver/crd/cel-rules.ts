/**
 * The rules of a schema (`x-kubernetes-validations`), compiled: one set per schema node, kept as long as the node.
 */
import type { Schema, ValidationRule } from '../../api/index.js';
import {
  bool,
  celType,
  type CelType,
  type CompileFailure,
  Environment,
  isProgram,
  optionalOf,
  type Program,
  string,
} from '../cel/index.js';

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: Program | CompileFailure;
  readonly message: Program | CompileFailure | undefined;
  /** It compares with what was there before. */
  readonly transition: boolean;
}

const compiled = {
  root: new WeakMap<Schema, readonly CompiledRule[]>(),
  nested: new WeakMap<Schema, readonly CompiledRule[]>(),
};

/** @param root of a whole object */
export function rulesOf(schema: Schema, root: boolean): readonly CompiledRule[] {
  const known = root ? compiled.root : compiled.nested;
  let rules = known.get(schema);
  if (!rules) known.set(schema, (rules = compileRules(schema, root)));
  return rules;
}

function compileRules(schema: Schema, root: boolean): readonly CompiledRule[] {
  const rules = schema['x-kubernetes-validations'] ?? [];
  const self = rules.length === 0 ? undefined : celType(schema, root, 'selfType');
  if (!self) return [];
  const environments = new Map([false, true].map((optional) => [optional, environment(self, optional)]));
  return rules.map((rule) => {
    const env = environments.get(rule.optionalOldSelf === true) as Environment;
    const program = env.compile(rule.rule ?? '', bool);
    const { messageExpression } = rule;
    return {
      rule,
      program,
      message: messageExpression ? env.compile(messageExpression, string) : undefined,
      transition: isProgram(program) && program.used.has('oldSelf'),
    };
  });
}

function environment(self: CelType, optional: boolean): Environment {
  return new Environment({ self, oldSelf: optional ? optionalOf(self) : self });
}

const known = new WeakMap<Schema, boolean>();

/** Whether there is any rule in the schema or below it. */
export function hasRules(schema: Schema): boolean {
  let found = known.get(schema);
  if (found === undefined) {
    // Custom schemas are trees: nothing can lead back here.
    found =
      (schema['x-kubernetes-validations']?.length ?? 0) > 0 ||
      (schema.items !== undefined && hasRules(schema.items)) ||
      (typeof schema.additionalProperties === 'object' && hasRules(schema.additionalProperties)) ||
      Object.entries(schema.properties ?? {}).some(([, child]) => hasRules(child));
    known.set(schema, found);
  }
  return found;
}
