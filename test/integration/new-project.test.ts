/** What `gyre new` makes, taken on by its user: type check, tests and start, with the packed package. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { root, temporaryFolder } from '../support/processes.js';

describe('a project made by gyre new', function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let project: string;

  /** Runs a script of a package of the project, as its npm scripts do. */
  function run(...args: string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  }

  before(() => {
    folder = temporaryFolder();
    execFileSync(process.execPath, [join(root, 'dist/cli/main.js'), 'new', 'coffee-shop'], {
      cwd: folder.path,
    });
    project = join(folder.path, 'coffee-shop');
    // What npm would install, without asking a registry: this checkout and its own.
    const modules = join(project, 'node_modules');
    mkdirSync(modules);
    for (const name of readdirSync(join(root, 'node_modules'))) {
      if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
    }
    if (!existsSync(join(modules, 'gyre'))) symlinkSync(root, join(modules, 'gyre'));
  });
  after(() => folder[Symbol.dispose]());

  it('compiles', () => {
    const { status, output } = run('node_modules/@typescript/native/bin/tsc');
    expect(status, output).to.equal(0);
  });

  it('passes its own tests', () => {
    const { status, output } = run('node_modules/mocha/bin/mocha.js');
    expect(status, output).to.equal(0);
    expect(output).to.match(/2 passing/);
  });

  it('starts: its operator runs real processes, and says so', () => {
    const { status, output } = run('--import', 'tsx', 'src/dev.ts', '--once');
    expect(status, output).to.equal(0);
    expect(output).to.match(/CoffeeShop hello: 2\/2 ready/);
  });

  it('builds what its Dockerfile runs', () => {
    const { status, output } = run('node_modules/@typescript/native/bin/tsc', '-p', 'tsconfig.build.json');
    expect(status, output).to.equal(0);
    expect(readdirSync(join(project, 'dist')))
      .to.include('main.js')
      .and.to.not.include('dev.js');
  });
});
