/**
 * `npm run bench [-- NAME… --rounds N --json FILE]`: measures beside a peer and reports ratios.
 *
 * Without names, all but the large ones; a name may be the beginning of one.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findEtcd } from '../test/support/etcd.js';
import { benchmarks, large } from './benchmarks.js';
import { type Result, run } from './harness.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error(`bench: --rounds must be a positive number, not ${JSON.stringify(values.rounds)}`);
  process.exit(2);
}
const all = [...benchmarks, ...large];
const unknown = positionals.filter((name) => !all.some((b) => b.name.startsWith(name)));
if (unknown.length > 0) {
  console.error(
    `bench: no benchmark is called ${unknown.join(', ')}\n  there are ${all.map((b) => b.name).join(', ')}`,
  );
  process.exit(2);
}
const chosen =
  positionals.length === 0
    ? benchmarks
    : all.filter((b) => positionals.some((name) => b.name.startsWith(name)));

const etcdIsThere = findEtcd() !== undefined;
const skipped = chosen.filter((b) => b.needsEtcd && !etcdIsThere).map((b) => b.name);
if (skipped.length > 0) console.error(`bench: without etcd on PATH there is no ${skipped.join(', ')}`);

const peers = fileURLToPath(new URL('../../bench/peers/', import.meta.url));
if (chosen.some((b) => b.needsPeers) && !existsSync(`${peers}node_modules`)) {
  console.error('Installing the peers (once)');
  const install = spawnSync(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'],
    { cwd: peers, stdio: ['ignore', 2, 2] },
  );
  if (install.status !== 0) {
    console.error('bench: the peers could not be installed; the first run needs a package registry');
    process.exit(2);
  }
}

const results: Result[] = [];
for (const benchmark of chosen.filter((b) => etcdIsThere || !b.needsEtcd)) {
  const result = run(
    benchmark,
    rounds,
    (text) => process.stderr.isTTY && process.stderr.write(`\r${text}   `),
  );
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  results.push(result);
  print(result);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);

function print(result: Result): void {
  console.log(`${result.name}: ${result.about}`);
  for (const { name, unit, subject, peer, ratio, bar, goal, verdict } of result.metrics) {
    const figure = (n: number): string => (n >= 1000 ? Math.round(n).toLocaleString('en') : n.toPrecision(3));
    console.log(
      `  ${name.padEnd(14)} ${figure(subject.median)} ${unit} against ${figure(peer.median)}: ratio ${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}), bar ${bar.toFixed(2)}, goal ${goal.toFixed(2)}: ${verdict}`,
    );
  }
  if (result.unsteady) console.log('  the machine was unsteady: trust the ratios only');
}
