/**
 * Notices a controller that keeps itself, or lets others keep it, busy with one object, and names the field that
 * never comes to rest. Silent loops burn an API server for weeks before anybody looks.
 *
 * An object that ran `runs` times within `windowMs` is looked at closer: fields that changed in most of the events
 * that woke it are what the loop turns on. Told once per object and hour.
 */
import { type Clock, deepEqualJson, type JsonValue } from '../../api/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { RequestKey } from '../controller/definition.js';
import type { ControllerObserver, RunInfo, RunObserver, Trigger } from '../controller/observer.js';
import { changedFields } from './changed-fields.js';

export interface HotLoop {
  readonly controller: string;
  readonly key: RequestKey;
  readonly runs: number;
  readonly windowMs: number;
  /**
   * `itself`: the events that woke it came from its own writes. `others`: somebody else writes back what it
   * writes, or writes all the time. `requeue`: it asks to run again at once.
   */
  readonly by: 'itself' | 'others' | 'requeue';
  /** What does not come to rest. `flips`: it goes back to a value it had before. */
  readonly fields: readonly { readonly object: string; readonly path: string; readonly flips: boolean }[];
}

export interface HotLoopOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Runs of one object within the window that are suspicious. Default 20. */
  readonly runs?: number;
  /** Default 60,000. */
  readonly windowMs?: number;
  readonly onHotLoop?: (loop: HotLoop) => void;
}

const tellAgainMs = 3_600_000;
/** Objects watched at once, and versions of own writes remembered of each. */
const maxKeys = 10_000;
const maxVersions = 50;
/** What is kept of the values of one field. */
const maxValues = 4;

interface Field {
  readonly object: string;
  readonly path: string;
  times: number;
  flips: boolean;
  readonly values: unknown[];
}

interface Suspect {
  since: number;
  runs: number;
  /** Runs whose every event came from an own write; and those nothing but a requeue asked for. */
  own: number;
  requeued: number;
  events: number;
  toldAt: number;
  readonly versions: Set<string>;
  readonly fields: Map<string, Field>;
}

const writes: ReadonlySet<string> = new Set(['create', 'update', 'patch']);

export class HotLoops implements ControllerObserver {
  readonly #suspects = new Map<string, Suspect>();
  readonly #windowMs: number;
  readonly #runs: number;

  constructor(private readonly options: HotLoopOptions) {
    this.#windowMs = options.windowMs ?? 60_000;
    this.#runs = options.runs ?? 20;
  }

  onRun(run: RunInfo): RunObserver {
    const suspect = this.#suspectOf(`${run.controller} ${run.key}`);
    suspect.runs++;
    const events = run.triggers.filter(
      (trigger) => trigger.change !== undefined && trigger.reason !== 'initial',
    );
    const isOwn = ({ object }: Trigger): boolean => suspect.versions.has(object?.resourceVersion ?? '');
    if (events.length > 0 && events.every(isOwn)) suspect.own++;
    if (events.length === 0 && run.triggers.every(({ reason }) => reason === 'requeue')) suspect.requeued++;
    // Comparing objects costs: only what is well on its way to being told is looked at.
    if (suspect.runs > this.#runs / 2) for (const event of events) compare(suspect, event);
    if (suspect.runs >= this.#runs) this.#judge(run, suspect);
    return {
      requests: {
        begin: (_request, { verb }) =>
          writes.has(verb)
            ? {
                end: (result) => {
                  if ('response' in result) remember(suspect.versions, result.response.body);
                },
              }
            : undefined,
      },
    };
  }

  #suspectOf(id: string): Suspect {
    const now = this.options.clock.monotonic();
    const known = this.#suspects.get(id);
    if (known && now - known.since < this.#windowMs) return known;
    const fresh: Suspect = {
      since: now,
      runs: 0,
      own: 0,
      requeued: 0,
      events: 0,
      toldAt: known?.toldAt ?? Number.NEGATIVE_INFINITY,
      versions: known?.versions ?? new Set(),
      fields: new Map(),
    };
    this.#suspects.delete(id);
    this.#suspects.set(id, fresh);
    if (this.#suspects.size > maxKeys) {
      const [oldest] = this.#suspects.keys();
      this.#suspects.delete(oldest as string);
    }
    return fresh;
  }

  #judge({ controller, key }: RunInfo, suspect: Suspect): void {
    const { clock, log, onHotLoop } = this.options;
    const now = clock.monotonic();
    if (now - suspect.toldAt < tellAgainMs) return;
    const fields = [...suspect.fields.values()]
      .filter(({ times }) => times > suspect.events / 2)
      .map(({ object, path, flips }) => ({ object, path, flips }));
    const requeued = suspect.requeued > suspect.runs / 2;
    // Many different changes are much work, not a loop.
    if (fields.length === 0 && !requeued) return;
    suspect.toldAt = now;
    const by = requeued ? 'requeue' : suspect.own > suspect.runs / 2 ? 'itself' : 'others';
    const loop: HotLoop = { controller, key, runs: suspect.runs, windowMs: this.#windowMs, by, fields };
    log.warn(`hot loop: ${describe[by]}`, {
      controller,
      object: key,
      runs: suspect.runs,
      withinMs: Math.round(now - suspect.since),
      fields: fields.map(
        ({ object, path, flips }) => `${object} ${path} ${flips ? 'flips' : 'keeps changing'}`,
      ),
    });
    onHotLoop?.(loop);
  }
}

const describe = {
  itself: 'the controller wakes itself by what it writes; write only what differs',
  others: 'somebody writes the same fields over and over; look who else manages them',
  requeue: 'the controller asks to run again at once; wait for an event instead',
} as const;

function compare(suspect: Suspect, { object, now, before }: Trigger): void {
  if (!object || before === undefined) return;
  suspect.events++;
  const name = `${object.kind} ${object.key}`;
  for (const change of changedFields(before, now)) {
    const id = `${name} ${change.path}`;
    const field = suspect.fields.get(id) ?? {
      object: name,
      path: change.path,
      times: 0,
      flips: false,
      values: [],
    };
    suspect.fields.set(id, field);
    field.times++;
    const equals = (value: unknown): boolean => deepEqualJson(value as JsonValue, change.now as JsonValue);
    if (field.values.length === 0) field.values.push(change.before);
    if (field.values.some(equals)) field.flips = true;
    field.values.push(change.now);
    if (field.values.length > maxValues) field.values.shift();
  }
}

function remember(versions: Set<string>, body: unknown): void {
  const version = (body as { metadata?: { resourceVersion?: unknown } } | undefined)?.metadata
    ?.resourceVersion;
  if (typeof version !== 'string') return;
  versions.add(version);
  if (versions.size <= maxVersions) return;
  const [oldest] = versions;
  versions.delete(oldest as string);
}
