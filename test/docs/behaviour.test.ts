/** docs/behaviour.md says which statements are tested: held against the titles of the tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { root } from '../support/processes.js';

interface Statement {
  readonly id: string;
  readonly state: string;
}

const statements: Statement[] = [
  ...readFileSync(join(root, 'docs/behaviour.md'), 'utf8').matchAll(/^\| ([A-Z]+-\d+) \|.*\| (\w+) \|$/gm),
].map(([, id = '', state = '']) => ({ id, state }));

/** The numbers that titles of tests begin with: `it('RS-8, RS-9 …'`. */
function cited(): Set<string> {
  const found = new Set<string>();
  const files = readdirSync(join(root, 'test'), { recursive: true, withFileTypes: true });
  for (const entry of files) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
    for (const [, ids = ''] of text.matchAll(/['"`]((?:[A-Z]{1,2}-\d+(?:, | and |: | )?)+)/g)) {
      for (const [id] of ids.matchAll(/[A-Z]+-\d+/g)) found.add(id);
    }
  }
  return found;
}

describe('docs/behaviour.md', () => {
  const titles = cited();

  it('numbers every statement once, without gaps', () => {
    const families = new Map<string, Statement[]>();
    for (const statement of statements) {
      const family = statement.id.replace(/-\d+$/, '');
      families.set(family, [...(families.get(family) ?? []), statement]);
    }
    expect([...families.keys()]).to.deep.equal(['RS', 'D', 'EP', 'PV', 'NS', 'GC', 'SC', 'KL', 'KP']);
    for (const [family, members] of families) {
      expect(members.map(({ id }) => id)).to.deep.equal(members.map((_, i) => `${family}-${i + 1}`));
    }
  });

  for (const { id, state } of statements) {
    if (state === 'tested') {
      it(`${id} is tested`, () => expect(titles.has(id), `no test title begins with ${id}`).to.equal(true));
    } else {
      it(`${id} is ${state}`, () => expect(state).to.equal('planned'));
    }
  }
});
