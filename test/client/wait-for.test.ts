/** Waiting for an object: over a scripted server, and over a cluster under virtual time. */
import { expect } from 'chai';
import {
  ApiError,
  type ApiRequest,
  type ApiResponse,
  expired,
  forbidden,
  type KubernetesObject,
  notFound,
  type Transport,
  TransportError,
  type WatchEvent,
} from 'gyre/api';
import { type Client, createClient, isWaitTimeout, type WaitCondition, type WaitTimeout } from 'gyre/client';
import { ConfigMap, Deployment } from 'gyre/kinds';
import { seededRandom, TestCluster, VirtualClock } from 'gyre/testing';

const subject = { group: 'apps', plural: 'deployments' };
const web = (resourceVersion: string, status: object = {}, generation = 1) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'default',
    uid: 'u',
    resourceVersion,
    generation,
    creationTimestamp: '',
  },
  status,
});
const available = (status: string, more: object = {}) => ({
  conditions: [{ type: 'Available', status, reason: 'Replicas', message: '1 of 2', ...more }],
});
type Round = {
  readonly list: readonly object[] | Error;
  readonly watch?: Error;
  readonly events?: readonly WatchEvent[];
  /** How the watch ends; absent: never. */
  readonly end?: 'closed' | Error;
};

/** A server whose lists and watches are told beforehand, round by round; the last one again and again. */
function scripted(clock: VirtualClock, ...rounds: Round[]) {
  const asked: ApiRequest[] = [];
  let round: Round | undefined;
  const transport: Transport = {
    async request(request): Promise<ApiResponse> {
      asked.push(request);
      round = rounds.length > 1 ? rounds.shift() : rounds[0];
      const list = round?.list ?? [];
      if (list instanceof ApiError) return { status: list.code, headers: {}, body: list.status };
      if (list instanceof Error) throw list;
      return {
        status: 200,
        headers: {},
        body: { kind: 'DeploymentList', metadata: { resourceVersion: '7' }, items: list },
      };
    },
    async watch<T>(request: ApiRequest) {
      asked.push(request);
      const { watch, events = [], end } = round ?? {};
      if (watch) throw watch;
      return {
        headers: {},
        events: (async function* () {
          for (const event of events) yield [event as WatchEvent<T>];
          if (end instanceof Error) throw end;
          if (end === undefined)
            await new Promise((_, reject) =>
              request.signal?.addEventListener('abort', () => reject(request.signal?.reason)),
            );
        })(),
      };
    },
    close: () => {},
  };
  return { asked, client: createClient(transport, { clock, random: seededRandom() }) };
}

