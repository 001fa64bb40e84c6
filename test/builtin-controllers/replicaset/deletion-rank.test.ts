import { expect } from 'chai';
import type { Pod } from 'gyre/kinds';
import { burstReplicas, decide } from '#src/builtin-controllers/replicaset/decide.js';
import { rankForDeletion } from '#src/builtin-controllers/replicaset/deletion-rank.js';

const now = Date.UTC(2026, 0, 1, 12);
const ago = (seconds: number): string => `${new Date(now - seconds * 1000).toISOString().slice(0, 19)}Z`;

interface Given {
  readonly node?: string;
  readonly phase?: 'Pending' | 'Unknown' | 'Running';
  /** Seconds it has been ready. */
  readonly ready?: number;
  readonly cost?: string;
  readonly restarts?: number;
  /** Seconds since it was created. */
  readonly age?: number;
}

function pod(name: string, given: Given = {}): Pod {
  const { node = 'n1', phase = 'Running', ready, cost, restarts = 0, age = 1000 } = given;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: ago(age),
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
    },
    spec: { containers: [], nodeName: node },
    status: {
      phase,
      conditions:
        ready === undefined ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: ago(ready) }],
      containerStatuses: [
        { name: 'c', image: 'i', imageID: '', ready: ready !== undefined, restartCount: restarts },
      ],
    },
  };
}

describe('RS-10 ranks pods for deletion', () => {
  /** In each row the first goes first, though later rules say the opposite. */
  const rows: readonly (readonly [rule: string, first: Given, second: Given])[] = [
    ['not assigned before assigned', { node: '', phase: 'Running', ready: 9000 }, { phase: 'Pending' }],
    ['Pending before Unknown', { phase: 'Pending', ready: 9000 }, { phase: 'Unknown' }],
    ['Unknown before Running', { phase: 'Unknown', ready: 9000 }, { phase: 'Running' }],
    ['not ready before ready', { cost: '100' }, { ready: 1, cost: '-100' }],
    ['the lower cost first', { cost: '-1', ready: 9000, node: 'n1' }, { ready: 1, node: 'n3' }],
    ['a cost of none counts as 0', { ready: 9000, node: 'n1' }, { ready: 1, cost: '1', node: 'n3' }],
    ['a cost that is no number counts as 0', { ready: 9000, cost: '+7' }, { ready: 1, cost: '1' }],
    ['a cost beyond 32 bits counts as 0', { ready: 9000, cost: '4294967296' }, { ready: 1, cost: '1' }],
    ['more siblings on the node first', { node: 'n3', ready: 9000 }, { node: 'n1', ready: 1 }],
    ['ready for a shorter time first', { ready: 10, age: 9000 }, { ready: 100, restarts: 9, age: 200 }],
    ['more restarts first', { restarts: 2, age: 9000 }, { restarts: 1, age: 10 }],
    ['the younger first', { age: 10 }, { age: 100 }],
  ];
  const relatedOnNode = new Map([
    ['n1', 1],
    ['n3', 3],
  ]);
  for (const [rule, first, second] of rows) {
    it(`RS-10 ${rule}`, () => {
      // The UID must not be what decides.
      for (const [a, b] of [
        ['a', 'b'],
        ['b', 'a'],
      ] as const) {
        const ranked = rankForDeletion([pod(b, second), pod(a, first)], { now, relatedOnNode });
        expect(ranked.map(({ metadata }) => metadata.name)).to.deep.equal([a, b]);
      }
    });
  }

  it('RS-10 leaves different times within one power of two to the UID', () => {
    const ranking = { now, relatedOnNode: new Map<string, number>() };
    const names = (pods: readonly Pod[]) =>
      rankForDeletion(pods, ranking).map(({ metadata }) => metadata.name);
    expect(names([pod('b', { age: 70 }), pod('a', { age: 90 })])).to.deep.equal(['a', 'b']);
    expect(names([pod('b', { ready: 70 }), pod('a', { ready: 90 })])).to.deep.equal(['a', 'b']);
  });

  it('RS-10 is not asked when all go', () => {
    const pods = [pod('a'), pod('b')];
    const ranking = () => expect.fail('there is nothing to rank');
    expect(decide({ wanted: 0, pods, ranking }).delete).to.deep.equal(pods);
  });
});

describe('RS-1 bounds one sync', () => {
  const ranking = () => ({ now, relatedOnNode: new Map<string, number>() });
  it('RS-1 creates at most 500 pods', () => {
    expect(decide({ wanted: 1200, pods: [], ranking }).create).to.equal(burstReplicas);
    expect(burstReplicas).to.equal(500);
  });
  it('RS-1 deletes at most 500 pods', () => {
    const pods = Array.from({ length: 700 }, (_, i) => pod(`p${i}`));
    expect(decide({ wanted: 0, pods, ranking }).delete).to.have.lengthOf(500);
    expect(decide({ wanted: 600, pods, ranking }).delete).to.have.lengthOf(100);
  });
});
