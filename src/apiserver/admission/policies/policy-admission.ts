/**
 * Asks the ValidatingAdmissionPolicies of the cluster about writes (API-17).
 *
 * A policy is in force where a binding names it; what it objects to is refused, warned about or noted, as the binding
 * says. Policies, webhook configurations and the server's own writes are not judged: no policy can lock a cluster
 * up for good.
 */
import {
  ApiError,
  compileLabelSelector,
  forbidden,
  isApiError,
  type JsonObject,
  type LabelSelectorObject,
  parseApiVersion,
  type UserInfo,
} from '../../../api/index.js';
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../api/kinds/admissionregistration/v1.js';
import type { Given } from '../../builtin/given.js';
import type { Authorizer } from '../../auth/authorizer.js';
import type { ResourceCache, StampedObject } from '../../cache/resource-cache.js';
import { storagePrefix, type WatchCache } from '../../cache/watch-cache.js';
import { convertTo, type ServedResource, storageKey } from '../../resource.js';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.js';
import type { RuleTarget } from '../webhooks/matching.js';
import { VersionedObjects } from '../webhooks/versioned-objects.js';
import { evaluatePolicy, type Objection } from './evaluate.js';
import {
  compileBinding,
  type CompiledBinding,
  type CompiledPolicy,
  compilePolicy,
  type Matcher,
} from './policy-fields.js';
import { namespaceValue, requestValues } from './request-variables.js';

export interface PolicyAdmissionDeps {
  readonly cache: WatchCache;
  /** The same resource in its other served versions. */
  readonly otherVersions: (resource: ServedResource) => readonly ServedResource[];
  /** How objects of a kind are found; undefined when it is not served. */
  readonly resourceOf: (of: {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }) => ServedResource | undefined;
  readonly authorizer: Authorizer;
  readonly isServer: (user: UserInfo) => boolean;
  /** Hears what audit logs are to tell: annotations by their full key. */
  readonly onAudit?: (attributes: AdmissionAttributes, annotations: ReadonlyMap<string, string>) => void;
}

const group = 'admissionregistration.k8s.io';
const failureAnnotation = 'validation.policy.admission.k8s.io/validation_failure';
const namespaces = { group: '', plural: 'namespaces' };
const namespacePrefix = storagePrefix(namespaces);
const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
};

/** An objection, by whom, and what is to be done about it. */
interface Ruling extends Objection {
  readonly policy: string;
  readonly binding: CompiledBinding;
}

/** A policy cannot be applied as its binding wants it. */
class Misconfigured extends Error {
  override readonly name = 'Misconfigured';
}

/** Compiled objects of one kind, made again only where something changed. */
class Compiled<T> {
  #seen = -1;
  #all: readonly T[] = [];
  readonly #known = new WeakMap<StampedObject, T>();

  constructor(
    private readonly objects: ResourceCache,
    private readonly compile: (object: StampedObject) => T,
  ) {}

  current(): readonly T[] {
    const { end } = this.objects;
    if (end !== this.#seen) {
      this.#seen = end;
      this.#all = [...this.objects.scan()].map(({ object }) => this.#of(object));
    }
    return this.#all;
  }

  #of(object: StampedObject): T {
    let made = this.#known.get(object);
    if (!made) this.#known.set(object, (made = this.compile(object)));
    return made;
  }
}

export class PolicyAdmission implements AdmissionPlugin {
  readonly name = 'ValidatingAdmissionPolicy';
  readonly #policies: Compiled<CompiledPolicy>;
  readonly #bindings: Compiled<CompiledBinding>;

