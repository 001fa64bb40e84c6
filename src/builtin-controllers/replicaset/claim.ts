/** Which pods belong to an owner of replicas (RS-8). Pure. */
import { controllerOf } from 'gyre';
import type { Pod } from 'gyre/kinds';
import { isActive } from './pod-state.js';
import type { ReplicasOwner } from './replicas.js';

export interface Claims {
  readonly keep: readonly Pod[];
  /** Nobody's, and selected. */
  readonly adopt: readonly Pod[];
  /** Owned, and no longer selected. */
  readonly release: readonly Pod[];
}

/** `pods` are those it owns and those nobody owns. */
export function claims(owner: ReplicasOwner, pods: readonly Pod[]): Claims {
  const [keep, adopt, release]: [Pod[], Pod[], Pod[]] = [[], [], []];
  for (const pod of pods) {
    if (!isActive(pod)) continue;
    const controller = controllerOf(pod);
    const selected = owner.selects?.(pod) ?? false;
    if (controller?.uid === owner.metadata.uid) (selected ? keep : release).push(pod);
    else if (!controller && selected) adopt.push(pod);
  }
  return { keep, adopt, release };
}
