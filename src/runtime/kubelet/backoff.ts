/**
 * How long a container that keeps ending waits before it runs again (KL-6): not at all at first, then 10 s,
 * doubling to 5 min; after 10 minutes without an end it starts over. Kept in memory only: a kubelet that
 * restarts is patient anew.
 */
const initialMs = 10_000;
const maxMs = 300_000;
const resetAfterMs = 2 * maxMs;

interface Entry {
  delayMs: number;
  updatedAt: number;
}

export class CrashBackoff {
  readonly #entries = new Map<string, Entry>();

  /** While it has to wait: until when, and how long the wait is in all. `since` is when it last ended, ms. */
  waiting(key: string, since: number, now: number): { until: number; delayMs: number } | undefined {
    const entry = this.#live(key, since);
    if (!entry || now >= since + entry.delayMs) return undefined;
    return { until: since + entry.delayMs, delayMs: entry.delayMs };
  }

  /** It is started again now, having last ended at `since`: the next wait will be longer. */
  next(key: string, since: number, now: number): void {
    const entry = this.#live(key, since);
    this.#entries.set(key, {
      delayMs: entry ? Math.min(maxMs, entry.delayMs * 2) : initialMs,
      updatedAt: now,
    });
  }

  /** What went well for long enough before it ended owes nothing to what was before. */
  #live(key: string, since: number): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry && since - entry.updatedAt <= resetAfterMs ? entry : undefined;
  }
}
