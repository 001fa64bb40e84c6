/**
 * Real kubectl against `gyre up`: one server for the whole table, one namespace per row. A row asserts
 * the exit code, what was printed and what is in the cluster afterwards.
 */
import { RunningAhead } from './at-a-time.js';
import { type Family, families } from './families.js';
import { kubectlOrSkip } from './kubectl.js';
import { minorOf, record } from './matrix.js';
import { type Row, rowFor, runRow, type Session } from './row.js';
import { atATime, Table } from './table.js';

/** A row that is one test of its family. */
interface Entry {
  readonly family: Family;
  readonly row: Row;
}

describe('kubectl', function () {
  this.timeout(20_000);
  let minor: number;
  let session: Session;
  let table: Table | undefined;

  before(async function () {
    const binary = kubectlOrSkip(this);
    minor = minorOf(binary);
    table = await Table.start(['--no-controllers']);
    session = table.session(binary, 'home');
  });
  after(async () => {
    await runs.ended();
    await table?.[Symbol.asyncDispose]();
  });

  const entries = families.flatMap((family) => family.rows.map((row): Entry => ({ family, row })));
  const runs = new RunningAhead(entries, atATime, async (entry) => {
    const own = rowFor(entry.row, minor);
    if (own) await runRow(own, `row-${entries.indexOf(entry)}`, session);
  });

  for (const family of families) {
    describe(family.name, () => {
      for (const entry of entries.filter((each) => each.family === family)) {
        const { row } = entry;
        it(`${row.title} (${row.source})`, async function () {
          const cell = rowFor(row, minor) ? 'passed' : 'not there yet';
          try {
            await runs.of(entry);
            record(family.name, row.title, minor, cell);
          } catch (error) {
            record(family.name, row.title, minor, 'failed');
            throw error;
          }
          if (cell === 'not there yet') this.skip();
        });
      }
    });
  }
});
