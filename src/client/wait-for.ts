/**
 * Waiting until an object is as it should be: a list and a watch of that one object.
 *
 * Guarantees: the condition is asked of every version that the watch tells of and of the one there is at the start;
 * watches that end, break or are too old (410) are opened again with a growing, jittered pause; what another try
 * cannot change (Forbidden, NoSuchKind, Invalid) rejects at once.
 */
import {
  type Clock,
  type Condition,
  type Duration,
  durationMs,
  groupKind,
  isApiError,
  isExpired,
  isTransportError,
  jitter,
  type Key,
  type KindOf,
  parseKey,
  type Random,
  type Scope,
  sleep,
} from '../api/index.js';
import type { Client, RequestOptions } from './client.js';

/** `condition`: the type of a condition in the object's status, as it is at the object's present generation. */
export interface ConditionToWaitFor {
  readonly condition: string;
  /** Default `True`. */
  readonly status?: Condition['status'];
}

/** What to wait for; a predicate is given undefined while there is no such object. */
export type WaitCondition<T> = ((object: T | undefined) => boolean) | ConditionToWaitFor | 'deleted';

export interface WaitOptions extends Omit<RequestOptions, 'timeout'> {
  /** How long to wait. Default 30s. */
  readonly timeout?: Duration;
}

const brand: unique symbol = Symbol.for('gyre.wait-timeout') as never;

/** It did not come in time. */
export class WaitTimeout<T = unknown> extends Error {
  readonly [brand] = true;
  override readonly name = 'WaitTimeout';
  /** The object as it was seen last; undefined when there was none, or when nothing could be read. */
  readonly last: T | undefined;

  constructor(message: string, last: T | undefined, options?: ErrorOptions) {
    super(message, options);
    this.last = last;
  }
}

/** True for a WaitTimeout of any copy of this package. */
export function isWaitTimeout(error: unknown): error is WaitTimeout {
  return typeof error === 'object' && error !== null && (error as { [brand]?: unknown })[brand] === true;
}

const defaultTimeoutMs = 30_000;
const firstPauseMs = 100;
const maxPauseMs = 5_000;
/** A watch that lasted as long as this was a good one. */
const stableMs = 10_000;

interface Observed {
  readonly metadata?: { readonly resourceVersion?: string; readonly generation?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly Partial<Condition>[];
  };
}

export interface WaitDeps {
  readonly clock: Clock;
  readonly random: Random;
}

export async function waitFor<T, S extends Scope>(
  client: Client,
  deps: WaitDeps,
  kind: KindOf<T, S>,
  key: Key<S>,
  condition: WaitCondition<T>,
  options: WaitOptions = {},
): Promise<T | undefined> {
  const ms = options.timeout === undefined ? defaultTimeoutMs : durationMs(options.timeout);
  const timeUp = new AbortController();
  const waiting = new Waiting(client.with({ retry: false }), kind, key, condition);
  const cancel = deps.clock.setTimer(ms, () => timeUp.abort(waiting.timeout(ms)));
  try {
    return await waiting.run(
      deps,
      options.signal ? AbortSignal.any([options.signal, timeUp.signal]) : timeUp.signal,
    );
  } finally {
    cancel();
  }
}

class Waiting<T, S extends Scope> {
  readonly #client: Client;
  readonly #kind: KindOf<T, S>;
  readonly #condition: WaitCondition<T>;
  readonly #selection: { readonly namespace?: string; readonly fieldSelector: string };
  readonly #subject: string;
  #seen: { readonly object: T | undefined } | undefined;
  #failure: unknown;

  constructor(client: Client, kind: KindOf<T, S>, key: Key<S>, condition: WaitCondition<T>) {
    const { namespace, name } = parseKey(kind, key as Key);
    this.#client = client;
    this.#kind = kind;
    this.#condition = condition;
    this.#selection = { ...(namespace ? { namespace } : {}), fieldSelector: `metadata.name=${name}` };
    this.#subject = `${groupKind(kind)} ${namespace ? `${namespace}/` : ''}${name}`;
  }

