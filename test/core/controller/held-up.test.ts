/** Kinds that may not be watched, are not served, or come and go: whom that holds up, and who says so. */
import { expect } from 'chai';
import {
  ApiError,
  type ApiError as Refusal,
  controllerFor,
  createLogger,
  done,
  kind,
  Manager,
  type Transport,
} from 'gyre';
import { ConfigMap, CustomResourceDefinition, Secret } from 'gyre/kinds';
import { seededRandom, TestCluster } from 'gyre/testing';

/** Forbids everything about a resource for as long as it is closed. */
function guarded(inner: Transport, plural: string, closed: () => boolean): Transport {
  const refusal = () => ({
    kind: 'Status' as const,
    apiVersion: 'v1' as const,
    metadata: {},
    status: 'Failure' as const,
    reason: 'Forbidden' as const,
    code: 403,
    message: `${plural} is forbidden: User "system:serviceaccount:default:op" cannot watch resource "${plural}" in API group "" at the cluster scope`,
  });
  const concerns = (path: string): boolean => closed() && path.split('/').includes(plural);
  return {
    request: async (request) =>
      concerns(request.path) ? { status: 403, headers: {}, body: refusal() } : inner.request(request),
    watch: async (request) => {
      if (concerns(request.path)) throw new ApiError(refusal()) as Refusal;
      return inner.watch(request);
    },
    close: () => inner.close(),
  };
}

describe('a forbidden watch', () => {
  it('holds up its own controllers only, is told with the permission that is missing, and is got over', async () => {
    await using t = await TestCluster.start({ builtin: false });
    let closed = true;
    const lines: string[] = [];
    const runs: string[] = [];
    const manager = Manager.create({
      cluster: (id) => guarded(t.cluster.target(id), 'secrets', () => closed),
      clock: t.clock,
      random: seededRandom(1),
      log: createLogger(({ message, fields }) => lines.push(`${message} ${JSON.stringify(fields)}`)),
    });
    const reconcile = (name: string) => (): typeof done => {
      runs.push(name);
      return done;
    };
    manager.register(controllerFor(ConfigMap).named('free').reconcile(reconcile('free')));
    manager.register(
      controllerFor(ConfigMap)
        .named('needs-secrets')
        .watches(Secret, { map: () => [] })
        .reconcile(reconcile('needs-secrets')),
    );
    await manager.start();
    await t.client.create(ConfigMap, { metadata: { name: 'a', namespace: 'default' } });
    await t.settle();
    expect(runs).to.include('free');
    expect(runs).to.not.include('needs-secrets');
    const told = lines.filter((line) => line.includes('controller held up'));
    expect(told).to.have.length(1);
    expect(told[0]).to.include('needs-secrets').and.to.include('cannot watch resource');
    await t.advance('10m');
    expect(lines.filter((line) => line.includes('controller held up'))).to.have.length(1);

    closed = false;
    await t.advance('2m');
    expect(runs).to.include('needs-secrets');
    await manager.stop();
  });
});

interface Gadget {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    name: string;
    namespace?: string;
    uid: string;
    resourceVersion: string;
    creationTimestamp: string;
  };
}
const Gadget = kind<Gadget, 'Namespaced'>({
  group: 'example.com',
  version: 'v1',
  kind: 'Gadget',
  plural: 'gadgets',
  scope: 'Namespaced',
});
const definition = {
  metadata: { name: 'gadgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
} as const;

describe('a kind that comes and goes', () => {
  it('is waited for, lost and found again without a restart', async () => {
    const seen: string[] = [];
    const controller = controllerFor(Gadget)
      .named('gadgets')
      .reconcile(({ metadata }) => {
        seen.push(metadata.uid);
        return done;
      });
    await using t = await TestCluster.start({ controllers: [controller] });
    const gadget = async () => {
      await t.client.create(CustomResourceDefinition, definition as never);
      await t.advance('1s');
      const made = await t.client.create(Gadget, { metadata: { name: 'a', namespace: 'default' } } as never);
      await t.advance('1m');
      return made.metadata.uid;
    };
    const first = await gadget();
    expect(seen).to.deep.equal([first]);
    await t.client.delete(CustomResourceDefinition, 'gadgets.example.com');
    await t.advance('5m');
    expect(t.find(CustomResourceDefinition, 'gadgets.example.com')).to.equal(undefined);
    const second = await gadget();
    expect(seen).to.deep.equal([first, second]);
  });
});

describe('caches that take too long', () => {
  it('count as holding the controller up after cacheSyncTimeout', async () => {
    await using t = await TestCluster.start({ builtin: false });
    const stalled: Transport = {
      request: (request) => t.cluster.target('x').request(request),
      watch: () => new Promise(() => {}),
      close: () => {},
    };
    const lines: string[] = [];
    const manager = Manager.create({
      cluster: stalled,
      clock: t.clock,
      random: seededRandom(1),
      log: createLogger(({ message, fields }) => lines.push(`${message} ${JSON.stringify(fields)}`)),
    });
    manager.register(
      controllerFor(ConfigMap)
        .named('slow')
        .with({ cacheSyncTimeout: '10s' })
        .reconcile(() => done),
    );
    let started = false;
    const starting = manager.start().then(() => {
      started = true;
    });
    await t.advance('9s');
    expect(started).to.equal(false);
    await t.advance('2s');
    expect(started).to.equal(true);
    expect(lines.find((line) => line.includes('controller held up'))).to.include('ConfigMap: slow');
    await manager.stop();
    await starting;
  });
});
