/**
 * Which conformance tests of Kubernetes 1.32 pass, by the titles of a test run: docs/conformance.md.
 *
 *   GYRE_TEST_TITLES=titles.txt npm test && node scripts/conformance.mjs titles.txt [--write]
 *
 * Without --write the page must be what the run says: a case that passed no more, or is not told, is an error.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const args = process.argv.slice(2);
const [titlesFile] = args.filter((arg) => !arg.startsWith('--'));
if (titlesFile === undefined) {
  console.error('usage: node scripts/conformance.mjs TITLES [--write]');
  process.exit(2);
}
const prefix = 'conformance ';
const passed = new Set(
  readFileSync(titlesFile, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(prefix))
    .map((line) => line.slice(prefix.length)),
);
const needs = {
  A0: 'an API server',
  W: 'an API server and a webhook',
  A1: 'and controllers',
  S: 'and a scheduler and nodes',
  P: 'a process that runs',
  C: 'a container with an image',
  N: 'a network of pods',
};
const cases = readFileSync('test/conformance/inventory.txt', 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [tier, name] = line.split('\t');
    return { tier, name, passes: passed.has(name) };
  });

const count = (of) => cases.filter(of).length;
const lines = [
  '# Conformance',
  '',
  'The conformance tests of Kubernetes 1.32, restated under their names in `test/conformance`. Made from a test run by',
  '`scripts/conformance.mjs`, and held against every later one.',
  '',
  '| Needs | passing | of |',
  '|---|---|---|',
  ...Object.entries(needs).map(
    ([tier, what]) =>
      `| ${tier}: ${what} | ${count((c) => c.tier === tier && c.passes)} | ${count((c) => c.tier === tier)} |`,
  ),
  `| all | ${count((c) => c.passes)} | ${cases.length} |`,
];
for (const sig of [...new Set(cases.map(({ name }) => /^\[([^\]]+)\]/.exec(name)?.[1] ?? 'others'))].sort()) {
  lines.push('', `## ${sig}`, '', '| | Needs | Test |', '|---|---|---|');
  for (const { tier, name, passes } of cases.filter((c) => c.name.startsWith(`[${sig}]`))) {
    const told = name.slice(sig.length + 3).replace(/ \[Conformance\]$/, '');
    lines.push(`| ${passes ? 'passing' : 'planned'} | ${tier} | ${told.replaceAll('|', '\\|')} |`);
  }
}
const page = `${lines.join('\n')}\n`;
if (args.includes('--write')) writeFileSync('docs/conformance.md', page);
else if (readFileSync('docs/conformance.md', 'utf8') !== page) {
  console.error('docs/conformance.md is not what this run says: node scripts/conformance.mjs TITLES --write');
  process.exitCode = 1;
}
console.log(`conformance: ${count((c) => c.passes)} of ${cases.length} pass`);
