/** A pod stays five minutes on a node that is not heard of, unless it says otherwise (KL-17). */
import type { Toleration } from '../../../api/kinds/core/v1.js';
import type { Fillable } from '../../builtin/given.js';
import { type NewPod, PodPlugin, type PodSpec } from './pod-plugin.js';

const seconds = 300;
const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

export class DefaultTolerationSeconds extends PodPlugin {
  readonly name = 'DefaultTolerationSeconds';

  protected fillIn({ spec }: NewPod & { spec: PodSpec }): boolean {
    const present = spec.tolerations ?? [];
    const missing = taints.filter((key) => !present.some((toleration) => covers(toleration, key)));
    if (missing.length === 0) return false;
    spec.tolerations = [
      ...present,
      ...missing.map((key) => ({
        key,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: seconds,
      })),
    ];
    return true;
  }
}

function covers({ key, effect }: Fillable<Toleration>, taint: string): boolean {
  return (!key || key === taint) && (!effect || effect === 'NoExecute');
}
