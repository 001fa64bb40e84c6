/**
 * A node's own object: registered once, kept truthful, and proved alive by a Lease (KL-17).
 */
import {
  type Cancel,
  type Clock,
  isAlreadyExists,
  isConflict,
  isNotFound,
  jitter,
  microTimestamp,
  type Random,
} from '../../api/index.js';
import { Lease } from '../../api/kinds/coordination/v1.js';
import { Node, type NodeCondition, type Taint } from '../../api/kinds/core/v1.js';
import type { Client } from '../../client/index.js';
import type { Logger } from '../../telemetry/index.js';
import { time } from './container-status.js';

export interface NodeFacts {
  readonly name: string;
  /** Millicores, bytes, pods. */
  readonly capacity: { readonly cpuMillis: number; readonly memoryBytes: number; readonly pods: number };
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly address: string;
  /** `process://0.1.0` */
  readonly runtimeVersion: string;
  /** `v1.32.0` */
  readonly kubeletVersion: string;
  readonly system: {
    readonly os: string;
    readonly architecture: string;
    readonly kernelVersion: string;
    readonly osImage: string;
    readonly machineID: string;
    readonly bootID: string;
  };
}

export interface NodeAgentDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const leaseNamespace = 'kube-node-lease';
const leaseSeconds = 40;
const renewMs = 10_000;
const statusMs = 5 * 60_000;
const retryMs = 1_000;

export class NodeAgent {
  readonly #facts: NodeFacts;
  readonly #deps: NodeAgentDeps;
  #cancel: Cancel[] = [];
  #lease: Lease | undefined;
  /** Wall time, milliseconds. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(facts: NodeFacts, deps: NodeAgentDeps) {
    this.#facts = facts;
    this.#deps = deps;
  }

  /** Resolves when the node is registered and ready in the API. */
  async start(): Promise<void> {
    await this.#register();
    await this.#renew();
    this.#renewedAt = this.#deps.clock.now();
    this.#every(renewMs, () => this.#beat());
    this.#every(statusMs, () => this.#writeStatus());
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancel.splice(0)) cancel();
  }

  /** Repeats with a little jitter, so that many nodes do not write at once; sooner after a failure. */
  #every(ms: number, act: () => Promise<void>): void {
    const { clock, random, log } = this.#deps;
    const schedule = (wait: number): void => {
      const cancel = clock.setTimer(wait, async () => {
        this.#cancel = this.#cancel.filter((c) => c !== cancel);
        let next = jitter(random, ms * 0.95, 0.05);
        try {
          await act();
        } catch (error) {
          log.warn('node not updated', { node: this.#facts.name, error: String(error) });
          next = retryMs;
        }
        if (!this.#stopped) schedule(next);
      });
      this.#cancel.push(cancel);
    };
    schedule(jitter(random, ms * 0.95, 0.05));
  }

  async #register(): Promise<void> {
    const { client } = this.#deps;
    const { name, labels, annotations = {}, taints } = this.#facts;
    try {
      await client.create(Node, {
        metadata: { name, labels: { ...this.#ownLabels(), ...labels }, annotations },
        spec: taints.length === 0 ? {} : { taints },
      });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      // It was here before: its labels are brought up to date; what others added to it stays.
      await client.patchRaw(Node, name, {
        type: 'merge',
        patch: { metadata: { labels: { ...this.#ownLabels(), ...labels }, annotations } },
      });
    }
    await this.#writeStatus();
  }

  #ownLabels(): Record<string, string> {
    const { name, system } = this.#facts;
    return {
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': system.os,
      'kubernetes.io/arch': system.architecture,
      'beta.kubernetes.io/os': system.os,
      'beta.kubernetes.io/arch': system.architecture,
    };
  }

  async #writeStatus(): Promise<void> {
    const { client } = this.#deps;
    const { capacity, address, name, system, runtimeVersion, kubeletVersion } = this.#facts;
    const resources = {
      cpu: capacity.cpuMillis % 1000 === 0 ? String(capacity.cpuMillis / 1000) : `${capacity.cpuMillis}m`,
      memory: `${Math.floor(capacity.memoryBytes / 1024)}Ki`,
      pods: String(capacity.pods),
    };
    for (let attempt = 1; ; attempt++) {
      const node = await client.get(Node, name);
      const conditions = this.#conditions(node.status?.conditions ?? []);
      try {
        await client.patch(
          Node,
          node,
          (draft) => {
            draft.status = {
              ...draft.status,
              capacity: resources,
              allocatable: resources,
              conditions,
              addresses: [
                { type: 'InternalIP', address },
                { type: 'Hostname', address: name },
              ],
              daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
              nodeInfo: {
                machineID: system.machineID,
                systemUUID: system.machineID,
                bootID: system.bootID,
                kernelVersion: system.kernelVersion,
                osImage: system.osImage,
                containerRuntimeVersion: runtimeVersion,
                kubeletVersion,
                kubeProxyVersion: kubeletVersion,
                operatingSystem: system.os,
                architecture: system.architecture,
              },
            };
          },
          { subresource: 'status' },
        );
        return;
      } catch (error) {
        if (!isConflict(error) || attempt === 5) throw error;
      }
    }
  }

  /** Those of others are kept. */
  #conditions(before: readonly NodeCondition[]): NodeCondition[] {
    const now = time(this.#deps.clock.now());
    const verdicts = [
      ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
      ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
      ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
      ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
    ] as const;
    const own = verdicts.map(([type, status, reason, message]) => {
      const known = before.find((condition) => condition.type === type);
      const lastTransitionTime = known?.status === status ? (known.lastTransitionTime ?? now) : now;
      return { type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime };
    });
    return [...own, ...before.filter(({ type }) => !own.some((condition) => condition.type === type))];
  }

  /**
   * After a silence for which it may have been given up (the machine slept, the API was away) a node says at
   * once that it is ready, not when its next status is due.
   */
  async #beat(): Promise<void> {
    const silentMs = this.#deps.clock.now() - this.#renewedAt;
    await this.#renew();
    if (silentMs > leaseSeconds * 1000) await this.#writeStatus();
    this.#renewedAt = this.#deps.clock.now();
  }

  async #renew(): Promise<void> {
    const { client, clock } = this.#deps;
    const { name } = this.#facts;
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: leaseSeconds,
      renewTime: microTimestamp(clock),
    };
    if (this.#lease) {
      try {
        this.#lease = await client.update(Lease, { ...this.#lease, spec: { ...this.#lease.spec, ...spec } });
        return;
      } catch (error) {
        // Somebody touched or removed it: begin with what is there.
        this.#lease = undefined;
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    }
    const key = `${leaseNamespace}/${name}` as const;
    const present = await client.find(Lease, key);
    if (!present) {
      this.#lease = await client.create(Lease, { metadata: { namespace: leaseNamespace, name }, spec });
      return;
    }
    this.#lease = await client.update(Lease, { ...present, spec: { ...present.spec, ...spec } });
    // A node that comes back says at once that it is ready.
    await this.#writeStatus();
  }
}
