/**
 * ValidatingAdmissionPolicies: what a cluster's own expressions refuse, or warn of (API-16, API-17).
 *
 * Policies and bindings are read from the watch cache; a change is in force with the next request. The configuration of
 * admission itself is never refused by a policy, nor are the server's own writes.
 */
import {
  ApiError,
  compileLabelSelector,
  everything,
  forbidden,
  type JsonObject,
  type LabelSelectorObject,
  parseApiVersion,
  type Status,
  type UserInfo,
} from '../../../api/index.js';
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../api/kinds/admissionregistration/v1.js';
import type { Authorizer } from '../../auth/authorizer.js';
import type { Given } from '../../builtin/given.js';
import type { StampedObject } from '../../cache/resource-cache.js';
import type { Program } from '../../cel/program.js';
import { toCel } from '../../cel/values.js';
import type { ServedResource } from '../../resource.js';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.js';
import type { Lookup } from '../lookup.js';
import {
  admissionValues,
  compileConditions,
  type Condition,
  evaluateConditions,
  policyCompiler,
} from './expressions.js';
import { compileMatch, type Match, namespaceOf } from './policy-match.js';

const group = 'admissionregistration.k8s.io';
const policies = { group, plural: 'validatingadmissionpolicies' };
const bindings = { group, plural: 'validatingadmissionpolicybindings' };

export interface PolicyAdmissionDeps {
  readonly lookup: Lookup;
  readonly authorizer: Authorizer;
  readonly isServer: (user: UserInfo) => boolean;
  /** How objects of a kind are found; undefined when it is not served. */
  readonly resourceOf: (of: {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }) => ServedResource | undefined;
}

interface Validation {
  readonly expression: string;
  readonly program: Program;
  readonly message: string | undefined;
  readonly messageProgram: Program | undefined;
  readonly reason: string;
}

interface Policy {
  readonly name: string;
  readonly match: Match;
  readonly conditions: readonly Condition[];
  readonly variables: readonly Condition[];
  readonly validations: readonly Validation[];
  readonly failOpen: boolean;
  readonly paramKind: { readonly apiVersion: string; readonly kind: string } | undefined;
}

interface Binding {
  readonly name: string;
  readonly policyName: string;
  readonly match: Match;
  readonly actions: readonly string[];
  readonly paramRef: NonNullable<Given<ValidatingAdmissionPolicyBinding>['spec']>['paramRef'];
}

/** Why a request is refused. */
interface Failure {
  readonly message: string;
  readonly reason: string;
}

const codes: Readonly<Record<string, number>> = {
  Unauthorized: 401,
  Forbidden: 403,
  Invalid: 422,
  RequestEntityTooLarge: 413,
};

export class PolicyAdmission implements AdmissionPlugin {
  readonly name = 'ValidatingAdmissionPolicy';
  readonly #policies = new WeakMap<object, Policy>();
  readonly #bindings = new WeakMap<object, Binding>();

  constructor(private readonly deps: PolicyAdmissionDeps) {}

  validate(attributes: AdmissionAttributes): void {
    const { resource, user } = attributes;
    if (resource.facts.group === group || this.deps.isServer(user)) return;
    let values: Record<string, unknown> | undefined;
    for (const object of this.deps.lookup.list(bindings)) {
      const binding = this.#binding(object);
      const found = this.deps.lookup.get(policies, '', binding.policyName);
      if (!found) continue;
      const policy = this.#policy(found);
      if (!policy.match(attributes) || !binding.match(attributes)) continue;
      values ??= this.#values(attributes);
      for (const failure of this.#failures(policy, binding, attributes, values))
        react(policy, binding, failure, attributes);
    }
  }

  #values(attributes: AdmissionAttributes): Record<string, unknown> {
    const namespace = namespaceOf(attributes, this.deps.lookup);
    return {
      ...admissionValues(attributes, attributes.object, this.deps.authorizer),
      namespaceObject: namespace ? toCel(namespace, undefined, policyCompiler.moments) : null,
    };
  }

