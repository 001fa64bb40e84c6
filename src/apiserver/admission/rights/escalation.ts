/**
 * Nobody gives more than he has: who writes a role needs all of its rules himself, or the verb `escalate`; who binds one,
 * all of its rules, or the verb `bind`
 * (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping).
 */
import { deepEqualJson, forbidden, type JsonObject, type JsonValue } from '../../../api/index.js';
import type { ClusterRole, RoleBinding } from '../../../api/kinds/rbac/v1.js';
import type { Authorizer, PolicyRule } from '../../auth/authorizer.js';
import { mastersGroup } from '../../auth/rbac.js';
import type { Given } from '../../builtin/given.js';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.js';
import type { Lookup } from '../lookup.js';
import { ruleText, uncovered } from './rule-coverage.js';

const group = 'rbac.authorization.k8s.io';
const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

export interface EscalationDeps {
  readonly lookup: Lookup;
  readonly authorizer: Authorizer;
}

export class RbacEscalation implements AdmissionPlugin {
  readonly name = 'RbacEscalation';

  constructor(private readonly deps: EscalationDeps) {}

  validate(attributes: AdmissionAttributes): void {
    const { resource, operation, user, object, oldObject, subresource } = attributes;
    if (resource.facts.group !== group || subresource !== '' || !object) return;
    if ((operation !== 'CREATE' && operation !== 'UPDATE') || user.groups?.includes(mastersGroup)) return;
    const { plural } = resource.facts;
    if (plural === 'roles' || plural === 'clusterroles') this.#role(attributes, object, oldObject);
    else this.#binding(attributes, object, oldObject);
  }

  #role(attributes: AdmissionAttributes, object: JsonObject, old: JsonObject | undefined): void {
    const [role, before] = [object as Given<ClusterRole>, (old ?? {}) as Given<ClusterRole>];
    const same = (['rules', 'aggregationRule'] as const).every((field) =>
      deepEqualJson((role[field] ?? null) as JsonValue, (before[field] ?? null) as JsonValue),
    );
    if (old && same) return;
    if (this.#may('escalate', attributes, attributes.resource.facts.plural, attributes.name)) return;
    this.#check(attributes, (role.rules ?? []) as readonly PolicyRule[]);
    if (
      role.aggregationRule &&
      !deepEqualJson(role.aggregationRule as JsonValue, (before.aggregationRule ?? null) as JsonValue)
    ) {
      const owned = this.deps.authorizer.rulesFor(attributes.user, attributes.namespace);
      if (uncovered(owned, everything).length > 0)
        throw forbidden(
          attributes.resource.facts,
          attributes.name,
          'must have cluster-admin privileges to use the aggregationRule',
        );
    }
  }

  #binding(attributes: AdmissionAttributes, object: JsonObject, old: JsonObject | undefined): void {
    const [binding, before] = [object as Given<RoleBinding>, (old ?? {}) as Given<RoleBinding>];
    const same =
      old &&
      deepEqualJson((binding.subjects ?? []) as JsonValue, (before.subjects ?? []) as JsonValue) &&
      deepEqualJson((binding.roleRef ?? null) as JsonValue, (before.roleRef ?? null) as JsonValue);
    if (same) return;
    const { kind = '', name = '' } = binding.roleRef ?? {};
    const plural = kind === 'ClusterRole' ? 'clusterroles' : 'roles';
    if (this.#may('bind', attributes, plural, name)) return;
    const namespace = plural === 'roles' ? attributes.namespace : '';
    const role = this.deps.lookup.get<Given<ClusterRole>>({ group, plural }, namespace, name);
    if (!role)
      throw forbidden(
        attributes.resource.facts,
        attributes.name,
        `role ${JSON.stringify(name)} not found, and the verb "bind" is not granted for it`,
      );
    this.#check(attributes, (role.rules ?? []) as readonly PolicyRule[]);
  }

  #may(verb: string, { user, namespace }: AdmissionAttributes, resource: string, name: string): boolean {
    const asked = { user, verb, group, resource, subresource: '', namespace, name };
    return this.deps.authorizer.authorize(asked).allowed;
  }

  #check({ resource, name, namespace, user }: AdmissionAttributes, wanted: readonly PolicyRule[]): void {
    const missing = uncovered(this.deps.authorizer.rulesFor(user, namespace), wanted);
    if (missing.length === 0) return;
    const groups = (user.groups ?? []).map((each) => JSON.stringify(each)).join(' ');
    throw forbidden(
      resource.facts,
      name,
      `user ${JSON.stringify(user.username)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${missing.map(ruleText).join('\n')}`,
    );
  }
}
