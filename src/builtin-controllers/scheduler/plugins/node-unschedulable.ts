/** Keeps pods off cordoned nodes, except those that tolerate it (SC-6). */
import { plugin, rejection } from '../framework.js';
import type { NodeInfo } from '../node-info.js';
import type { PodInfo } from '../pod-info.js';
import { tolerates } from '../tolerations.js';

const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const;
const cordoned = rejection(false, 'node(s) were unschedulable');

export const nodeUnschedulable = plugin({
  name: 'NodeUnschedulable',
  filter: (pod, node) => (allows(pod, node) ? undefined : cordoned),
  wakesOn: (event, pod) =>
    (event.type === 'NodeAdded' || event.type === 'NodeChanged') && allows(pod, event.node),
});

function allows({ pod }: PodInfo, { unschedulable }: NodeInfo): boolean {
  return !unschedulable || tolerates(pod.spec.tolerations ?? [], cordon);
}
