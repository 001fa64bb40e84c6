/**
 * Checks who imports whom: floors point one way (ARCHITECTURE.md), other floors are entered through their
 * index, an index only re-exports, heavy packages are never reached statically from `gyre`, and examples and
 * templates import packages only.
 * What the table does not allow is forbidden.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src');

const below = [
  'store',
  'pki',
  'apiserver',
  'client',
  'informers',
  'core',
  'runtime',
  'builtin-controllers',
  'system',
];
/** Besides api and telemetry, which all may use. */
const mayImport = {
  api: [],
  telemetry: [],
  system: [],
  store: [],
  pki: [],
  apiserver: ['store', 'pki'],
  client: ['pki', 'system'],
  informers: ['client'],
  core: ['client', 'informers', 'pki', 'system'],
  runtime: ['client', 'informers', 'core', 'pki'],
  'builtin-controllers': [],
  cluster: below,
  testing: ['cluster', ...below],
  cli: ['cluster', ...below],
};
/** Doors besides a floor's index. */
const extraDoors = { api: [/^kinds\//, /^facts\/index\.js$/] };
const universal = new Set(['api', 'telemetry']);
/** Only ever `await import()`ed. */
const lazy = new Set([
  'inversify',
  'class-validator',
  '@peculiar/x509',
  'yaml',
  'lmdb',
  '@grpc/grpc-js',
  '@grpc/proto-loader',
  'ws',
]);
/** What `api` may know: nothing of Node. */
const pureFloors = new Set(['api', 'telemetry']);

const problems = [];
const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => join(entry.parentPath, entry.name));

for (const file of files) {
  const path = relative(root, file).split(sep).join('/');
  const [floor] = path.split('/');
  const say = (text) => problems.push(`src/${path}: ${text}`);
  if (!(floor in mayImport)) {
    say(`${floor} is not a floor`);
    continue;
  }
  const source = readFileSync(file, 'utf8');
  for (const match of source.matchAll(/^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm)) {
    const [, typeOnly, target = ''] = match;
    if (!target.startsWith('.')) {
      const name = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : target.split('/')[0];
      if (lazy.has(name) && !typeOnly) say(`imports ${name} statically: await import() it where it is used`);
      if (pureFloors.has(floor) && (target.startsWith('node:') || !typeOnly)) {
        say(`imports ${target}: ${floor} is pure`);
      }
      if (floor === 'builtin-controllers' && !/^gyre(\/(client|informers|kinds(\/.*)?))?$/.test(target))
        say(
          `imports ${target}: only the packages a user imports: gyre, gyre/kinds, gyre/client, gyre/informers`,
        );
      continue;
    }
    const resolved = relative(root, join(dirname(file), target))
      .split(sep)
      .join('/');
    const [to, ...rest] = resolved.split('/');
    if (to === floor) continue;
    if (!universal.has(to) && !mayImport[floor].includes(to)) say(`imports ${to}, which ${floor} may not`);
    const inside = rest.join('/');
    if (inside !== 'index.js' && !(extraDoors[to] ?? []).some((door) => door.test(inside))) {
      say(`imports ${resolved}: enter ${to} through its index`);
    }
  }
  if (
    path.endsWith('/index.ts') &&
    /^\s*(?:export\s+)?(?:const|let|function|class|async function)\s/m.test(source) &&
    !path.includes('/kinds/')
  ) {
    say('an index only re-exports');
  }
}

// What a user would copy imports what a user can import.
const project = dirname(root);
for (const folder of ['examples', 'templates']) {
  for (const entry of readdirSync(join(project, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const file = join(entry.parentPath, entry.name);
    for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(/\bfrom\s+'([^']+)'/g)) {
      const outside =
        target.startsWith('..') && !join(dirname(file), target).startsWith(join(project, folder));
      if (target.startsWith('#') || outside)
        problems.push(`${relative(project, file)}: imports ${target}: only packages, as a user would`);
    }
  }
}

if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exit(1);
}
process.stdout.write(`floors: ${files.length} files, all imports as the table allows\n`);
