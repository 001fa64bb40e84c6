import { expect } from 'chai';
import { type Client, installCrd, isNotFound } from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import { CustomResourceDefinition } from 'gyre/kinds/apiextensions/v1';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { createLogger, type LogRecord } from '#src/telemetry/index.js';
import { forbidden, invalid, TransportError } from '#src/api/index.js';
import { Website } from '../website.js';

type Crd = CustomResourceDefinition;
const crdWith = (established: 'True' | 'False', more: object = {}): Crd =>
  ({
    metadata: { name: 'websites.apps.example.com', resourceVersion: '7' },
    status: { conditions: [{ type: 'Established', status: established }] },
    ...more,
  }) as unknown as Crd;

/** Answers each verb with the next of what it was given; the last one repeats. */
function fakeClient(script: { apply?: (Crd | Error)[]; find?: (Crd | undefined)[]; watch?: object[][] }) {
  const calls: string[] = [];
  const next = <T>(list: T[] | undefined): T => (list && list.length > 1 ? list.shift() : list?.[0]) as T;
  const client = {
    apply: async (_kind: unknown, _crd: unknown, options: { force?: boolean }) => {
      calls.push(options.force ? 'apply!' : 'apply');
      const answer = next(script.apply);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    find: async () => {
      calls.push('find');
      return next(script.find);
    },
    watch: async (_kind: unknown, options: { resourceVersion?: string; fieldSelector?: string }) => {
      calls.push(`watch ${options.fieldSelector} from ${options.resourceVersion}`);
      const events = next(script.watch) ?? [];
      return {
        headers: {},
        events: (async function* () {
          yield events;
        })(),
      };
    },
  } as unknown as Client;
  return { client, calls };
}

function start(script: Parameters<typeof fakeClient>[0]) {
  const clock = new VirtualClock();
  const records: LogRecord[] = [];
  const abort = new AbortController();
  const { client, calls } = fakeClient(script);
  let outcome: unknown = 'waiting';
  const done = installCrd(Website, {
    client,
    clock,
    random: seededRandom(1),
    log: createLogger((r) => records.push(r), 'debug'),
    signal: abort.signal,
  }).then(
    () => {
      outcome = 'served';
    },
    (error: unknown) => {
      outcome = error;
    },
  );
  return { clock, calls, records, abort, done, outcome: () => outcome };
}

/** crd() loads class-validator, which takes a macrotask the first time. */
before(() => Website.crd());

describe('installCrd', () => {
  it('applies by force and is done when the kind is served already', async () => {
    const t = start({ apply: [crdWith('True')] });
    await t.clock.settle();
    expect(t.outcome()).to.equal('served');
    expect(t.calls).to.deep.equal(['apply!']);
  });

  it('watches from what it wrote until the kind is served, without waiting for time', async () => {
    const t = start({
      apply: [crdWith('False')],
      watch: [
        [
          { type: 'MODIFIED', object: crdWith('False') },
          { type: 'MODIFIED', object: crdWith('True') },
        ],
      ],
    });
    await t.clock.settle();
    expect(t.outcome()).to.equal('served');
    expect(t.calls).to.deep.equal(['apply!', 'watch metadata.name=websites.apps.example.com from 7']);
  });

  it('waits out an unreachable server with growing delays', async () => {
    const down = new TransportError('connect ECONNREFUSED');
    const t = start({ apply: [down, down, down, crdWith('True')] });
    await t.clock.settle();
    expect(t.calls).to.have.lengthOf(1);
    await t.clock.advance(250);
    expect(t.calls).to.have.lengthOf(2);
    await t.clock.advance(250);
    expect(t.calls).to.have.lengthOf(2);
    await t.clock.advance('2s');
    expect(t.outcome()).to.equal('served');
    expect(t.records.filter((r) => r.level === 'warn').map((r) => r.fields.crd)).to.deep.equal(
      Array(3).fill('websites.apps.example.com'),
    );
  });

  it('does not take a definition on its way out for one that is served', async () => {
    const leaving = crdWith('True', {
      metadata: { name: 'w', resourceVersion: '7', deletionTimestamp: '2026-01-01T00:00:00Z' },
    });
    const t = start({ apply: [leaving, crdWith('True')], watch: [[{ type: 'DELETED', object: leaving }]] });
    await t.clock.settle();
    expect(t.outcome()).to.equal('waiting');
    await t.clock.advance('1s');
    expect(t.outcome()).to.equal('served');
  });

  it('uses the installed definition when it may not write one', async () => {
    const refusal = forbidden(CustomResourceDefinition, 'w', 'no');
    const t = start({ apply: [refusal], find: [undefined, crdWith('True')] });
    await t.clock.settle();
    expect(t.outcome()).to.equal('waiting');
    await t.clock.advance('1s');
    expect(t.outcome()).to.equal('served');
    expect(t.calls).to.deep.equal(['apply!', 'find', 'apply!', 'find']);
  });

  it('fails for good when the server calls the definition invalid', async () => {
    const refusal = invalid(CustomResourceDefinition, 'w', [{ message: 'bad', field: 'spec' }]);
    const t = start({ apply: [refusal] });
    await t.clock.settle();
    expect(t.outcome()).to.equal(refusal);
  });

  it('ends with the reason of an abort and leaves no timer', async () => {
    const t = start({ apply: [new TransportError('down')] });
    await t.clock.settle();
    const reason = new Error('enough');
    t.abort.abort(reason);
    await t.done;
    expect(t.outcome()).to.equal(reason);
    expect(t.clock.pending).to.equal(0);
  });

  it('tells that the names are taken', async () => {
    const taken = crdWith('False', {
      status: {
        conditions: [
          {
            type: 'NamesAccepted',
            status: 'False',
            reason: 'NameConflict',
            message: '"web" is already in use',
          },
        ],
      },
    });
    const t = start({
      apply: [crdWith('False'), crdWith('True')],
      watch: [[{ type: 'MODIFIED', object: taken }]],
    });
    await t.clock.advance('1s');
    expect(t.records.find((r) => r.message.includes('names'))?.fields.message).to.equal(
      '"web" is already in use',
    );
    expect(t.outcome()).to.equal('served');
  });
});

describe('the definition of Website on an embedded API server', () => {
  it('is accepted, served, and does what its decorators say', async () => {
    await using cluster = await EmbeddedCluster.start({ controllers: false });
    const client = cluster.client();
    const { signal } = new AbortController();
    const clock = new VirtualClock();
    await installCrd(Website, {
      client,
      clock,
      random: seededRandom(1),
      log: createLogger(() => {}),
      signal,
    });
    const made = await client.create(Website, Website.of('default/blog', { image: 'nginx' }));
    expect(made.spec).to.deep.equal({ image: 'nginx', replicas: 1 });
    const refused = await client
      .create(Website, Website.of('default/big', { image: 'nginx', replicas: 51 }))
      .catch((e: unknown) => e);
    expect((refused as Error).message)
      .to.contain('spec.replicas')
      .and.to.contain('less than or equal to 50');
    expect(isNotFound(await client.get(Website, 'default/big').catch((e: unknown) => e))).to.equal(true);
  });
});
