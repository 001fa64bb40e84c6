/**
 * The reflector: how a list and a watch become one consistent, never-ending view. A pure state machine;
 * whoever drives it does the I/O and keeps the time.
 *
 * ```
 *            ┌───────────── expired, three empty closes ─────────────┐
 *            ▼                                                       │
 *  Waiting(list) ─▶ Streaming ──initial-events-end──▶ Watching ──────┤
 *      ▲  │  └────▶ Listing(page)… ─▶ Opening ──opened──▲  │         │
 *      │  └──────────── failed ◀────────────────────────┘  │         │
 *      └───────────── any failure, with back-off ──────────┴─▶ Waiting(watch)
 * ```
 *
 * Guarantees: it never stops by itself; at most one request is under way; every failure waits a jittered,
 * growing time that shrinks again only after a stable period; a complete new view is told as Init,
 * InitApply…, InitDone, so that a consumer can swap at once and tell what vanished.
 */
import { ApiError, isApiError, isExpired, isNoSuchKind, type WatchEvent } from '../api/index.js';
import type { CacheObject, ConnectionState } from './informer.js';

export const reflectorTiming = {
  /** First back-off and its ceiling, ms. */
  backoffMs: 800,
  maxBackoffMs: 30_000,
  /** 401, 403: it takes a person to change that. */
  unauthorizedBackoffMs: 5_000,
  maxUnauthorizedBackoffMs: 60_000,
  /** The kind is not served: its definition may come any time. */
  absentBackoffMs: 2_000,
  /** A watch that lived this long ends the growth of the back-off. */
  stableMs: 60_000,
  /** A watch that ended by itself before this counts as a failure. */
  minWatchMs: 5_000,
  /** Nothing at all arrived for so long, not even a bookmark: the connection is dead. */
  idleMs: 90_000,
  /** The server is asked to end a watch after this, plus up to as much again. */
  watchTimeoutSeconds: 300,
  /** So many closes without an event at one version: the server may be hiding a 410. */
  maxEmptyCloses: 3,
} as const;

/** The times a reflector keeps; see reflectorTiming. */
export type ReflectorTiming = { readonly [name in keyof typeof reflectorTiming]: number };

export interface Progress {
  /** Failures since the last stable period. */
  readonly failures: number;
  /** The server does not do streaming lists. */
  readonly paged: boolean;
  readonly emptyCloses: number;
  /** A complete view has been told at least once. */
  readonly ready: boolean;
}

export type ReflectorState = Progress &
  (
    | { readonly phase: 'Empty' }
    | { readonly phase: 'Streaming' }
    | { readonly phase: 'Listing' }
    | { readonly phase: 'Opening'; readonly resourceVersion: string }
    | {
        readonly phase: 'Watching';
        readonly resourceVersion: string;
        /** Monotonic ms. */
        readonly since: number;
        readonly events: number;
      }
    | { readonly phase: 'Waiting'; readonly resourceVersion: string | undefined }
    | { readonly phase: 'Stopped' }
  );

export interface Page<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue: string;
}

export type ReflectorInput<T> =
  | { readonly type: 'start' }
  | { readonly type: 'page'; readonly page: Page<T> }
  | { readonly type: 'opened' }
  | { readonly type: 'events'; readonly events: readonly WatchEvent<T>[] }
  /** The server ended the stream in order. */
  | { readonly type: 'ended' }
  | { readonly type: 'failed'; readonly error: unknown }
  /** Nothing arrived for `idleMs`. */
  | { readonly type: 'idle' }
  /** The back-off is over. */
  | { readonly type: 'timer' }
  | { readonly type: 'stop' };

export type ReflectorOutput<T> =
  | { readonly type: 'Init' }
  | { readonly type: 'InitApply'; readonly object: T }
  | { readonly type: 'InitDone'; readonly resourceVersion: string }
  | { readonly type: 'Apply'; readonly object: T }
  | { readonly type: 'Delete'; readonly object: T }
  /** The view is complete up to this version (a bookmark). */
  | { readonly type: 'Progress'; readonly resourceVersion: string }
  | { readonly type: 'State'; readonly state: ConnectionState }
  | { readonly type: 'FetchPage'; readonly continue: string }
  | {
      readonly type: 'OpenWatch';
      readonly resourceVersion: string | undefined;
      readonly timeoutSeconds: number;
    }
  | { readonly type: 'CloseWatch' }
  | { readonly type: 'Wait'; readonly ms: number };