describe('waitFor', () => {
  let clock: VirtualClock;
  beforeEach(() => {
    clock = new VirtualClock();
  });
  const outcomeOf = async (
    client: Client,
    condition: WaitCondition<KubernetesObject>,
    by = '1m',
    options: object = {},
  ) => {
    const outcome = client.waitFor(Deployment, 'default/web', condition as never, options).then(
      (object: unknown) => object,
      (error: unknown) => error,
    );
    await clock.advance(by);
    return outcome;
  };
  const added = (object: object): WatchEvent => ({ type: 'MODIFIED', object });
  const isAvailable = { condition: 'Available' };

  it('gives an object that is as it should be without watching', async () => {
    const { client, asked } = scripted(clock, { list: [web('3', available('True'))] });
    expect(await outcomeOf(client, isAvailable)).to.deep.equal(web('3', available('True')));
    expect(asked).to.have.length(1);
    expect(clock.pending).to.equal(0);
  });

  it('watches that one object from where the list was', async () => {
    const { client, asked } = scripted(clock, {
      list: [web('3')],
      events: [added(web('8', available('False'))), added(web('9', available('True')))],
    });
    expect(await outcomeOf(client, isAvailable)).to.deep.equal(web('9', available('True')));
    expect(asked[1]?.path).to.equal('/apis/apps/v1/namespaces/default/deployments');
    expect(asked[1]?.query).to.include({
      fieldSelector: 'metadata.name=web',
      resourceVersion: '7',
      allowWatchBookmarks: 'true',
    });
  });

  it('waits for a condition to be false as well, and not for one of an older generation', async () => {
    const stale = web('8', available('False', { observedGeneration: 1 }), 2);
    const staleStatus = web('9', { ...available('False'), observedGeneration: 1 }, 2);
    const { client } = scripted(clock, {
      list: [stale],
      events: [added(staleStatus), added(web('10', available('False', { observedGeneration: 2 }), 2))],
    });
    const found = await outcomeOf(client, { condition: 'Available', status: 'False' });
    expect((found as KubernetesObject).metadata.resourceVersion).to.equal('10');
  });

  it('a predicate is asked while there is no object, and of each version', async () => {
    const seen: (string | undefined)[] = [];
    const { client } = scripted(clock, {
      list: [],
      events: [
        added(web('8')),
        { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } },
        { type: 'DELETED', object: web('10') },
        added(web('11')),
      ],
    });
    await outcomeOf(client, (object) => {
      seen.push(object?.metadata.resourceVersion);
      return seen.length === 4;
    });
    expect(seen).to.deep.equal([undefined, '8', undefined, '11']);
  });

  it('waits for a deletion', async () => {
    const { client } = scripted(clock, { list: [web('3')], events: [{ type: 'DELETED', object: web('8') }] });
    expect(await outcomeOf(client, 'deleted')).to.equal(undefined);
    expect(await outcomeOf(scripted(clock, { list: [] }).client, 'deleted')).to.equal(undefined);
  });

  it('survives watches that end, break and expire, lists that fail, and pauses in between', async () => {
    const gone: WatchEvent = { type: 'ERROR', object: expired('too old').status };
    const { client, asked } = scripted(
      clock,
      { list: [web('1')], end: 'closed' },
      { list: [web('2')], events: [gone], end: 'closed' },
      { list: [web('3')], end: new TransportError('reset') },
      { list: new TransportError('refused') },
      { list: [web('4')], watch: expired('too old') },
      { list: new ApiError({ ...expired('').status, code: 503, reason: 'ServiceUnavailable' }) },
      { list: [web('5', available('True'))] },
    );
    const found = await outcomeOf(client, isAvailable);
    expect((found as KubernetesObject).metadata.resourceVersion).to.equal('5');
    // One failure is one attempt: the waiting has a back-off of its own.
    expect(asked.every(({ retry }) => retry === false)).to.equal(true);
  });

  it('does not hammer a server that ends every watch at once', async () => {
    const { client, asked } = scripted(clock, { list: [web('1')], end: 'closed' });
    await outcomeOf(client, isAvailable, '31s');
    expect(asked.length).to.be.within(10, 40);
  });

  for (const [what, error] of [
    ['Forbidden', forbidden(subject, 'web', 'no')],
    ['NotFound (no such kind)', new ApiError({ ...notFound(subject, '').status, details: {} })],
  ] as const)
    it(`rejects at once with ${what}`, async () => {
      const { client } = scripted(clock, { list: error });
      const failure = await outcomeOf(client, isAvailable, '0s');
      expect(failure).to.be.instanceOf(ApiError).and.include({ code: error.code });
    });

  it('a predicate that throws is the caller’s error', async () => {
    const bug = new TypeError('a bug');
    const { client } = scripted(clock, { list: [web('1')] });
    const failure = await outcomeOf(client, () => {
      throw bug;
    });
    expect(failure).to.equal(bug);
  });

  it('says after its time what was seen last; 30 seconds unless told otherwise', async () => {
    const { client } = scripted(clock, { list: [web('1')], events: [added(web('8', available('False')))] });
    const failure = (await outcomeOf(client, isAvailable, '30s')) as WaitTimeout<KubernetesObject>;
    expect(isWaitTimeout(failure)).to.equal(true);
    expect(failure.message).to.equal(
      'Deployment.apps default/web was not Available=True within 30000 ms; last seen at resourceVersion 8 with Available=False (Replicas: 1 of 2)',
    );
    expect(failure.last?.metadata.resourceVersion).to.equal('8');
    const none = await outcomeOf(scripted(clock, { list: [] }).client, isAvailable, '5s', { timeout: '5s' });
    expect((none as Error).message).to.match(/within 5000 ms; it does not exist$/);
    const unseen = scripted(clock, { list: new TransportError('refused') });
    expect(((await outcomeOf(unseen.client, 'deleted')) as Error).message).to.match(
      /was not deleted within 30000 ms; it could not be read; the last try failed: refused$/,
    );
    expect(isWaitTimeout(new Error('other'))).to.equal(false);
  });

  it('an abort is its reason, and leaves nothing behind', async () => {
    const { client } = scripted(clock, { list: [web('1')] });
    const stopped = new AbortController();
    const reason = new Error('enough');
    clock.setTimer(1_000, () => stopped.abort(reason));
    expect(await outcomeOf(client, isAvailable, '2s', { signal: stopped.signal })).to.equal(reason);
    expect(clock.pending).to.equal(0);
  });

  it('sees in a real cluster what is made, rolled out and deleted', async () => {
    await using t = await TestCluster.start();
    const labels = { app: 'web' };
    const made = t.client.waitFor(Deployment, 'default/web', { condition: 'Available' }, { timeout: '5m' });
    await t.client.create(Deployment, {
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'a' }] } },
      },
    });
    await t.advance('2m');
    expect((await made).status?.availableReplicas).to.equal(2);
    const deleted = t.client.waitFor(Deployment, 'default/web', 'deleted');
    await t.client.delete(Deployment, 'default/web');
    await t.advance('10s');
    expect(await deleted).to.equal(undefined);
    const never = t.client.waitFor(ConfigMap, 'default/none', (object) => object !== undefined);
    const failure = never.catch((error: unknown) => error);
    await t.advance('30s');
    expect(isWaitTimeout(await failure)).to.equal(true);
  });
});
