/**
 * Whose policy reads parameters has to be allowed to read them: what a policy says of them reaches everybody it judges.
 * Who writes a policy needs `get` on all objects of its `paramKind`, who binds one, on what its `paramRef` names
 * (https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#parameter-resources).
 */
import {
  deepEqualJson,
  FieldPath,
  fieldError,
  invalid,
  type JsonValue,
  parseApiVersion,
} from '../../../api/index.js';
import type { Authorizer } from '../../auth/authorizer.js';
import { mastersGroup } from '../../auth/rbac.js';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.js';
import type { Lookup } from '../lookup.js';
import type { ParamDeps } from '../policies/params.js';

const group = 'admissionregistration.k8s.io';
/** Policies by their bindings. */
const policiesOf: Readonly<Record<string, string>> = {
  validatingadmissionpolicybindings: 'validatingadmissionpolicies',
  mutatingadmissionpolicybindings: 'mutatingadmissionpolicies',
};
const policies = new Set(Object.values(policiesOf));

interface ParamKind {
  readonly apiVersion?: string;
  readonly kind?: string;
}
interface ParamRef {
  readonly name?: string;
  readonly namespace?: string;
}
interface Given {
  readonly spec?: {
    readonly policyName?: string;
    readonly paramKind?: ParamKind;
    readonly paramRef?: ParamRef;
  };
}

export interface ParamRightsDeps {
  readonly lookup: Lookup;
  readonly authorizer: Authorizer;
  readonly resourceOf: ParamDeps['resourceOf'];
}

export class ParamRights implements AdmissionPlugin {
  readonly name = 'ParamRights';

  constructor(private readonly deps: ParamRightsDeps) {}

  validate(attributes: AdmissionAttributes): void {
    const { resource, operation, subresource, user, object } = attributes;
    if (resource.facts.group !== group || subresource !== '' || !object) return;
    if ((operation !== 'CREATE' && operation !== 'UPDATE') || user.groups?.includes(mastersGroup)) return;
    const [given, before] = [object as Given, attributes.oldObject as Given | undefined];
    const { plural } = resource.facts;
    const policy = policiesOf[plural];
    if (policy !== undefined) this.#binding(attributes, policy, given, before);
    else if (policies.has(plural)) this.#policy(attributes, given, before);
  }

  #policy(attributes: AdmissionAttributes, { spec }: Given, before: Given | undefined): void {
    const kind = spec?.paramKind;
    if (!kind || same(kind, before?.spec?.paramKind)) return;
    if (this.#mayGet(attributes, kind, '*', '*')) return;
    throw refused(
      attributes,
      'paramKind',
      `user ${attributes.user.username} must have "get" permission on all objects of the referenced paramKind (kind=${kind.kind ?? ''}, apiVersion=${kind.apiVersion ?? ''})`,
    );
  }

  #binding(
    attributes: AdmissionAttributes,
    plural: string,
    { spec }: Given,
    before: Given | undefined,
  ): void {
    const ref = spec?.paramRef;
    if (!ref || (same(ref, before?.spec?.paramRef) && spec.policyName === before?.spec?.policyName)) return;
    // Of a policy that is not there yet, anything may be the parameter.
    const policy = this.deps.lookup.get<Given>({ group, plural }, '', spec.policyName ?? '');
    if (policy && !policy.spec?.paramKind) return;
    if (this.#mayGet(attributes, policy?.spec?.paramKind ?? {}, ref.namespace || '*', ref.name || '*'))
      return;
    throw refused(
      attributes,
      'paramRef',
      `user ${attributes.user.username} does not have "get" permission on the object referenced by paramRef`,
    );
  }

  #mayGet(
    { user }: AdmissionAttributes,
    { apiVersion, kind }: ParamKind,
    namespace: string,
    name: string,
  ): boolean {
    const at = apiVersion === undefined ? undefined : parseApiVersion(apiVersion);
    const resource = at && this.deps.resourceOf({ ...at, kind: kind ?? '' });
    return this.deps.authorizer.authorize({
      user,
      verb: 'get',
      group: at?.group ?? '*',
      resource: resource?.facts.plural ?? '*',
      subresource: '',
      namespace: resource?.facts.scope === 'Cluster' ? '' : namespace,
      name,
    }).allowed;
  }
}

function same(a: ParamKind | ParamRef, b: ParamKind | ParamRef | undefined): boolean {
  return b !== undefined && deepEqualJson(a as JsonValue, b as JsonValue);
}

function refused({ resource, name }: AdmissionAttributes, field: string, why: string): Error {
  return invalid(resource.facts, name, [fieldError.forbidden(FieldPath.of('spec', field), why)]);
}
