/** The containers of a pod spec, and what is said about them. */
import type { Shared } from '../../api/index.js';
import type { Container, ContainerStatus, Pod } from '../../api/kinds/core/v1.js';

export type PodContainer = Shared<Container>;
export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

export function initContainers(pod: Shared<Pod>): readonly PodContainer[] {
  return pod.spec?.initContainers ?? [];
}

export function regularContainers(pod: Shared<Pod>): readonly PodContainer[] {
  return pod.spec?.containers ?? [];
}

export function allContainers(pod: Shared<Pod>): readonly PodContainer[] {
  return [...initContainers(pod), ...regularContainers(pod)];
}

/** An init container that stays beside the pod (KL-4). */
export function isSidecar(container: PodContainer): boolean {
  return container.restartPolicy === 'Always';
}

export function restartPolicyOf(pod: Shared<Pod>): RestartPolicy {
  return pod.spec?.restartPolicy ?? 'Always';
}

/** Whether a container that ended with this code runs again (KL-6). */
export function restarts(policy: RestartPolicy, exitCode: number): boolean {
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

/** What the API has on record about a container. */
export function recordedStatus(pod: Shared<Pod>, name: string): Shared<ContainerStatus> | undefined {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses].find((status) => status.name === name);
}

/** `pod_namespace(uid)`, as messages of the kubelet name a pod. */
export function describePod(pod: Shared<Pod>): string {
  const { name, namespace, uid } = pod.metadata;
  return `${name}_${namespace}(${uid})`;
}

export function isFinal(pod: Shared<Pod>): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** `1.5Gi` of memory and the like are compared elsewhere; here a hash tells whether a container's spec changed (KL-5). */
export function specHash(container: PodContainer): string {
  // FNV-1a over what makes a difference to a running container: only its image can be changed (OC-16).
  let hash = 0x811c9dc5;
  for (const char of JSON.stringify([container.name, container.image])) {
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
