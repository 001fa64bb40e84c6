/**
 * Time as a dependency. Everything outside the `system` floor asks a Clock; tests hand in a virtual one
 * and advance it.
 */

/** Ends what it stands for; calling it twice is harmless. */
export type Cancel = () => void;

export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. */
  now(): number;
  /** Monotonic time in milliseconds from an arbitrary origin: for durations and deadlines. */
  monotonic(): number;
  /** Calls `fn` once after `ms` milliseconds (at the next tick when 0 or less). */
  setTimer(ms: number, fn: () => void): Cancel;
}

/** The second that was last written, and how: many objects are made in one. */
let lastSecond = Number.NaN;
let lastText = '';

/** The clock's wall time as a Kubernetes `Time`. */
export function timestamp(clock: Clock): string {
  const second = Math.floor(clock.now() / 1000);
  if (second !== lastSecond) {
    lastText = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;
    lastSecond = second;
  }
  return lastText;
}

/** The clock's wall time as a Kubernetes `MicroTime`. */
export function microTimestamp(clock: Clock): string {
  return `${new Date(clock.now()).toISOString().slice(0, 23)}000Z`;
}

/**
 * Resolves after `ms` milliseconds, or rejects with the signal's reason when it aborts first.
 */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** A length of time: milliseconds, or text such as `'500ms'`, `'30s'`, `'10m'`, `'1h30m'`. */
export type Duration = number | string;

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads a duration as milliseconds.
 * @throws TypeError for text that is not a sum of `<number><ms|s|m|h|d>` or a negative or non-finite number
 */
export function durationMs(duration: Duration): number {
  if (typeof duration === 'number') {
    if (!Number.isFinite(duration) || duration < 0) throw new TypeError(`not a duration: ${duration}`);
    return duration;
  }
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(duration)) {
    throw new TypeError(
      `not a duration: ${JSON.stringify(duration)}; write e.g. '500ms', '30s', '10m' or '1h30m'`,
    );
  }
  let total = 0;
  for (const [, amount, unit] of duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (unitMs[unit ?? ''] ?? 0);
  }
  return total;
}
