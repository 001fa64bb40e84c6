/** ValidatingAdmissionPolicy, compiled, and its binding. */
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../api/kinds/admissionregistration/v1.js';
import type { Given } from '../../builtin/given.js';
import { bool, type CompileFailure, type Program, string } from '../../cel/index.js';
import {
  type BindingBasics,
  compileBasics,
  compileBinding,
  type Expression,
  type PolicyBasics,
  policyEnvironments,
} from './policy-fields.js';

export interface ValidatingPolicy extends PolicyBasics {
  readonly validations: readonly (Expression & {
    readonly message: string;
    readonly messageProgram: Program | CompileFailure | undefined;
    readonly reason: string | undefined;
  })[];
  readonly auditAnnotations: readonly (Expression & { readonly key: string })[];
}

export interface ValidatingBinding extends BindingBasics {
  readonly actions: ReadonlySet<string>;
}

export function compileValidatingPolicy(given: Given<ValidatingAdmissionPolicy>): ValidatingPolicy {
  const spec = given.spec ?? {};
  const environments = policyEnvironments(spec);
  const { full } = environments;
  return {
    ...compileBasics(given.metadata?.name, spec, environments),
    validations: (spec.validations ?? []).map(
      ({ expression = '', message = '', messageExpression, reason }) => ({
        expression,
        program: full.compile(expression, bool),
        message,
        messageProgram: messageExpression ? full.compile(messageExpression, string) : undefined,
        reason,
      }),
    ),
    auditAnnotations: (spec.auditAnnotations ?? []).map(({ key = '', valueExpression = '' }) => ({
      key,
      expression: valueExpression,
      program: full.compile(valueExpression),
    })),
  };
}

export function compileValidatingBinding(given: Given<ValidatingAdmissionPolicyBinding>): ValidatingBinding {
  return { ...compileBinding(given), actions: new Set(given.spec?.validationActions ?? []) };
}
