/**
 * How long a Lease lasts, and what that promises.
 *
 * **The contract.** Kubernetes has no server-side fencing, so it is one of time: let P be the longest pause of a
 * process between the check of a write and its sending (a blocked event loop, a stopped container), and S how much
 * faster one member's monotonic clock may run than another's (0.01: one per cent). No two members send a write for
 * one key in overlapping terms as long as
 *
 *     renewDeadline × (1 + S) + P ≤ leaseDuration
 *
 * With the defaults and S = 1 % that is P ≤ 4.9 s; `toleratedPauseMs` computes it. Why it holds: a holder's term
 * ends `renewDeadline` after it *sent* its last successful renewal, by its own clock and without waiting for a
 * timer; others wait `leaseDuration` from when they *saw* the record change, by theirs. Wall clocks are never
 * compared: the times in a Lease are for people. What was sent in time may still arrive late; only the server
 * could refuse that.
 */
import { type Duration, durationMs } from '../../api/index.js';
import { RegistrationError } from '../registration/registration-error.js';

export interface LeaseTimingOptions {
  /** How long others wait after the last change of the Lease before they take over. Whole seconds. Default 15s. */
  readonly leaseDuration?: Duration;
  /** How long after its last successful renewal a holder goes on. Default 10s. */
  readonly renewDeadline?: Duration;
  /** Between two attempts to acquire (with jitter) or renew. Default 2s. */
  readonly retryPeriod?: Duration;
}

export interface LeaseTiming {
  readonly leaseMs: number;
  readonly renewMs: number;
  readonly retryMs: number;
}

/** Attempts to acquire are spread over `retryPeriod` × [1, 1 + this), as client-go does. */
export const acquireJitter = 1.2;

/** @throws RegistrationError for durations that could not keep the contract */
export function leaseTiming(where: string, options: LeaseTimingOptions): LeaseTiming {
  const timing = {
    leaseMs: milliseconds(where, 'leaseDuration', options.leaseDuration ?? '15s'),
    renewMs: milliseconds(where, 'renewDeadline', options.renewDeadline ?? '10s'),
    retryMs: milliseconds(where, 'retryPeriod', options.retryPeriod ?? '2s'),
  };
  const { leaseMs, renewMs, retryMs } = timing;
  if (leaseMs < 1000 || leaseMs % 1000 !== 0)
    throw new RegistrationError(where, 'has a leaseDuration a Lease cannot hold', 'give it whole seconds');
  if (leaseMs <= renewMs)
    throw new RegistrationError(
      where,
      'has a leaseDuration that is not longer than its renewDeadline',
      'leave room for pauses between the two, as 15s and 10s do',
    );
  if (retryMs <= 0 || renewMs <= retryMs * acquireJitter)
    throw new RegistrationError(
      where,
      `has a renewDeadline that leaves no time for retries`,
      `make it longer than ${acquireJitter} × retryPeriod`,
    );
  return timing;
}

function milliseconds(where: string, field: string, duration: Duration): number {
  try {
    return durationMs(duration);
  } catch (cause) {
    const text = `has a ${field} that is no duration`;
    throw new RegistrationError(where, text, "write e.g. '15s'", { cause });
  }
}

/** The longest pause, ms, under which the contract holds when clocks differ by `skew` (0.01: one per cent). */
export function toleratedPauseMs({ leaseMs, renewMs }: LeaseTiming, skew: number): number {
  return leaseMs - renewMs * (1 + skew);
}

/** How long one request may take: a hung one must leave time for another before the deadline. */
export function requestTimeoutMs({ renewMs }: LeaseTiming): number {
  return renewMs / 2;
}
