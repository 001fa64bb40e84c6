/** The rules of a schema node, compiled; of every node once. */
import type { Schema, ValidationRule } from '../../../api/index.js';
import { Compiler, type Program } from '../../cel/program.js';

/** `self` is the value a rule stands at, `oldSelf` what it was before. */
export const ruleCompiler = new Compiler(['self', 'oldSelf']);

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: Program;
  readonly message: Program | undefined;
  /** Looks at what was: is run on updates alone. */
  readonly transition: boolean;
}

const known = new WeakMap<Schema, readonly CompiledRule[]>();

/** Those that compile: what is served was checked when it was written. */
export function rulesOf(schema: Schema): readonly CompiledRule[] {
  let rules = known.get(schema);
  if (!rules) known.set(schema, (rules = (schema['x-kubernetes-validations'] ?? []).flatMap(compileRule)));
  return rules;
}

function compileRule(rule: ValidationRule): CompiledRule[] {
  const compiled = ruleCompiler.compile(rule.rule);
  if (!('program' in compiled)) return [];
  const told =
    rule.messageExpression === undefined ? undefined : ruleCompiler.compile(rule.messageExpression);
  const { program } = compiled;
  return [
    {
      rule,
      program,
      message: told && 'program' in told ? told.program : undefined,
      transition: program.names.has('oldSelf'),
    },
  ];
}

const anyRule = new WeakMap<Schema, boolean>();

/** Whether there are rules at a node or anywhere below it: most values need not be walked. */
export function hasRules(schema: Schema): boolean {
  let has = anyRule.get(schema);
  if (has === undefined) {
    has =
      (schema['x-kubernetes-validations']?.length ?? 0) > 0 ||
      Object.values(schema.properties ?? {}).some(hasRules) ||
      (schema.items !== undefined && hasRules(schema.items)) ||
      (typeof schema.additionalProperties === 'object' && hasRules(schema.additionalProperties));
    anyRule.set(schema, has);
  }
  return has;
}
