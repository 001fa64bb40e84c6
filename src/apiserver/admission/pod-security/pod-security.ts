/**
 * Pods are held to the level of the Pod Security Standards that their namespace's labels ask for
 * (https://kubernetes.io/docs/concepts/security/pod-security-admission/): what is against the level that is enforced is
 * refused, what is against the level that is warned of is told. Templates of workloads are only warned of; whoever raises the
 * level of a namespace is told which pods in it are against it.
 */
import { type ApiError, forbidden, invalid, type JsonObject } from '../../../api/index.js';
import type { Namespace, Pod } from '../../../api/kinds/core/v1.js';
import type { Given } from '../../builtin/given.js';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.js';
import type { Lookup } from '../lookup.js';
import type { Checked } from './check.js';
import {
  compareLevels,
  detailOf,
  isPrivileged,
  isSame,
  type LevelVersion,
  type Policy,
  policyOf,
  reasonOf,
  textOf,
  violations,
} from './policy.js';

const namespaces = { group: '', plural: 'namespaces' };
const pods = { group: '', plural: 'pods' };
/** Of pods; through any other the spec may be changed. */
const ignoredSubresources = new Set([
  'exec',
  'attach',
  'binding',
  'eviction',
  'log',
  'portforward',
  'proxy',
  'status',
]);
/** More pods of a namespace are not looked at. */
const maxPods = 3000;
const annotationPrefix = 'pod-security.kubernetes.io/';

type Template = { readonly metadata?: Given<Pod>['metadata']; readonly spec?: Given<Pod>['spec'] };
const inSpec = (object: JsonObject): Template | undefined =>
  (object.spec as { readonly template?: Template } | undefined)?.template;

/** Where the kinds that make pods keep what those will be. */
const templates: Readonly<Record<string, (object: JsonObject) => Template | undefined>> = {
  'apps/deployments': inSpec,
  'apps/replicasets': inSpec,
  'apps/statefulsets': inSpec,
  'apps/daemonsets': inSpec,
  'batch/jobs': inSpec,
  '/replicationcontrollers': inSpec,
  '/podtemplates': (object) => object.template as Template | undefined,
  'batch/cronjobs': (object) => inSpec((object.spec as JsonObject | undefined)?.jobTemplate as JsonObject),
};

export class PodSecurity implements AdmissionPlugin {
  readonly name = 'PodSecurity';

  /** By the namespace as it is: read once, and again when it has changed. */
  readonly #policies = new WeakMap<object, Policy>();

  constructor(private readonly lookup: Lookup) {}

  /** @throws ApiError Forbidden, Invalid */
  validate(attributes: AdmissionAttributes): void {
    const { operation, object, resource, subresource } = attributes;
    if (!object || (operation !== 'CREATE' && operation !== 'UPDATE')) return;
    const { group, plural } = resource.facts;
    if (group === '' && plural === 'namespaces') {
      if (subresource === '') this.#onNamespace(attributes, object);
    } else if (group === '' && plural === 'pods') {
      if (!ignoredSubresources.has(subresource)) this.#onPod(attributes, object as Given<Pod>);
    } else if (subresource === '' && Object.hasOwn(templates, `${group}/${plural}`)) {
      const template = templates[`${group}/${plural}`]?.(object);
      if (template) this.#onTemplate(attributes, template);
    }
  }

