/** API priority and fairness: one client cannot starve the rest. */
import { expect } from 'chai';
import fc from 'fast-check';
import { type ApiResponse, sleep, type Status, type Transport, type UserInfo } from 'gyre/api';
import { ApiServer } from 'gyre/apiserver';
import { MemoryStore } from 'gyre/store';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { matchesSchema, type FlowRequest } from '#src/apiserver/flow-control/classify.js';
import { mandatorySchemas } from '#src/apiserver/flow-control/objects.js';
import { dealt } from '#src/apiserver/flow-control/priority-level.js';
import { parseResourcePath } from '#src/apiserver/rest/request.js';
import {
  answerTo,
  configuration,
  configurationsUrl,
  rule,
  urlOf,
  webhook,
} from '../admission/webhook-objects.js';

const maps = '/api/v1/namespaces/default/configmaps';
const flow = '/apis/flowcontrol.apiserver.k8s.io/v1';
const merge = { 'content-type': 'application/merge-patch+json' };

describe('priority and fairness', () => {
  let clock: VirtualClock;
  let store: MemoryStore;
  let server: ApiServer;
  let admin: Transport;
  beforeEach(() => {
    clock = new VirtualClock();
    store = new MemoryStore({ clock });
    takesMs = 10_000;
  });
  afterEach(() => server.stop());

  let takesMs = 10_000;
  /** Everybody may do everything; every create of a config map takes its time. */
  async function serve(maxRequestsInFlight?: number): Promise<void> {
    server = await ApiServer.start({
      store,
      clock,
      random: seededRandom(),
      ...(maxRequestsInFlight === undefined ? {} : { maxRequestsInFlight }),
    });
    admin = server.transport({ username: 'root', groups: ['system:masters'] });
    const name = 'slow.example.com';
    server.webhooks.register({ url: urlOf(name) }, async (review) => {
      await sleep(clock, takesMs);
      return answerTo(review, {});
    });
    await made(
      configurationsUrl('Validating'),
      configuration('Validating', name, [
        webhook(name, [rule('configmaps', 'CREATE')], { timeoutSeconds: 30 }),
      ]),
    );
    await made('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: 'everybody' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:authenticated' }],
    });
  }
  async function made(path: string, body: object): Promise<void> {
    const { status, body: answer } = await admin.request({ method: 'POST', path, body });
    expect(status, JSON.stringify(answer)).to.be.oneOf([201, 409]);
  }

  let count = 0;
  interface Sent {
    readonly answers: ApiResponse[];
    readonly done: Promise<unknown>;
  }
  /** Sends slow requests at once; the answers that have come are in the array. */
  function slow(user: UserInfo | Transport, howMany: number): Sent {
    const transport = 'username' in user ? server.transport(user) : user;
    const answers: ApiResponse[] = [];
    const all = Array.from({ length: howMany }, async () => {
      const body = { metadata: { name: `m-${++count}` } };
      answers.push(await transport.request({ method: 'POST', path: maps, body }));
    });
    return { answers, done: Promise.all(all) };
  }
  const user = (username: string, ...groups: string[]): UserInfo => ({ username, groups });
  const codes = ({ answers }: Sent): number[] => answers.map(({ status }) => status);
  const uidOf = async (plural: string, name: string): Promise<string> => {
    const { body } = await admin.request({ method: 'GET', path: `${flow}/${plural}/${name}` });
    return (body as { metadata: { uid: string } }).metadata.uid;
  };

  const routes: readonly [UserInfo, string, string, string][] = [
    [user('root', 'system:masters'), '/api/v1/nodes', 'exempt', 'exempt'],
    [user('jane'), '/api/v1/nodes', 'global-default', 'global-default'],
    [user('jane'), '/apis', 'global-default', 'global-default'],
    [user('system:node:n', 'system:nodes'), '/api/v1/nodes/n', 'system-node-high', 'node-high'],
    [user('system:node:n', 'system:nodes'), '/api/v1/namespaces/a/pods', 'system-nodes', 'system'],
    [user('system:kube-scheduler'), '/api/v1/pods', 'kube-scheduler', 'workload-high'],
    [
      user('system:kube-scheduler'),
      '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/l',
      'system-leader-election',
      'leader-election',
    ],
    [
      user('system:serviceaccount:kube-system:x', 'system:serviceaccounts'),
      '/api/v1/pods',
      'kube-system-service-accounts',
      'workload-high',
    ],
    [
      user('system:serviceaccount:default:x', 'system:serviceaccounts'),
      '/api/v1/pods',
      'service-accounts',
      'workload-low',
    ],
  ];
  for (const [who, path, schema, level] of routes)
    it(`a request of ${who.username} for ${path} is of the flow schema ${schema} and the level ${level}`, async () => {
      await serve();
      const { headers } = await server.transport(who).request({ method: 'GET', path });
      expect(headers['x-kubernetes-pf-flowschema-uid']).to.equal(await uidOf('flowschemas', schema));
      expect(headers['x-kubernetes-pf-prioritylevel-uid']).to.equal(
        await uidOf('prioritylevelconfigurations', level),
      );
    });

  it('a client that fills its level waits behind itself, and another one is served between', async () => {
    takesMs = 1000;
    // Two at a time of the level global-default.
    await serve(24);
    const hog = slow(user('hog'), 40);
    await clock.settle();
    const jane = slow(user('jane'), 1);
    await clock.advance('1s');
    expect(codes(hog)).to.deep.equal([201, 201]);
    expect(codes(jane), 'she waits her turn').to.deep.equal([]);
    // He waits in six queues at most; she is served after one of each.
    await clock.advance('5s');
    expect(codes(jane)).to.deep.equal([201]);
    expect(hog.answers.length).to.be.lessThan(15);
    await clock.advance('5m');
    await hog.done;
  });

  it('other levels, and admins, are not kept waiting', async () => {
    await serve(24);
    const hog = slow(user('hog'), 40);
    await clock.settle();
    const account = server.transport(user('system:serviceaccount:default:x', 'system:serviceaccounts'));
    const read = { method: 'GET', path: maps } as const;
    expect((await account.request(read)).status).to.equal(200);
    expect((await admin.request(read)).status).to.equal(200);
    expect((await server.transport(user('hog')).request({ method: 'GET', path: '/readyz' })).status).to.equal(
      200,
    );
    await clock.advance('5m');
    await hog.done;
  });

  it('who has waited 15 seconds is turned away with 429 and Retry-After', async () => {
    await serve(24);
    const hog = slow(user('hog'), 5);
    await clock.advance('14s');
    expect(codes(hog)).to.deep.equal([201, 201]);
    await clock.advance('2s');
    expect(codes(hog)).to.deep.equal([201, 201, 429]);
    const refused = hog.answers[2] as ApiResponse;
    expect(refused.headers['retry-after']).to.equal('1');
    expect(refused.body).to.deep.include({
      reason: 'TooManyRequests',
      message: 'Too many requests, please try again later.',
      code: 429,
      details: { retryAfterSeconds: 1 },
    });
    await clock.advance('1m');
    await hog.done;
  });

  it('who would wait in a queue that is full is turned away at once', async () => {
    await serve(24);
    // Two are served, six queues of fifty wait.
    const hog = slow(user('hog'), 310);
    await clock.settle();
    expect(codes(hog)).to.deep.equal(Array.from({ length: 8 }, () => 429));
    // Of other queues there are enough.
    const jane = slow(user('jane'), 1);
    await clock.settle();
    expect(codes(jane)).to.deep.equal([]);
    await clock.advance('5m');
    await Promise.all([hog.done, jane.done]);
  });

  it('a watch has a place only until it has begun', async () => {
    await serve(24);
    const jane = server.transport(user('jane'));
    const stop = new AbortController();
    for (let i = 0; i < 10; i++)
      await jane.watch({ method: 'GET', path: maps, query: { watch: 'true' }, signal: stop.signal });
    expect((await jane.request({ method: 'GET', path: maps })).status).to.equal(200);
    stop.abort();
  });

  it('who leaves while he waits gives up his place in the queue', async () => {
    await serve(24);
    const hog = slow(user('hog'), 2);
    await clock.settle();
    const stop = new AbortController();
    const left = server.transport(user('hog')).request({ method: 'GET', path: maps, signal: stop.signal });
    const stays = server.transport(user('hog')).request({ method: 'GET', path: maps });
    await clock.settle();
    stop.abort();
    expect((await left).status).to.equal(429);
    await clock.advance('10s');
    expect((await stays).status).to.equal(200);
    await hog.done;
  });

  it('what is configured counts from the next request on: levels, schemas, shares', async () => {
    await serve(48);
    await made(`${flow}/prioritylevelconfigurations`, {
      metadata: { name: 'strict' },
      spec: { type: 'Limited', limited: { nominalConcurrencyShares: 1, limitResponse: { type: 'Reject' } } },
    });
    await made(`${flow}/flowschemas`, {
      metadata: { name: 'hogs' },
      spec: {
        priorityLevelConfiguration: { name: 'strict' },
        matchingPrecedence: 50,
        rules: [
          {
            subjects: [{ kind: 'User', user: { name: 'hog' } }],
            resourceRules: [
              { verbs: ['create'], apiGroups: [''], resources: ['configmaps'], namespaces: ['default'] },
            ],
          },
        ],
      },
    });
    const first = slow(user('hog'), 3);
    await clock.settle();
    expect(codes(first)).to.deep.equal([429, 429]);
    expect((await server.transport(user('hog')).request({ method: 'GET', path: maps })).status).to.equal(200);
    await admin.request({
      method: 'PATCH',
      path: `${flow}/prioritylevelconfigurations/strict`,
      headers: merge,
      body: { spec: { limited: { nominalConcurrencyShares: 245 } } },
    });
    const second = slow(user('hog'), 3);
    await clock.settle();
    expect(codes(second)).to.deep.equal([]);
    await admin.request({ method: 'DELETE', path: `${flow}/flowschemas/hogs` });
    const third = slow(user('hog'), 3);
    await clock.advance('30s');
    expect(codes(third)).to.deep.equal([201, 201, 201]);
    await Promise.all([first.done, second.done]);
  });

  it('0 counts nobody', async () => {
    await serve(0);
    const hog = slow(user('hog'), 1000);
    await clock.advance('10s');
    expect(new Set(codes(hog))).to.deep.equal(new Set([201]));
    await hog.done;
  });

  describe('its objects', () => {
    it('are there from the start, and those that were changed come back unless somebody has made them his own', async () => {
      await serve();
      const list = async (plural: string): Promise<string[]> => {
        const { body } = await admin.request({ method: 'GET', path: `${flow}/${plural}` });
        return (body as { items: { metadata: { name: string } }[] }).items.map(
          ({ metadata }) => metadata.name,
        );
      };
      const levels = ['catch-all', 'exempt', 'global-default', 'leader-election', 'node-high', 'system'];
      expect(await list('prioritylevelconfigurations')).to.deep.equal([
        ...levels,
        'workload-high',
        'workload-low',
      ]);
      expect(await list('flowschemas')).to.have.members([
        'exempt',
        'probes',
        'system-leader-election',
        'system-node-high',
        'system-nodes',
        'kube-controller-manager',
        'kube-scheduler',
        'kube-system-service-accounts',
        'service-accounts',
        'global-default',
        'catch-all',
      ]);
      const path = (name: string): string => `${flow}/prioritylevelconfigurations/${name}`;
      const shares = { spec: { limited: { nominalConcurrencyShares: 7 } } };
      const own = { metadata: { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'false' } } };
      await admin.request({ method: 'PATCH', path: path('system'), headers: merge, body: shares });
      await admin.request({
        method: 'PATCH',
        path: path('node-high'),
        headers: merge,
        body: { ...shares, ...own },
      });
      await admin.request({ method: 'DELETE', path: path('workload-low') });
      await server.stop();
      await serve();
      const now = async (name: string): Promise<number> => {
        const { body } = await admin.request({ method: 'GET', path: path(name) });
        return (body as { spec: { limited: { nominalConcurrencyShares: number } } }).spec.limited
          .nominalConcurrencyShares;
      };
      expect([await now('system'), await now('node-high'), await now('workload-low')]).to.deep.equal([
        30, 7, 100,
      ]);
    });

    it('get defaults', async () => {
      await serve();
      const { body } = await admin.request({
        method: 'POST',
        path: `${flow}/prioritylevelconfigurations`,
        body: {
          metadata: { name: 'l' },
          spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } },
        },
      });
      expect((body as { spec: unknown }).spec).to.deep.equal({
        type: 'Limited',
        limited: {
          nominalConcurrencyShares: 30,
          lendablePercent: 0,
          limitResponse: { type: 'Queue', queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
        },
      });
    });

    const rules = [
      {
        subjects: [{ kind: 'Group', group: { name: 'g' } }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      },
    ];
    const schema = (spec: object): [string, object] => [
      'flowschemas',
      { priorityLevelConfiguration: { name: 'exempt' }, rules, ...spec },
    ];
    const bad: readonly [[string, object], string][] = [
      [
        schema({ matchingPrecedence: 1 }),
        "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
      ],
      [
        schema({ matchingPrecedence: 10001 }),
        'spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000',
      ],
      [
        schema({ priorityLevelConfiguration: { name: '' } }),
        'spec.priorityLevelConfiguration.name: Required value',
      ],
      [
        schema({ distinguisherMethod: { type: 'ByMood' } }),
        'spec.distinguisherMethod.type: Unsupported value: "ByMood"',
      ],
      [schema({ rules: [{ subjects: [] }] }), 'spec.rules[0].subjects: Required value'],
      [
        schema({ rules: [{ ...rules[0], subjects: [{ kind: 'User', group: { name: 'g' } }] }] }),
        "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'",
      ],
      [['prioritylevelconfigurations', { type: 'Exempt' }], "must be 'Limited' unless the name is 'exempt'"],
      [['prioritylevelconfigurations', { type: 'Limited' }], 'spec.limited: Required value'],
      [
        [
          'prioritylevelconfigurations',
          {
            type: 'Limited',
            limited: { limitResponse: { type: 'Queue', queuing: { queues: 2, handSize: 3 } } },
          },
        ],
        'spec.limited.limitResponse.queuing.handSize: Invalid value: 3: should not be greater than queues (2)',
      ],
    ];
    for (const [[plural, spec], message] of bad)
      it(`are refused: ${message}`, async () => {
        await serve();
        const { status, body } = await admin.request({
          method: 'POST',
          path: `${flow}/${plural}`,
          body: { metadata: { name: 'x' }, spec },
        });
        expect(status).to.equal(422);
        expect((body as Status).message).to.include(message);
      });

    it('that are mandatory stay what they are', async () => {
      await serve();
      for (const [path, body] of [
        [`${flow}/flowschemas/exempt`, { spec: { matchingPrecedence: 2 } }],
        [
          `${flow}/prioritylevelconfigurations/catch-all`,
          { spec: { limited: { nominalConcurrencyShares: 9 } } },
        ],
      ] as const) {
        const { status, body: answer } = await admin.request({ method: 'PATCH', path, headers: merge, body });
        expect(status).to.equal(422);
        expect((answer as Status).message).to.include('must equal the fixed value');
      }
    });
  });

  describe('pure parts', () => {
    before(() => serve());

    it('a flow is dealt different queues, the same ones every time', () => {
      fc.assert(
        fc.property(
          fc.string(),
          fc.integer({ min: 1, max: 200 }),
          fc.integer({ min: 1, max: 12 }),
          (name, deck, size) => {
            const hand = dealt(name, deck, Math.min(size, deck));
            expect(new Set(hand).size).to.equal(Math.min(size, deck));
            expect(hand.every((card) => card >= 0 && card < deck)).to.equal(true);
            expect(dealt(name, deck, Math.min(size, deck))).to.deep.equal(hand);
          },
        ),
      );
    });

    it('flows are dealt evenly: no queue has more than twice its share', () => {
      const counts = Array.from({ length: 128 }, () => 0);
      for (let i = 0; i < 10_000; i++)
        for (const queue of dealt(`global-default user-${i}`, 128, 6))
          counts[queue] = (counts[queue] ?? 0) + 1;
      const share = (10_000 * 6) / 128;
      expect(Math.max(...counts)).to.be.lessThan(share * 2);
      expect(Math.min(...counts)).to.be.greaterThan(share / 2);
    });

    it('the catch-all schema matches everybody who is anybody', () => {
      const paths = ['/api/v1/nodes', '/api/v1/namespaces/a/pods/p/log', '/metrics'];
      for (const path of paths) {
        const request: FlowRequest = {
          user: { username: 'x', groups: ['system:authenticated'] },
          verb: 'get',
          path,
          resource: parseResourcePath('GET', path, new URLSearchParams()),
        };
        expect(matchesSchema(mandatorySchemas['catch-all'] as never, request), path).to.equal(true);
        expect(matchesSchema(mandatorySchemas.exempt as never, request), path).to.equal(false);
      }
    });
  });
});
