/**
 * Pods that wait for a node (SC-1): those to be tried now, the most important first and then in the order
 * they came; those that wait out their back-off; those that fit nowhere, until something happens that may
 * help them; and those that are gated, until their gates are gone (SC-2).
 *
 * The back-off is 1 s after the first failure and doubles to 10 s; it counts from the failure, not from the
 * event that wakes the pod. A pod that fitted nowhere for five minutes is tried again, whatever happened.
 */
import { type Clock, WorkQueue } from 'gyre';
import type { PodInfo } from './pod-info.js';

const firstBackoffMs = 1000;
const longestBackoffMs = 10_000;
/** How long a pod is left alone that nothing seems to help, and how often that is looked at. */
const unschedulableForMs = 5 * 60_000;
const sweepEveryMs = 30_000;

type Place = 'waiting' | 'unschedulable' | 'gated' | 'taken';

interface Queued {
  pod: PodInfo;
  place: Place;
  attempts: number;
  /** Monotonic, ms. */
  failedAt: number;
  rejectedBy: ReadonlySet<string>;
}

export class SchedulingQueue {
  readonly #clock: Clock;
  /** By UID. A pod that is gone is taken out when its turn comes. */
  readonly #ready: WorkQueue<string>;
  readonly #pods = new Map<string, Queued>();
  #unschedulable = 0;
  #cancelSweep: (() => void) | undefined;
  #stopped = false;

  /** `onReady` hears that a pod can be taken. */
  constructor(clock: Clock, onReady: () => void) {
    this.#clock = clock;
    this.#ready = new WorkQueue({ clock });
    this.#ready.onReady = onReady;
  }

  /** Pods known, wherever they wait. */
  get size(): number {
    return this.#pods.size;
  }
  has(uid: string): boolean {
    return this.#pods.has(uid);
  }

  /** A pod without a node, new or changed. A change that matters ends its waiting. */
  set(pod: PodInfo, matters: boolean): void {
    const queued = this.#pods.get(pod.uid);
    if (!queued) {
      const fresh: Queued = { pod, place: 'gated', attempts: 0, failedAt: 0, rejectedBy: new Set() };
      this.#pods.set(pod.uid, fresh);
      if (!isGated(pod)) this.#wait(fresh, 0);
      return;
    }
    queued.pod = pod;
    if (queued.place === 'gated' && !isGated(pod)) this.#wait(queued, 0);
    else if (queued.place === 'unschedulable' && matters) this.#wake(queued);
  }

  /** The pod is gone, or has a node. */
  delete(uid: string): void {
    const queued = this.#pods.get(uid);
    if (queued) this.#moveTo(queued, 'taken');
    this.#pods.delete(uid);
  }

  /** The next pod to try, which is then nobody's until `fail` or `delete`; undefined: none now. */
  take(): PodInfo | undefined {
    for (let uid = this.#ready.tryGet(); uid !== undefined; uid = this.#ready.tryGet()) {
      this.#ready.done(uid);
      const queued = this.#pods.get(uid);
      if (queued?.place !== 'waiting') continue;
      queued.attempts++;
      this.#moveTo(queued, 'taken');
      return queued.pod;
    }
    return undefined;
  }

  /** No node will do. It waits until one of the plugins sees hope; with none named, for any event. */
  failUnschedulable(uid: string, rejectedBy: ReadonlySet<string>): void {
    const queued = this.#pods.get(uid);
    if (queued?.place !== 'taken') return;
    queued.rejectedBy = rejectedBy;
    queued.failedAt = this.#clock.monotonic();
    this.#moveTo(queued, 'unschedulable');
  }

  /** Something else went wrong: it is tried again after its back-off. */
  failWithError(uid: string): void {
    const queued = this.#pods.get(uid);
    if (queued?.place !== 'taken') return;
    queued.failedAt = this.#clock.monotonic();
    this.#wake(queued);
  }

  /** Tries the pod again after its back-off, whatever it waits for. */
  retry(uid: string): void {
    const queued = this.#pods.get(uid);
    if (queued?.place === 'unschedulable') this.#wake(queued);
  }

  /** Something happened: wakes those it may help. */
  wake(helps: (pod: PodInfo, rejectedBy: ReadonlySet<string>) => boolean): void {
    if (this.#unschedulable === 0) return;
    for (const queued of this.#pods.values()) {
      if (queued.place !== 'unschedulable') continue;
      if (queued.rejectedBy.size === 0 || helps(queued.pod, queued.rejectedBy)) this.#wake(queued);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelSweep?.();
    this.#ready.shutDown();
  }

  #wake(queued: Queued): void {
    const backoff = Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.min(queued.attempts - 1, 20));
    this.#wait(queued, Math.max(0, queued.failedAt + backoff - this.#clock.monotonic()));
  }

  #wait(queued: Queued, after: number): void {
    this.#moveTo(queued, 'waiting');
    this.#ready.add(queued.pod.uid, { after, priority: queued.pod.priority });
  }

  #moveTo(queued: Queued, place: Place): void {
    if (queued.place === 'unschedulable') this.#unschedulable--;
    queued.place = place;
    if (place !== 'unschedulable') return;
    this.#unschedulable++;
    this.#armSweep();
  }

  #armSweep(): void {
    if (this.#cancelSweep || this.#stopped) return;
    this.#cancelSweep = this.#clock.setTimer(sweepEveryMs, () => {
      this.#cancelSweep = undefined;
      const before = this.#clock.monotonic() - unschedulableForMs;
      for (const queued of this.#pods.values()) {
        if (queued.place === 'unschedulable' && queued.failedAt < before) this.#wake(queued);
      }
      if (this.#unschedulable > 0) this.#armSweep();
    });
  }
}

function isGated({ pod }: PodInfo): boolean {
  return (pod.spec.schedulingGates?.length ?? 0) > 0;
}
