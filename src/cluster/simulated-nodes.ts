/** Nodes on which nothing runs. */
import type { Clock } from '../api/index.js';
import { type NodeConfig, SimulatedRuntime, type SimulatedState } from '../runtime/index.js';

/** Keeps pods away that did not ask for a simulated node, where there are real ones. */
export const simulatedTaint = { key: 'gyre.dev/simulated', effect: 'NoSchedule' } as const;

const capacity = { cpuMillis: 32_000, memoryBytes: 256 * 2 ** 30, pods: 110 };

/** What runs on a simulated node. */
export interface SimulatedNode extends NodeConfig {
  readonly runtime: SimulatedRuntime;
}

/**
 * `sim-1` to `sim-<count>`: 32 cores, 256 GiB, 110 pods each.
 * @param states what those of another cluster had, by name
 */
export function simulatedNodes(
  count: number,
  clock: Clock,
  tainted: boolean,
  states: ReadonlyMap<string, SimulatedState> = new Map(),
): SimulatedNode[] {
  const runtimeOf = (name: string, network: number): SimulatedRuntime => {
    const from = states.get(name);
    return new SimulatedRuntime({ clock, network, ...(from ? { from } : {}) });
  };
  return Array.from({ length: count }, (_, i) => ({
    name: `sim-${i + 1}`,
    runtime: runtimeOf(`sim-${i + 1}`, i + 1),
    logRoot: '/nonexistent',
    capacity,
    labels: { 'gyre.dev/runtime': 'simulated', type: 'simulated' },
    taints: tainted ? [simulatedTaint] : [],
    address: `10.127.${Math.floor((i + 1) / 256)}.${(i + 1) % 256}`,
    system: {
      os: 'linux',
      architecture: 'amd64',
      kernelVersion: 'simulated',
      osImage: 'simulated',
      machineID: `sim-${i + 1}`,
      bootID: `sim-${i + 1}`,
    },
  }));
}