/** What a step may know of the world: monotonic milliseconds, and a number in [0, 1). */
export interface StepInput {
  readonly at: number;
  readonly random: number;
  /** Default: reflectorTiming. */
  readonly timing?: ReflectorTiming;
}

export interface Step<T> {
  readonly state: ReflectorState;
  readonly outputs: readonly ReflectorOutput<T>[];
}

export const initialState: ReflectorState = {
  phase: 'Empty',
  failures: 0,
  paged: false,
  emptyCloses: 0,
  ready: false,
};

const endAnnotation = 'k8s.io/initial-events-end';

function progressOf({ failures, paged, emptyCloses, ready }: ReflectorState): Progress {
  return { failures, paged, emptyCloses, ready };
}

export function step<T extends CacheObject>(
  state: ReflectorState,
  input: ReflectorInput<T>,
  world: StepInput,
): Step<T> {
  if (state.phase === 'Stopped') return { state, outputs: [] };
  if (input.type === 'stop') {
    return {
      state: { ...progressOf(state), phase: 'Stopped' },
      outputs: [{ type: 'CloseWatch' }, { type: 'State', state: { phase: 'stopped' } }],
    };
  }
  switch (state.phase) {
    case 'Empty':
      return input.type === 'start' ? list(state, world) : { state, outputs: [] };
    case 'Waiting':
      if (input.type !== 'timer') return { state, outputs: [] };
      return state.resourceVersion === undefined
        ? list(state, world)
        : open(state, state.resourceVersion, world);
    case 'Listing':
      if (input.type === 'page') return onPage(state, input.page, world);
      if (input.type === 'idle') return fail(state, new Error('the server did not answer'), world);
      return input.type === 'failed' ? fail(state, input.error, world) : { state, outputs: [] };
    case 'Opening':
      return onOpening(state, input, world);
    case 'Streaming':
      return onStreaming(state, input, world);
    case 'Watching':
      return onWatching(state, input, world);
  }
}

function timeoutSeconds({ random, timing = reflectorTiming }: StepInput): number {
  return Math.floor(timing.watchTimeoutSeconds * (1 + random));
}

/** Starts a complete new view. */
function list<T>(state: ReflectorState, world: StepInput): Step<T> {
  const outputs: ReflectorOutput<T>[] = [
    { type: 'State', state: { phase: state.ready ? 'relisting' : 'connecting' } },
    { type: 'Init' },
  ];
  if (state.paged) {
    return {
      state: { ...progressOf(state), phase: 'Listing' },
      outputs: [...outputs, { type: 'FetchPage', continue: '' }],
    };
  }
  return {
    state: { ...progressOf(state), phase: 'Streaming' },
    outputs: [
      ...outputs,
      { type: 'OpenWatch', resourceVersion: undefined, timeoutSeconds: timeoutSeconds(world) },
    ],
  };
}

function open<T>(state: ReflectorState, resourceVersion: string, world: StepInput): Step<T> {
  return {
    state: { ...progressOf(state), phase: 'Opening', resourceVersion },
    outputs: [{ type: 'OpenWatch', resourceVersion, timeoutSeconds: timeoutSeconds(world) }],
  };
}

function onPage<T>(state: ReflectorState, page: Page<T>, world: StepInput): Step<T> {
  const outputs: ReflectorOutput<T>[] = page.items.map((object) => ({ type: 'InitApply', object }));
  if (page.continue !== '') {
    outputs.push({ type: 'FetchPage', continue: page.continue });
    return { state, outputs };
  }
  outputs.push({ type: 'InitDone', resourceVersion: page.resourceVersion });
  const opened = open<T>({ ...state, ready: true, emptyCloses: 0 }, page.resourceVersion, world);
  return { state: opened.state, outputs: [...outputs, ...opened.outputs] };
}

function watching(state: ReflectorState, resourceVersion: string, at: number): ReflectorState {
  return { ...progressOf(state), phase: 'Watching', resourceVersion, since: at, events: 0 };
}