  /** One run per parameter; without a parameter kind just one. */
  #failures(
    policy: Policy,
    binding: Binding,
    attributes: AdmissionAttributes,
    values: Readonly<Record<string, unknown>>,
  ): Failure[] {
    const params = this.#params(policy, binding, attributes);
    if ('message' in params) return policy.failOpen ? [] : [params];
    return params.flatMap((param) => {
      const all = {
        ...values,
        params: param === null ? null : toCel(param, undefined, policyCompiler.moments),
      };
      return runPolicy(policy, all);
    });
  }

  #params(
    policy: Policy,
    binding: Binding,
    { namespace }: AdmissionAttributes,
  ): (JsonObject | null)[] | Failure {
    const { paramKind } = policy;
    const { paramRef } = binding;
    if (!paramKind || !paramRef) return [null];
    const resource = this.deps.resourceOf({ ...parseApiVersion(paramKind.apiVersion), kind: paramKind.kind });
    const invalid = (message: string): Failure => ({ message, reason: 'Invalid' });
    if (!resource)
      return invalid(
        `failed to configure binding: failed to find resource referenced by paramKind: '${paramKind.apiVersion}, Kind=${paramKind.kind}'`,
      );
    const { facts } = resource;
    const within = facts.scope === 'Namespaced' ? paramRef.namespace || namespace : '';
    if (facts.scope === 'Namespaced' && within === '')
      return invalid(
        'failed to configure binding: cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
      );
    const at = { group: facts.group, plural: facts.plural };
    const selected = paramRef.selector
      ? compileLabelSelector(paramRef.selector as LabelSelectorObject)
      : everything;
    const found: StampedObject[] = paramRef.name
      ? [this.deps.lookup.get(at, within, paramRef.name)].filter((o): o is StampedObject => o !== undefined)
      : [...this.deps.lookup.list(at, within === '' ? undefined : within)].filter(({ metadata }) =>
          selected.matches((metadata as { labels?: Record<string, string> }).labels ?? {}),
        );
    if (found.length > 0)
      return found.map((object) => resource.conversion.known(object, facts.version) ?? object);
    if (paramRef.parameterNotFoundAction === 'Allow') return [];
    return invalid(
      'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
    );
  }

  #policy(object: StampedObject): Policy {
    let policy = this.#policies.get(object);
    if (!policy) {
      const { metadata, spec = {} } = object as unknown as Given<ValidatingAdmissionPolicy>;
      const { apiVersion = '', kind = '' } = spec.paramKind ?? {};
      policy = {
        name: metadata?.name ?? '',
        match: compileMatch(spec.matchConstraints, this.deps.lookup),
        conditions: compileConditions(policyCompiler, spec.matchConditions),
        variables: compileConditions(policyCompiler, spec.variables),
        validations: (spec.validations ?? []).flatMap(compileValidation),
        failOpen: spec.failurePolicy === 'Ignore',
        paramKind: spec.paramKind ? { apiVersion, kind } : undefined,
      };
      this.#policies.set(object, policy);
    }
    return policy;
  }

  #binding(object: StampedObject): Binding {
    let binding = this.#bindings.get(object);
    if (!binding) {
      const { metadata, spec = {} } = object as unknown as Given<ValidatingAdmissionPolicyBinding>;
      binding = {
        name: metadata?.name ?? '',
        policyName: spec.policyName ?? '',
        match: compileMatch(spec.matchResources, this.deps.lookup),
        actions: (spec.validationActions ?? []) as readonly string[],
        paramRef: spec.paramRef,
      };
      this.#bindings.set(object, binding);
    }
    return binding;
  }
}

function compileValidation(
  given: NonNullable<NonNullable<Given<ValidatingAdmissionPolicy>['spec']>['validations']>[number],
): Validation[] {
  const { expression = '', message, messageExpression, reason = 'Invalid' } = given;
  const compiled = policyCompiler.compile(expression);
  if (!('program' in compiled)) return [];
  const told = messageExpression === undefined ? undefined : policyCompiler.compile(messageExpression);
  return [
    {
      expression,
      program: compiled.program,
      message: message?.trim() || undefined,
      messageProgram: told && 'program' in told ? told.program : undefined,
      reason,
    },
  ];
}

function runPolicy(policy: Policy, given: Readonly<Record<string, unknown>>): Failure[] {
  const failed = (message: string): Failure[] => (policy.failOpen ? [] : [{ message, reason: 'Invalid' }]);
  const matched = evaluateConditions(policy.conditions, given);
  if ('error' in matched) return failed(matched.error);
  if (!matched.matches) return [];
  const { values, errors } = withVariables(policy.variables, given);
  return policy.validations.flatMap((validation) => {
    const { expression, program, message, messageProgram, reason } = validation;
    const outcome = program.run(values);
    if ('error' in outcome) {
      const missing = /^no such key: (\w+)$/.exec(outcome.error)?.[1];
      const why = (missing !== undefined && errors.get(missing)) || outcome.error;
      return failed(`expression '${expression}' resulted in error: ${why}`);
    }
    if (outcome.value === true) return [];
    const told = messageProgram?.run(values);
    const computed = told && 'value' in told && typeof told.value === 'string' ? told.value.trim() : '';
    const text = computed !== '' && !/[\n\r]/.test(computed) ? computed : message;
    return [{ message: text ?? `failed expression: ${expression.trim()}`, reason }];
  });
}

/** Each variable sees those before it; one that fails is told of where it is used. */
function withVariables(
  variables: readonly Condition[],
  given: Readonly<Record<string, unknown>>,
): { readonly values: Readonly<Record<string, unknown>>; readonly errors: ReadonlyMap<string, string> } {
  const computed = new Map<string, unknown>();
  const errors = new Map<string, string>();
  const values = { ...given, variables: computed };
  for (const { name, program } of variables) {
    const outcome = program.run(values);
    if ('error' in outcome)
      errors.set(name, `composited variable ${JSON.stringify(name)} fails to evaluate: ${outcome.error}`);
    else computed.set(name, outcome.value);
  }
  return { values, errors };
}

function react(
  policy: Policy,
  binding: Binding,
  { message, reason }: Failure,
  attributes: AdmissionAttributes,
): void {
  const { resource, name, warnings } = attributes;
  const where = `ValidatingAdmissionPolicy '${policy.name}' with binding '${binding.name}'`;
  if (binding.actions.includes('Warn')) warnings?.push(`Validation failed for ${where}: ${message}`);
  if (!binding.actions.includes('Deny')) return;
  const text = `${where} denied request: ${message}`;
  const { status } = forbidden(resource.facts, name, text);
  throw new ApiError({
    ...status,
    reason: reason as NonNullable<Status['reason']>,
    code: codes[reason] ?? 422,
    details: { ...status.details, causes: [{ message: text }] },
  } as Status);
}
