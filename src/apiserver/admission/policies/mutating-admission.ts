/**
 * Has the MutatingAdmissionPolicies of the cluster change what is written (API-17, KEP-3962).
 *
 * They run after the built-in plugins and before mutating webhooks, by name, each with every binding that names it and
 * every parameter of that. What goes wrong in one refuses the request, unless the policy is to be ignored then. Policies,
 * webhook configurations and the server's own writes are left alone: no policy can lock a cluster up for good.
 */
import {
  ApiError,
  apiVersionOf,
  forbidden,
  type GroupVersionKind,
  isApiError,
  type JsonObject,
  notFound,
  type StatusReason,
} from '../../../api/index.js';
import { schemaOfKind } from '../../../api/facts/index.js';
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '../../../api/kinds/admissionregistration/v1alpha1.js';
import type { Given } from '../../builtin/given.js';
import { storagePrefix } from '../../cache/watch-cache.js';
import { CelError, fromJson, type Value } from '../../cel/index.js';
import type { ServedResource } from '../../resource.js';
import type { AdmissionAttributes, MutationRound } from '../admission.js';
import { Reinvocation } from '../reinvocation.js';
import { VersionedObjects } from '../webhooks/versioned-objects.js';
import { CompiledObjects } from './compiled-objects.js';
import { Budget, run, Variables } from './evaluation.js';
import { evaluateConditions } from './match-conditions.js';
import { isNamespace, RequestMatcher } from './matcher.js';
import { compileMutatingPolicy, type MutatingPolicy, type Mutation } from './mutating-fields.js';
import { Misconfigured, paramsOf } from './params.js';
import { applyConfiguration, applyOperations, MutationFailed, type Patched } from './patches.js';
import type { PolicyDeps } from './validating-admission.js';
import { type BindingBasics, compileBinding } from './policy-fields.js';
import { namespaceValue, requestValues } from './request-variables.js';

const group = 'admissionregistration.k8s.io';
const namespaces = { group: '', plural: 'namespaces' };

/** A policy as one binding, with one parameter, has it run. */
interface Invocation {
  readonly id: string;
  readonly policy: MutatingPolicy;
  readonly binding: BindingBasics;
  readonly param: JsonObject | null;
  readonly shown: ServedResource;
}

/** Why a policy could not do what it is there for. */
interface Failure {
  readonly policy: MutatingPolicy;
  readonly binding: BindingBasics;
  readonly message: string;
  readonly reason: StatusReason;
}

export class MutatingPolicyAdmission {
  static readonly pluginName = 'MutatingAdmissionPolicy';
  readonly #policies: CompiledObjects<MutatingPolicy>;
  readonly #bindings: CompiledObjects<BindingBasics>;
  readonly #matcher: RequestMatcher;

  constructor(private readonly deps: PolicyDeps) {
    const cacheOf = (plural: string) => deps.cache.resource(storagePrefix({ group, plural }));
    this.#policies = new CompiledObjects(cacheOf('mutatingadmissionpolicies'), (object) =>
      compileMutatingPolicy(object as unknown as Given<MutatingAdmissionPolicy>),
    );
    this.#bindings = new CompiledObjects(cacheOf('mutatingadmissionpolicybindings'), (object) =>
      compileBinding(object as unknown as Given<MutatingAdmissionPolicyBinding>),
    );
    this.#matcher = new RequestMatcher(deps);
  }

  /** The policies' turn with one request; undefined when none is in force. */
  mutation(attributes: AdmissionAttributes): MutationRound | undefined {
    const { resource, user, operation } = attributes;
    // What goes has no object to change.
    if (operation === 'DELETE' || resource.facts.group === group || this.deps.isServer(user))
      return undefined;
    const bindings = this.#bindings.current();
    if (bindings.length === 0) return undefined;
    return new PolicyRound(attributes, this.#policies.current(), bindings, this.#matcher, this.deps);
  }
}

/** One request's way past the policies. */
class PolicyRound implements MutationRound {
  readonly #reinvocation = new Reinvocation();

  constructor(
    private readonly attributes: AdmissionAttributes,
    private readonly policies: readonly MutatingPolicy[],
    private readonly bindings: readonly BindingBasics[],
    private readonly matcher: RequestMatcher,
    private readonly deps: PolicyDeps,
  ) {}

  get changed(): boolean {
    return this.#reinvocation.changed;
  }

