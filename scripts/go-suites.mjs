/**
 * Runs the test suites of controller-runtime, the library that Go operators are written with, against the programs in `envtest/`:
 * unchanged, as its authors run them against a real control plane. Needs Go, and the Go module proxy the first time.
 *
 * `node scripts/go-suites.mjs [PACKAGE…]`, by their paths below `pkg/`; without any, all that need an API server.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const module = 'sigs.k8s.io/controller-runtime';
const version = 'v0.20.4';
const all = [
  'builder',
  'cache',
  'client',
  'client/apiutil',
  'cluster',
  'controller',
  'controller/controllerutil',
  'envtest',
  'handler',
  'internal/controller',
  'internal/recorder',
  'internal/testing/controlplane',
  'manager',
  'manager/internal/integration',
  'metrics/filters',
  'source',
  'webhook',
];

/** Exit code 0 of a skip is on purpose: Go is no part of the project. */
function skip(why) {
  process.stdout.write(`skipped: ${why}\n`);
  process.exit(0);
}

/** Files of the module cache cannot be written, and archives have lost who may run what. */
function makeWritable(dir) {
  chmodSync(dir, 0o755);
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) makeWritable(path);
    else chmodSync(path, path.endsWith('.sh') ? 0o755 : 0o644);
  }
}

if (spawnSync('go', ['version']).status !== 0) skip('there is no go on the PATH');
const downloaded = spawnSync('go', ['mod', 'download', '-json', `${module}@${version}`], {
  encoding: 'utf8',
  cwd: tmpdir(),
});
if (downloaded.status !== 0) skip(`${module} cannot be had: ${downloaded.stdout}${downloaded.stderr}`.trim());
const source = mkdtempSync(join(tmpdir(), 'gyre-go-'));
let failed = 0;
try {
  cpSync(JSON.parse(downloaded.stdout).Dir, source, { recursive: true });
  makeWritable(source);
  for (const name of process.argv.length > 2 ? process.argv.slice(2) : all) {
    const began = performance.now();
    const { status, stdout, stderr } = spawnSync('go', ['test', '-count=1', `./pkg/${name}`], {
      cwd: source,
      encoding: 'utf8',
      timeout: 600_000,
      maxBuffer: 256 * 1024 * 1024,
      env: { ...process.env, KUBEBUILDER_ASSETS: join(root, 'envtest') },
    });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    process.stdout.write(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds}s with compiling)\n`);
    if (status === 0) continue;
    failed++;
    process.stdout.write(`${stdout.slice(-20_000)}${stderr.slice(-5_000)}\n`);
  }
} finally {
  rmSync(source, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
