/**
 * `explain`: why a reconcile ran, what it read and wrote, and how it ended. The last runs of each key, in bounded
 * memory; names and paths only, never values.
 */
import { type Clock, isApiError } from '../../api/index.js';
import type { RequestAttributes } from '../../client/index.js';
import type { RequestKey } from '../controller/definition.js';
import type { CacheRead, ControllerObserver, RunInfo, RunObserver, Trigger } from '../controller/observer.js';
import { changedFields } from './changed-fields.js';

export interface JournalOptions {
  readonly clock: Clock;
  /** Keys remembered, over all controllers; those that ran longest ago are forgotten. Default 1,000. */
  readonly keys?: number;
  /** Runs remembered of each key. Default 5. */
  readonly runs?: number;
}

/** Why, with what changed. */
export interface RecordedTrigger extends Omit<Trigger, 'now' | 'before'> {
  readonly fields: readonly string[];
}

export interface RecordedRequest extends RequestAttributes {
  /** The status code, or what went wrong on the way. */
  readonly answer: number | string;
  readonly durationMs: number;
}

/** One run, as it was. */
export interface RecordedRun {
  readonly controller: string;
  readonly key: RequestKey;
  readonly reconcileID: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly queuedMs: number;
  readonly failures: number;
  readonly triggers: readonly RecordedTrigger[];
  readonly reads: readonly (CacheRead & { readonly times: number })[];
  readonly requests: readonly RecordedRequest[];
  /** Undefined while it runs. */
  readonly outcome:
    | { readonly durationMs: number; readonly ok: true; readonly requeueAfterMs?: number }
    | { readonly durationMs: number; readonly ok: false; readonly error: string }
    | undefined;
}

/** Reads and requests remembered of one run, each. */
const perRun = 100;

export class Journal implements ControllerObserver {
  readonly #runs = new Map<string, RecordedRun[]>();

  constructor(private readonly options: JournalOptions) {}

  onRun(info: RunInfo): RunObserver {
    const { clock } = this.options;
    const reads = new Map<string, CacheRead & { times: number }>();
    const requests: RecordedRequest[] = [];
    const run = {
      controller: info.controller,
      key: info.key,
      reconcileID: info.reconcileID,
      at: clock.now(),
      queuedMs: info.queuedMs,
      failures: info.failures,
      triggers: info.triggers.map(recorded),
      get reads() {
        return [...reads.values()];
      },
      requests,
      outcome: undefined as RecordedRun['outcome'],
    };
    this.#remember(run);
    return {
      onCacheRead: (read) => {
        const id = `${read.verb} ${read.kind}.${read.group} ${read.what} ${read.cluster ?? ''}`;
        const known = reads.get(id);
        if (known) known.times++;
        else if (reads.size < perRun) reads.set(id, { ...read, times: 1 });
      },
      requests: {
        begin: (_request, about) => {
          const began = clock.monotonic();
          return {
            end: (result) => {
              if (requests.length >= perRun) return;
              const answer = 'response' in result ? result.response.status : nameOf(result.error);
              requests.push({ ...about, answer, durationMs: clock.monotonic() - began });
            },
          };
        },
      },
      onEnd: (outcome) => {
        const { durationMs } = outcome;
        run.outcome = outcome.ok
          ? { durationMs, ok: true, ...outcome.result }
          : { durationMs, ok: false, error: outcome.error.message };
      },
    };
  }

  /** The last runs of a key, the newest last. */
  runsOf(controller: string, key: RequestKey): readonly RecordedRun[] {
    return this.#runs.get(id(controller, key)) ?? [];
  }

  /** The same as text for people. */
  explain(controller: string, key: RequestKey): string {
    const runs = this.runsOf(controller, key);
    if (runs.length === 0) return `${controller} has not run for ${key}, or it was long ago.\n`;
    return runs.map(describeRun).join('\n');
  }

  #remember(run: RecordedRun): void {
    const { keys = 1_000, runs = 5 } = this.options;
    const at = id(run.controller, run.key);
    const known = this.#runs.get(at) ?? [];
    this.#runs.delete(at);
    this.#runs.set(at, [...known.slice(-(runs - 1)), run]);
    if (this.#runs.size > keys) {
      const [oldest] = this.#runs.keys();
      this.#runs.delete(oldest as string);
    }
  }
}

function id(controller: string, key: RequestKey): string {
  return `${controller} ${key}`;
}

function nameOf(error: unknown): string {
  if (isApiError(error)) return String(error.status.code ?? error.reason);
  return error instanceof Error ? error.name : String(error);
}

function recorded({ now, before, ...trigger }: Trigger): RecordedTrigger {
  return {
    ...trigger,
    fields: before === undefined ? [] : changedFields(before, now).map(({ path }) => path),
  };
}

const because: Readonly<Record<Trigger['reason'], string>> = {
  initial: 'it was there when the controller started',
  resync: 'it was its turn',
  primary: 'it changed',
  owns: 'something it owns changed',
  watches: 'something it depends on changed',
  source: 'a source asked for it',
  timer: 'a timer asked for it',
  requeue: 'it had asked to run again',
  retry: 'the run before had failed',
  gained: 'the key came to this member',
};

/** Which cluster, where it is another one than the controller's. */
function of(cluster: string | undefined): string {
  return cluster === undefined ? '' : ` of ${cluster}`;
}

function describeRun(run: RecordedRun): string {
  const { outcome } = run;
  const after = (ms: number): string => `${Math.round(ms)} ms`;
  const lines = [
    `${new Date(run.at).toISOString()} ${run.controller} ${run.key} (${run.reconcileID})`,
    ...run.triggers.map((trigger) => `  because ${describeTrigger(trigger)}`),
    `  after ${after(run.queuedMs)} in the queue${run.failures > 0 ? ` and ${run.failures} failures` : ''}`,
    ...run.reads.map(
      ({ verb, kind, what, cluster, times }) =>
        `  read ${verb} ${kind} ${what} from the cache${of(cluster)}${times > 1 ? `, ${times} times` : ''}`,
    ),
    ...run.requests.map(
      ({ verb, resource, subresource, namespace, name, cluster, answer, durationMs }) =>
        `  sent ${verb} ${resource}${subresource ? `/${subresource}` : ''} ${[namespace, name].filter(Boolean).join('/')}${of(cluster)} → ${answer} in ${after(durationMs)}`,
    ),
  ];
  if (!outcome) lines.push('  still running');
  else if (!outcome.ok) lines.push(`  failed after ${after(outcome.durationMs)}: ${outcome.error}`);
  else {
    const again =
      outcome.requeueAfterMs === undefined ? '' : `, to run again in ${after(outcome.requeueAfterMs)}`;
    lines.push(`  done after ${after(outcome.durationMs)}${again}`);
  }
  return `${lines.join('\n')}\n`;
}

function describeTrigger({ reason, object, change, fields }: RecordedTrigger): string {
  const what = object
    ? `: ${object.kind} ${object.key}${of(object.cluster)} ${change ?? ''}${change ? 'd' : ''}`
    : '';
  const which = fields.length > 0 ? ` (${fields.join(', ')})` : '';
  return `${because[reason]}${what}${which}`;
}
