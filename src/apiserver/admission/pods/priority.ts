/**
 * From the name of a PriorityClass to a number (SC-10): a pod without one gets the global default, or 0. Nobody gives the
 * number himself. There is at most one global default.
 */
import { forbidden, type JsonObject } from '../../../api/index.js';
import type { PriorityClass } from '../../../api/kinds/scheduling/v1.js';
import type { Given } from '../../builtin/given.js';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.js';
import type { Lookup } from '../lookup.js';
import { type NewPod, podForbidden, PodPlugin, type PodSpec } from './pod-plugin.js';

const priorityClasses = { group: 'scheduling.k8s.io', plural: 'priorityclasses' };
const otherwise = { value: 0, preemptionPolicy: 'PreemptLowerPriority' };

export class Priority extends PodPlugin implements AdmissionPlugin {
  readonly name = 'Priority';

  constructor(private readonly lookup: Lookup) {
    super();
  }

  validate(attributes: AdmissionAttributes): void {
    const { operation, resource, object, name } = attributes;
    if (resource.facts.kind !== 'PriorityClass' || (operation !== 'CREATE' && operation !== 'UPDATE')) return;
    if ((object as Given<PriorityClass> | undefined)?.globalDefault !== true) return;
    const present = this.#globalDefault();
    if (present && present.metadata?.name !== name)
      throw forbidden(
        resource.facts,
        name,
        `PriorityClass ${present.metadata?.name} is already marked as default. Only one default can exist`,
      );
  }

  protected fillIn({ spec }: NewPod & { spec: PodSpec }, attributes: AdmissionAttributes): boolean {
    const found = spec.priorityClassName
      ? this.lookup.get<Given<PriorityClass>>(priorityClasses, '', spec.priorityClassName)
      : this.#globalDefault();
    if (spec.priorityClassName && !found)
      throw podForbidden(attributes, `no PriorityClass with name ${spec.priorityClassName} was found`);
    const { value = 0, preemptionPolicy = otherwise.preemptionPolicy } = found ?? otherwise;
    if (spec.priority !== undefined && spec.priority !== value)
      throw podForbidden(
        attributes,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      );
    if (spec.preemptionPolicy && spec.preemptionPolicy !== preemptionPolicy)
      throw podForbidden(
        attributes,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
      );
    if (found?.metadata?.name) spec.priorityClassName = found.metadata.name;
    spec.priority = value;
    spec.preemptionPolicy = preemptionPolicy;
    return true;
  }

  /** Of several, which only a race can make, the lowest. */
  #globalDefault(): Given<PriorityClass> | undefined {
    const defaults = [...this.lookup.list<Given<PriorityClass>>(priorityClasses)].filter(
      ({ globalDefault }) => globalDefault,
    );
    return defaults.sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
  }
}

/** The classes every cluster has. */
export const systemPriorityClasses: readonly JsonObject[] = [
  systemClass(
    'system-node-critical',
    2_000_001_000,
    'Used for system critical pods that must not be moved from their current node.',
  ),
  systemClass(
    'system-cluster-critical',
    2_000_000_000,
    'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  ),
];

function systemClass(name: string, value: number, description: string): JsonObject {
  return {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    description,
  };
}
