/**
 * The seam between the engine and whoever tells what happened: metrics, traces, `explain`, the detector of hot
 * loops. Telemetry alone: a reconcile itself never learns why it was called, so that it stays level-triggered.
 *
 * Observers must not throw; the engine logs and goes on if one does.
 */
import type { RequestObserver } from '../../client/index.js';
import type { RequestKey } from './definition.js';
import type { Outcome } from '../queue/runner.js';

/** Why a key was added to the queue. */
export interface Trigger {
  readonly reason:
    | 'initial'
    | 'resync'
    | 'primary'
    | 'owns'
    | 'watches'
    | 'source'
    | 'timer'
    | 'requeue'
    | 'retry'
    | 'gained';
  /** The object whose change it was. */
  readonly object?: {
    readonly group: string;
    readonly kind: string;
    readonly key: string;
    readonly resourceVersion?: string;
    /** Absent: the one the controller is in. */
    readonly cluster?: string;
  };
  readonly change?: 'create' | 'update' | 'delete';
  /** Both states of an update, shared: for telemetry that says which fields changed. */
  readonly now?: unknown;
  readonly before?: unknown;
}

/** One run, as it begins. */
export interface RunInfo {
  readonly controller: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly key: RequestKey;
  readonly reconcileID: string;
  /** What led to it since the last run; at most `maxTriggers`, the newest. */
  readonly triggers: readonly Trigger[];
  /** Milliseconds between the key becoming ready and the run. */
  readonly queuedMs: number;
  /** Failures of this key before this run. */
  readonly failures: number;
  /** The object as the run is given it; undefined when it is gone. */
  readonly object: unknown;
}

/** A read of a run from a cache. */
export interface CacheRead {
  readonly group: string;
  readonly kind: string;
  /** Absent: the one the controller is in. */
  readonly cluster?: string;
  readonly verb: 'get' | 'list' | 'by';
  /** The key, namespace or index value asked for. */
  readonly what: string;
}

/** Follows one run. */
export interface RunObserver {
  /** Hears of every request of the run's client. */
  readonly requests?: RequestObserver;
  onCacheRead?(read: CacheRead): void;
  /** Calls the reconcile, in a context of its own if it likes: an active span. Gives what the call gave. */
  around?<R>(call: () => R): R;
  onEnd?(outcome: Outcome<RequestKey>): void;
}

export interface ControllerObserver {
  /** A key was added to the queue. */
  onAdd?(controller: string, key: RequestKey, trigger: Trigger): void;
  /** Gives what follows this run, if anything. */
  onRun?(run: RunInfo): RunObserver | undefined;
  /** A run outlived its timeout and has not ended. */
  onStuck?(controller: string, key: RequestKey): void;
}

/** Triggers of a key that are remembered until it runs. */
export const maxTriggers = 10;
