/** The README shows code that exists: each block that names a file stands in that file, word for word. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { root } from '../support/processes.js';

const readme = readFileSync(join(root, 'README.md'), 'utf8');

describe('README.md', () => {
  const blocks = [...readme.matchAll(/^( *)```ts\n *\/\/ (examples\/\S+)\n([\s\S]*?)^ *```/gm)].map(
    ([, indent = '', file = '', code = '']) => ({
      file,
      code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), '').trim(),
    }),
  );

  it('shows the custom resource, the controller and the main program', () => {
    expect(blocks.map(({ file }) => file.split('/').at(-1))).to.deep.equal([
      'website.ts',
      'website.controller.ts',
      'main.ts',
    ]);
  });

  for (const { file, code } of blocks) {
    it(`shows ${file} as it is`, () => expect(readFileSync(join(root, file), 'utf8')).to.include(code));
  }

  it('links to files that are there', () => {
    for (const [, target = ''] of readme.matchAll(/\]\(([^)#:]+)\)/g))
      expect(existsSync(join(root, target)), target).to.equal(true);
  });

  it('names doors that the package has', () => {
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      exports: Record<string, unknown>;
    };
    for (const [, door = ''] of readme.matchAll(/`gyre\/([a-z]+)`/g))
      expect(exports).to.have.property(`./${door}`);
  });
});
