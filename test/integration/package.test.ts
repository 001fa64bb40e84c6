/** What a consumer of the packed tarball gets, and what `import 'gyre'` loads. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { root, temporaryFolder } from '../support/processes.js';

/** Logs the URL of every module that is loaded, ESM and CommonJS alike. */
const hooks = `
import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  appendFileSync(process.env.LOADED, url + '\\n');
  return next(url, context);
}
`;
const register = `
import { appendFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
register('./hooks.mjs', import.meta.url);
const { Module } = createRequire(import.meta.url)('node:module');
const load = Module._load;
Module._load = function (request, parent, isMain) {
  try { appendFileSync(process.env.LOADED, 'file://' + Module._resolveFilename(request, parent) + '\\n'); } catch {}
  return load.call(this, request, parent, isMain);
};
`;

describe('the packed package', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let consumer: string;

  before(function () {
    this.timeout(60_000);
    folder = temporaryFolder();
    const npm = process.env.npm_execpath;
    const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder.path];
    const env = { ...process.env, npm_config_cache: join(folder.path, 'cache') };
    const output = npm?.endsWith('.js')
      ? execFileSync(process.execPath, [npm, ...pack], { cwd: root, env, encoding: 'utf8' })
      : execFileSync('npm', pack, { cwd: root, env, encoding: 'utf8' });
    consumer = join(folder.path, 'consumer');
    mkdirSync(join(consumer, 'node_modules'), { recursive: true });
    execFileSync('tar', [
      '-xzf',
      join(folder.path, output.trim().split('\n').at(-1) ?? ''),
      '-C',
      join(consumer, 'node_modules'),
    ]);
    execFileSync('mv', [join(consumer, 'node_modules/package'), join(consumer, 'node_modules/gyre')]);
    // What npm would install beside it, without asking a registry: this checkout's own.
    for (const name of readdirSync(join(root, 'node_modules'))) {
      if (!name.startsWith('.'))
        symlinkSync(join(root, 'node_modules', name), join(consumer, 'node_modules', name));
    }
    writeFileSync(join(consumer, 'package.json'), '{"type":"module"}');
    writeFileSync(join(consumer, 'hooks.mjs'), hooks);
    writeFileSync(join(consumer, 'register.mjs'), register);
  });
  after(() => folder[Symbol.dispose]());

  function loadedBy(code: string): string[] {
    const list = join(consumer, 'loaded.txt');
    writeFileSync(list, '');
    writeFileSync(join(consumer, 'main.mjs'), code);
    execFileSync(process.execPath, ['--import', './register.mjs', 'main.mjs'], {
      cwd: consumer,
      env: { ...process.env, LOADED: list },
    });
    return [...new Set(readFileSync(list, 'utf8').split('\n'))].filter((url) => url !== '');
  }

  const heavy =
    /node_modules\/(?:inversify|class-validator|@grpc|lmdb|@peculiar|yaml|ws)\/|gyre\/dist\/(?:store|apiserver|cluster|testing|cli|pki)\//;

  it('import of gyre loads no store driver, API server, x509, inversify or class-validator', function () {
    this.timeout(30_000);
    const loaded = loadedBy("import { Manager } from 'gyre'; if (!Manager) throw new Error();");
    expect(loaded.some((url) => url.includes('gyre/dist/core/index.js'))).to.equal(true);
    expect(loaded.some((url) => /node_modules\/rxjs\//.test(url))).to.equal(true);
    expect(loaded.filter((url) => heavy.test(url))).to.deep.equal([]);
    expect(loaded.filter((url) => url.includes('facts.json'))).to.deep.equal([]);
  });

  it('sees what is heavy once it is used', function () {
    this.timeout(30_000);
    const loaded = loadedBy(
      "import { EmbeddedCluster } from 'gyre/cluster'; await (await EmbeddedCluster.start()).stop();",
    );
    expect(loaded.filter((url) => heavy.test(url))).to.not.deep.equal([]);
  });

  it('every door opens, also by require', function () {
    this.timeout(30_000);
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      exports: Record<string, unknown>;
    };
    const doors = Object.keys(exports)
      .filter((door) => !door.includes('*') && door !== './package.json')
      .map((door) => `gyre${door.slice(1)}`);
    loadedBy(doors.map((door) => `await import(${JSON.stringify(door)});`).join('\n'));
    writeFileSync(
      join(consumer, 'main.cjs'),
      `const { Manager } = require('gyre'); require('gyre/kinds/apps/v1'); if (!Manager) throw new Error();`,
    );
    execFileSync(process.execPath, ['main.cjs'], { cwd: consumer });
  });

  it('carries sources for its source maps, and nothing of the build machine', () => {
    const files = readdirSync(join(consumer, 'node_modules/gyre'), { recursive: true }).map(String);
    expect(files).to.include.members(['dist/cli/main.js', 'src/cli/main.ts', 'LICENSE', 'README.md']);
    expect(files.filter((file) => file.endsWith('.tsbuildinfo'))).to.deep.equal([]);
    expect(files.filter((file) => /^(test|bench|examples|scripts)\//.test(file))).to.deep.equal([]);
  });
});
