/**
 * Deletes what belongs to owners that are gone, and brings foreground and orphaning deletions to their end
 * (GC-2, GC-3, GC-4).
 *
 * It follows the metadata of every kind of object that can be listed, watched and deleted, custom kinds as
 * they come and go. Guarantees: nothing is deleted before each of its owners has been asked for, by name and
 * UID, and was not there; an owner whose kind is not served counts as there; an object that changed since
 * it was read is read again.
 *
 * Caveat, as in Kubernetes: a dependent that is created while its owner is being deleted may be seen too
 * late for foreground and orphan; it is then deleted in the background.
 */
import {
  apiVersionOf,
  EventRecorder,
  isConflict,
  isTerminalError,
  type Outcome,
  type Runnable,
  type RunnableContext,
  Runner,
  sleep,
  WorkQueue,
} from 'gyre';
import { discover } from 'gyre/client';
import type { InformerLease } from 'gyre/informers';
import { CustomResourceDefinition } from 'gyre/kinds';
import { afterObserved, afterRemoved, needsLook } from './attention.js';
import { Collector, LookAgain } from './collector.js';
import { Graph, nodeOf } from './graph.js';
import { ServedKinds } from './kinds.js';
import { Monitors } from './monitors.js';

type Cancel = () => void;

const name = 'generic-garbage-collector';
const concurrency = 20;
/** How long the start waits for kinds that cannot be watched. */
const syncTimeoutMs = 30_000;
/** Definitions change the API a moment later; some servers tell so in discovery a little later still. */
const rediscoverAfterMs = [1_000, 10_000];
/** What is served may change without a definition, by aggregation. */
const rediscoverEveryMs = 300_000;
const retryDiscoveryMs = 1_000;
const stopBudgetMs = 5_000;

export class GarbageCollector implements Runnable {
  readonly name = name;
  #life: Life | undefined;

  /** Resolves when all kinds have been seen in full, and at most half a minute after the server answered. */
  async start(context: RunnableContext): Promise<void> {
    this.#life = new Life(context);
    await this.#life.start();
  }

  async stop(): Promise<void> {
    await this.#life?.stop();
    this.#life = undefined;
  }
}

/** From one start to one stop. */
class Life {
  readonly #context: RunnableContext;
  readonly #graph = new Graph();
  readonly #queue: WorkQueue<string>;
  readonly #runner: Runner<string>;
  readonly #collector: Collector;
  readonly #monitors: Monitors;
  readonly #events: EventRecorder;
  readonly #ended = new AbortController();
  /** By their delay. */
  readonly #timers = new Map<number, Cancel>();
  #definitions: InformerLease<CustomResourceDefinition> | undefined;
  #unsubscribe: () => void = () => {};
  #kinds = new ServedKinds({ resources: [] });
  /** Until all is seen once, everything would seem to lack its owner. */
  #synced = false;

