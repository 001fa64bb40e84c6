/** Real time and chance are touched in `src/system` alone; everything else is given a Clock and a Random. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src');
const forbidden = [
  /\bDate\.now\s*\(/,
  /\bnew Date\(\s*\)/,
  /\bperformance\.now\s*\(/,
  /\bset(?:Timeout|Interval|Immediate)\s*\(/,
  /\bMath\.random\s*\(/,
  /\brandomUUID\s*\(/,
  /\brandomBytes\s*\(/,
  /\bgetRandomValues\s*\(/,
  /\bAbortSignal\.timeout\s*\(/,
  /\bfrom 'node:timers/,
];
const rxTime =
  /import\s*\{[^}]*\b(?:interval|timer|delay|delayWhen|debounceTime|throttleTime|auditTime|sampleTime|bufferTime|timeout|timeInterval|timestamp)\b[^}]*\}\s*from 'rxjs/;

const problems = [];
for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
  const file = join(entry.parentPath, entry.name);
  const path = relative(root, file);
  if (path.startsWith('system')) continue;
  const source = readFileSync(file, 'utf8');
  if (rxTime.test(source))
    problems.push(`src/${path}: an rxjs time operator; drive it from the Clock instead`);
  source.split('\n').forEach((line, i) => {
    const code = line.replace(/\/\/.*$|^\s*\*.*$/, '');
    for (const pattern of forbidden) {
      if (pattern.test(code)) problems.push(`src/${path}:${i + 1}: ${line.trim()}`);
    }
  });
}
if (problems.length > 0) {
  process.stderr.write(`time or chance that is not injected:\n${problems.join('\n')}\n`);
  process.exit(1);
}
process.stdout.write('time and chance: injected everywhere\n');
