/** What becomes of the conditions of a node that is not heard of any more (KL-17). Pure. */
import type { Node } from 'gyre/kinds';
import type { NodeCondition } from 'gyre/kinds/core/v1';

const reported = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export function readiness({ status }: Node): string | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status;
}

/** The conditions with everything a kubelet reports unknown; others are not the kubelet's to report. */
export function unheard({ metadata, status }: Node, now: string): NodeCondition[] {
  const present = status?.conditions ?? [];
  const lapsed = present.map((condition) =>
    reported.includes(condition.type) && condition.status !== 'Unknown'
      ? {
          ...condition,
          status: 'Unknown',
          reason: 'NodeStatusUnknown',
          message: 'Kubelet stopped posting node status.',
          lastTransitionTime: now,
        }
      : condition,
  );
  const never = reported
    .filter((type) => !present.some((condition) => condition.type === type))
    .map((type) => ({
      type,
      status: 'Unknown',
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
      lastHeartbeatTime: metadata.creationTimestamp,
      lastTransitionTime: now,
    }));
  return [...lapsed, ...never];
}
