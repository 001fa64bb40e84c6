/** MutatingAdmissionPolicy, compiled. */
import type { MutatingAdmissionPolicy } from '../../../api/kinds/admissionregistration/v1alpha1.js';
import type { Given } from '../../builtin/given.js';
import { type CompileFailure, type Environment, isProgram, type Program } from '../../cel/index.js';
import { jsonPatchType, objectPatchType, patchEnvironment } from './patch-types.js';
import { compileBasics, type Expression, type PolicyBasics, policyEnvironments } from './policy-fields.js';

export const patchTypes = ['ApplyConfiguration', 'JSONPatch'] as const;
export type PatchType = (typeof patchTypes)[number];

const results = { ApplyConfiguration: objectPatchType, JSONPatch: jsonPatchType } as const;

export interface Mutation extends Expression {
  readonly patchType: PatchType;
}

export interface MutatingPolicy extends PolicyBasics {
  readonly mutations: readonly Mutation[];
  readonly reinvoke: boolean;
}

/** A patch of which nothing is known before it runs is none: what an expression makes has to be seen in it. */
export function compilePatch(
  environment: Environment,
  patchType: PatchType,
  expression: string,
): Program | CompileFailure {
  const result = results[patchType];
  const program = environment.compile(expression.trim(), result);
  if (!isProgram(program) || program.type.kind === result.kind) return program;
  const wanted = patchType === 'JSONPatch' ? 'list(JSONPatch)' : 'Object';
  return { failure: `must evaluate to ${wanted} but got dyn`, wrongType: true };
}

export function compileMutatingPolicy(given: Given<MutatingAdmissionPolicy>): MutatingPolicy {
  const spec = given.spec ?? {};
  const environments = policyEnvironments(spec);
  const environment = patchEnvironment(environments.types);
  return {
    ...compileBasics(given.metadata?.name, spec, environments),
    mutations: (spec.mutations ?? []).map(({ patchType, applyConfiguration, jsonPatch }) => {
      const type = patchType === 'JSONPatch' ? patchType : 'ApplyConfiguration';
      const { expression = '' } = (type === 'JSONPatch' ? jsonPatch : applyConfiguration) ?? {};
      return { patchType: type, expression, program: compilePatch(environment, type, expression) };
    }),
    reinvoke: spec.reinvocationPolicy === 'IfNeeded',
  };
}
