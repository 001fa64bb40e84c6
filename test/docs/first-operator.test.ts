/** The guide, step by step: its files are written, its commands run, what it says is printed must be. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect } from 'chai';
import { root, temporaryFolder } from '../support/processes.js';

interface Step {
  readonly language: string;
  readonly file: string | undefined;
  readonly text: string;
  readonly line: number;
}

const guide = readFileSync(join(root, 'docs/first-operator.md'), 'utf8');
const steps: readonly Step[] = [...guide.matchAll(/^```(\w+)(?: file=(\S+))?\n([\s\S]*?)^```$/gm)].map(
  (match) => ({
    language: match[1] ?? '',
    file: match[2],
    text: match[3] ?? '',
    line: guide.slice(0, match.index).split('\n').length,
  }),
);

/** What a command does, without asking a registry. */
class Reader {
  at: string;
  output = '';

  constructor(folder: string) {
    this.at = folder;
  }

  type(command: string): void {
    const [program = '', ...args] = command.split(' ');
    if (program === 'cd') this.at = join(this.at, args[0] ?? '');
    else if (command === 'npm install') this.#install();
    else if (program === 'npx') this.#run(join(root, 'dist/cli/main.js'), ...args.slice(1));
    else if (program === 'npm') this.#script(args);
    else this.output = execFileSync('sh', ['-c', command], { cwd: this.at, encoding: 'utf8' });
  }

  #install(): void {
    const modules = join(this.at, 'node_modules');
    mkdirSync(modules);
    for (const name of readdirSync(join(root, 'node_modules')))
      if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
    if (!existsSync(join(modules, 'gyre'))) symlinkSync(root, join(modules, 'gyre'));
  }

  /** The script of package.json, its programs run by node. */
  #script(args: readonly string[]): void {
    const [name = '', ...rest] = args.filter((arg) => arg !== 'run' && arg !== '--');
    const { scripts } = JSON.parse(readFileSync(join(this.at, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const script = scripts[name];
    if (script === undefined) throw new Error(`there is no script ${name}`);
    for (const command of script.split(' && ')) {
      const [program, ...given] = command.split(' ');
      const tsc = 'node_modules/@typescript/native/bin/tsc';
      if (program === 'tsc') this.#run(tsc, ...given);
      else if (program === 'mocha') this.#run('node_modules/mocha/bin/mocha.js', ...given);
      else if (program === 'tsx') this.#run('--import', 'tsx', ...given, ...rest);
      else throw new Error(`what is ${program}?`);
    }
  }

  #run(...args: string[]): void {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: this.at,
      encoding: 'utf8',
    });
    this.output = stripVTControlCharacters(stdout + stderr);
    expect(status, this.output).to.equal(0);
  }
}

describe('docs/first-operator.md', function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let reader: Reader;
  before(() => {
    folder = temporaryFolder();
    reader = new Reader(folder.path);
  });
  after(() => folder[Symbol.dispose]());

  for (const { language, file, text, line } of steps) {
    if (file !== undefined) {
      it(`line ${line}: ${file} is written`, () => {
        expect(existsSync(join(reader.at, file, '..'))).to.equal(true);
        writeFileSync(join(reader.at, file), text);
      });
    } else if (language === 'sh') {
      for (const command of text.trim().split('\n'))
        it(`line ${line}: ${command}`, () => reader.type(command));
    } else if (language === 'text') {
      it(`line ${line}: that is what is printed`, () => {
        for (const expected of text
          .split('\n')
          .map((each) => each.trim())
          .filter(Boolean))
          expect(reader.output).to.include(expected);
      });
    }
  }

  it('has steps', () => expect(steps.length).to.be.greaterThan(8));
});
