/**
 * The rows of commands.test.ts with every other minor version of kubectl that is there, where `GYRE_KUBECTL_MINORS=all`.
 */
import { atMost } from './at-a-time.js';
import { type Family, type World, worlds } from './families.js';
import { findKubectl, kubectlMinors } from './kubectl.js';
import { record } from './matrix.js';
import { type Row, rowFor } from './row.js';
import { atATime, Table } from './table.js';

const minors =
  process.env.GYRE_KUBECTL_MINORS === 'all'
    ? kubectlMinors().filter(({ binary }) => binary !== findKubectl())
    : [];

function tests({ args, families }: World): void {
  let table: Table;
  before(async () => {
    table = await Table.start(args);
  });
  after(() => table[Symbol.asyncDispose]());

  for (const { minor, binary } of minors) {
    it(`1.${minor}`, async () => {
      const session = table.session(binary, `home-${minor}`);
      const failures: string[] = [];
      const run = async ({ name }: Family, row: Row, namespace: string): Promise<void> => {
        const own = rowFor(row, minor);
        if (!own) return record(name, row.title, minor, 'not there yet');
        try {
          await table.run(own, namespace, session);
          record(name, row.title, minor, 'passed');
        } catch (error) {
          record(name, row.title, minor, 'failed');
          failures.push(`${name}: ${row.title}: ${(error as Error).message}`);
        }
      };
      const all = families.flatMap((family) => family.rows.map((row) => ({ family, row })));
      await atMost(atATime, [...all.entries()], ([i, { family, row }]) =>
        run(family, row, `row-${minor}-${i}`),
      );
      if (failures.length > 0) throw new Error(failures.join('\n'));
    });
  }
}

if (minors.length > 0)
  describe('kubectl of every minor version', function () {
    this.timeout(180_000);
    for (const world of worlds) describe(`against ${world.name}`, () => tests(world));
  });
