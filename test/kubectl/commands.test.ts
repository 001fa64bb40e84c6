/**
 * Real kubectl against `gyre up`: one server for the whole table, one namespace per row. A row asserts
 * the exit code, what was printed and what is in the cluster afterwards.
 */
import { connect, createClient } from 'gyre/client';
import { expect } from 'chai';
import { ConfigMap, CustomResourceDefinition, Namespace } from 'gyre/kinds';
import { gyreUp, temporaryFolder } from '../support/processes.js';
import { families } from './families.js';
import { Kubectl, kubectlOrSkip } from './kubectl.js';
import { definition, Gadget } from './manifests.js';
import { minorOf } from './matrix.js';
import { rowFor, runRow, type Session } from './row.js';

describe('kubectl', function () {
  this.timeout(20_000);
  let session: Session;
  let minor: number;
  const started: (() => unknown)[] = [];

  before(async function () {
    const binary = kubectlOrSkip(this);
    minor = minorOf(binary);
    const folder = temporaryFolder();
    started.push(() => folder[Symbol.dispose]());
    const { program, kubeconfig } = await gyreUp(folder.path, ['--no-controllers']);
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
        it(`${row.title} (${row.source})`, async function () {
          const own = rowFor(row, minor);
          if (!own) return this.skip();
          await runRow(own, `row-${++count}`, session);
        });
      }
    });
  }

  describe('what follows changes', () => {
    const namespace = 'followed';
    const kubectl = (...args: string[]): readonly string[] => ['--namespace', namespace, ...args];
    before(async () => {
      await session.client.create(Namespace, { metadata: { name: namespace } });
    });

    it('get --watch prints what is there and then every change (API-2, API-11)', async () => {
      const { client } = session;
      await client.create(ConfigMap, { metadata: { namespace, name: 'watched' }, data: { a: '1' } });
      await using watching = session.kubectl.start(kubectl('get', 'configmaps', '--watch'));
      await watching.waitFor(/^watched +1 /m);
      await client.patch(ConfigMap, `${namespace}/watched`, (draft) => {
        draft.data = { a: '1', b: '2' };
      });
      await watching.waitFor(/^watched +2 /m);
      await client.create(ConfigMap, { metadata: { namespace, name: 'second' } });
      await watching.waitFor(/^second +0 /m);
      await client.delete(ConfigMap, `${namespace}/watched`);
      // A deletion is the last state once more.
      await watching.waitFor(/^watched +2 .*\n(?:.*\n)*watched +2 /m);
      expect(watching.stdout.match(/NAME/g), 'one header').to.have.length(1);
      expect(watching.stderr).to.equal('');
    });

    it('get --watch --output-watch-events names the changes of custom objects (API-2, API-3)', async () => {
      const { client } = session;
      const watch = ['get', 'gadgets', '--selector=shown=yes', '--watch', '--output-watch-events'];
      const object = (shown: string): object => ({
        metadata: { namespace, name: 'ball', labels: { shown } },
        spec: { colour: 'red' },
      });
      await client.apply(Gadget, object('yes') as never);
      await using watching = session.kubectl.start(kubectl(...watch));
      await watching.waitFor(/^ADDED +ball +red /m);
      await client.apply(Gadget, object('no') as never);
      await watching.waitFor(/^DELETED +ball +red /m);
      await client.apply(Gadget, object('yes') as never);
      await watching.waitFor(/^DELETED.*\nADDED +ball +red /m);
    });

    it('wait --for=jsonpath ends when the field gets the value (control-plane §3 (wait))', async () => {
      const { client } = session;
      await client.create(ConfigMap, { metadata: { namespace, name: 'waited' } });
      const ended = session.kubectl.run(
        kubectl('wait', '--for=jsonpath={.data.done}=yes', 'configmap/waited', '--timeout=15s'),
      );
      await client.patch(ConfigMap, `${namespace}/waited`, (draft) => {
        draft.data = { done: 'yes' };
      });
      expect(await ended).to.deep.equal({ code: 0, stdout: 'configmap/waited condition met\n', stderr: '' });
    });

    it('wait --for=create ends when the object appears (control-plane §3 (wait))', async () => {
      const ended = session.kubectl.run(kubectl('wait', '--for=create', 'configmap/coming', '--timeout=15s'));
      await session.client.create(ConfigMap, { metadata: { namespace, name: 'coming' } });
      expect(await ended).to.deep.equal({ code: 0, stdout: 'configmap/coming condition met\n', stderr: '' });
    });

    it('delete waits until the last finalizer has gone (API-7, GC-1)', async () => {
      const { client } = session;
      await client.create(ConfigMap, {
        metadata: { namespace, name: 'held', finalizers: ['example.com/hold'] },
      });
      await using deleting = session.kubectl.start(kubectl('delete', 'configmap', 'held'));
      await deleting.waitFor(/^configmap "held" deleted$/m);
      await client.patch(ConfigMap, `${namespace}/held`, (draft) => {
        draft.metadata.finalizers = [];
      });
      expect(await deleting.exited).to.equal(0);
      expect(await client.find(ConfigMap, `${namespace}/held`)).to.equal(undefined);
    });
  });
});
