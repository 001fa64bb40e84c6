/** What is measured. Bars and goals: the project's performance targets. */
import type { Benchmark } from './harness.js';

function informerSync(pods: number, shape: 'plain' | 'managed'): Benchmark {
  const memory = shape === 'managed' ? { bar: 0.15, goal: 0.12 } : { bar: 0.3, goal: 0.25 };
  const time = shape === 'managed' ? 1 / 3 : 1 / 2.5;
  return {
    name: `informer-sync-${shape}-${pods}`,
    about: `an informer of ${pods} ${shape} pods, from start to ready, beside @kubernetes/client-node 1.4.0; one stub server over plain HTTP`,
    metrics: [
      { name: 'readyMs', unit: 'ms', better: 'lower', bar: time, goal: 0.25 },
      { name: 'bytesPerPod', unit: 'B', better: 'lower', ...memory },
      { name: 'peakRssMiB', unit: 'MiB', better: 'lower', bar: 0.3, goal: 0.17 },
    ],
    subject: ['informer', 'gyre', String(pods), shape],
    peer: ['informer', 'client-node', String(pods), shape],
    needsPeers: true,
  };
}

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'workqueue',
    about: 'add, get and done of a key, beside a bare Set and array',
    metrics: [{ name: 'opsPerSecond', unit: 'ops/s', better: 'higher', bar: 0.3, goal: 0.8 }],
    subject: ['workqueue', 'gyre'],
    peer: ['workqueue', 'bare'],
    needsPeers: false,
  },
  informerSync(1_000, 'plain'),
  informerSync(10_000, 'plain'),
  informerSync(10_000, 'managed'),
];

/** Run only when named: they take minutes. */
export const large: readonly Benchmark[] = [informerSync(100_000, 'plain'), informerSync(100_000, 'managed')];
