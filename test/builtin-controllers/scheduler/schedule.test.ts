/** Where pods go, and why they cannot: the pure decision. */
import { expect } from 'chai';
import { feasibleWanted } from '#src/builtin-controllers/scheduler/schedule.js';
import { podRequests } from '#src/builtin-controllers/scheduler/resources.js';
import { type PodFacts, node, pod, Stage } from './world.js';

const taint = (
  key: string,
  value = '',
  effect: 'NoSchedule' | 'NoExecute' | 'PreferNoSchedule' = 'NoSchedule',
) => [{ key, effect, ...(value ? { value } : {}) }];
const zoned = (name: string, zone: string) => node(name, { labels: { 'topology.kubernetes.io/zone': zone } });
const hostname = 'kubernetes.io/hostname';

describe('Scheduling decisions', () => {
  it('says so when there are no nodes', () => {
    expect(new Stage([]).answer(pod('a'))).to.equal('no nodes available to schedule pods');
  });

  describe('SC-6 resources', () => {
    it('fits what is free, and counts what assumed pods take', () => {
      const stage = new Stage([node('n', { allocatable: { cpu: '1' } })]);
      expect(stage.place(pod('a', { cpu: '600m' }))).to.equal('n');
      expect(stage.place(pod('b', { cpu: '600m' }))).to.equal('0/1 nodes are available: 1 Insufficient cpu.');
      expect(stage.place(pod('c', { cpu: '400m' }))).to.equal('n');
    });

    it('does not ask for what the pod does not request, however overdrawn the node is', () => {
      const stage = new Stage([node('n', { allocatable: { cpu: '1' } })]);
      stage.run(pod('big', { cpu: '4' }), 'n');
      expect(stage.answer(pod('a', { memory: '1Gi' }))).to.equal('n');
    });

    it('names all that is short, sorted and counted', () => {
      const stage = new Stage([
        node('a', { allocatable: { cpu: '1', memory: '1Gi' } }),
        node('b', { allocatable: { cpu: '1' } }),
        node('c', { allocatable: { pods: '0' } }),
      ]);
      expect(stage.answer(pod('p', { cpu: '2', memory: '2Gi' }))).to.equal(
        '0/3 nodes are available: 1 Insufficient memory, 1 Too many pods, 2 Insufficient cpu.',
      );
    });

    it('counts pods, ephemeral storage and extended resources', () => {
      const stage = new Stage([
        node('n', { allocatable: { pods: '2', 'ephemeral-storage': '1Gi', 'example.com/gpu': '1' } }),
      ]);
      expect(stage.answer(pod('s', { requests: { 'ephemeral-storage': '2Gi' } }))).to.match(
        /1 Insufficient ephemeral-storage\.$/,
      );
      expect(stage.place(pod('g', { requests: { 'example.com/gpu': '1' } }))).to.equal('n');
      expect(stage.answer(pod('h', { requests: { 'example.com/gpu': '1' } }))).to.match(
        /1 Insufficient example.com\/gpu\.$/,
      );
      expect(stage.place(pod('i'))).to.equal('n');
      expect(stage.answer(pod('j'))).to.match(/1 Too many pods\.$/);
    });

    const container = (name: string, cpu: string, restartPolicy?: 'Always') => ({
      name,
      resources: { requests: { cpu } },
      ...(restartPolicy ? { restartPolicy } : {}),
    });
    for (const [what, spec, expected] of [
      ['containers together', { containers: [container('a', '1'), container('b', '2')] }, 3000],
      [
        'the neediest init container alone',
        {
          initContainers: [container('i', '4'), container('j', '1')],
          containers: [container('a', '1'), container('b', '2')],
        },
        4000,
      ],
      [
        'sidecars beside the containers, and beside later init containers',
        {
          initContainers: [container('s', '1', 'Always'), container('i', '4')],
          containers: [container('a', '1')],
        },
        5000,
      ],
      [
        'not a sidecar that starts after the neediest init container',
        {
          initContainers: [container('i', '4'), container('s', '1', 'Always')],
          containers: [container('a', '1')],
        },
        4000,
      ],
      ['the overhead on top', { containers: [container('a', '1')], overhead: { cpu: '250m' } }, 1250],
    ] as const) {
      it(`requests are ${what}`, () => {
        expect(podRequests(spec as never).milliCpu).to.equal(expected);
      });
    }

    it('prefers the emptier node', () => {
      const stage = new Stage([node('full'), node('empty')]);
      stage.run(pod('x', { cpu: '2', memory: '4Gi' }), 'full');
      for (let i = 0; i < 10; i++) expect(stage.answer(pod('p', { cpu: '100m' }))).to.equal('empty');
    });

    it('counts pods without requests as a little, so that they spread', () => {
      const stage = new Stage([node('a'), node('b')]);
      const places = [1, 2, 3, 4].map((i) => stage.place(pod(`p${i}`)));
      expect(places.filter((name) => name === 'a')).to.have.length(2);
    });
  });

  describe('SC-6 nodes', () => {
    it('keeps pods off cordoned nodes unless they tolerate it', () => {
      const stage = new Stage([node('n', { unschedulable: true })]);
      expect(stage.answer(pod('p'))).to.equal('0/1 nodes are available: 1 node(s) were unschedulable.');
      const tolerations = [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' as const }];
      expect(stage.answer(pod('p', { spec: { tolerations } }))).to.equal('n');
    });

    it('names the taint that is not tolerated', () => {
      const stage = new Stage([
        node('a', { taints: taint('gyre.dev/simulated') }),
        node('b', { taints: taint('dedicated', 'gpu', 'NoExecute') }),
      ]);
      expect(stage.answer(pod('p'))).to.equal(
        '0/2 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}, 1 node(s) had untolerated taint {gyre.dev/simulated: }.',
      );
    });

    for (const [what, toleration, ok] of [
      ['the same key and value', { key: 'dedicated', operator: 'Equal', value: 'gpu' }, true],
      ['another value', { key: 'dedicated', operator: 'Equal', value: 'web' }, false],
      ['the key, whatever its value', { key: 'dedicated', operator: 'Exists' }, true],
      ['every taint', { operator: 'Exists' }, true],
      ['another effect', { key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }, false],
      ['an equal value by default', { key: 'dedicated', value: 'gpu' }, true],
    ] as const) {
      it(`a toleration of ${what} ${ok ? 'will' : 'will not'} do`, () => {
        const stage = new Stage([node('n', { taints: taint('dedicated', 'gpu') })]);
        const answer = stage.answer(pod('p', { spec: { tolerations: [toleration] } }));
        expect(answer === 'n').to.equal(ok);
      });
    }

    it('prefers nodes without PreferNoSchedule taints, and takes the others when it must', () => {
      const stage = new Stage([node('a', { taints: taint('old', '', 'PreferNoSchedule') }), node('b')]);
      expect(stage.answer(pod('p'))).to.equal('b');
      stage.cache.removeNode('b');
      expect(stage.answer(pod('p'))).to.equal('a');
    });

    const affinity = (nodeAffinity: object): PodFacts => ({ spec: { affinity: { nodeAffinity } } as never });
    const required = (...nodeSelectorTerms: object[]) =>
      affinity({ requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } });
    const cores = (n: string) => node(`n${n}`, { labels: { cores: n } });

    it('follows node selectors', () => {
      const stage = new Stage([zoned('a', 'x'), zoned('b', 'y')]);
      const nodeSelector = { 'topology.kubernetes.io/zone': 'y' };
      expect(stage.answer(pod('p', { spec: { nodeSelector } }))).to.equal('b');
      expect(stage.answer(pod('p', { spec: { nodeSelector: { none: '' } } }))).to.equal(
        "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
      );
    });

    for (const [operator, values, nodes] of [
      ['In', ['4', '8'], ['n4', 'n8']],
      ['NotIn', ['4', '8'], ['bare', 'n16']],
      ['Exists', undefined, ['n16', 'n4', 'n8']],
      ['DoesNotExist', undefined, ['bare']],
      ['Gt', ['7'], ['n16', 'n8']],
      ['Lt', ['8'], ['n4']],
    ] as const) {
      it(`requires nodes where cores ${operator} ${values ?? ''}`, () => {
        const found = [cores('4'), cores('8'), cores('16'), node('bare')].filter((it) => {
          const matchExpressions = [{ key: 'cores', operator, ...(values ? { values } : {}) }];
          return new Stage([it]).answer(pod('p', required({ matchExpressions }))) === it.metadata.name;
        });
        expect(found.map((it) => it.metadata.name).sort()).to.deep.equal(nodes);
      });
    }

    it('takes terms as alternatives, and a term that says nothing as none', () => {
      const stage = new Stage([cores('4'), cores('8')]);
      const term = (value: string) => ({
        matchExpressions: [{ key: 'cores', operator: 'In', values: [value] }],
      });
      expect(stage.answer(pod('p', required(term('99'), term('8'))))).to.equal('n8');
      expect(stage.answer(pod('p', required({})))).to.match(/2 node\(s\) didn't match Pod's node affinity/);
    });

    it('looks only at the node that matchFields names, as daemons do', () => {
      const stage = new Stage([node('a'), node('b', { allocatable: { cpu: '1' } }), node('c')]);
      const named = (name: string) =>
        required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] });
      expect(stage.answer(pod('p', named('c')))).to.equal('c');
      expect(stage.answer(pod('p', { ...named('b'), cpu: '2' }))).to.equal(
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
      );
    });

    it('prefers by weight', () => {
      const stage = new Stage([cores('4'), cores('8'), cores('16')]);
      const preference = (value: string, weight: number) => ({
        weight,
        preference: { matchExpressions: [{ key: 'cores', operator: 'In', values: [value] }] },
      });
      const preferred = affinity({
        preferredDuringSchedulingIgnoredDuringExecution: [preference('4', 1), preference('8', 50)],
      });
      expect(stage.answer(pod('p', preferred))).to.equal('n8');
    });

    it('gives one host port to one pod per node and address', () => {
      const stage = new Stage([node('a'), node('b')]);
      const places = [stage.place(pod('p', { hostPort: 80 })), stage.place(pod('q', { hostPort: 80 }))];
      expect(places.sort()).to.deep.equal(['a', 'b']);
      expect(stage.answer(pod('r', { hostPort: 80 }))).to.equal(
        "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.",
      );
      expect(stage.answer(pod('s', { hostPort: 81 }))).to.be.oneOf(['a', 'b']);
      const on = (hostIP: string, name: string) =>
        pod(name, {
          spec: {
            containers: [
              {
                name: 'm',
                image: 'x',
                ports: [{ containerPort: 90, hostPort: 90, hostIP, protocol: 'TCP' }],
              },
            ],
          },
        });
      const one = new Stage([node('n')]);
      one.run(on('10.0.0.1', 'x'), 'n');
      expect(one.answer(on('10.0.0.2', 'y'))).to.equal('n');
      expect(one.answer(on('10.0.0.1', 'y'))).to.match(/free ports/);
      expect(one.answer(on('0.0.0.0', 'y'))).to.match(/free ports/);
    });
  });

  describe('SC-7 volumes', () => {
    const withClaim = pod('p', {
      spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
    });
    const claim = (bound: boolean, more: object = {}) =>
      ({
        metadata: {
          name: 'data',
          namespace: 'default',
          ...(bound ? { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } } : {}),
        },
        spec: { storageClassName: 'standard', ...(bound ? { volumeName: 'pv' } : {}) },
        status: { phase: bound ? 'Bound' : 'Pending' },
        ...more,
      }) as never;
    const volume = (nodeAffinity?: object) => ({ metadata: { name: 'pv' }, spec: { nodeAffinity } }) as never;

    it('refuses a pod whose claim is missing, unbound, lost or being deleted, in so many words', () => {
      const answer = (found: unknown) =>
        new Stage([node('n')], { claim: () => found as never }).answer(withClaim);
      const head = '0/1 nodes are available: ';
      expect(answer(undefined)).to.equal(`${head}persistentvolumeclaim "data" not found.`);
      expect(answer(claim(false))).to.equal(`${head}pod has unbound immediate PersistentVolumeClaims.`);
      expect(answer(claim(true, { status: { phase: 'Lost' } }))).to.equal(
        `${head}persistentvolumeclaim "data" bound to non-existent persistentvolume "pv".`,
      );
      expect(answer(claim(true, { metadata: { name: 'data', deletionTimestamp: 'now' } }))).to.equal(
        `${head}persistentvolumeclaim "data" is being deleted.`,
      );
    });

    it('says that it does not bind on the first consumer', () => {
      const stage = new Stage([node('n')], {
        claim: () => claim(false),
        storageClass: () => ({ volumeBindingMode: 'WaitForFirstConsumer' }) as never,
      });
      expect(stage.answer(withClaim)).to.match(/WaitForFirstConsumer .*does not bind/);
    });

    it('goes where the volume can be reached', () => {
      const term = { matchExpressions: [{ key: hostname, operator: 'In', values: ['b'] }] };
      const lookups = {
        claim: () => claim(true),
        volume: () => volume({ required: { nodeSelectorTerms: [term] } }),
      };
      expect(new Stage([node('a'), node('b')], lookups).answer(withClaim)).to.equal('b');
      expect(new Stage([node('a')], lookups).answer(withClaim)).to.equal(
        '0/1 nodes are available: 1 node(s) had volume node affinity conflict.',
      );
      expect(new Stage([node('a')], { claim: () => claim(true) }).answer(withClaim)).to.match(
        /pvc\(s\) bound to non-existent pv\(s\)/,
      );
    });
  });

  describe('SC-6 spreading', () => {
    const web = { app: 'web' };
    const spread = (constraint: object = {}): PodFacts => ({
      labels: web,
      spec: {
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'topology.kubernetes.io/zone',
            whenUnsatisfiable: 'DoNotSchedule',
            labelSelector: { matchLabels: web },
            ...constraint,
          },
        ],
      } as never,
    });

    it('keeps the skew of hard constraints', () => {
      const stage = new Stage([zoned('a1', 'a'), zoned('a2', 'a'), zoned('b', 'b'), node('none')]);
      const zones = Array.from({ length: 6 }, (_, i) => stage.place(pod(`p${i}`, spread()))[0]);
      expect(zones.filter((zone) => zone === 'a')).to.have.length(3);
      expect(zones.filter((zone) => zone === 'b')).to.have.length(3);
    });

    it('tells a skewed domain from a missing label', () => {
      const stage = new Stage([
        zoned('a', 'a'),
        node('b', { unschedulable: true, labels: { 'topology.kubernetes.io/zone': 'b' } }),
        node('c'),
      ]);
      stage.place(pod('p', spread()));
      expect(stage.answer(pod('q', spread()))).to.equal(
        "0/3 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) didn't match pod topology spread constraints (missing required label), 1 node(s) were unschedulable.",
      );
    });

    it('wants at least minDomains domains', () => {
      const stage = new Stage([zoned('a', 'a')]);
      expect(stage.place(pod('p', spread({ minDomains: 2 })))).to.equal('a');
      expect(stage.answer(pod('q', spread({ minDomains: 2 })))).to.match(/topology spread constraints\.$/);
      expect(stage.answer(pod('q', spread()))).to.equal('a');
    });

    it('does not count nodes that tolerations rule out, where nodeTaintsPolicy says so', () => {
      const nodes = [
        zoned('a', 'a'),
        node('b', { taints: taint('t'), labels: { 'topology.kubernetes.io/zone': 'b' } }),
      ];
      const honoured = new Stage(nodes);
      honoured.place(pod('p', spread({ nodeTaintsPolicy: 'Honor' })));
      expect(honoured.answer(pod('q', spread({ nodeTaintsPolicy: 'Honor' })))).to.equal('a');
      const ignored = new Stage(nodes);
      ignored.place(pod('p', spread()));
      expect(ignored.answer(pod('q', spread()))).to.match(/topology spread/);
    });

    it('scores soft constraints', () => {
      const stage = new Stage([zoned('a', 'a'), zoned('b', 'b')]);
      const soft = spread({ whenUnsatisfiable: 'ScheduleAnyway' });
      const places = [1, 2, 3, 4, 5, 6].map((i) => stage.place(pod(`p${i}`, { ...soft, cpu: '100m' })));
      expect(places.filter((name) => name === 'a')).to.have.length(3);
    });

    it('spreads the pods of one controller over hosts by default, however full those are', () => {
      const stage = new Stage([node('a'), node('b'), node('c')]);
      stage.run(pod('x', { cpu: '500m', memory: '1Gi' }), 'a');
      const places = [1, 2, 3].map((i) => stage.place(pod(`p${i}`, { owner: 'rs', cpu: '100m' })));
      expect(places.sort()).to.deep.equal(['a', 'b', 'c']);
    });
  });

  describe('SC-6 pods near and far', () => {
    const term = (app: string, topologyKey = hostname, more: object = {}) => ({
      topologyKey,
      labelSelector: { matchLabels: { app } },
      ...more,
    });
    const wants = (app: string, affinity: object): PodFacts => ({
      labels: { app },
      spec: { affinity: affinity as never },
    });
    const near = (...terms: object[]) => ({
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
    });
    const far = (...terms: object[]) => ({
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
    });

    it('goes where the others are', () => {
      const stage = new Stage([node('a'), node('b'), node('c')]);
      const follower = pod('f', wants('f', near(term('db'))));
      expect(stage.answer(follower)).to.equal(
        "0/3 nodes are available: 3 node(s) didn't match pod affinity rules.",
      );
      stage.run(pod('d', { labels: { app: 'db' } }), 'b');
      expect(stage.answer(follower)).to.equal('b');
    });

    it('lets the first of a group that wants its like go anywhere', () => {
      const stage = new Stage([node('a'), node('b')]);
      const first = stage.place(pod('p', wants('g', near(term('g')))));
      expect(first).to.be.oneOf(['a', 'b']);
      expect(stage.answer(pod('q', wants('g', near(term('g')))))).to.equal(first);
    });

    it('keeps away from others, and others away from itself', () => {
      const stage = new Stage([node('a'), node('b')]);
      const loner = (name: string) => pod(name, wants('loner', far(term('loner'))));
      expect([stage.place(loner('p')), stage.place(loner('q'))].sort()).to.deep.equal(['a', 'b']);
      expect(stage.answer(loner('r'))).to.equal(
        "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.",
      );
      expect(stage.answer(pod('plain', { labels: { app: 'loner' } }))).to.equal(
        "0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules.",
      );
      expect(stage.answer(pod('other', { labels: { app: 'x' } }))).to.be.oneOf(['a', 'b']);
    });

    it('means its own namespace unless it names others', () => {
      const labels = { 'kubernetes.io/metadata.name': 'other', team: 't' };
      const stage = new Stage([node('a'), node('b')], {
        namespaceLabels: (name) => (name === 'other' ? labels : {}),
      });
      stage.run(pod('d', { labels: { app: 'db' }, namespace: 'other' }), 'b');
      const answer = (more: object) => stage.answer(pod('f', wants('f', near(term('db', hostname, more)))));
      expect(answer({})).to.match(/pod affinity rules/);
      expect(answer({ namespaces: ['other'] })).to.equal('b');
      expect(answer({ namespaceSelector: { matchLabels: { team: 't' } } })).to.equal('b');
      expect(answer({ namespaceSelector: { matchLabels: { team: 'u' } } })).to.match(/pod affinity rules/);
    });

    it('prefers to be near, or far', () => {
      const stage = new Stage([node('a'), node('b')]);
      stage.run(pod('d', { labels: { app: 'db' } }), 'b');
      const preferred = [{ weight: 100, podAffinityTerm: term('db') }];
      const soft = (kind: string) =>
        pod('p', wants('p', { [kind]: { preferredDuringSchedulingIgnoredDuringExecution: preferred } }));
      expect(stage.answer(soft('podAffinity'))).to.equal('b');
      expect(stage.answer(soft('podAntiAffinity'))).to.equal('a');
    });
  });

  describe('SC-5 sampling', () => {
    for (const [nodes, wanted] of [
      [5, 5],
      [99, 99],
      [100, 100],
      [200, 100],
      [1000, 420],
      [5000, 500],
      [10_000, 500],
    ] as const) {
      it(`of ${nodes} nodes ${wanted} that will do are enough`, () => {
        expect(feasibleWanted(nodes)).to.equal(wanted);
      });
    }

    it('begins the next search where the last one ended', () => {
      const stage = new Stage(Array.from({ length: 150 }, (_, i) => node(`n${i}`)));
      const first = stage.decide(pod('p'));
      expect(first.next).to.equal(100);
      expect(stage.decide(pod('q'), first.next).next).to.equal(50);
    });

    it('breaks ties by chance, each node as likely as another', () => {
      const stage = new Stage([node('a'), node('b'), node('c')]);
      const counts = new Map<string, number>();
      for (let i = 0; i < 600; i++) {
        const chosen = stage.answer(pod('p'));
        counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
      }
      for (const count of counts.values()) expect(count).to.be.within(140, 260);
      expect(counts.size).to.equal(3);
    });
  });
});
