import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { root, temporaryFolder } from '../support/processes.js';

const main = join(root, 'dist/cli/main.js');

function gyre(cwd: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { cwd, encoding: 'utf8' });
  return { status, stdout, stderr };
}

const filesIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe('gyre new', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder[Symbol.dispose]());

  it('makes a project with its own names in every file and file name', () => {
    const { status, stdout, stderr } = gyre(folder.path, 'new', 'coffee-shop', '--group', 'brew.example.org');
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    expect(stdout).to.match(
      /^Made coffee-shop: an operator for CoffeeShop \(coffeeshops\.brew\.example\.org\)/,
    );
    const project = join(folder.path, 'coffee-shop');
    const files = filesIn(project).map((file) => file.slice(project.length + 1));
    expect(files).to.include.members([
      '.gitignore',
      '.mocharc.json',
      'Dockerfile',
      'README.md',
      'deploy/operator.yaml',
      'package.json',
      'src/coffee-shop.controller.ts',
      'src/coffee-shop.ts',
      'test/coffee-shop.test.ts',
      'tsconfig.json',
    ]);
    for (const file of files) {
      const text = readFileSync(join(project, file), 'utf8');
      expect(text, file).to.not.match(
        /template-(?:kind|project)|templatekind|template\.example|0\.0\.0-template/i,
      );
    }
    const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(manifest).to.deep.include({ name: 'coffee-shop' });
    expect(manifest.dependencies.gyre).to.equal(`^${version}`);
    expect(statSync(project).mode & 0o777).to.equal(0o755);
  });

  it('takes a kind of its own', () => {
    expect(gyre(folder.path, 'new', 'shop', '--kind', 'CoffeeShop').status).to.equal(0);
    expect(readFileSync(join(folder.path, 'shop/src/coffee-shop.ts'), 'utf8')).to.include(
      'class CoffeeShop extends CustomResource',
    );
  });

  /** What is refused: one line, a hint, exit code 2, and nothing left behind. */
  const refused: readonly [title: string, args: readonly string[], line: RegExp][] = [
    ['no name', [], /^gyre: new: a name is missing$/],
    ['a name in capitals', ['Demo'], /^gyre: "Demo" cannot be the name of an operator/],
    ['a name with a path', ['../demo'], /^gyre: "\.\.\/demo" cannot be the name/],
    ['a name that begins with a digit', ['1demo'], /^gyre: "1demo" cannot be the name/],
    ['a name that is too long', ['d'.repeat(64)], /cannot be the name of an operator/],
    [
      'a kind that is not CamelCase',
      ['demo', '--kind', 'coffee'],
      /^gyre: --kind must be a name in CamelCase/,
    ],
    ['a kind that the project imports', ['deployment'], /^gyre: the kind Deployment would collide/],
    ['a group that is no domain', ['demo', '--group', 'demo'], /^gyre: --group must be a domain name/],
    ['an unknown option', ['demo', '--force'], /^gyre: new: unknown option '--force'/],
    ['a second name', ['demo', 'other'], /^gyre: new: unexpected argument 'other'/],
  ];
  for (const [title, args, line] of refused) {
    it(`refuses ${title}`, () => {
      const { status, stdout, stderr } = gyre(folder.path, 'new', ...args);
      const [first = '', hint = '', ...rest] = stderr.trimEnd().split('\n');
      expect({ status, stdout, rest }, stderr).to.deep.equal({ status: 2, stdout: '', rest: [] });
      expect(first).to.match(line);
      expect(hint).to.match(/^ {2}\S/);
      expect(readdirSync(folder.path)).to.deep.equal([]);
    });
  }

  it('refuses a name that exists, and leaves what is there alone', () => {
    mkdirSync(join(folder.path, 'demo'));
    const { status, stderr } = gyre(folder.path, 'new', 'demo');
    expect(status).to.equal(2);
    expect(stderr).to.equal(
      `gyre: ${join(folder.path, 'demo')} exists already\n  choose another name, or remove it first\n`,
    );
    expect(readdirSync(folder.path, { recursive: true })).to.deep.equal(['demo']);
  });

  it('refuses a directory that cannot be written to', function () {
    // The superuser may write everywhere, except where nobody can.
    const locked = process.getuid?.() === 0 ? '/proc' : join(folder.path, 'locked');
    if (locked === '/proc' && process.platform !== 'linux') this.skip();
    if (locked !== '/proc') mkdirSync(locked, { mode: 0o555 });
    const { status, stderr } = gyre(locked, 'new', 'demo');
    expect({ status, stderr }).to.deep.equal({
      status: 2,
      stderr: `gyre: cannot write to ${locked}\n  change to a directory that can be written to\n`,
    });
    if (locked !== '/proc') chmodSync(locked, 0o755);
  });

  it('--help says what it takes and exits with 0', () => {
    const { status, stdout } = gyre(folder.path, 'new', '--help');
    expect(status).to.equal(0);
    expect(stdout).to.include('--kind').and.to.include('--group');
  });
});
