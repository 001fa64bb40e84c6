/**
 * The way of keys into the queue. Why a key was added is kept for telemetry, and only where somebody listens: the
 * queue and the reconcile know keys alone.
 */
import type { Clock } from '../../api/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { AddOptions, WorkQueue } from '../queue/workqueue.js';
import type { RequestKey } from './definition.js';
import { type ControllerObserver, maxTriggers, type Trigger } from './observer.js';

interface Pending {
  readonly triggers: Trigger[];
  /** Monotonic ms from which it could have run. */
  readyAt: number;
}

export class Intake {
  readonly #pending = new Map<RequestKey, Pending>();

  constructor(
    private readonly controller: string,
    private readonly queue: WorkQueue<RequestKey>,
    private readonly clock: Clock,
    private readonly observers: readonly ControllerObserver[],
    private readonly log: Logger,
  ) {}

  add(key: RequestKey, trigger: Trigger, options?: AddOptions): void {
    this.#note(key, trigger, options?.after ?? 0);
    this.queue.add(key, options);
  }

  /** Adds the key after its back-off; gives the delay, ms. */
  retry(key: RequestKey): number {
    const delay = this.queue.addRateLimited(key);
    this.#note(key, { reason: 'retry' }, delay);
    return delay;
  }

  /** What led to the run that begins now, and how long the key had to wait. */
  take(key: RequestKey): { readonly triggers: readonly Trigger[]; readonly queuedMs: number } {
    const pending = this.#pending.get(key);
    if (!pending) return { triggers: [], queuedMs: 0 };
    this.#pending.delete(key);
    return { triggers: pending.triggers, queuedMs: Math.max(0, this.clock.monotonic() - pending.readyAt) };
  }

  #note(key: RequestKey, trigger: Trigger, after: number): void {
    if (this.observers.length === 0 || this.queue.isShutDown) return;
    const readyAt = this.clock.monotonic() + after;
    const pending = this.#pending.get(key);
    if (pending) {
      pending.triggers.push(trigger);
      if (pending.triggers.length > maxTriggers) pending.triggers.shift();
      pending.readyAt = Math.min(pending.readyAt, readyAt);
    } else this.#pending.set(key, { triggers: [trigger], readyAt });
    for (const observer of this.observers) {
      try {
        observer.onAdd?.(this.controller, key, trigger);
      } catch (error) {
        this.log.error('an observer threw', { error: String(error) });
      }
    }
  }
}
