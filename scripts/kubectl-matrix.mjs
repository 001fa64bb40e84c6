/**
 * Which commands of kubectl were run with which of its minor versions, and how that went: docs/kubectl-matrix.md.
 *
 *   GYRE_KUBECTL_MINORS=all GYRE_KUBECTL_MATRIX=cells.json npm test && node scripts/kubectl-matrix.mjs cells.json [--write]
 *
 * Without --write the page must be what the run says, as far as the run had the versions: a command that passed no more, or is not
 * told, is an error. Prints the table by families.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const page = 'docs/kubectl-matrix.md';
const args = process.argv.slice(2);
const [file] = args.filter((arg) => !arg.startsWith('--'));
if (file === undefined) {
  console.error('usage: node scripts/kubectl-matrix.mjs CELLS [--write]');
  process.exit(2);
}
if (!existsSync(file)) {
  console.log('kubectl matrix: no kubectl was there, nothing to tell');
  process.exit(0);
}
const rows = JSON.parse(readFileSync(file, 'utf8'));
const minors = [...new Set(rows.flatMap(({ cells }) => Object.keys(cells)))].sort(
  (a, b) => Number(a.slice(2)) - Number(b.slice(2)),
);
const signs = { passed: '✓', failed: '✗', 'not there yet': '·' };
const families = [...new Set(rows.map(({ family }) => family))];
// Several run at a time: they end in any order.
const of = (family) =>
  rows.filter((row) => row.family === family).sort((a, b) => (a.title < b.title ? -1 : 1));
const table = (head, body) => [
  `| ${head.join(' | ')} |`,
  `|${head.map(() => '---').join('|')}|`,
  ...body.map((cells) => `| ${cells.join(' | ')} |`),
];

const summary = families.map((family) => [
  family,
  ...minors.map((minor) => {
    const cells = of(family).map(({ cells: each }) => each[minor]);
    const told = cells.filter((cell) => cell !== undefined && cell !== 'not there yet');
    return `${told.filter((cell) => cell === 'passed').length}/${told.length}`;
  }),
]);
for (const cells of [['', ...minors], ...summary])
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(44) : cell.padStart(8))).join(''));

const text = `${[
  '# kubectl',
  '',
  'Commands of kubectl against Gyre, run with each of its minor versions: exit code, output and what is in the cluster afterwards',
  '(`test/kubectl`). Made from a test run by `scripts/kubectl-matrix.mjs`, and held against every later one.',
  '',
  '✓ passes, · the command or the protocol is not in that version.',
  '',
  ...table(['', ...minors], summary),
  ...families.flatMap((family) => [
    '',
    `## ${family}`,
    '',
    ...table(
      ['Command', ...minors],
      of(family).map(({ title, cells }) => [
        title.replaceAll('|', '\\|'),
        ...minors.map((minor) => signs[cells[minor] ?? 'not there yet']),
      ]),
    ),
  ]),
].join('\n')}\n`;

const failed = rows.filter(({ cells }) => Object.values(cells).includes('failed'));
for (const { family, title, cells } of failed)
  console.error(`failed: ${family}: ${title} ${JSON.stringify(cells)}`);
if (args.includes('--write')) writeFileSync(page, text);
else if (failed.length === 0 && minors.length > 1 && readFileSync(page, 'utf8') !== text) {
  console.error(`${page} is not what this run says: node scripts/kubectl-matrix.mjs CELLS --write`);
  process.exit(1);
}
process.exit(failed.length === 0 ? 0 : 1);
