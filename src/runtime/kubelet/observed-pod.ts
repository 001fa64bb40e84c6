/**
 * A pod as its runtime reports it, arranged for the questions the kubelet asks. Nothing here remembers: it is
 * made anew from a listing each time.
 */
import type { ContainerStatus, PodSandboxStatus } from '../container-runtime.js';

export interface ObservedPod {
  /** The one that counts: of the highest attempt. */
  readonly sandbox: PodSandboxStatus | undefined;
  /** All there are, the newest first. */
  readonly sandboxes: readonly PodSandboxStatus[];
  /** Every run of a container that is still known, the newest first. */
  runs(name: string): readonly ContainerStatus[];
  readonly containers: readonly ContainerStatus[];
}

export const nothingObserved: ObservedPod = observe([], []);

export function observe(
  sandboxes: readonly PodSandboxStatus[],
  containers: readonly ContainerStatus[],
): ObservedPod {
  const known = containers.map(certain);
  const byAge = [...sandboxes].sort((a, b) => b.config.attempt - a.config.attempt);
  const runs = new Map<string, ContainerStatus[]>();
  for (const container of known) {
    const list = runs.get(container.config.name);
    if (list) list.push(container);
    else runs.set(container.config.name, [container]);
  }
  for (const list of runs.values()) list.sort((a, b) => b.config.attempt - a.config.attempt);
  return {
    sandbox: byAge[0],
    sandboxes: byAge,
    containers: known,
    runs: (name) => runs.get(name) ?? [],
  };
}

/** What the runtime has lost sight of counts as killed. */
function certain(container: ContainerStatus): ContainerStatus {
  if (container.state !== 'unknown') return container;
  return { ...container, state: 'exited', exitCode: 137, reason: 'ContainerStatusUnknown' };
}

/** The newest run of a container in the present sandbox: what came before a lost sandbox does not count as run. */
export function currentRun(observed: ObservedPod, name: string): ContainerStatus | undefined {
  const [latest] = observed.runs(name);
  return latest && latest.sandboxId === observed.sandbox?.id ? latest : undefined;
}

export function isAlive(container: ContainerStatus): boolean {
  return container.state === 'running' || container.state === 'created';
}
