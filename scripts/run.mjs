/**
 * `npm start`, `npm test`, `npm run build|lint|docs|bench`: does its own set-up with Node and npm alone, then
 * runs the entry in this very process. Built-ins only, as it runs before anything is installed.
 *
 * Dependencies are installed when package-lock.json, platform or architecture differ from what the stamp
 * in node_modules says; afterwards everything works offline.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [task = '', ...args] = process.argv.slice(2);
const floor = [20, 19];

function fail(message, hint) {
  process.stderr.write(`gyre: ${message}\n${hint ? `  ${hint}\n` : ''}`);
  process.exit(2);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < floor[0] || (major === floor[0] && minor < floor[1])) {
    fail(`Node ${process.versions.node} is too old`, `install Node ${floor.join('.')} or newer`);
  }
}

const stampFile = join(root, 'node_modules', '.gyre-installed');

function wantedStamp() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform} ${process.arch}\n`;
}

function isInstalled() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wantedStamp();
}

function isWritable(dir) {
  try {
    accessSync(dir, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** npm as a script for this node; undefined when it cannot be found. */
function npmCli() {
  const candidates = [
    process.env.npm_execpath,
    join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  return candidates.find((path) => path && existsSync(path));
}

function npm(dir, args) {
  const cli = npmCli();
  if (!cli) fail('npm was not found beside node', 'start through npm: npm start, npm test');
  const env = { ...process.env };
  for (const name of Object.keys(env)) {
    if (/^(NODE_ENV|npm_config_omit|npm_config_production|npm_config_include)$/i.test(name)) delete env[name];
  }
  let cache;
  if (!isWritable(process.env.HOME ?? homedir())) {
    cache = mkdtempSync(join(tmpdir(), 'gyre-npm-'));
    env.npm_config_cache = cache;
  }
  const flags = [
    '--include=dev',
    '--include=optional',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
  ];
  const result = spawnSync(process.execPath, [cli, ...args, ...flags], {
    cwd: dir,
    env,
    stdio: ['ignore', 2, 2],
  });
  if (cache) rmSync(cache, { recursive: true, force: true });
  if (result.status !== 0)
    fail(`npm ${args.join(' ')} failed`, 'the first run needs a package registry; see the lines above');
}

function install() {
  process.stderr.write('Installing dependencies (once; later runs work offline)\n');
  npm(root, ['ci']);
  writeFileSync(stampFile, wantedStamp());
}

/** The formatter, the linter and typedoc, which only `lint`, `format` and `docs` need. */
function tool(path) {
  const dir = join(root, 'tools');
  const file = join(dir, 'node_modules', path);
  if (!existsSync(file)) {
    process.stderr.write('Installing the tools (once)\n');
    // Not `ci`: their platform packages are optional, and a registry may lack some.
    npm(dir, ['install', '--no-save']);
  }
  return file;
}

/** Runs `work` while no other process sets up the same checkout. */
async function exclusively(work) {
  const lock = join(root, '.gyre-setup.lock');
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST')
        fail(`cannot write to ${root}: ${error.message}`, 'the checkout must belong to the user who runs it');
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0);
      if (age > 10 * 60_000) rmSync(lock, { recursive: true, force: true });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  try {
    await work();
  } finally {
    release();
    process.off('exit', release);
  }
}

function node(script, scriptArgs, options = {}) {
  const result = spawnSync(process.execPath, [script, ...scriptArgs], {
    cwd: root,
    stdio: 'inherit',
    ...options,
  });
  if (result.signal) process.kill(process.pid, result.signal);
  return result.status ?? 1;
}

const bin = (path) => join(root, 'node_modules', path);

async function build() {
  const { removeOrphans } = await import('./clean.mjs');
  removeOrphans();
  const status = node(bin('@typescript/native/bin/tsc'), ['-b'], { stdio: ['ignore', 2, 2] });
  if (status !== 0) fail('the build failed', 'the lines above say where');
}

/** A signal to npm does not reach us: stop as if it had when the parent is gone. */
function followParent() {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== parent) process.emit('SIGTERM', 'SIGTERM');
  }, 500);
  timer.unref();
}

checkNode();
await exclusively(async () => {
  if (!isInstalled()) install();
  await build();
});

switch (task) {
  case 'build':
    break;
  case 'start':
    followParent();
    process.argv = [process.execPath, join(root, 'build/examples/website-operator/start.js'), ...args];
    await import(pathToFileURL(process.argv[1]).href);
    break;
  case 'test':
    process.exitCode = node(bin('mocha/bin/mocha.js'), args);
    break;
  case 'bench':
    process.exitCode = node(join(root, 'build/bench/main.js'), args);
    break;
  case 'lint':
    process.exitCode =
      node(tool('@biomejs/biome/bin/biome'), ['format', '.']) ||
      node(tool('oxlint/bin/oxlint'), ['--deny-warnings', 'src', 'test', 'examples', 'bench', 'scripts']) ||
      // `api` and `telemetry` must run in a browser: compiled once without Node's types.
      node(bin('@typescript/native/bin/tsc'), ['-p', 'src/api/tsconfig.browser.json']) ||
      node(join(root, 'scripts/check-floors.mjs'), []) ||
      node(join(root, 'scripts/check-features.mjs'), []) ||
      node(join(root, 'scripts/check-time.mjs'), []);
    break;
  case 'docs':
    process.exitCode = node(tool('typedoc/bin/typedoc'), []);
    break;
  case 'format':
    process.exitCode = node(tool('@biomejs/biome/bin/biome'), ['format', '--write', '.']);
    break;
  default:
    fail(`unknown task ${JSON.stringify(task)}`, 'one of start, test, build, lint, docs, format, bench');
}
