/** Which taints a pod puts up with. */
import type { Pod } from 'gyre/kinds';
import type { Taint } from './node-info.js';

export type Toleration = NonNullable<Pod['spec']['tolerations']>[number];

export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  for (const { effect, key, operator, value } of tolerations) {
    if (effect && effect !== taint.effect) continue;
    // An empty key with Exists is every taint.
    if (key && key !== taint.key) continue;
    if (operator === 'Exists') return true;
    if (key && (value ?? '') === (taint.value ?? '')) return true;
  }
  return false;
}

/** The first taint the pod does not put up with. */
export function untolerated(tolerations: readonly Toleration[], taints: readonly Taint[]): Taint | undefined {
  for (const taint of taints) if (!tolerates(tolerations, taint)) return taint;
  return undefined;
}
