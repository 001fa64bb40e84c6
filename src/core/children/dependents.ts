/**
 * Children that need each other: applied in the order of their needs, each once those it depends on are ready, and
 * deleted in reverse.
 *
 * ```ts
 * const parts = await dependents(app, ctx, {
 *   db: { child: child(StatefulSet, database(app)) },
 *   schema: { child: child(Job, migration(app)), dependsOn: ['db'], readyWhen: (job) => job.status?.succeeded === 1 },
 *   web: { child: child(Deployment, web(app)), dependsOn: ['schema'] },
 *   cache: { child: child(Deployment, cache(app)), when: app.spec.cached },
 * });
 * if (!parts.ready) { reportProgress(ctx, 'Waiting', parts.describe()); return done; }
 * ```
 * Guarantees, besides those of `applyAll`: a child whose needs are not ready yet is not made, and not deleted if it was
 * made before; one whose `when` is false is deleted, and with it what depends on it.
 */
import { type AppliedAll, applyAll, type ApplyAllOptions, type Child } from './apply-all.js';
import type { Context } from '../reconcile/context.js';
import { computeStatus } from '../reconcile/kstatus.js';

export interface Dependent<Names extends string = string> {
  readonly child: Child;
  /** What must be ready before it is applied. Default: nothing. */
  readonly dependsOn?: readonly Names[];
  /** Default: kstatus calls it Current. */
  readonly readyWhen?: (object: never) => boolean;
  /** `false`: it is not wanted now. Default true. */
  readonly when?: boolean;
}

export type DependentState = 'ready' | 'progressing' | 'blocked' | 'absent';

export interface DependentsResult<Names extends string = string> extends Omit<AppliedAll, 'objects'> {
  /** Everything that is wanted is there and ready, and everything that is not is gone. */
  readonly ready: boolean;
  readonly states: Readonly<Record<Names, DependentState>>;
  /** What was applied in this run. */
  readonly objects: Readonly<Partial<Record<Names, unknown>>>;
  /** What is waited for, for people: `schema waits for db; web waits for schema`. */
  describe(): string;
}

interface Owner {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid: string };
}

/**
 * @throws TypeError naming the cycle, or a name that nobody has
 * @throws ApiError
 */
export async function dependents<T extends Owner, Names extends string>(
  owner: T,
  ctx: Context<T>,
  parts: Readonly<Record<Names, Dependent<NoInfer<Names>>>>,
  options: Pick<ApplyAllOptions, 'field'> = {},
): Promise<DependentsResult<Names>> {
  const order = inOrder(parts);
  const states = {} as Record<Names, DependentState>;
  const objects: Partial<Record<Names, unknown>> = {};
  const part = (name: Names): Dependent<Names> => parts[name];
  const wanted: Names[] = [];
  for (const name of order) {
    const needs = part(name).dependsOn ?? [];
    if (part(name).when === false || needs.some((need) => states[need] === 'absent')) states[name] = 'absent';
    else {
      states[name] = 'blocked';
      wanted.push(name);
    }
  }
  for (const name of wanted) {
    if ((part(name).dependsOn ?? []).some((need) => states[need] !== 'ready')) continue;
    const others = wanted.filter((other) => other !== name).map((other) => part(other).child);
    // Those before it are there, those after it stay if they are: nothing is deleted before all is applied.
    const applied = await applyAll(owner, ctx, [part(name).child], {
      ...options,
      keep: others,
      prune: false,
    });
    const [object] = applied.objects;
    objects[name] = object;
    const { readyWhen = (each: object) => computeStatus(each, part(name).child.kind).status === 'Current' } =
      part(name);
    states[name] = (readyWhen as (each: unknown) => boolean)(object) ? 'ready' : 'progressing';
  }
  // With nothing left to apply, what is not wanted goes.
  const { pruned, waiting } = await applyAll(owner, ctx, [], {
    ...options,
    keep: wanted.map((name) => part(name).child),
  });
  return {
    ready: waiting.length === 0 && wanted.every((name) => states[name] === 'ready'),
    states,
    objects,
    pruned,
    waiting,
    describe: () => describe(order, parts, states, waiting.length),
  };
}

/** Names after what they need; in the order they were given where that is free. */
function inOrder<Names extends string>(parts: Readonly<Record<Names, Dependent<Names>>>): Names[] {
  const order: Names[] = [];
  const path: Names[] = [];
  const visit = (name: Names): void => {
    if (order.includes(name)) return;
    if (path.includes(name))
      throw new TypeError(
        `dependents need each other in a circle: ${[...path.slice(path.indexOf(name)), name].join(' → ')}`,
      );
    if (!Object.hasOwn(parts, name))
      throw new TypeError(`${path.at(-1)} depends on ${name}, which is not there`);
    path.push(name);
    for (const need of parts[name].dependsOn ?? []) visit(need);
    path.pop();
    order.push(name);
  };
  for (const name of Object.keys(parts) as Names[]) visit(name);
  return order;
}

function describe<Names extends string>(
  order: readonly Names[],
  parts: Readonly<Record<Names, Dependent<Names>>>,
  states: Readonly<Record<Names, DependentState>>,
  leaving: number,
): string {
  const told = order.flatMap((name) => {
    if (states[name] === 'progressing') return [`${name} is not ready`];
    if (states[name] !== 'blocked') return [];
    const needs = (parts[name].dependsOn ?? []).filter((need) => states[need] !== 'ready');
    return [`${name} waits for ${needs.join(', ')}`];
  });
  if (leaving > 0) told.push(`${leaving} on their way out`);
  return told.join('; ');
}
