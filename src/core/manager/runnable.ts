/**
 * What a Manager runs besides controllers: something with a life of its own that reconciles no single
 * kind. A garbage collector, a scheduler or a proxy is one.
 *
 * Guarantees: Runnables start group by group (`http-servers`, then the definitions of custom kinds are installed,
 * `webhooks`, `caches`, `others`), in a group one after the other in the order they were added, each when the one
 * before works, and all before any controller reconciles. `stop` is called once for each whose `start` was called,
 * also when that failed, after all controllers have stopped and in reverse order, while the informers and the
 * connection still live.
 *
 * With leader election, those that need it start when the Manager leads, beside the controllers, and stop with them:
 * what they send through their client is refused from the moment the term is over. They are stopped when leadership
 * is lost; with `onLost: 'standby'` the same Runnable is started again with the next term. Without leader election,
 * with sharding too, they run in every process.
 */
import type { Clock, Random } from '../../api/index.js';
import type { Client } from '../../client/index.js';
import type { InformerSet } from '../../informers/index.js';
import type { Logger } from '../../telemetry/index.js';

/** What a Runnable is given. */
export interface RunnableContext {
  /** Under the Runnable's name: its field manager and, where the server tells them apart, its user. */
  readonly client: Client;
  /** Shared with the controllers of the same Manager. */
  readonly informers: Pick<InformerSet, 'acquire'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Aborted when the Manager begins to stop, when its start failed, or when leadership it needs is lost. */
  readonly signal: AbortSignal;
}

/** In the order they start; they stop in reverse. */
export const runnableGroups = ['http-servers', 'webhooks', 'caches', 'others'] as const;
export type RunnableGroup = (typeof runnableGroups)[number];

export interface Runnable {
  /** Unique among controllers and Runnables of a Manager. */
  readonly name: string;
  /** Default `others`. */
  readonly group?: RunnableGroup;
  /**
   * Whether it runs only while this Manager leads, where leader election is on. Default: true for `others`, false
   * for what every process needs: the other groups.
   */
  readonly needsLeader?: boolean;
  /** Resolves once it works. A rejection fails the start of the Manager. */
  start(context: RunnableContext): Promise<void>;
  /** Resolves once nothing of it is left alive. */
  stop(): Promise<void>;
}

export function groupOf({ group = 'others' }: Runnable): RunnableGroup {
  return group;
}

export function needsLeader(runnable: Runnable): boolean {
  return runnable.needsLeader ?? groupOf(runnable) === 'others';
}

export function isRunnable(candidate: object): candidate is Runnable {
  const { name, start, stop } = candidate as Partial<Runnable>;
  return (
    typeof candidate !== 'function' &&
    typeof name === 'string' &&
    typeof start === 'function' &&
    typeof stop === 'function'
  );
}
