/**
 * A sequence of steps that survives crashes: each finished one is written into the status before the next begins, so a
 * new process goes on where the last one got to.
 *
 * ```ts
 * class RestoreStatus { @Steps() @IsOptional() steps?: StepsStatus }
 * …
 * const run = await steps(restore, ctx, [
 *   { name: 'Snapshot', run: async () => ({ id: await storage.snapshot(restore.spec.volume) }) },
 *   { name: 'Wait', run: async () => ((await storage.isIdle()) ? undefined : requeueAfter('10s')) },
 *   { name: 'Swap', run: ({ Snapshot }: { Snapshot: { id: string } }) => storage.swap(restore.spec.volume, Snapshot.id) },
 * ]);
 * if (!run.finished) return run.result;
 * ```
 * Guarantees: a step begins only after the one before it is recorded; a recorded step is not run again, unless the spec
 * changed and `onChange` is `restart`. A step runs at least once: a crash, or a status that cannot be written, between
 * its end and its record runs it again, so it must bear that. Results are small JSON, and survive with the record.
 */
import { copyJson, type JsonValue, type Schema } from '../../api/index.js';
import { assertField } from '../children/inventory.js';
import { Schema as SchemaOf } from '../kinds/field-decorators.js';
import type { Context } from '../reconcile/context.js';
import { done, type Result } from '../reconcile/result.js';

/** What the status remembers. */
export interface StepsStatus {
  /** The generation the steps are about. */
  readonly generation?: number;
  readonly finished: readonly { readonly name: string; readonly result?: JsonValue }[];
}

const schema: Schema = {
  type: 'object',
  required: ['finished'],
  properties: {
    generation: { type: 'integer', format: 'int64' },
    finished: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string' }, result: { 'x-kubernetes-preserve-unknown-fields': true } },
      },
    },
  },
};

/** The field of a status class that holds the record: `@Steps() @IsOptional() steps?: StepsStatus`. */
export function Steps(): (prototype: object, field: string) => void {
  return SchemaOf(schema);
}

/** Results of steps, by name. */
export type StepResults = Readonly<Record<string, JsonValue | undefined>>;

export interface Step {
  /** Unique in the sequence; renaming it runs it again. */
  readonly name: string;
  /**
   * Is given the results of the steps before, by name; annotate what it takes of them. Gives a result to be remembered,
   * nothing, or `requeueAfter(…)` when it is not finished yet.
   */
  readonly run: (results: never) => Promise<unknown> | unknown;
}

export interface StepsOptions {
  /** The status field that holds the record. Default `steps`. */
  readonly field?: string;
  /** When the spec changes: begin anew, or go on with what is finished. Default `restart`. */
  readonly onChange?: 'restart' | 'continue';
}

export type StepsRun =
  | { readonly finished: true; readonly results: StepResults }
  /** `result` is what the reconcile should return. */
  | { readonly finished: false; readonly at: string; readonly result: Result };

/** A status is no place for more. */
const maxResultBytes = 16 * 1024;

/** @throws what a step throws; TypeError for a sequence or result that cannot be recorded */
export async function steps<T extends { readonly metadata: { readonly generation?: number } }>(
  object: T,
  ctx: Context<T>,
  sequence: readonly Step[],
  { field = 'steps', onChange = 'restart' }: StepsOptions = {},
): Promise<StepsRun> {
  assertField(ctx.kind, field, '@Steps() @IsOptional()');
  const names = sequence.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new TypeError(`two steps are called ${JSON.stringify(twice)}`);
  const { generation } = object.metadata;
  const status = ctx.status as Record<string, unknown>;
  const before = status[field] as StepsStatus | undefined;
  const kept = before && (onChange === 'continue' || before.generation === generation) ? before.finished : [];
  const finished = new Map(kept.map(({ name, result }) => [name, result]));
  for (const { name, run } of sequence) {
    if (finished.has(name)) continue;
    const given = await run(Object.fromEntries(finished) as never);
    if (isUnfinished(given)) return { finished: false, at: name, result: given };
    finished.set(name, recordable(name, given));
    status[field] = {
      ...(generation === undefined ? {} : { generation }),
      finished: [...finished].map(([each, result]) =>
        result === undefined ? { name: each } : { name: each, result },
      ),
    };
    await ctx.flush();
  }
  return { finished: true, results: Object.fromEntries(finished) };
}

function isUnfinished(given: unknown): given is Result {
  return typeof given === 'object' && given !== null && 'requeueAfterMs' in given;
}

function recordable(step: string, given: unknown): JsonValue | undefined {
  if (given === undefined || given === done) return undefined;
  const result = copyJson(given);
  if (JSON.stringify(result).length > maxResultBytes)
    throw new TypeError(
      `step ${JSON.stringify(step)} gave a result of more than ${maxResultBytes} bytes: keep it elsewhere, and its name here`,
    );
  return result;
}
