/** A durable sequence: what is finished stays finished, through crashes, restarts and other specs. */
import { expect } from 'chai';
import { IsOptional, IsString } from 'class-validator';
import { controllerFor, CustomResource, done, requeueAfter, Steps, steps, type StepsStatus } from 'gyre';
import { TestCluster } from 'gyre/testing';
import { failWrites } from '../../builtin-controllers/faults.js';
import { startManager, stopManager } from '../../builtin-controllers/workloads/managers.js';

class RestoreSpec {
  @IsString() volume!: string;
}
class RestoreStatus {
  @Steps() @IsOptional() steps?: StepsStatus;
}
class Restore extends CustomResource({
  group: 'apps.example.com',
  version: 'v1',
  kind: 'Restore',
  spec: RestoreSpec,
  status: RestoreStatus,
}) {}

interface World {
  /** Every effect, in order. */
  readonly did: string[];
  snapshotReady: boolean;
  failing: string;
}

function restoring(world: World, onChange: 'restart' | 'continue' = 'restart') {
  const doing = (what: string): void => {
    if (world.failing === what) throw new Error(`${what} fails`);
    world.did.push(what);
  };
  return controllerFor(Restore)
    .named('restoring')
    .reconcile(async (restore, ctx) => {
      const run = await steps(
        restore,
        ctx,
        [
          {
            name: 'Snapshot',
            run: () => {
              doing('snapshot');
              return { id: `snap-${restore.spec.volume}` };
            },
          },
          { name: 'Wait', run: () => (world.snapshotReady ? undefined : requeueAfter('10s')) },
          { name: 'Swap', run: ({ Snapshot }: { Snapshot: { id: string } }) => doing(`swap ${Snapshot.id}`) },
        ],
        { onChange },
      );
      return run.finished ? done : run.result;
    });
}

const world = (): World => ({ did: [], snapshotReady: true, failing: '' });

describe('steps', () => {
  it('run one after the other, once each, with the results of those before', async () => {
    const w = world();
    await using t = await TestCluster.start({ builtin: false, controllers: [restoring(w)] });
    await t.apply(Restore.of('default/r', { volume: 'v1' }));
    await t.advance('1h');
    expect(w.did).to.deep.equal(['snapshot', 'swap snap-v1']);
    expect(t.get(Restore, 'default/r').status?.steps).to.deep.equal({
      generation: 1,
      finished: [{ name: 'Snapshot', result: { id: 'snap-v1' } }, { name: 'Wait' }, { name: 'Swap' }],
    });
  });

  it('wait where one asks for time, and fail where one fails, without running those before again', async () => {
    const w = { ...world(), snapshotReady: false };
    await using t = await TestCluster.start({ builtin: false, controllers: [restoring(w)] });
    await t.apply(Restore.of('default/r', { volume: 'v1' }));
    await t.advance('1m');
    expect(w.did).to.deep.equal(['snapshot']);
    w.snapshotReady = true;
    w.failing = 'swap snap-v1';
    await t.advance('1m');
    expect(w.did).to.deep.equal(['snapshot']);
    w.failing = '';
    await t.advance('30m');
    expect(w.did).to.deep.equal(['snapshot', 'swap snap-v1']);
  });

  it('go on in another process where the last one got to', async () => {
    const w = { ...world(), snapshotReady: false };
    await using t = await TestCluster.start({ builtin: false });
    const first = await startManager(t, [restoring(w)]);
    await t.apply(Restore.of('default/r', { volume: 'v1' }));
    await t.advance('1m');
    await stopManager(t, first);
    w.snapshotReady = true;
    const second = await startManager(t, [restoring(w)]);
    await t.advance('1m');
    expect(w.did).to.deep.equal(['snapshot', 'swap snap-v1']);
    await stopManager(t, second);
  });

  for (const when of ['before', 'after'] as const) {
    for (let write = 0; write < 3; write++) {
      it(`run a step again at most, and none too early, when write ${write} fails ${when} it is done`, async () => {
        const w = world();
        await using t = await TestCluster.start({ builtin: false, controllers: [restoring(w)] });
        let failed = false;
        const end = failWrites(t, 'restoring', (count) => {
          if (failed || count !== write) return undefined;
          failed = true;
          return when;
        });
        await t.apply(Restore.of('default/r', { volume: 'v1' }));
        await t.advance('1h');
        end();
        const once = w.did.filter((what, i) => what !== w.did[i - 1]);
        expect(once).to.deep.equal(['snapshot', 'swap snap-v1']);
        // Only the step whose record was lost may have been run twice.
        expect(w.did.length).to.be.at.most(3);
        expect(t.get(Restore, 'default/r').status?.steps?.finished).to.have.length(3);
      });
    }
  }

  it('begin anew with another spec, or go on, as they are told', async () => {
    for (const [onChange, expected] of [
      ['restart', ['snapshot', 'snapshot', 'swap snap-v2']],
      ['continue', ['snapshot', 'swap snap-v1']],
    ] as const) {
      const w = { ...world(), snapshotReady: false };
      await using t = await TestCluster.start({ builtin: false, controllers: [restoring(w, onChange)] });
      await t.apply(Restore.of('default/r', { volume: 'v1' }));
      await t.apply(Restore.of('default/r', { volume: 'v2' }));
      w.snapshotReady = true;
      await t.advance('1m');
      expect(w.did, onChange).to.deep.equal(expected);
    }
  });

  it('refuse a name twice, and results too large to be remembered', async () => {
    const errors: string[] = [];
    const controller = controllerFor(Restore)
      .named('wrong')
      .reconcile(async (restore, ctx) => {
        const nothing = { name: 'A', run: () => undefined };
        for (const sequence of [[nothing, nothing], [{ name: 'B', run: () => 'x'.repeat(20_000) }]])
          await steps(restore, ctx, sequence).catch((error: Error) => errors.push(error.message));
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(Restore.of('default/r', { volume: 'v1' }));
    expect(errors[0]).to.include('two steps are called "A"');
    expect(errors[1]).to.include('more than 16384 bytes');
  });
});
