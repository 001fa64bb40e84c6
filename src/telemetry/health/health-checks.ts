/**
 * Named checks behind `/healthz`, `/livez` and `/readyz`, answered as Kubernetes' own components answer
 * (https://kubernetes.io/docs/reference/using-api/health-checks).
 *
 * Guarantees: all checks run, each on its own; one that throws, rejects, says `false` or does not settle in time
 * fails; why it failed is logged, once for as long as it stays so, and not told to whoever asks.
 */
import { type Clock, sleep } from '../../api/index.js';
import type { Logger } from '../logger.js';

/** Fails by throwing, rejecting or giving `false`. */
export type HealthCheck = () => unknown;

export interface HealthReport {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly error?: string }[];
}

/** A check that takes longer has failed, ms. The kubelet itself waits a second by default. */
const checkTimeoutMs = 5_000;

export class HealthChecks {
  readonly #checks = new Map<string, HealthCheck>();
  readonly #failing = new Map<string, string>();
  readonly #clock: Clock;
  readonly #log: Logger;
  /** As answers call it: `healthz`, `readyz`. */
  readonly name: string;

  constructor(name: string, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.name = name;
    this.#clock = clock;
    this.#log = log;
    this.add('ping', () => {});
  }

  /** @throws TypeError for a name that is taken, or that does not fit into a URL and a line */
  add(name: string, check: HealthCheck): void {
    if (!/^[\w.-]+$/.test(name)) throw new TypeError(`not a name for a check: ${JSON.stringify(name)}`);
    if (this.#checks.has(name)) throw new TypeError(`there is a check ${JSON.stringify(name)} already`);
    this.#checks.set(name, check);
  }

  has(name: string): boolean {
    return this.#checks.has(name);
  }

  /** Runs all checks, or one of them, without those left out. */
  async run({ only, exclude = [] }: { readonly only?: string; readonly exclude?: readonly string[] } = {}) {
    const wanted = [...this.#checks].filter(([name]) => (only ?? name) === name && !exclude.includes(name));
    const checks = await Promise.all(wanted.map(([name, check]) => this.#one(name, check)));
    return { ok: checks.every(({ ok }) => ok), checks } satisfies HealthReport;
  }

  async #one(name: string, check: HealthCheck): Promise<HealthReport['checks'][number]> {
    const settled = new AbortController();
    try {
      const late = sleep(this.#clock, checkTimeoutMs, settled.signal).then(() => {
        throw new Error(`not done after ${checkTimeoutMs} ms`);
      });
      late.catch(() => {});
      const result = await Promise.race([Promise.resolve().then(check), late]);
      if (result === false) throw new Error('it said so');
      if (this.#failing.delete(name)) this.#log.info('check passes again', { check: name, of: this.name });
      return { name, ok: true };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown.message : String(thrown);
      if (this.#failing.get(name) !== error)
        this.#log.warn('check failed', { check: name, of: this.name, error });
      this.#failing.set(name, error);
      return { name, ok: false, error };
    } finally {
      settled.abort();
    }
  }
}

/** A report as text: `ok`, or every check where it is asked for or one failed. */
export function reportText(of: string, { ok, checks }: HealthReport, verbose: boolean): string {
  if (ok && !verbose) return 'ok';
  const lines = checks.map((check) =>
    check.ok ? `[+]${check.name} ok` : `[-]${check.name} failed: reason withheld`,
  );
  return `${[...lines, `${of} check ${ok ? 'passed' : 'failed'}`].join('\n')}\n`;
}