  #policy(namespace: string): Policy {
    const found = this.lookup.get<Given<Namespace>>(namespaces, '', namespace);
    if (!found) return policyOf().policy;
    let policy = this.#policies.get(found);
    if (!policy) {
      ({ policy } = policyOf(found.metadata?.labels));
      this.#policies.set(found, policy);
    }
    return policy;
  }

  #onPod(attributes: AdmissionAttributes, pod: Given<Pod>): void {
    const policy = this.#policy(attributes.namespace);
    attributes.annotate?.(`${annotationPrefix}enforce-policy`, textOf(policy.enforce));
    if (isPrivileged(policy)) return;
    if (attributes.operation === 'UPDATE' && !mattersTo(pod, attributes.oldObject as Given<Pod>)) return;
    const checked = checkedOf(pod);
    const found = violations(policy.enforce, checked);
    audit(attributes, policy, checked);
    if (found.length > 0)
      throw refused(attributes, `violates PodSecurity "${textOf(policy.enforce)}": ${detailOf(found)}`);
    warn(attributes, policy, checked);
  }

  #onTemplate(attributes: AdmissionAttributes, template: Template): void {
    const policy = this.#policy(attributes.namespace);
    if (policy.warn.level === 'privileged' && policy.audit.level === 'privileged') return;
    const checked = checkedOf(template);
    audit(attributes, policy, checked);
    warn(attributes, policy, checked);
  }

  #onNamespace(attributes: AdmissionAttributes, object: JsonObject): void {
    const { policy, problems } = policyOf((object as Given<Namespace>).metadata?.labels);
    const refuse = (): ApiError => invalid(attributes.resource.facts, attributes.name, problems);
    if (attributes.operation === 'CREATE') {
      if (problems.length > 0) throw refuse();
      return;
    }
    const before = policyOf((attributes.oldObject as Given<Namespace>).metadata?.labels);
    // Labels that were wrong before do not keep anybody from changing others.
    if (problems.length > 0 && JSON.stringify(problems) !== JSON.stringify(before.problems)) throw refuse();
    const [now, old] = [policy.enforce, before.policy.enforce];
    if (now.level === 'privileged' || isSame(now, old)) return;
    if (now.version === old.version && compareLevels(now.level, old.level) <= 0) return;
    attributes.warnings?.push(...this.#againstIt(attributes.name, now));
  }

  /** What is told of the pods there are when the level is raised. */
  #againstIt(namespace: string, level: LevelVersion): string[] {
    const all = oneOfEachFirst([...this.lookup.list<Given<Pod>>(pods, namespace)]);
    const by = new Map<string, string[]>();
    for (const pod of all.slice(0, maxPods)) {
      const found = violations(level, checkedOf(pod));
      if (found.length === 0) continue;
      const reason = reasonOf(found);
      by.set(reason, [...(by.get(reason) ?? []), pod.metadata?.name ?? '']);
    }
    const told = [...by].map(([reason, names]) => {
      const [first = ''] = [...names].sort();
      const others = names.length - 1;
      const rest = others === 0 ? '' : ` (and ${others} other ${others === 1 ? 'pod' : 'pods'})`;
      return `${first}${rest}: ${reason}`;
    });
    return [
      ...(all.length > maxPods
        ? [
            `new PodSecurity enforce level only checked against the first ${maxPods} of ${all.length} existing pods`,
          ]
        : []),
      ...(told.length > 0
        ? [
            `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${textOf(level)}"`,
          ]
        : []),
      ...told.sort(),
    ];
  }
}

function checkedOf({ metadata, spec = {} }: Template): Checked {
  return { annotations: metadata?.annotations ?? {}, spec };
}

function refused({ resource, name }: AdmissionAttributes, why: string): ApiError {
  return forbidden(resource.facts, name, why);
}

function wouldViolate(level: LevelVersion, checked: Checked): string | undefined {
  const found = violations(level, checked);
  return found.length === 0 ? undefined : `would violate PodSecurity "${textOf(level)}": ${detailOf(found)}`;
}

function warn({ warnings }: AdmissionAttributes, policy: Policy, checked: Checked): void {
  const text = wouldViolate(policy.warn, checked);
  if (text !== undefined) warnings?.push(text);
}

function audit({ annotate }: AdmissionAttributes, policy: Policy, checked: Checked): void {
  const text = annotate && wouldViolate(policy.audit, checked);
  if (text !== undefined) annotate?.(`${annotationPrefix}audit-violations`, text);
}

/** Whether the update of a pod changes anything that could be against a level: images, and containers that came. */
function mattersTo({ spec: now = {} }: Given<Pod>, { spec: old = {} }: Given<Pod>): boolean {
  for (const field of ['containers', 'initContainers'] as const) {
    const [next, before] = [now[field] ?? [], old[field] ?? []];
    if (next.length !== before.length) return true;
    if (next.some(({ image }, i) => image !== before[i]?.image)) return true;
  }
  return (now.ephemeralContainers ?? []).some(
    ({ name, image }) => old.ephemeralContainers?.find((each) => each.name === name)?.image !== image,
  );
}

/** Pods of one controller are alike: one of each comes before the rest. */
function oneOfEachFirst(all: readonly Given<Pod>[]): Given<Pod>[] {
  const seen = new Set<string>();
  const [firsts, others]: [Given<Pod>[], Given<Pod>[]] = [[], []];
  for (const pod of all) {
    const uid = pod.metadata?.ownerReferences?.find(({ controller }) => controller)?.uid;
    if (uid !== undefined && seen.has(uid)) others.push(pod);
    else firsts.push(pod);
    if (uid !== undefined) seen.add(uid);
  }
  return [...firsts, ...others];
}
