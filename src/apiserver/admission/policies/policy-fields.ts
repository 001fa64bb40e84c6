/** ValidatingAdmissionPolicy, compiled, and its binding, as admission reads them. */
import {
  compileLabelSelector,
  everything,
  type LabelSelector,
  type LabelSelectorObject,
} from '../../../api/index.js';
import type {
  MatchResources,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../api/kinds/admissionregistration/v1.js';
import {
  bool,
  type CelType,
  type CompileFailure,
  dyn,
  Environment,
  isProgram,
  objectType,
  type Program,
  string,
} from '../../cel/index.js';
import type { Given } from '../../builtin/given.js';
import { compileRule, type RuleTarget } from '../webhooks/matching.js';
import { compileConditions, type Condition } from './match-conditions.js';
import { namespaceType, webhookVariables } from './request-variables.js';

type NamedRule = (target: RuleTarget, name: string) => boolean;

/** Which requests a policy or a binding is about. */
export interface Matcher {
  readonly rules: readonly NamedRule[];
  readonly excluded: readonly NamedRule[];
  readonly equivalent: boolean;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
  /** True when there are no rules at all: a binding that narrows nothing. */
  readonly anyResource: boolean;
}

export function compileMatcher(given: Given<MatchResources> | undefined): Matcher {
  const { resourceRules = [], excludeResourceRules = [] } = given ?? {};
  return {
    rules: resourceRules.map(namedRule),
    excluded: excludeResourceRules.map(namedRule),
    equivalent: given?.matchPolicy !== 'Exact',
    namespaceSelector: selector(given?.namespaceSelector as LabelSelectorObject | undefined),
    objectSelector: selector(given?.objectSelector as LabelSelectorObject | undefined),
    anyResource: resourceRules.length === 0,
  };
}

function namedRule(fields: Given<MatchResources['resourceRules'] & object>[number]): NamedRule {
  const rule = compileRule(fields as Parameters<typeof compileRule>[0]);
  const names = new Set(fields.resourceNames ?? []);
  return (target, name) => rule(target) && (names.size === 0 || names.has(name));
}

function selector(given: LabelSelectorObject | undefined): LabelSelector {
  return given === undefined ? everything : compileLabelSelector(given);
}

export interface Expression {
  readonly expression: string;
  readonly program: Program | CompileFailure;
}

export interface CompiledPolicy {
  readonly name: string;
  readonly failOpen: boolean;
  readonly paramKind: { readonly apiVersion: string; readonly kind: string } | undefined;
  readonly matcher: Matcher;
  readonly conditions: readonly Condition[];
  readonly variables: readonly (Expression & { readonly name: string })[];
  readonly validations: readonly (Expression & {
    readonly message: string;
    readonly messageProgram: Program | CompileFailure | undefined;
    readonly reason: string | undefined;
  })[];
  readonly auditAnnotations: readonly (Expression & { readonly key: string })[];
}

export interface CompiledBinding {
  readonly name: string;
  readonly policyName: string;
  readonly paramRef: Given<ValidatingAdmissionPolicyBinding['spec'] & object>['paramRef'];
  readonly matcher: Matcher;
  readonly actions: ReadonlySet<string>;
}

/** The environments of a policy's expressions. */
export interface PolicyEnvironments {
  /** Without variables: match conditions. */
  readonly plain: Environment;
  /** With the variables before the one of this index; the last has all of them. */
  readonly withVariables: readonly Environment[];
  readonly variables: readonly (Program | CompileFailure)[];
}

type PolicySpec = Given<ValidatingAdmissionPolicy['spec'] & object>;

export function policyEnvironments(spec: PolicySpec): PolicyEnvironments {
  const base: Record<string, CelType> = {
    ...webhookVariables,
    namespaceObject: namespaceType,
    ...(spec.paramKind ? { params: dyn } : {}),
  };
  const fields = new Map<string, CelType>();
  const environments: Environment[] = [];
  const variables: (Program | CompileFailure)[] = [];
  const next = (): Environment => {
    const variablesType = objectType('kubernetes.variables', new Map(fields));
    const environment = new Environment({ ...base, variables: variablesType });
    environments.push(environment);
    return environment;
  };
  for (const { name = '', expression = '' } of spec.variables ?? []) {
    const program = next().compile(expression);
    variables.push(program);
    fields.set(name, isProgram(program) ? program.type : dyn);
  }
  next();
  return { plain: new Environment(base), withVariables: environments, variables };
}

export function compilePolicy(given: Given<ValidatingAdmissionPolicy>): CompiledPolicy {
  const spec = given.spec ?? {};
  const environments = policyEnvironments(spec);
  const environment = environments.withVariables.at(-1) as Environment;
  return {
    name: given.metadata?.name ?? '',
    failOpen: spec.failurePolicy === 'Ignore',
    paramKind: spec.paramKind
      ? { apiVersion: spec.paramKind.apiVersion ?? '', kind: spec.paramKind.kind ?? '' }
      : undefined,
    matcher: compileMatcher(spec.matchConstraints),
    conditions: compileConditions(spec.matchConditions, environments.plain),
    variables: (spec.variables ?? []).map(({ name = '', expression = '' }, i) => ({
      name,
      expression,
      program: environments.variables[i] as Program | CompileFailure,
    })),
    validations: (spec.validations ?? []).map(
      ({ expression = '', message = '', messageExpression, reason }) => ({
        expression,
        program: environment.compile(expression, bool),
        message,
        messageProgram: messageExpression ? environment.compile(messageExpression, string) : undefined,
        reason,
      }),
    ),
    auditAnnotations: (spec.auditAnnotations ?? []).map(({ key = '', valueExpression = '' }) => ({
      key,
      expression: valueExpression,
      program: environment.compile(valueExpression),
    })),
  };
}

export function compileBinding(given: Given<ValidatingAdmissionPolicyBinding>): CompiledBinding {
  const spec = given.spec ?? {};
  return {
    name: given.metadata?.name ?? '',
    policyName: spec.policyName ?? '',
    paramRef: spec.paramRef,
    matcher: compileMatcher(spec.matchResources),
    actions: new Set(spec.validationActions ?? []),
  };
}
