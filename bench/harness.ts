/**
 * Pairs of measurements: subject and peer in turn, each in a fresh process, so that drift of the machine
 * hits both alike. What counts is the ratio of one pair; medians are quoted, with the range beside them.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What one run of one side gives, by metric. */
export type Sample = Readonly<Record<string, number>>;

export interface Metric {
  readonly name: string;
  readonly unit: string;
  /** Which of the two a good ratio means: `higher` for throughput, `lower` for time and memory. */
  readonly better: 'higher' | 'lower';
  /** The ratio to the peer that counts as passed, and the one aimed at. */
  readonly bar: number;
  readonly goal: number;
}

export interface Benchmark {
  readonly name: string;
  /** What is measured, against what. */
  readonly about: string;
  readonly metrics: readonly Metric[];
  /** Arguments of `measure.js` for each side. */
  readonly subject: readonly string[];
  readonly peer: readonly string[];
  /** The peer is a package of `bench/peers`. */
  readonly needsPeers: boolean;
  /** An etcd on PATH takes part. Default false. */
  readonly needsEtcd?: boolean;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Result {
  readonly name: string;
  readonly about: string;
  readonly rounds: number;
  readonly metrics: readonly {
    readonly name: string;
    readonly unit: string;
    readonly subject: Spread;
    readonly peer: Spread;
    /** Subject over peer, pair by pair. */
    readonly ratio: Spread;
    readonly bar: number;
    readonly goal: number;
    readonly verdict: 'goal' | 'bar' | 'below the bar';
  }[];
  /** JSON.parse of a 2.7 KB pod, per second, at the start and the end of the rounds. */
  readonly floor: { readonly before: number; readonly after: number };
  /** The machine's speed moved more than 15 % meanwhile: the absolute numbers mean nothing. */
  readonly unsteady: boolean;
}

const measureScript = fileURLToPath(new URL('./measure.js', import.meta.url));

/** One run in a fresh process. @throws Error with what the process said when it fails */
export function measure(args: readonly string[]): Sample {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', '--max-old-space-size=8192', measureScript, ...args],
    {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  if (status !== 0) throw new Error(`measure ${args.join(' ')} failed:\n${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Sample;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number): number => sorted[i] ?? Number.NaN;
  const middle = sorted.length / 2;
  const median = sorted.length % 2 === 1 ? at(Math.floor(middle)) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** Warms both sides up once, then runs the rounds. */
export function run(benchmark: Benchmark, rounds: number, progress: (text: string) => void): Result {
  measure(benchmark.subject);
  measure(benchmark.peer);
  const before = measure(['floor']).parsesPerSecond ?? Number.NaN;
  const pairs: [Sample, Sample][] = [];
  for (let round = 1; round <= rounds; round++) {
    // The order changes with each round: what the first leaves behind must not always help the same side.
    const first = round % 2 === 1;
    const a = measure(first ? benchmark.subject : benchmark.peer);
    const b = measure(first ? benchmark.peer : benchmark.subject);
    pairs.push(first ? [a, b] : [b, a]);
    progress(`${benchmark.name}: round ${round} of ${rounds}`);
  }
  const after = measure(['floor']).parsesPerSecond ?? Number.NaN;
  return {
    name: benchmark.name,
    about: benchmark.about,
    rounds,
    metrics: benchmark.metrics.map((metric) => judge(metric, pairs)),
    floor: { before, after },
    unsteady: Math.abs(after / before - 1) > 0.15,
  };
}

function judge(metric: Metric, pairs: readonly (readonly [Sample, Sample])[]): Result['metrics'][number] {
  const of = (side: 0 | 1): number[] => pairs.map((pair) => pair[side][metric.name] ?? Number.NaN);
  const ratio = spread(
    pairs.map(([subject, peer]) => (subject[metric.name] ?? Number.NaN) / (peer[metric.name] ?? Number.NaN)),
  );
  const reaches = (limit: number): boolean =>
    metric.better === 'higher' ? ratio.median >= limit : ratio.median <= limit;
  const { name, unit, bar, goal } = metric;
  const verdict = reaches(goal) ? 'goal' : reaches(bar) ? 'bar' : 'below the bar';
  return { name, unit, subject: spread(of(0)), peer: spread(of(1)), ratio, bar, goal, verdict };
}
