/** Taints keep pods away that do not tolerate them; PreferNoSchedule only deters (SC-6). */
import { plugin, type Rejection, rejection, scaleToHighest } from '../framework.js';
import type { Taint } from '../node-info.js';
import { tolerates, type Toleration, untolerated } from '../tolerations.js';

/** One per taint: nodes are many, and what they say of theirs stays the same. */
const rejections = new WeakMap<Taint, Rejection>();

function rejectionFor(taint: Taint): Rejection {
  let made = rejections.get(taint);
  if (!made) {
    made = rejection(false, `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`);
    rejections.set(taint, made);
  }
  return made;
}

const none: readonly Toleration[] = [];

export const taintToleration = plugin<undefined, { readonly tolerations: readonly Toleration[] }>({
  name: 'TaintToleration',
  weight: 3,
  filter({ pod }, { hardTaints }) {
    if (hardTaints.length === 0) return undefined;
    const taint = untolerated(pod.spec.tolerations ?? none, hardTaints);
    return taint && rejectionFor(taint);
  },
  preScore({ pod }, feasible) {
    // Where nothing deters, every node scores alike.
    if (!feasible.some(({ softTaints }) => softTaints.length > 0)) return undefined;
    return { tolerations: pod.spec.tolerations ?? none };
  },
  score(_, { softTaints }, { tolerations }) {
    let deterred = 0;
    for (const taint of softTaints) if (!tolerates(tolerations, taint)) deterred++;
    return deterred;
  },
  normalize: (scores) => scaleToHighest(scores, true),
  wakesOn: (event, { pod }) =>
    (event.type === 'NodeAdded' || event.type === 'NodeChanged') &&
    untolerated(pod.spec.tolerations ?? none, event.node.hardTaints) === undefined,
});
