/** Every fault on real sockets: it comes back, does not hammer, and ends with what the server has. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { connect, createClient, createHttpTransport } from 'gyre/client';
import { createInformer } from 'gyre/informers';
import { ConfigMap } from 'gyre/kinds';
import { systemClock, systemRandom } from '#src/system/index.js';
import { gyreUp, temporaryFolder } from '../../support/processes.js';
import { type Adapter, faultCases, runFault } from './cases.js';

/** The usual times are minutes: tests have none. */
const timing = {
  backoffMs: 30,
  maxBackoffMs: 120,
  unauthorizedBackoffMs: 40,
  maxUnauthorizedBackoffMs: 120,
  absentBackoffMs: 30,
  idleMs: 150,
  minWatchMs: 20,
  stableMs: 500,
};

const gyre: Adapter = {
  name: 'gyre',
  idleMs: timing.idleMs,
  start: (url) => {
    const transport = createHttpTransport({ server: url });
    const informer = createInformer(
      createClient(transport),
      ConfigMap,
      {},
      {
        clock: systemClock,
        random: systemRandom,
        timing,
      },
    );
    informer.start();
    return {
      objects: () =>
        new Map(informer.cache.list().map(({ metadata }) => [metadata.name, metadata.resourceVersion])),
      stop: () => {
        informer.stop();
        transport.close();
      },
    };
  },
};

describe('an informer on a real socket', function () {
  this.timeout(30_000);
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown): void => void unhandled.push(error);
  before(() => {
    process.on('unhandledRejection', onUnhandled);
  });
  after(() => {
    process.off('unhandledRejection', onUnhandled);
  });

  for (const fault of faultCases) {
    it(`survives ${fault.name}`, async () => {
      const { verdict, burst, difference } = await runFault(fault, gyre);
      expect(verdict, difference ?? `${burst} attempts within 100 ms`).to.equal('survives');
      await pause(0);
      expect(unhandled).to.deep.equal([]);
    });
  }

  it('survives an API server that is paused and goes on (SIGSTOP, SIGCONT)', async () => {
    using folder = temporaryFolder();
    const { program, kubeconfig } = await gyreUp(folder.path, ['--no-controllers']);
    const { transport } = await connect({ kubeconfig });
    const client = createClient(transport);
    const informer = createInformer(
      client,
      ConfigMap,
      { namespace: 'default' },
      {
        clock: systemClock,
        random: systemRandom,
        timing,
      },
    );
    const phases: string[] = [];
    informer.state$.subscribe(({ phase }) => phases.push(phase));
    try {
      informer.start();
      await informer.ready;
      await client.create(ConfigMap, { metadata: { name: 'before', namespace: 'default' } });
      program.kill('SIGSTOP');
      await pause(timing.idleMs * 4);
      expect(phases).to.include('stale');
      program.kill('SIGCONT');
      const made = await client.create(ConfigMap, { metadata: { name: 'after', namespace: 'default' } });
      for (let i = 0; i < 500 && !informer.cache.has('default/after'); i++) await pause(10);
      expect(informer.cache.get('default/after')?.metadata.resourceVersion).to.equal(
        made.metadata.resourceVersion,
      );
      expect(informer.cache.has('default/before')).to.equal(true);
    } finally {
      informer.stop();
      transport.close();
      program.kill('SIGCONT');
      program.kill('SIGTERM');
      await program.exited;
    }
  });
});
