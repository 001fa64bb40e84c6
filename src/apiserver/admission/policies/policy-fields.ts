/** What policies and bindings of either sort say, compiled, as admission reads them. */
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../api/kinds/admissionregistration/v1.js';
import type { Given } from '../../builtin/given.js';
import {
  type CelType,
  type CompileFailure,
  dyn,
  Environment,
  isProgram,
  objectType,
  type Program,
} from '../../cel/index.js';
import { compileConditions, type Condition } from './match-conditions.js';
import { compileMatcher, type Matcher } from './matcher.js';
import { namespaceType, webhookVariables } from './request-variables.js';

export interface Expression {
  readonly expression: string;
  readonly program: Program | CompileFailure;
}

/** When a policy is asked, and what its expressions share. */
export interface PolicyBasics {
  readonly name: string;
  readonly failOpen: boolean;
  readonly paramKind: { readonly apiVersion: string; readonly kind: string } | undefined;
  readonly matcher: Matcher;
  readonly conditions: readonly Condition[];
  readonly variables: readonly (Expression & { readonly name: string })[];
}

type BasicSpec = Pick<
  Given<ValidatingAdmissionPolicy['spec'] & object>,
  'failurePolicy' | 'matchConditions' | 'matchConstraints' | 'paramKind' | 'variables'
>;

/** The environments of a policy's expressions. */
export interface PolicyEnvironments {
  /** Without variables: match conditions. */
  readonly plain: Environment;
  /** All there is, and its types: what the policy itself is about. */
  readonly full: Environment;
  readonly types: Readonly<Record<string, CelType>>;
  /** Compiled with the variables before each. */
  readonly variables: readonly (Program | CompileFailure)[];
}

export function policyEnvironments(spec: BasicSpec): PolicyEnvironments {
  const base: Record<string, CelType> = {
    ...webhookVariables,
    namespaceObject: namespaceType,
    ...(spec.paramKind ? { params: dyn } : {}),
  };
  const fields = new Map<string, CelType>();
  const variables: (Program | CompileFailure)[] = [];
  const types = (): Record<string, CelType> => ({
    ...base,
    variables: objectType('kubernetes.variables', new Map(fields)),
  });
  for (const { name = '', expression = '' } of spec.variables ?? []) {
    const program = new Environment(types()).compile(expression);
    variables.push(program);
    fields.set(name, isProgram(program) ? program.type : dyn);
  }
  return { plain: new Environment(base), full: new Environment(types()), types: types(), variables };
}

export function compileBasics(
  name: string | undefined,
  spec: BasicSpec,
  { plain, variables }: PolicyEnvironments,
): PolicyBasics {
  return {
    name: name ?? '',
    failOpen: spec.failurePolicy === 'Ignore',
    paramKind: spec.paramKind
      ? { apiVersion: spec.paramKind.apiVersion ?? '', kind: spec.paramKind.kind ?? '' }
      : undefined,
    matcher: compileMatcher(spec.matchConstraints),
    conditions: compileConditions(spec.matchConditions, plain),
    variables: (spec.variables ?? []).map(({ name: variable = '', expression = '' }, i) => ({
      name: variable,
      expression,
      program: variables[i] as Program | CompileFailure,
    })),
  };
}

/** Where a policy is in force. */
export interface BindingBasics {
  readonly name: string;
  readonly policyName: string;
  readonly paramRef: Given<ValidatingAdmissionPolicyBinding['spec'] & object>['paramRef'];
  readonly matcher: Matcher;
}

export function compileBinding(given: {
  readonly metadata?: { readonly name?: string };
  readonly spec?: Pick<
    Given<ValidatingAdmissionPolicyBinding['spec'] & object>,
    'matchResources' | 'paramRef' | 'policyName'
  >;
}): BindingBasics {
  const { policyName = '', paramRef, matchResources } = given.spec ?? {};
  return {
    name: given.metadata?.name ?? '',
    policyName,
    paramRef,
    matcher: compileMatcher(matchResources),
  };
}
