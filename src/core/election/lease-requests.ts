/** Asking for Leases: every request once and within a time, so that a hung one does not cost the lease. */
import { type Clock, microTimestamp } from '../../api/index.js';
import type { LeaseSpec } from '../../api/kinds/coordination/v1.js';
import type { Client } from '../../client/index.js';
import { type LeaseTiming, requestTimeoutMs } from './timing.js';

/** Runs `ask` with a client that gives up in time, or when `signal` aborts. */
export async function withinTime<R>(
  client: Client,
  {
    clock,
    timing,
    signal,
  }: { readonly clock: Clock; readonly timing: LeaseTiming; readonly signal: AbortSignal },
  ask: (client: Client) => Promise<R>,
): Promise<R> {
  const giveUp = new AbortController();
  const ms = requestTimeoutMs(timing);
  const cancel = clock.setTimer(ms, () =>
    giveUp.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError')),
  );
  // A signal that lives as long as the process must not remember every request there was.
  const stop = (): void => giveUp.abort(signal.reason);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    const asking = ask(client.with({ signal: giveUp.signal, retry: false }));
    return await Promise.race([asking, rejectedBy(giveUp.signal)]);
  } finally {
    cancel();
    signal.removeEventListener('abort', stop);
  }
}

/** Not every transport hears of an abort while it waits. */
function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** What a Lease says of a holder that acquires or renews it now; times are for people to read. */
export function heldSpec(
  clock: Clock,
  timing: LeaseTiming,
  identity: string,
  before: LeaseSpec | undefined,
): LeaseSpec {
  const now = microTimestamp(clock);
  const renewed = before?.holderIdentity === identity;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: timing.leaseMs / 1000,
    acquireTime: (renewed ? before.acquireTime : undefined) ?? now,
    renewTime: now,
    leaseTransitions: (before?.leaseTransitions ?? 0) + (before === undefined || renewed ? 0 : 1),
  };
}

/** What a Lease says that nobody holds: anyone may take it at once. */
export function releasedSpec(clock: Clock, before: LeaseSpec | undefined): LeaseSpec {
  const now = microTimestamp(clock);
  return {
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: now,
    renewTime: now,
    leaseTransitions: before?.leaseTransitions ?? 0,
  };
}

/** How long the holder may be silent before others take over, as it promised itself, ms. */
export function promisedMs(spec: LeaseSpec | undefined, ours: LeaseTiming): number {
  const seconds = spec?.leaseDurationSeconds;
  return seconds === undefined ? ours.leaseMs : seconds * 1000;
}