  constructor(context: RunnableContext) {
    const { clock, random, log } = context;
    const client = context.client.with({ signal: this.#ended.signal });
    this.#context = { ...context, client };
    this.#queue = new WorkQueue({ clock });
    this.#events = new EventRecorder({ client: context.client, component: name, clock, log });
    this.#monitors = new Monitors({
      client: client.with({ metadataOnly: true }),
      clock,
      random,
      onObject: (kind, object) => {
        const node = nodeOf(kind, object);
        const before = this.#graph.observe(node);
        if (this.#synced) this.#enqueue(afterObserved(this.#graph, node, before));
      },
      onGone: (uid) => this.#gone(uid),
    });
    this.#collector = new Collector({
      graph: this.#graph,
      kinds: () => this.#kinds,
      events: this.#events,
      log,
      enqueue: (uid) => this.#queue.add(uid),
      gone: (uid) => this.#gone(uid),
    });
    this.#runner = new Runner({
      queue: this.#queue,
      clock,
      concurrency,
      timeoutMs: undefined,
      run: (uid, signal) => this.#collector.look(uid, client.with({ signal })),
      onOutcome: (outcome) => this.#onOutcome(outcome),
    });
  }

  async start(): Promise<void> {
    const { informers, clock } = this.#context;
    const { signal } = this.#ended;
    this.#definitions = informers.acquire(CustomResourceDefinition);
    const subscription = this.#definitions.informer.events$.subscribe(() => {
      for (const after of rediscoverAfterMs) this.#later(after, () => this.#rediscover());
    });
    this.#unsubscribe = () => subscription.unsubscribe();
    if (!(await this.#discoverAtLast())) return;
    this.#monitors.follow(this.#kinds.collectable);
    const waited = new AbortController();
    const timeout = sleep(clock, syncTimeoutMs, AbortSignal.any([signal, waited.signal]));
    await Promise.race([this.#monitors.ready(), timeout.catch(() => {})]);
    waited.abort();
    if (signal.aborted) return;
    this.#synced = true;
    for (const node of this.#graph.nodes()) if (needsLook(this.#graph, node)) this.#queue.add(node.uid);
    this.#runner.start();
    this.#every(rediscoverEveryMs, () => this.#rediscover());
    this.#context.log.info('collecting garbage', { objects: this.#graph.size });
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    for (const cancel of this.#timers.values()) cancel();
    await this.#runner.stop(stopBudgetMs);
    this.#ended.abort();
    this.#monitors.stop();
    this.#definitions?.release();
    await this.#events.flush();
  }

  #enqueue(uids: Iterable<string>): void {
    for (const uid of uids) this.#queue.add(uid);
  }

  #gone(uid: string): void {
    const node = this.#graph.remove(uid);
    if (node && this.#synced) this.#enqueue(afterRemoved(this.#graph, node));
  }

  #onOutcome(outcome: Outcome<string>): void {
    const { key: uid } = outcome;
    if (outcome.ok || isTerminalError(outcome.error)) this.#queue.forget(uid);
    else this.#queue.addRateLimited(uid);
    if (outcome.ok) return;
    const { error } = outcome;
    const expected = isConflict(error) || error instanceof LookAgain;
    this.#context.log[expected ? 'debug' : 'warn']('object not collected', { uid, error: error.message });
  }

  /** Waits for a server that does not answer yet; false when stopped meanwhile. */
  async #discoverAtLast(): Promise<boolean> {
    const { clock, signal } = this.#context;
    const either = AbortSignal.any([signal, this.#ended.signal]);
    while (!(await this.#discover())) {
      try {
        await sleep(clock, retryDiscoveryMs, either);
      } catch {
        return false;
      }
    }
    return true;
  }

  async #rediscover(): Promise<void> {
    if ((await this.#discover()) && !this.#ended.signal.aborted)
      this.#monitors.follow(this.#kinds.collectable);
  }

  async #discover(): Promise<boolean> {
    const { client, log } = this.#context;
    try {
      const { resources, failures } = await discover(client);
      if (failures.size > 0) log.warn('discovery is incomplete', { groupVersions: [...failures.keys()] });
      // A group that does not answer is still there: better to go on watching than to forget its objects.
      const kept = this.#kinds.resources.filter(({ kind }) => failures.has(apiVersionOf(kind)));
      this.#kinds = new ServedKinds({ resources: [...resources, ...kept] });
      return true;
    } catch (error) {
      if (!this.#ended.signal.aborted) log.warn('discovery failed', { error: String(error) });
      return false;
    }
  }

  /** Once, however often it is asked for until then. */
  #later(ms: number, act: () => Promise<void>): void {
    if (this.#timers.has(ms)) return;
    const cancel = this.#context.clock.setTimer(ms, () => {
      this.#timers.delete(ms);
      void act();
    });
    this.#timers.set(ms, cancel);
  }

  #every(ms: number, act: () => Promise<void>): void {
    this.#later(ms, async () => {
      this.#every(ms, act);
      await act();
    });
  }
}
