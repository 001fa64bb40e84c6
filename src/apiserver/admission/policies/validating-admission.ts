/**
 * Asks the ValidatingAdmissionPolicies of the cluster about writes (API-17).
 *
 * A policy is in force where a binding names it; what it objects to is refused, warned about or noted, as the binding
 * says. Policies, webhook configurations and the server's own writes are not judged: no policy can lock a cluster
 * up for good.
 */
import { ApiError, forbidden, isApiError, type JsonObject, type UserInfo } from '../../../api/index.js';
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../api/kinds/admissionregistration/v1.js';
import type { Given } from '../../builtin/given.js';
import type { Authorizer } from '../../auth/authorizer.js';
import { storagePrefix } from '../../cache/watch-cache.js';
import type { ServedResource } from '../../resource.js';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.js';
import { VersionedObjects } from '../webhooks/versioned-objects.js';
import { CompiledObjects } from './compiled-objects.js';
import { evaluatePolicy, type Objection } from './validating-evaluation.js';
import { RequestMatcher, type RequestMatcherDeps } from './matcher.js';
import { Misconfigured, type ParamDeps, paramsOf } from './params.js';
import { namespaceValue, requestValues } from './request-variables.js';
import {
  compileValidatingBinding,
  compileValidatingPolicy,
  type ValidatingBinding,
  type ValidatingPolicy,
} from './validating-fields.js';

/** What policies of either sort need. */
export interface PolicyDeps extends RequestMatcherDeps, ParamDeps {
  readonly authorizer: Authorizer;
  readonly isServer: (user: UserInfo) => boolean;
}

export interface PolicyAdmissionDeps extends PolicyDeps {
  /** Hears what audit logs are to tell: annotations by their full key. */
  readonly onAudit?: (attributes: AdmissionAttributes, annotations: ReadonlyMap<string, string>) => void;
}

const group = 'admissionregistration.k8s.io';
const failureAnnotation = 'validation.policy.admission.k8s.io/validation_failure';
const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
};

/** An objection, by whom, and what is to be done about it. */
interface Ruling extends Objection {
  readonly policy: string;
  readonly binding: ValidatingBinding;
}

export class PolicyAdmission implements AdmissionPlugin {
  readonly name = 'ValidatingAdmissionPolicy';
  readonly #policies: CompiledObjects<ValidatingPolicy>;
  readonly #bindings: CompiledObjects<ValidatingBinding>;
  readonly #matcher: RequestMatcher;

  constructor(private readonly deps: PolicyAdmissionDeps) {
    const cacheOf = (plural: string) => deps.cache.resource(storagePrefix({ group, plural }));
    this.#policies = new CompiledObjects(cacheOf('validatingadmissionpolicies'), (object) =>
      compileValidatingPolicy(object as unknown as Given<ValidatingAdmissionPolicy>),
    );
    this.#bindings = new CompiledObjects(cacheOf('validatingadmissionpolicybindings'), (object) =>
      compileValidatingBinding(object as unknown as Given<ValidatingAdmissionPolicyBinding>),
    );
    this.#matcher = new RequestMatcher(deps);
  }

  /** @throws ApiError of the first objection that denies */
  validate(attributes: AdmissionAttributes): Promise<void> | undefined {
    const { resource, user } = attributes;
    if (resource.facts.group === group || this.deps.isServer(user)) return undefined;
    const bindings = this.#bindings.current();
    return bindings.length === 0 ? undefined : this.#judgeAll(attributes, bindings);
  }

  async #judgeAll(attributes: AdmissionAttributes, bindings: readonly ValidatingBinding[]): Promise<void> {
    const objects = new VersionedObjects(attributes, attributes.object);
    const rulings: Ruling[] = [];
    const annotations = new Map<string, string>();
    for (const policy of this.#policies.current()) {
      const shown = this.#matcher.match(policy.matcher, attributes, objects.object);
      if (!shown) continue;
      for (const binding of bindings) {
        if (binding.policyName !== policy.name) continue;
        if (!this.#matcher.match(binding.matcher, attributes, objects.object)) continue;
        rulings.push(...(await this.#judge(policy, binding, shown, attributes, objects, annotations)));
      }
    }
    this.#report(attributes, rulings, annotations);
  }

  async #judge(
    policy: ValidatingPolicy,
    binding: ValidatingBinding,
    shown: ServedResource,
    attributes: AdmissionAttributes,
    objects: VersionedObjects,
    annotations: Map<string, string>,
  ): Promise<Ruling[]> {
    const namespace = this.#matcher.namespaceOf(attributes);
    try {
      const params = await paramsOf(this.deps, policy, binding, attributes);
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
