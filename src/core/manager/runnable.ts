/**
 * What a Manager runs besides controllers: something with a life of its own that reconciles no single
 * kind. A garbage collector, a scheduler or a proxy is one.
 *
 * Guarantees: `start` is called once, after the definitions of custom kinds are installed and before any
 * controller reconciles, one Runnable after the other in the order they were added; `stop` is called once
 * for each whose `start` was called, also when that failed, after all controllers have stopped and in
 * reverse order, while the informers and the connection still live.
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
  /** Aborted when the Manager begins to stop, or when its start failed. */
  readonly signal: AbortSignal;
}

export interface Runnable {
  /** Unique among controllers and Runnables of a Manager. */
  readonly name: string;
  /** Resolves once it works. A rejection fails the start of the Manager. */
  start(context: RunnableContext): Promise<void>;
  /** Resolves once nothing of it is left alive. */
  stop(): Promise<void>;
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