function onOpening<T extends CacheObject>(
  state: Extract<ReflectorState, { phase: 'Opening' }>,
  input: ReflectorInput<T>,
  world: StepInput,
): Step<T> {
  switch (input.type) {
    case 'opened':
      return {
        state: watching(state, state.resourceVersion, world.at),
        outputs: [{ type: 'State', state: { phase: 'connected' } }],
      };
    case 'failed':
      return fail(state, input.error, world);
    case 'idle':
      return fail(state, new Error('the server did not answer'), world);
    default:
      return { state, outputs: [] };
  }
}

/** Answers that mean "no streaming lists here", as opposed to "not now" or "not you". */
function refusesStreaming(error: unknown): boolean {
  return (
    isApiError(error, 'BadRequest') ||
    isApiError(error, 'Invalid') ||
    isApiError(error, 'NotAcceptable') ||
    isApiError(error, 'MethodNotAllowed')
  );
}

function onStreaming<T extends CacheObject>(
  state: Extract<ReflectorState, { phase: 'Streaming' }>,
  input: ReflectorInput<T>,
  world: StepInput,
): Step<T> {
  switch (input.type) {
    case 'events':
      return streamed(state, input.events, world);
    case 'failed':
      return refusesStreaming(input.error)
        ? list({ ...state, paged: true }, world)
        : fail(state, input.error, world);
    case 'ended':
      return fail(state, new Error('the streaming list ended before it was complete'), world);
    case 'idle': {
      // Perhaps a server that ignores the request for initial events and waits for changes.
      const next = list<T>({ ...state, paged: true }, world);
      return { state: next.state, outputs: [{ type: 'CloseWatch' }, ...next.outputs] };
    }
    default:
      return { state, outputs: [] };
  }
}

function streamed<T extends CacheObject>(
  state: ReflectorState,
  events: readonly WatchEvent<T>[],
  world: StepInput,
): Step<T> {
  const outputs: ReflectorOutput<T>[] = [];
  for (const [i, event] of events.entries()) {
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
        outputs.push({ type: 'InitApply', object: event.object });
        break;
      case 'DELETED':
        outputs.push({ type: 'Delete', object: event.object });
        break;
      case 'ERROR':
        return join(outputs, fail(state, new ApiError(event.object), world));
      case 'BOOKMARK': {
        const { metadata } = event.object as {
          metadata: { annotations?: Record<string, string>; resourceVersion: string };
        };
        if (metadata.annotations?.[endAnnotation] !== 'true') break;
        const { resourceVersion } = metadata;
        outputs.push({ type: 'InitDone', resourceVersion }, { type: 'State', state: { phase: 'connected' } });
        const next = watching({ ...state, ready: true, emptyCloses: 0 }, resourceVersion, world.at);
        return join(
          outputs,
          onWatching(next as WatchingState, { type: 'events', events: events.slice(i + 1) }, world),
        );
      }
    }
  }
  return { state, outputs };
}

function join<T>(outputs: readonly ReflectorOutput<T>[], next: Step<T>): Step<T> {
  return { state: next.state, outputs: [...outputs, ...next.outputs] };
}

type WatchingState = Extract<ReflectorState, { phase: 'Watching' }>;

function onWatching<T extends CacheObject>(
  state: WatchingState,
  input: ReflectorInput<T>,
  world: StepInput,
): Step<T> {
  switch (input.type) {
    case 'events':
      return watched(state, input.events, world);
    case 'failed':
      return lose(state, input.error, world);
    case 'idle':
      return join(
        [{ type: 'CloseWatch' }],
        lose(state, new Error(`nothing arrived for ${(world.timing ?? reflectorTiming).idleMs} ms`), world),
      );
    case 'ended':
      return ended(state, world);
    default:
      return { state, outputs: [] };
  }
}

