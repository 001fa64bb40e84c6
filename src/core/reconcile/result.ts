/** What a reconcile says about when it wants to run again. */
import { type Duration, durationMs } from '../../api/index.js';

export type Result = { readonly requeueAfterMs?: number };

/** Nothing to do until something changes. */
export const done: Result = Object.freeze({});

/** Run again after a while, whatever happens: `requeueAfter('30s')`. */
export function requeueAfter(after: Duration): Result {
  return { requeueAfterMs: durationMs(after) };
}

const terminalBrand: unique symbol = Symbol.for('gyre.terminal-error') as never;

/** Thrown by a reconcile: repeating it is pointless until the object changes. Counted, not retried. */
export class TerminalError extends Error {
  readonly [terminalBrand] = true;
  override readonly name = 'TerminalError';
}
export function isTerminalError(error: unknown): error is TerminalError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { [terminalBrand]?: unknown })[terminalBrand] === true
  );
}
