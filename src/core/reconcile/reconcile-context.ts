/** The Context of one run. */
import {
  type Clock,
  type Condition,
  type Draft,
  type Input,
  type KindOf,
  type Random,
  timestamp,
} from '../../api/index.js';
import type { Client } from '../../client/index.js';
import type { Logger } from '../../telemetry/index.js';
import { type AppliedMemory, applyChild } from './apply-child.js';
import { setCondition } from './conditions.js';
import type {
  ApplyChildOptions,
  CacheReader,
  ClusterAccess,
  Context,
  EventType,
  StatusOf,
} from './context.js';
import type { EventRecorder, EventSubject } from './events.js';
import { StatusWriter } from './status.js';
import type { WatchedCaches } from './watched-caches.js';

/** A write through a context whose run is over, aborted or timed out. Nothing was sent. */
export class ReconcileEnded extends Error {
  override readonly name = 'ReconcileEnded';
}

export interface ReconcileContextOptions<T> {
  readonly controller: string;
  readonly kind: KindOf<T>;
  readonly object: T;
  readonly key: string;
  readonly client: Client;
  readonly caches: WatchedCaches;
  /** What the author reads through; `caches`, perhaps observed. */
  readonly cache: CacheReader;
  /** Other clusters by name; undefined for the controller's own. @throws RegistrationError */
  readonly cluster: (name: string) => ClusterAccess | undefined;
  readonly applied: AppliedMemory;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export class ReconcileContext<T> implements Context<T> {
  readonly client: Client;
  readonly cache: CacheReader;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly #options: ReconcileContextOptions<T>;
  readonly #status: StatusWriter<T>;
  #ended = false;

  constructor(options: ReconcileContextOptions<T>) {
    this.#options = options;
    this.cache = options.cache;
    this.clock = options.clock;
    this.random = options.random;
    this.log = options.log;
    this.signal = options.signal;
    this.client = this.#bound(options.client);
    this.#status = new StatusWriter({
      kind: options.kind,
      client: this.client,
      object: options.object,
      newest: () => options.caches.find(options.kind)?.get(options.key) as T | undefined,
    });
  }

  get kind(): KindOf<T> {
    return this.#options.kind;
  }

  cluster(name: string): ClusterAccess {
    const there = this.#options.cluster(name);
    return there ? { client: this.#bound(there.client), cache: there.cache } : this;
  }

  get status(): Draft<StatusOf<T>> {
    return this.#status.draft as Draft<StatusOf<T>>;
  }

  flush(): Promise<void> {
    return this.#status.flush();
  }

  condition(type: string, status: boolean | 'Unknown', reason: string, message = ''): void {
    const draft = this.#status.draft as { conditions?: Condition[] };
    const { generation } = (this.#options.object as { metadata: { generation?: number } }).metadata;
    draft.conditions = setCondition(
      draft.conditions ?? [],
      {
        type,
        status: typeof status === 'boolean' ? (status ? 'True' : 'False') : status,
        reason,
        message,
        ...(generation === undefined ? {} : { observedGeneration: generation }),
      },
      timestamp(this.clock),
    );
  }

  event(type: EventType, reason: string, message: string): void {
    this.#options.events.record(
      this.#options.object as EventSubject,
      this.#options.kind,
      type,
      reason,
      message,
    );
  }

  apply<C>(kind: KindOf<C>, input: Input<NoInfer<C>>, options?: ApplyChildOptions): Promise<C> {
    const { object, caches, applied } = this.#options;
    return applyChild(
      {
        client: this.client,
        memory: applied,
        owner: object as EventSubject,
        ownerKind: this.#options.kind as KindOf<unknown>,
        cached: (childKind, key) => caches.find(childKind)?.get(key),
      },
      kind,
      input,
      options,
    );
  }

  /** The run is over: what still holds this context can no longer write through it. */
  end(): void {
    this.#ended = true;
  }

  #bound(client: Client): Client {
    const { signal, controller } = this.#options;
    return client.with({ signal, fieldManager: controller, beforeWrite: () => this.#checkAlive() });
  }

  #checkAlive(): void {
    if (this.#ended) throw new ReconcileEnded('the reconcile is over: await every write before returning');
    if (this.signal.aborted) {
      throw new ReconcileEnded('the reconcile was aborted; nothing is written any more', {
        cause: this.signal.reason,
      });
    }
  }
}
