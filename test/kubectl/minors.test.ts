/**
 * The rows of commands.test.ts with every other minor version of kubectl that is there, where `GYRE_KUBECTL_MINORS=all`.
 */
import { atMost } from './at-a-time.js';
import { type Family, families } from './families.js';
import { findKubectl, kubectlMinors } from './kubectl.js';
import { record } from './matrix.js';
import { type Row, rowFor, runRow, type Session } from './row.js';
import { atATime, Table } from './table.js';

const minors =
  process.env.GYRE_KUBECTL_MINORS === 'all'
    ? kubectlMinors().filter(({ binary }) => binary !== findKubectl())
    : [];

if (minors.length > 0)
  describe('kubectl of every minor version', function () {
    this.timeout(180_000);
    let table: Table;
    before(async () => {
      table = await Table.start(['--no-controllers']);
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
            await runRow(own, namespace, session);
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
  });