function watched<T extends CacheObject>(
  state: WatchingState,
  events: readonly WatchEvent<T>[],
  world: StepInput,
): Step<T> {
  const outputs: ReflectorOutput<T>[] = [];
  let { resourceVersion } = state;
  for (const event of events) {
    if (event.type === 'ERROR') {
      const at: WatchingState = { ...state, resourceVersion, events: state.events + outputs.length };
      return join([...outputs, { type: 'CloseWatch' }], lose(at, new ApiError(event.object), world));
    }
    resourceVersion = event.object.metadata.resourceVersion;
    if (event.type === 'BOOKMARK') outputs.push({ type: 'Progress', resourceVersion });
    else if (event.type === 'DELETED') outputs.push({ type: 'Delete', object: event.object });
    else outputs.push({ type: 'Apply', object: event.object });
  }
  return { state: { ...state, resourceVersion, events: state.events + events.length }, outputs };
}

/** An orderly end: go on from where it was, unless the server does this too readily. */
function ended<T>(state: WatchingState, world: StepInput): Step<T> {
  const { timing = reflectorTiming } = world;
  const lived = world.at - state.since;
  const empty = state.events === 0 && lived < timing.stableMs;
  const emptyCloses = empty ? state.emptyCloses + 1 : 0;
  if (emptyCloses >= timing.maxEmptyCloses) {
    return backOff(
      { ...state, emptyCloses: 0 },
      undefined,
      new Error('the server keeps closing the watch'),
      'stale',
      world,
    );
  }
  if (lived >= timing.minWatchMs) {
    const failures = lived >= timing.stableMs ? 0 : state.failures;
    return open({ ...state, failures, emptyCloses }, state.resourceVersion, world);
  }
  return backOff(
    { ...state, emptyCloses },
    state.resourceVersion,
    new Error('the server closed the watch'),
    'stale',
    world,
  );
}

/** A watch that was up broke. */
function lose<T>(state: WatchingState, error: unknown, world: StepInput): Step<T> {
  const stable = world.at - state.since >= (world.timing ?? reflectorTiming).stableMs;
  return fail({ ...state, ...(stable ? { failures: 0 } : {}) }, error, world);
}

/** Decides, by what went wrong, from where to go on and how long to wait. */
function fail<T>(state: ReflectorState, error: unknown, world: StepInput): Step<T> {
  const version = state.phase === 'Watching' || state.phase === 'Opening' ? state.resourceVersion : undefined;
  if (isExpired(error) || isTooLarge(error)) return backOff(state, undefined, error, 'stale', world);
  if (isApiError(error, 'Unauthorized') || isApiError(error, 'Forbidden'))
    return backOff(state, version, error, 'unauthorized', world);
  if (isNoSuchKind(error) || isApiError(error, 'NotFound'))
    return backOff(state, undefined, error, 'absent', world);
  return backOff(state, version, error, 'stale', world);
}

/** The server is behind the version we had: it was restored from older data, or is another one. */
function isTooLarge(error: unknown): boolean {
  return (
    isApiError(error, 'Timeout') &&
    (error.causes.some((cause) => cause.reason === 'ResourceVersionTooLarge') ||
      /Too large resource version/.test(error.message))
  );
}

/** First back-off and its ceiling. */
const ranges = {
  stale: (timing: ReflectorTiming) => [timing.backoffMs, timing.maxBackoffMs],
  unauthorized: (timing: ReflectorTiming) => [timing.unauthorizedBackoffMs, timing.maxUnauthorizedBackoffMs],
  absent: (timing: ReflectorTiming) => [timing.absentBackoffMs, timing.maxBackoffMs],
} as const;

function backOff<T>(
  state: ReflectorState,
  resourceVersion: string | undefined,
  error: unknown,
  phase: keyof typeof ranges,
  { random, timing = reflectorTiming }: StepInput,
): Step<T> {
  const [first = 0, ceiling = 0] = ranges[phase](timing);
  const grown = Math.min(ceiling, first * 2 ** Math.min(state.failures, 16));
  const asked = isApiError(error) ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
  // Half of it is chance, so that many clients of one server do not come back together.
  const ms = Math.max(asked, grown * (0.5 + random / 2));
  return {
    state: { ...progressOf(state), failures: state.failures + 1, phase: 'Waiting', resourceVersion },
    outputs: [
      { type: 'State', state: { phase, error, retryInMs: ms } },
      { type: 'Wait', ms },
    ],
  };
}
