/**
 * How simulated containers behave: from the pod's annotation `gyre.dev/simulate`, a JSON object with one entry per
 * container name (`*` for all others):
 *
 * ```yaml
 * metadata:
 *   annotations:
 *     gyre.dev/simulate: '{"web": {"runMs": 2000, "exitCode": 1}, "*": {"probeFailsForMs": 5000}}'
 * ```
 * Without one a container starts at once and runs until it is stopped, and every probe succeeds.
 */

/** Times are virtual milliseconds. */
export interface Behaviour {
  /** Until it runs. Default 0. */
  readonly startMs?: number;
  /** It cannot be started at all; the message of the StartError. */
  readonly startError?: string;
  /** Until it ends by itself; one for each run, the last one again and again. Default: never. */
  readonly runMs?: number | readonly (number | null)[];
  /** What it ends with then; one for each run, the last one again and again. Default 0. */
  readonly exitCode?: number | readonly number[];
  /** Between SIGTERM and its end. Default 0. */
  readonly stopMs?: number;
  /** Its probes fail for so long from its start; `-1` for ever. Default 0. */
  readonly probeFailsForMs?: number;
  /** Its probes fail from then on. Default: never. */
  readonly probeFailsAfterMs?: number;
  /** What exec in it ends with: hooks and exec probes. Default 0. */
  readonly execExitCode?: number;
  /** How long an exec takes. Default 0. */
  readonly execMs?: number;
}

export const simulateAnnotation = 'gyre.dev/simulate';

/** What is not JSON, or no object, counts as nothing said. */
export function behaviourOf(annotations: Readonly<Record<string, string>>, container: string): Behaviour {
  const text = annotations[simulateAnnotation];
  if (text === undefined) return {};
  try {
    const all: unknown = JSON.parse(text);
    if (typeof all !== 'object' || all === null) return {};
    const given = Object.hasOwn(all, container) ? container : '*';
    const found: unknown = Object.hasOwn(all, given) ? (all as Record<string, unknown>)[given] : {};
    return typeof found === 'object' && found !== null ? found : {};
  } catch {
    return {};
  }
}

/** The entry of one run, counted from 0. */
export function ofRun<T>(value: T | readonly T[] | undefined, run: number): T | undefined {
  if (!Array.isArray(value)) return value as T | undefined;
  return (value as readonly T[])[Math.min(run, value.length - 1)];
}

export function probeFails(behaviour: Behaviour, sinceStartMs: number): boolean {
  const { probeFailsForMs = 0, probeFailsAfterMs } = behaviour;
  if (probeFailsForMs < 0 || sinceStartMs < probeFailsForMs) return true;
  return probeFailsAfterMs !== undefined && sinceStartMs >= probeFailsAfterMs;
}
