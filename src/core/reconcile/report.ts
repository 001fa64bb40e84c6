/**
 * Saying in the status how an object is, so that kstatus, `kubectl wait` and people read the same: `Ready` always,
 * `Reconciling` and `Stalled` only while they are true (abnormal-true), each with the generation it speaks of.
 */
import type { Condition } from '../../api/index.js';
import type { Context } from './context.js';

type State = 'Ready' | 'Reconciling' | 'Stalled';

/** Everything is as asked for. */
export function reportReady<T>(ctx: Context<T>, reason = 'Succeeded', message = ''): void {
  report(ctx, 'Ready', reason, message);
}

/** It is on its way, and nobody need do anything. */
export function reportProgress<T>(ctx: Context<T>, reason: string, message = ''): void {
  report(ctx, 'Reconciling', reason, message);
}

/** It will not get there unless somebody changes something. */
export function reportStalled<T>(ctx: Context<T>, reason: string, message = ''): void {
  report(ctx, 'Stalled', reason, message);
}

function report<T>(ctx: Context<T>, state: State, reason: string, message: string): void {
  const status = ctx.status as { conditions?: Condition[] };
  for (const abnormal of ['Reconciling', 'Stalled'] as const) {
    if (abnormal === state) ctx.condition(abnormal, true, reason, message);
    else if (status.conditions) status.conditions = status.conditions.filter(({ type }) => type !== abnormal);
  }
  ctx.condition('Ready', state === 'Ready', reason, message);
}
