import { expect } from 'chai';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { temporaryFolder } from '../support/processes.js';
import { findKubectl, kubectlOrSkip } from './kubectl.js';
import { normalised } from './row.js';

describe('the kubectl that tests use', () => {
  const folder = temporaryFolder();
  const at = (...path: string[]): string => join(folder.path, ...path);
  before(() => {
    for (const dir of ['empty', 'bin', 'sdk', 'plain']) mkdirSync(at(dir));
    for (const file of [at('sdk', 'kubectl'), at('sdk', 'kubectl.1.32'), at('plain', 'kubectl')]) {
      writeFileSync(file, '', { mode: 0o755 });
    }
    symlinkSync(at('sdk', 'kubectl'), at('bin', 'kubectl'));
  });
  after(() => folder[Symbol.dispose]());

  it('is $KUBECTL before all others', () => {
    expect(findKubectl({ KUBECTL: '/opt/kubectl', PATH: at('bin') })).to.equal('/opt/kubectl');
  });
  it('is the one of 1.32 beside what the first kubectl on PATH links to', () => {
    expect(findKubectl({ PATH: [at('empty'), at('bin'), at('plain')].join(delimiter) })).to.equal(
      at('sdk', 'kubectl.1.32'),
    );
  });
  it('is the one on PATH where none of 1.32 lies beside it', () => {
    expect(findKubectl({ PATH: at('plain') })).to.equal(at('plain', 'kubectl'));
  });
  it('is none where PATH has none', () => {
    expect(findKubectl({ PATH: at('empty') })).to.equal(undefined);
    expect(findKubectl({})).to.equal(undefined);
  });

  const nowhere = { PATH: '' };
  const skipping = (): { context: Mocha.Context; skipped: () => boolean } => {
    let skipped = false;
    const context = { skip: () => (skipped = true) } as unknown as Mocha.Context;
    return { context, skipped: () => skipped };
  };
  it('skips the suite when there is none, and says why', () => {
    const { context, skipped } = skipping();
    const said: string[] = [];
    kubectlOrSkip(context, nowhere, (line) => said.push(line));
    expect(skipped()).to.equal(true);
    expect(said).to.deep.equal(['    skipped: no kubectl on PATH and none in $KUBECTL\n']);
  });
  for (const must of [{ CI: 'true' }, { GYRE_REQUIRE_REAL: '1' }]) {
    it(`fails the suite when there is none and ${Object.keys(must)[0]} wants the real thing`, () => {
      const { context, skipped } = skipping();
      expect(() => kubectlOrSkip(context, { ...nowhere, ...must })).to.throw(/no kubectl on PATH/);
      expect(skipped()).to.equal(false);
    });
  }
});

describe('normalised', () => {
  it('masks what differs from run to run', () => {
    const text = [
      'NAME       DATA   AGE',
      'settings   2      2m13s',
      'uid: 51349d11-ab13-4146-845e-ea67c00ffc83',
      '  resourceVersion: "19"',
      'at "2026-11-23T12:59:38Z" in row-7 on https://127.0.0.1:4711  ',
      '',
    ].join('\n');
    expect(normalised(text, 'row-7')).to.deep.equal([
      'NAME  DATA  AGE',
      'settings  2  AGE',
      'uid: UID',
      '  resourceVersion: VERSION',
      'at "TIME" in NS on https://127.0.0.1:PORT',
    ]);
  });
  it('leaves the rest alone: indentation, empty lines, quantities', () => {
    const text = 'data:\n    size: 25m\n\nlast\n';
    expect(normalised(text, 'row-7')).to.deep.equal(['data:', '    size: 25m', '', 'last']);
  });
});
