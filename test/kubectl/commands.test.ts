/**
 * Real kubectl against `gyre up`: one server for the whole table, one namespace per row. A row asserts
 * the exit code, what was printed and what is in the cluster afterwards.
 */
import { connect, createClient } from 'gyre/client';
import { CustomResourceDefinition } from 'gyre/kinds';
import { gyreUp, temporaryFolder } from '../support/processes.js';
import { Kubectl, kubectlOrSkip } from './kubectl.js';
import { definition } from './manifests.js';
import { type Row, runRow, type Session } from './row.js';
import { applyRows } from './rows/apply.js';
import { changeRows } from './rows/change.js';
import { createRows, refusalRows } from './rows/create.js';
import { deleteRows } from './rows/delete.js';
import { getRows } from './rows/get.js';
import { serverRows } from './rows/server.js';

const families: Readonly<Record<string, readonly Row[]>> = {
  'apply and diff': applyRows,
  'get and describe': getRows,
  'create, run and expose': createRows,
  'bad input': refusalRows,
  'label, patch, edit, replace, scale and set': changeRows,
  'delete and wait': deleteRows,
  'the server about itself': serverRows,
};

describe('kubectl', function () {
  this.timeout(20_000);
  let session: Session;
  const started: (() => unknown)[] = [];

  before(async function () {
    const binary = kubectlOrSkip(this);
    const folder = temporaryFolder();
    started.push(() => folder[Symbol.dispose]());
    const { program, kubeconfig } = await gyreUp(folder.path);
    started.push(() => program[Symbol.asyncDispose]());
    const { transport } = await connect({ kubeconfig });
    started.push(() => transport.close());
    const client = createClient(transport);
    session = { client, kubectl: new Kubectl(binary, kubeconfig, folder.path) };
    await client.create(CustomResourceDefinition, definition('shop.example.com') as never);
    const established = ['wait', '--for=condition=Established', 'crd/gadgets.shop.example.com'];
    await session.kubectl.run(established);
  });
  after(async () => {
    for (const stop of started.reverse()) await stop();
  });

  let count = 0;
  for (const [family, rows] of Object.entries(families)) {
    describe(family, () => {
      for (const row of rows) {
        it(`${row.title} (${row.source})`, () => runRow(row, `row-${++count}`, session));
      }
    });
  }
});