  constructor(private readonly deps: PolicyAdmissionDeps) {
    const cacheOf = (plural: string) => deps.cache.resource(storagePrefix({ group, plural }));
    this.#policies = new Compiled(cacheOf('validatingadmissionpolicies'), (object) =>
      compilePolicy(object as unknown as Given<ValidatingAdmissionPolicy>),
    );
    this.#bindings = new Compiled(cacheOf('validatingadmissionpolicybindings'), (object) =>
      compileBinding(object as unknown as Given<ValidatingAdmissionPolicyBinding>),
    );
  }

  /** @throws ApiError of the first objection that denies */
  async validate(attributes: AdmissionAttributes): Promise<void> {
    const { resource, user } = attributes;
    if (resource.facts.group === group || this.deps.isServer(user)) return;
    const bindings = this.#bindings.current();
    if (bindings.length === 0) return;
    const objects = new VersionedObjects(attributes, attributes.object);
    const rulings: Ruling[] = [];
    const annotations = new Map<string, string>();
    for (const policy of this.#policies.current()) {
      const shown = this.#match(policy.matcher, attributes, objects);
      if (!shown) continue;
      for (const binding of bindings) {
        if (binding.policyName !== policy.name || !this.#match(binding.matcher, attributes, objects))
          continue;
        rulings.push(...(await this.#judge(policy, binding, shown, attributes, objects, annotations)));
      }
    }
    this.#report(attributes, rulings, annotations);
  }

  async #judge(
    policy: CompiledPolicy,
    binding: CompiledBinding,
    shown: ServedResource,
    attributes: AdmissionAttributes,
    objects: VersionedObjects,
    annotations: Map<string, string>,
  ): Promise<Ruling[]> {
    const namespace = this.#namespaceOf(attributes);
    try {
      const params = await this.#params(policy, binding, attributes);
      const values = {
        ...requestValues({
          attributes,
          shown,
          object: await objects.objectAt(shown),
          oldObject: await objects.oldAt(shown),
          authorizer: this.deps.authorizer,
        }),
        namespaceObject: namespaceValue(namespace),
      };
      return params.flatMap((param) => {
        const { objections, auditAnnotations } = evaluatePolicy(policy, values, param);
        for (const [key, value] of auditAnnotations) {
          const full = `${policy.name}/${key}`;
          const before = annotations.get(full);
          annotations.set(full, before === undefined || before === value ? value : `${before}, ${value}`);
        }
        return objections.map((objection) => ({ ...objection, policy: policy.name, binding }));
      });
    } catch (error) {
      if (!(error instanceof Misconfigured) && !isApiError(error)) throw error;
      if (policy.failOpen) return [];
      return [
        { message: error.message, reason: undefined, expressionIndex: 0, policy: policy.name, binding },
      ];
    }
  }

  #report(
    attributes: AdmissionAttributes,
    rulings: readonly Ruling[],
    annotations: Map<string, string>,
  ): void {
    const audited: JsonObject[] = [];
    for (const { binding, policy, message, expressionIndex } of rulings) {
      if (binding.actions.has('Warn')) {
        attributes.warnings?.push(
          `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding.name}': ${message}`,
        );
      }
      if (binding.actions.has('Audit')) {
        const validationActions = [...binding.actions];
        audited.push({ message, policy, binding: binding.name, expressionIndex, validationActions });
      }
    }
    if (audited.length > 0) annotations.set(failureAnnotation, JSON.stringify(audited));
    if (annotations.size > 0) this.deps.onAudit?.(attributes, annotations);
    const denial = rulings.find(({ binding }) => binding.actions.has('Deny'));
    if (denial) throw refusal(attributes, denial);
  }

  /** The resource at the version the rules name; undefined when the request is none of their business. */
  #match(
    matcher: Matcher,
    attributes: AdmissionAttributes,
    objects: VersionedObjects,
  ): ServedResource | undefined {
    const shown = this.#byRules(matcher, attributes);
    if (!shown || !this.#inNamespaces(matcher, attributes)) return undefined;
    const { objectSelector } = matcher;
    const selected =
      objectSelector.isEmpty ||
      [objects.object, attributes.oldObject].some((o) => o && objectSelector.matches(labelsOf(o)));
    return selected ? shown : undefined;
  }

  #byRules(
    { rules, excluded, equivalent, anyResource }: Matcher,
    attributes: AdmissionAttributes,
  ): ServedResource | undefined {
    const { resource, name, subresource } = attributes;
    const target = ({ facts }: ServedResource): RuleTarget => ({
      operation: attributes.operation,
      group: facts.group,
      version: facts.version,
      resource: facts.plural,
      subresource,
      namespace: attributes.namespace,
    });
    const others = equivalent
      ? this.deps
          .otherVersions(resource)
          .filter(({ facts }) => subresource === '' || facts.subresources.some((s) => s.name === subresource))
      : [];
    const all = [resource, ...others];
    if (excluded.some((rule) => all.some((each) => rule(target(each), name)))) return undefined;
    if (anyResource) return resource;
    return all.find((each) => rules.some((rule) => rule(target(each), name)));
  }

  #inNamespaces({ namespaceSelector }: Matcher, attributes: AdmissionAttributes): boolean {
    if (namespaceSelector.isEmpty) return true;
    const { resource, object, namespace } = attributes;
    if (isNamespace(resource)) {
      const judged = object ?? attributes.oldObject;
      return judged !== undefined && namespaceSelector.matches(labelsOf(judged));
    }
    if (namespace === '') return true;
    const found = this.#namespaceOf(attributes);
    return found !== undefined && namespaceSelector.matches(labelsOf(found));
  }

  /** Where the object of a request lives; undefined for what lives in no namespace. */
  #namespaceOf({ resource, namespace }: AdmissionAttributes): JsonObject | undefined {
    if (namespace === '' || isNamespace(resource)) return undefined;
    return this.deps.cache.resource(namespacePrefix).get(`${namespacePrefix}${namespace}`)?.object;
  }

  /** What a binding has the policy run with: one evaluation each. @throws Misconfigured */
  async #params(
    { paramKind }: CompiledPolicy,
    { paramRef }: CompiledBinding,
    attributes: AdmissionAttributes,
  ): Promise<readonly (JsonObject | null)[]> {
    if (!paramKind || !paramRef) return [null];
    const { group: paramGroup, version } = parseApiVersion(paramKind.apiVersion);
    const resource = this.deps.resourceOf({ group: paramGroup, version, kind: paramKind.kind });
    if (!resource) {
      const kind = `${paramKind.apiVersion}, Kind=${paramKind.kind}`;
      throw new Misconfigured(
        `failed to configure policy: failed to find resource referenced by paramKind: '${kind}'`,
      );
    }
    const namespaced = resource.facts.scope === 'Namespaced';
    const namespace = paramRef.namespace || (isNamespace(attributes.resource) ? '' : attributes.namespace);
    if (!namespaced && paramRef.namespace) {
      throw new Misconfigured(
        'failed to configure binding: paramRef.namespace must not be provided for a cluster-scoped `paramKind`',
      );
    }
    if (namespaced && namespace === '') {
      throw new Misconfigured(
        'failed to configure binding: cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
      );
    }
    const cache = this.deps.cache.resource(resource.storagePrefix);
    const found: StampedObject[] = [];
    if (paramRef.name) {
      const object = cache.get(storageKey(resource, namespaced ? namespace : '', paramRef.name))?.object;
      if (object) found.push(object);
    } else if (paramRef.selector) {
      const selector = compileLabelSelector(paramRef.selector as LabelSelectorObject);
      for (const { object } of cache.scan()) {
        if (namespaced && object.metadata.namespace !== namespace) continue;
        if (selector.matches(object.metadata.labels)) found.push(object);
      }
    }
    if (found.length === 0) {
      if (paramRef.parameterNotFoundAction === 'Allow') return [];
      throw new Misconfigured(
        'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
      );
    }
    return Promise.all(found.map((object) => convertTo(resource, object, version)));
  }
}

function isNamespace({ facts }: ServedResource): boolean {
  return facts.group === '' && facts.kind === 'Namespace';
}

function labelsOf(object: JsonObject): Readonly<Record<string, string>> | undefined {
  return (object as Partial<StampedObject>).metadata?.labels;
}

/** The refusal, with the reason the validation asks for. */
function refusal(
  { resource, name }: AdmissionAttributes,
  { policy, binding, message, reason }: Ruling,
): ApiError {
  const text = `ValidatingAdmissionPolicy '${policy}' with binding '${binding.name}' denied request: ${message}`;
  const { status } = forbidden(resource.facts, name, text);
  const given = reason ?? 'Invalid';
  return new ApiError({
    ...status,
    reason: given as NonNullable<typeof status.reason>,
    details: { ...status.details, causes: [...(status.details?.causes ?? []), { message: text }] },
    code: Object.hasOwn(codes, given) ? (codes[given] as number) : 422,
  });
}
