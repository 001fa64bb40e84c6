/** The taints that follow from the state of a node (KL-17). Pure. */
import type { Node } from 'gyre/kinds';
import type { Taint } from 'gyre/kinds/core/v1';

const prefix = 'node.kubernetes.io/';
export const notReady = `${prefix}not-ready`;
export const unreachable = `${prefix}unreachable`;

/** Conditions that keep pods away while they are True. */
const pressures: Readonly<Record<string, string>> = {
  MemoryPressure: `${prefix}memory-pressure`,
  DiskPressure: `${prefix}disk-pressure`,
  PIDPressure: `${prefix}pid-pressure`,
  NetworkUnavailable: `${prefix}network-unavailable`,
};
const unschedulable = `${prefix}unschedulable`;
const own = new Set([notReady, unreachable, unschedulable, ...Object.values(pressures)]);

/** All taints of the node as they should be: ours by its state, those of others as they are. */
export function desiredTaints({ spec, status }: Node, now: string): Taint[] {
  const present = spec?.taints ?? [];
  const wanted: Taint[] = [];
  const want = (key: string, ...effects: Taint['effect'][]): void => {
    // One that is there keeps its time: evictions count from it.
    for (const effect of effects)
      wanted.push(
        present.find((taint) => taint.key === key && taint.effect === effect) ?? {
          key,
          effect,
          timeAdded: now,
        },
      );
  };
  if (spec?.unschedulable) want(unschedulable, 'NoSchedule');
  for (const { type, status: is } of status?.conditions ?? []) {
    if (type === 'Ready' && is === 'False') want(notReady, 'NoSchedule', 'NoExecute');
    if (type === 'Ready' && is === 'Unknown') want(unreachable, 'NoSchedule', 'NoExecute');
    const pressure = Object.hasOwn(pressures, type) ? pressures[type] : undefined;
    if (pressure !== undefined && is === 'True') want(pressure, 'NoSchedule');
  }
  const kept = present.filter((taint) => !own.has(taint.key) || wanted.includes(taint));
  return [...kept, ...wanted.filter((taint) => !present.includes(taint))];
}
