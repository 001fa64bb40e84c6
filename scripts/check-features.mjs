/**
 * Holds docs/features.md against a test run: every Y names a test, in backquotes, that passed in it.
 *
 *   GYRE_TEST_TITLES=titles.txt npm test && node scripts/check-features.mjs titles.txt
 *
 * Without a file only the form of the table is checked. A P says why it is one; sections that may have no N have none.
 */
import { readFileSync } from 'node:fs';

const [titlesFile] = process.argv.slice(2);
const passed = titlesFile === undefined ? undefined : readFileSync(titlesFile, 'utf8').split('\n');
const problems = [];
const counts = { Y: 0, P: 0, N: 0, planned: 0 };
let section = '';
let required = false;
let partial = 0;

for (const [i, line] of readFileSync('docs/features.md', 'utf8').split('\n').entries()) {
  const at = `docs/features.md:${i + 1}`;
  const heading = /^## (.*)$/.exec(line);
  if (heading) {
    section = heading[1];
    required = /^1\.[1-5]\b/.test(section);
    continue;
  }
  if (!line.startsWith('| ') || /^\| (Feature|Gap|-)/.test(line) || /^\|[-| ]+\|$/.test(line)) continue;
  const cells = line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
  const [feature = '', gyre = '', test = ''] = cells;
  const mark = /^(Y|P|N|planned)\b/.exec(gyre)?.[1];
  if (!mark) {
    problems.push(`${at}: ${feature}: begins with none of Y, P, N, planned`);
    continue;
  }
  counts[mark]++;
  if (required && (mark === 'N' || mark === 'planned'))
    problems.push(`${at}: ${feature}: ${section} may have no ${mark}`);
  if (required && mark === 'P') partial++;
  if (mark === 'P' && gyre.length < 10) problems.push(`${at}: ${feature}: a P without its reason`);
  if (mark !== 'Y' && mark !== 'P') continue;
  const titles = [...test.matchAll(/`([^`]+)`/g)].map(([, title]) => title.replaceAll('\\|', '|'));
  if (titles.length === 0) problems.push(`${at}: ${feature}: names no test`);
  for (const title of titles) {
    if (passed && !passed.some((each) => each.includes(title)))
      problems.push(`${at}: ${feature}: no test passed that is called ${JSON.stringify(title)}`);
  }
}
if (partial > 3) problems.push(`docs/features.md: ${partial} P in 1.1 to 1.5, three are allowed`);

for (const problem of problems) console.error(problem);
console.log(
  `features: ${counts.Y} yes, ${counts.P} partial, ${counts.N} no, ${counts.planned} planned${passed ? `; ${passed.length - 1} tests passed` : ''}`,
);
process.exitCode = problems.length > 0 ? 1 : 0;