  /** @throws ApiError of the first policy that fails and is not to be ignored then */
  async run(object: JsonObject | undefined): Promise<JsonObject | undefined> {
    this.#reinvocation.begin(object);
    const objects = new VersionedObjects(this.attributes, object);
    const failures: Failure[] = [];
    for (const invocation of await this.#invocations(object, failures))
      await this.#invoke(invocation, objects, failures);
    this.#reinvocation.end(objects.object);
    const fatal = failures.filter(({ policy }) => !policy.failOpen);
    if (fatal.length > 0) throw refusal(this.attributes, fatal);
    return objects.object;
  }

  /** Everything that is about the request as it comes in; what it becomes on the way makes no difference. */
  async #invocations(object: JsonObject | undefined, failures: Failure[]): Promise<Invocation[]> {
    const { attributes } = this;
    const found: Invocation[] = [];
    for (const policy of this.policies) {
      const shown = this.matcher.match(policy.matcher, attributes, object);
      if (!shown) continue;
      for (const binding of this.bindings) {
        if (binding.policyName !== policy.name) continue;
        if (!this.matcher.match(binding.matcher, attributes, object)) continue;
        try {
          for (const param of await paramsOf(this.deps, policy, binding, attributes)) {
            const id = JSON.stringify([policy.name, binding.name, keyOf(param)]);
            found.push({ id, policy, binding, param, shown });
          }
        } catch (error) {
          if (!(error instanceof Misconfigured) && !isApiError(error)) throw error;
          failures.push({ policy, binding, message: error.message, reason: 'Forbidden' });
        }
      }
    }
    return found;
  }

  async #invoke(invocation: Invocation, objects: VersionedObjects, failures: Failure[]): Promise<void> {
    const { id, policy, binding } = invocation;
    const fail = (message: string) => failures.push({ policy, binding, message, reason: 'Invalid' });
    const values = await this.#values(invocation, objects);
    const matched = evaluateConditions(policy.conditions, values);
    if ('error' in matched) {
      fail(matched.error);
      return;
    }
    if (!matched.matches || !this.#reinvocation.isAsked(id)) return;
    let changed = false;
    for (const mutation of policy.mutations) {
      try {
        changed = (await this.#mutate(invocation, mutation, objects)) || changed;
      } catch (error) {
        if (!(error instanceof MutationFailed)) throw error;
        fail(error.message);
      }
    }
    this.#reinvocation.asked(id, { changed, reinvoke: policy.reinvoke });
  }

  /** What expressions see by now. @throws ApiError NotFound when the namespace is not there */
  async #values(
    { policy, param, shown }: Invocation,
    objects: VersionedObjects,
  ): Promise<Readonly<Record<string, Value>>> {
    const { attributes, deps } = this;
    const namespace = this.matcher.namespaceOf(attributes);
    if (!namespace && attributes.namespace !== '' && !isNamespace(attributes.resource))
      throw notFound(namespaces, attributes.namespace);
    return {
      ...requestValues({
        attributes,
        shown,
        object: await objects.objectAt(shown),
        oldObject: await objects.oldAt(shown),
        authorizer: deps.authorizer,
      }),
      namespaceObject: namespaceValue(namespace),
      ...(policy.paramKind ? { params: fromJson(param) } : {}),
    };
  }

  /** @returns whether the object is another one now. @throws MutationFailed, ApiError */
  async #mutate(invocation: Invocation, mutation: Mutation, objects: VersionedObjects): Promise<boolean> {
    const { policy, shown } = invocation;
    const object = await objects.objectAt(shown);
    if (!object) return false;
    const values = await this.#values(invocation, objects);
    const budget = new Budget();
    const value = run(mutation, budget, { ...values, variables: new Variables(policy, budget, values) });
    if (value instanceof CelError) throw new MutationFailed(value.message);
    const patched = this.#patched(shown, object);
    const next =
      mutation.patchType === 'JSONPatch'
        ? applyOperations(value, patched)
        : applyConfiguration(value, patched);
    return objects.replace(shown, next);
  }

  /** @throws ApiError for what is no object of a kind: it cannot be known what its fields are */
  #patched({ facts, schema, builtin }: ServedResource, object: JsonObject): Patched {
    const { kind } = this.attributes;
    if (!kind) return { object, kind: facts, schema, builtin };
    const own = schemaOfKind(kind);
    if (!own) throw unknownKind(kind);
    return { object, kind, schema: own, builtin: true };
  }
}

function keyOf(param: JsonObject | null): readonly (string | undefined)[] {
  const { namespace, name } = (param?.metadata ?? {}) as { namespace?: string; name?: string };
  return [namespace, name];
}

function unknownKind(kind: GroupVersionKind): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `Resource kind ${apiVersionOf(kind)}, Kind=${kind.kind} not found. There can be a delay between when CustomResourceDefinitions are created and when they are available.`,
    reason: 'ServiceUnavailable',
    code: 503,
  });
}

/** The refusal, in the words of the first; all are among its causes. */
function refusal({ resource, name }: AdmissionAttributes, failures: readonly Failure[]): ApiError {
  const messages = failures.map(
    ({ policy, binding, message }) =>
      `policy '${policy.name}' with binding '${binding.name}' denied request: ${message}`,
  );
  const { status } = forbidden(resource.facts, name, '');
  return new ApiError({
    ...status,
    message: messages[0] as string,
    reason: (failures[0] as Failure).reason,
    details: { ...status.details, causes: messages.map((message) => ({ message })) },
  });
}