  async run({ clock, random }: WaitDeps, signal: AbortSignal): Promise<T | undefined> {
    let pauseMs = firstPauseMs;
    for (;;) {
      const startedAt = clock.monotonic();
      try {
        const outcome = await this.#listAndWatch(signal);
        if (outcome) return outcome.object;
        this.#failure = undefined;
      } catch (error) {
        signal.throwIfAborted();
        if (!mayPass(error)) throw error;
        this.#failure = error;
      }
      if (clock.monotonic() - startedAt >= stableMs) pauseMs = firstPauseMs;
      await sleep(clock, jitter(random, pauseMs, 0.5), signal);
      pauseMs = Math.min(pauseMs * 2, maxPauseMs);
    }
  }

  timeout(ms: number): WaitTimeout<T> {
    const failure =
      this.#failure === undefined ? '' : `; the last try failed: ${(this.#failure as Error).message}`;
    const message = `${this.#subject} was not ${this.#wanted()} within ${ms} ms; ${this.#last()}${failure}`;
    return new WaitTimeout(
      message,
      this.#seen?.object,
      this.#failure === undefined ? {} : { cause: this.#failure },
    );
  }

  /** Undefined when the watch ended before it came true. */
  async #listAndWatch(signal: AbortSignal): Promise<{ readonly object: T | undefined } | undefined> {
    const list = await this.#client.listPage(this.#kind, { ...this.#selection, signal });
    if (this.#holds(list.items[0])) return this.#seen;
    const watch = await this.#client.watch(this.#kind, {
      ...this.#selection,
      signal,
      ...(list.metadata.resourceVersion ? { resourceVersion: list.metadata.resourceVersion } : {}),
      allowWatchBookmarks: true,
    });
    for await (const batch of watch.events) {
      for (const { type, object } of batch) {
        if (type === 'ERROR') return undefined;
        if (type === 'BOOKMARK') continue;
        if (this.#holds(type === 'DELETED' ? undefined : object)) return this.#seen;
      }
    }
    return undefined;
  }

  #holds(object: T | undefined): boolean {
    this.#seen = { object };
    const condition = this.#condition;
    if (condition === 'deleted') return object === undefined;
    if (typeof condition === 'function') return condition(object);
    return conditionOf(object, condition.condition)?.status === (condition.status ?? 'True');
  }

  #wanted(): string {
    const condition = this.#condition;
    if (condition === 'deleted') return 'deleted';
    if (typeof condition === 'function') return 'as expected';
    return `${condition.condition}=${condition.status ?? 'True'}`;
  }

  #last(): string {
    if (!this.#seen) return 'it could not be read';
    const object = this.#seen.object as Observed | undefined;
    if (object === undefined) return 'it does not exist';
    const version = `last seen at resourceVersion ${object.metadata?.resourceVersion ?? '?'}`;
    if (typeof this.#condition !== 'object') return version;
    const type = this.#condition.condition;
    const found = object.status?.conditions?.find((condition) => condition.type === type);
    if (!found) return `${version} without a condition ${type}`;
    const stale = conditionOf(object, type) ? '' : ' (of an older generation)';
    return `${version} with ${type}=${found.status} (${found.reason ?? ''}: ${found.message ?? ''})${stale}`;
  }
}

/** The condition, unless it speaks of an older generation than the object's. */
function conditionOf(object: unknown, type: string): Partial<Condition> | undefined {
  const { metadata, status } = (object ?? {}) as Observed;
  const found = status?.conditions?.find((condition) => condition.type === type);
  const observed = found?.observedGeneration ?? status?.observedGeneration;
  const stale = observed !== undefined && observed < (metadata?.generation ?? 0);
  return stale ? undefined : found;
}

function mayPass(error: unknown): boolean {
  if (isTransportError(error) || isExpired(error)) return true;
  return isApiError(error) && (error.code === 429 || error.code >= 500);
}
