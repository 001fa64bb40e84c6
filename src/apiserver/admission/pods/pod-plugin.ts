/** What plugins that fill in new pods have in common. */
import { forbidden, type JsonObject } from '../../../api/index.js';
import type { Pod } from '../../../api/kinds/core/v1.js';
import type { Fillable, Given } from '../../builtin/given.js';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.js';

/** A new pod that may be changed in place; it belongs to this request. */
export type NewPod = Fillable<Pod>;
export type PodSpec = NonNullable<NewPod['spec']>;
export type PodContainer = NonNullable<PodSpec['containers']>[number];

export function isPodCreate({ operation, resource, subresource }: AdmissionAttributes): boolean {
  const { group, kind } = resource.facts;
  return operation === 'CREATE' && subresource === '' && group === '' && kind === 'Pod';
}

/** A pod that a kubelet has of its own: it is shown to the API, not asked for. */
export function isMirrorPod(pod: NewPod | Given<Pod>): boolean {
  return Object.hasOwn(pod.metadata?.annotations ?? {}, 'kubernetes.io/config.mirror');
}

export function containersOf(spec: PodSpec): PodContainer[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
}

/** The pod is refused: `pods "x" is forbidden: …`. */
export function podForbidden({ resource, name }: AdmissionAttributes, why: string) {
  return forbidden(resource.facts, name, why);
}

export abstract class PodPlugin implements AdmissionPlugin {
  abstract readonly name: string;

  mutate(attributes: AdmissionAttributes): JsonObject | undefined {
    if (!attributes.object || !isPodCreate(attributes)) return undefined;
    const pod = structuredClone(attributes.object) as unknown as NewPod & { spec: PodSpec };
    pod.spec ??= {};
    return this.fillIn(pod, attributes) ? (pod as unknown as JsonObject) : undefined;
  }

  /** Changes the pod in place and says whether it did. @throws ApiError Forbidden */
  protected abstract fillIn(pod: NewPod & { spec: PodSpec }, attributes: AdmissionAttributes): boolean;
}
