/**
 * The rows of commands.test.ts with every minor version of kubectl that is there, where `GYRE_KUBECTL_MINORS=all`; the one that
 * commands.test.ts runs is left to it, but for the table.
 */
import { connect, createClient } from 'gyre/client';
import { CustomResourceDefinition } from 'gyre/kinds';
import { gyreUp, temporaryFolder } from '../support/processes.js';
import { families } from './families.js';
import { Kubectl, kubectlMinors } from './kubectl.js';
import { definition } from './manifests.js';
import { atMost, record } from './matrix.js';
import { rowFor, runRow, type Session } from './row.js';

/** Each waits for its server most of the time. */
const atATime = 4;

const minors = process.env.GYRE_KUBECTL_MINORS === 'all' ? kubectlMinors() : [];

if (minors.length > 0)
  describe('kubectl of every minor version', function () {
    this.timeout(180_000);
    for (const { minor, binary } of minors) {
      for (const [family, rows] of Object.entries(families)) {
        it(`1.${minor}: ${family}`, async () => {
          // A server of its own: rows about the whole cluster leave something behind.
          using folder = temporaryFolder();
          const { program, kubeconfig } = await gyreUp(folder.path, ['--no-controllers']);
          await using _ = program;
          const { transport } = await connect({ kubeconfig });
          const client = createClient(transport);
          const session: Session = { client, kubectl: new Kubectl(binary, kubeconfig, folder.path) };
          const failures: string[] = [];
          await client.create(CustomResourceDefinition, definition('shop.example.com') as never);
          await session.kubectl.run(['wait', '--for=condition=Established', 'crd/gadgets.shop.example.com']);
          const alone = (row: (typeof rows)[number]): boolean =>
            row.clusterWide === true || row.alone === true;
          const run = async (row: (typeof rows)[number]): Promise<void> => {
            const one = rowFor(row, minor);
            if (!one) return record(family, row.title, minor, 'not there yet');
            try {
              await runRow(one, `row-${rows.indexOf(row)}`, session);
              record(family, row.title, minor, 'passed');
            } catch (error) {
              record(family, row.title, minor, 'failed');
              failures.push(`${row.title}: ${(error as Error).message}`);
            }
          };
          await atMost(1, rows.filter(alone), run);
          await atMost(
            atATime,
            rows.filter((row) => !alone(row)),
            run,
          );
          transport.close();
          if (failures.length > 0) throw new Error(failures.join('\n'));
        });
      }
    }
  });
