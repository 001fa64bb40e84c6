/**
 * Tells a pod what its scheduler found out: the condition PodScheduled, the node it was promised, events.
 * The condition is written once per change of what it says (SC-8). Success is written by the API server,
 * with the binding.
 */
import { type Client, type Clock, EventRecorder, findCondition, type Logger, timestamp } from 'gyre';
import { Pod } from 'gyre/kinds';

/** The `source.component` of the scheduler's events. */
export const component = 'default-scheduler';

export interface Finding {
  readonly reason: 'Unschedulable' | 'SchedulerError';
  readonly message: string;
  readonly nominatedNode: string | undefined;
}

export interface PodReporterDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
}

export class PodReporter {
  readonly #deps: PodReporterDeps;
  readonly #events: EventRecorder;
  /** What was last written, by UID: caches show it only later. */
  readonly #written = new Map<string, string>();

  constructor(deps: PodReporterDeps) {
    this.#deps = deps;
    this.#events = new EventRecorder({ ...deps, component });
  }

  scheduled(pod: Pod, node: string): void {
    const { namespace, name } = pod.metadata;
    this.#events.record(
      pod,
      Pod,
      'Normal',
      'Scheduled',
      `Successfully assigned ${namespace}/${name} to ${node}`,
    );
  }

  preempted(victim: Pod, by: Pod, node: string): void {
    this.#events.record(
      victim,
      Pod,
      'Normal',
      'Preempted',
      `Preempted by pod ${by.metadata.uid} on node ${node}`,
    );
  }

  /** Never rejects: what is not written now is written with the next finding. */
  async failed(pod: Pod, finding: Finding): Promise<void> {
    this.#events.record(pod, Pod, 'Warning', 'FailedScheduling', finding.message);
    const { uid } = pod.metadata;
    const { reason, message, nominatedNode } = finding;
    const before = findCondition((pod.status?.conditions ?? []) as never, 'PodScheduled');
    const wanted = fingerprint(reason, message, nominatedNode);
    const known =
      this.#written.get(uid) ?? fingerprint(before?.reason, before?.message, pod.status?.nominatedNodeName);
    if (wanted === known) return;
    this.#written.set(uid, wanted);
    const lastTransitionTime =
      before?.status === 'False' ? before.lastTransitionTime : timestamp(this.#deps.clock);
    const condition = { type: 'PodScheduled', status: 'False', reason, message, lastTransitionTime };
    try {
      await this.#patch(pod, { conditions: [condition], nominatedNodeName: nominatedNode ?? null });
    } catch (error) {
      this.#written.delete(uid);
      this.#deps.log.debug('condition of a pod not written', { pod: uid, error: String(error) });
    }
  }

  /** The node it was promised was given to a more important one. @throws ApiError, TransportError */
  async unpromise(pod: Pod): Promise<void> {
    this.#written.delete(pod.metadata.uid);
    await this.#patch(pod, { nominatedNodeName: null });
  }

  /** Says of a victim why it ends (SC-9). @throws ApiError, TransportError */
  async disrupt(victim: Pod): Promise<void> {
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: `${component}: preempting to accommodate a higher priority pod`,
      lastTransitionTime: timestamp(this.#deps.clock),
    };
    await this.#patch(victim, { conditions: [condition] });
  }

  /** The pod has a node, or is gone. */
  forget(uid: string): void {
    this.#written.delete(uid);
  }

  /** Resolves when the events recorded so far are sent. */
  flush(): Promise<void> {
    return this.#events.flush();
  }

  async #patch({ metadata }: Pod, status: object): Promise<void> {
    const { namespace = '', name, uid } = metadata;
    const patch = { metadata: { uid }, status };
    await this.#deps.client.patchRaw(
      Pod,
      { namespace, name },
      { type: 'strategic', patch },
      { subresource: 'status' },
    );
  }
}

function fingerprint(...parts: readonly (string | undefined)[]): string {
  return JSON.stringify(parts.map((part) => part ?? ''));
}
