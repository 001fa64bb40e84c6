/**
 * Promises whose tests are themselves tested: each is broken on purpose, in one place, and the test named must
 * notice. The rows are those of docs/features.md.
 */
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { temporaryFolder } from '../support/processes.js';
import { mutants, type Mutant } from './mutants.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

interface Run {
  readonly code: number | null;
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly output: string;
}

/** A copy of the package that may be broken. */
function packageCopy(at: string): void {
  for (const part of ['dist', 'build/test']) cpSync(join(root, part), join(at, part), { recursive: true });
  cpSync(join(root, 'package.json'), join(at, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(at, 'node_modules'));
}

async function run(copy: string, { test, title }: Mutant): Promise<Run> {
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules/mocha/bin/mocha.js'),
      '--no-config',
      '--timeout=30000',
      '--exit',
      '--reporter=json',
      '--fgrep',
      title,
      join(copy, 'build/test', test),
    ],
    { cwd: copy },
  );
  let stdout = '';
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  const at = stdout.indexOf('{\n  "stats"');
  const report = (at < 0 ? { passes: [], failures: [] } : JSON.parse(stdout.slice(at))) as {
    passes: { fullTitle: string }[];
    failures: { fullTitle: string }[];
  };
  const titles = (tests: { fullTitle: string }[]): string[] => tests.map(({ fullTitle }) => fullTitle);
  return { code, passed: titles(report.passes), failed: titles(report.failures), output };
}

describe('mutations', function () {
  this.timeout(120_000);

  let folder: ReturnType<typeof temporaryFolder>;
  before(() => {
    folder = temporaryFolder();
    packageCopy(folder.path);
  });
  after(() => folder[Symbol.dispose]());

  for (const mutant of mutants) {
    it(`row ${mutant.row}: ${mutant.breaks} is noticed`, async () => {
      const { file, from, to, title } = mutant;
      const text = readFileSync(join(root, file), 'utf8');
      expect(text.split(from), `${from} in ${file}`).to.have.length(2);
      writeFileSync(
        join(folder.path, file),
        text.replace(from, () => to),
      );
      const broken = await run(folder.path, mutant);
      writeFileSync(join(folder.path, file), text);
      expect(broken.failed, broken.output).to.have.length(1);
      expect(broken.failed[0]).to.include(title);
    });
  }

  it('need tests that pass as long as nothing is broken', async () => {
    const each = new Map(mutants.map((mutant) => [mutant.title, mutant]));
    for (const mutant of each.values()) {
      const whole = await run(folder.path, mutant);
      expect(whole.failed, whole.output).to.deep.equal([]);
      expect(whole.passed, mutant.title).to.have.length(1);
    }
  });
});
