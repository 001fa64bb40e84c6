/** One simulated node in a TestCluster, under virtual time. */
import type { Runnable, RunnableContext } from 'gyre';
import { Kubelet, type NodeConfig, SimulatedRuntime } from 'gyre/runtime';
import { TestCluster } from 'gyre/testing';
import type { LifecycleHarness } from './harness.js';

export const missingImage = 'registry.invalid/none:1';

export function simulatedNode(name: string, runtime: NodeConfig['runtime']): NodeConfig {
  return {
    name,
    runtime,
    logRoot: '/nowhere',
    capacity: { cpuMillis: 4000, memoryBytes: 8 * 1024 ** 3, pods: 110 },
    labels: {},
    taints: [],
    address: '10.0.0.1',
    system: {
      os: 'linux',
      architecture: 'amd64',
      kernelVersion: '6.1.0',
      osImage: 'simulated',
      machineID: 'machine',
      bootID: 'boot',
    },
  };
}

/**
 * A kubelet as a Runnable, made when the clock is known. Its runtime is made once and lives on when another
 * kubelet of the same `SimulatedNode` follows, as a container runtime does.
 */
export class SimulatedNode implements Runnable {
  readonly name = 'kubelet';
  #runtime: SimulatedRuntime | undefined;
  #kubelet: Kubelet | undefined;
  #context: RunnableContext | undefined;

  constructor(private readonly nodeName = 'sim-1') {}

  get runtime(): SimulatedRuntime {
    if (!this.#runtime) throw new Error('not started');
    return this.#runtime;
  }
  get kubelet(): Kubelet {
    if (!this.#kubelet) throw new Error('not started');
    return this.#kubelet;
  }

  async start(context: RunnableContext): Promise<void> {
    this.#context = context;
    this.#runtime ??= new SimulatedRuntime({
      clock: context.clock,
      hasImage: (image) => image !== missingImage,
    });
    // What runs in it goes on between two kubelets.
    this.#runtime.close = async () => {};
    this.#kubelet = new Kubelet({ nodes: [simulatedNode(this.nodeName, this.#runtime)], version: 'v1.32.0' });
    await this.#kubelet.start(context);
  }

  async stop(): Promise<void> {
    await this.#kubelet?.stop();
  }

  /** Another kubelet in its place; `forgetful`: with a runtime that knows nothing of what was. */
  async restart(options: { readonly forgetful?: boolean; readonly whileDown?: () => Promise<void> } = {}) {
    if (!this.#context) throw new Error('not started');
    await this.stop();
    if (options.forgetful) this.#runtime = undefined;
    await options.whileDown?.();
    await this.start(this.#context);
  }
}

export async function startSimulated(): Promise<LifecycleHarness> {
  const t = await TestCluster.start({ controllers: [new SimulatedNode()], builtin: false });
  return {
    runtime: 'simulated',
    client: t.client,
    nodeName: 'sim-1',
    missingImage,
    now: () => t.clock.now(),
    pass: (ms) => t.advance(ms),
    stop: () => t.stop(),
  };
}
