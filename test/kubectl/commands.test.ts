/**
 * Real kubectl against `gyre up`: one server for each world, one namespace per row. A row asserts the exit
 * code, what was printed and what is in the cluster afterwards.
 */
import { RunningAhead } from './at-a-time.js';
import { type Family, type World, worlds } from './families.js';
import { kubectlOrSkip } from './kubectl.js';
import { minorOf, record } from './matrix.js';
import { type Row, rowFor, type Session } from './row.js';
import { atATime, Table } from './table.js';

/** A row that is one test of its family. */
interface Entry {
  readonly family: Family;
  readonly row: Row;
}

function tests({ args, families }: World): void {
  let minor: number;
  let session: Session;
  let table: Table | undefined;

  before(async function () {
    const binary = kubectlOrSkip(this);
    minor = minorOf(binary);
    table = await Table.start(args);
    session = table.session(binary, 'home');
  });
  after(async () => {
    await runs.ended();
    await table?.[Symbol.asyncDispose]();
  });

  const entries = families.flatMap((family) => family.rows.map((row): Entry => ({ family, row })));
  const runs = new RunningAhead(entries, atATime, async (entry) => {
    const own = rowFor(entry.row, minor);
    if (own) await table?.run(own, `row-${entries.indexOf(entry)}`, session);
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
}

describe('kubectl', function () {
  this.timeout(30_000);
  for (const world of worlds) describe(`against ${world.name}`, () => tests(world));
});
