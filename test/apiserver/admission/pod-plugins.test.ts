/** What admission makes of new pods, and what it refuses (OC-11, OC-12, OC-13, OC-20, SC-10, KL-17). */
import { expect } from 'chai';
import { VirtualServer } from '../requests/virtual-server.js';

const pods = '/api/v1/namespaces/default/pods';
const pod = (name: string, spec: object = {}, more: object = {}) => ({
  metadata: { name, ...more },
  spec: { containers: [{ name: 'c', image: 'pause' }], ...spec },
});
const container = (resources: object) => ({ containers: [{ name: 'c', image: 'pause', resources }] });

describe('admission of pods', () => {
  let server: VirtualServer;
  beforeEach(async () => {
    server = await VirtualServer.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());
  const refused = async (body: object): Promise<string> =>
    (await server.refused(403, 'POST', pods, body)).message ?? '';

  it('SC-10 gives a pod the number of its class, or of the default one, and nobody else does', async () => {
    const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
    expect((await server.post(pods, pod('none'))).spec).to.include({
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
    });
    await server.post(classes, { metadata: { name: 'high' }, value: 7, preemptionPolicy: 'Never' });
    expect((await server.post(pods, pod('high', { priorityClassName: 'high' }))).spec).to.include({
      priority: 7,
      preemptionPolicy: 'Never',
    });
    await server.post(classes, { metadata: { name: 'usual' }, value: 3, globalDefault: true });
    expect((await server.post(pods, pod('usual'))).spec).to.include({
      priority: 3,
      priorityClassName: 'usual',
    });
    expect(
      (await server.post(pods, pod('critical', { priorityClassName: 'system-node-critical' }))).spec.priority,
    ).to.equal(2_000_001_000);
    expect(await refused(pod('x', { priorityClassName: 'nobody' }))).to.include(
      'no PriorityClass with name nobody was found',
    );
    expect(await refused(pod('x', { priority: 9 }))).to.include(
      'the integer value of priority (9) must not be provided in pod spec',
    );
    const second = await server.refused(403, 'POST', classes, {
      metadata: { name: 'b' },
      value: 1,
      globalDefault: true,
    });
    expect(second.message).to.include('PriorityClass usual is already marked as default');
  });

  it('KL-17 lets a pod stay five minutes on a node nobody hears of, unless it says otherwise', async () => {
    const seconds = (spec: { tolerations?: { key?: string; tolerationSeconds?: number }[] }) =>
      (spec.tolerations ?? []).map((t) => [t.key, t.tolerationSeconds]);
    expect(seconds((await server.post(pods, pod('a'))).spec)).to.deep.equal([
      ['node.kubernetes.io/not-ready', 300],
      ['node.kubernetes.io/unreachable', 300],
    ]);
    const forever = {
      tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }],
    };
    expect(seconds((await server.post(pods, pod('b', forever))).spec)).to.deep.equal([
      ['node.kubernetes.io/not-ready', undefined],
      ['node.kubernetes.io/unreachable', 300],
    ]);
    expect(
      (await server.post(pods, pod('c', { tolerations: [{ operator: 'Exists' }] }))).spec.tolerations,
    ).to.have.length(1);
  });

  it('OC-20 a RuntimeClass gives its overhead and its place, and contradicts nobody in silence', async () => {
    await server.post('/apis/node.k8s.io/v1/runtimeclasses', {
      metadata: { name: 'vm' },
      handler: 'vm',
      overhead: { podFixed: { memory: '128Mi' } },
      scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] },
    });
    const { spec } = await server.post(
      pods,
      pod('a', { runtimeClassName: 'vm', nodeSelector: { zone: 'a' } }),
    );
    expect(spec.overhead).to.deep.equal({ memory: '128Mi' });
    expect(spec.nodeSelector).to.deep.equal({ zone: 'a', vm: 'yes' });
    expect(spec.tolerations.map((t: { key: string }) => t.key)).to.include('vm');
    expect(await refused(pod('b', { runtimeClassName: 'vm', nodeSelector: { vm: 'no' } }))).to.include(
      'conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
    );
    expect(await refused(pod('b', { runtimeClassName: 'vm', overhead: { memory: '1Mi' } }))).to.include(
      "Pod's Overhead doesn't match",
    );
    expect(await refused(pod('b', { overhead: { memory: '1Mi' } }))).to.include(
      'Pod Overhead set without corresponding RuntimeClass',
    );
  });

  it('OC-12 tells every violation of a LimitRange at once, of containers, pods and ratios', async () => {
    await server.post('/api/v1/namespaces/default/limitranges', {
      metadata: { name: 'limits' },
      spec: {
        limits: [
          {
            type: 'Container',
            max: { cpu: '1' },
            min: { memory: '10Mi' },
            maxLimitRequestRatio: { cpu: '2' },
          },
          { type: 'Pod', max: { memory: '100Mi' } },
        ],
      },
    });
    const message = await refused(
      pod(
        'a',
        container({ requests: { cpu: '100m', memory: '5Mi' }, limits: { cpu: '2', memory: '200Mi' } }),
      ),
    );
    for (const violation of [
      'maximum cpu usage per Container is 1, but limit is 2',
      'minimum memory usage per Container is 10Mi, but request is 5Mi',
      'cpu max limit to request ratio per Container is 2, but provided ratio is 20.000000',
      'maximum memory usage per Pod is 100Mi, but limit is 200Mi',
    ])
      expect(message).to.include(violation);
    const made = await server.post(
      pods,
      pod('b', container({ requests: { memory: '20Mi' }, limits: { memory: '20Mi' } })),
    );
    expect(made.spec.containers[0].resources.limits).to.deep.equal({ cpu: '1', memory: '20Mi' });
    expect(made.metadata.annotations).to.deep.equal({
      'kubernetes.io/limit-ranger':
        'LimitRanger plugin set: cpu request for container c; cpu limit for container c',
    });
  });

  it('OC-12 bounds what claims ask for', async () => {
    await server.post('/api/v1/namespaces/default/limitranges', {
      metadata: { name: 'claims' },
      spec: { limits: [{ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '5Gi' } }] },
    });
    const claim = (storage: string) => ({
      metadata: { name: `c${storage.toLowerCase()}` },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
    });
    const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
    await server.post(claims, claim('2Gi'));
    expect((await server.refused(403, 'POST', claims, claim('9Gi'))).message).to.include(
      'maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 9Gi',
    );
    expect((await server.refused(403, 'POST', claims, claim('1Mi'))).message).to.include(
      'minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi',
    );
  });

  const quota = async (hard: object): Promise<string> => {
    const at = '/api/v1/namespaces/default/resourcequotas';
    await server.post(at, { metadata: { name: 'q' }, spec: { hard } });
    // As its controller would count it.
    const used = Object.fromEntries(Object.keys(hard).map((name) => [name, '0']));
    await server.patch(`${at}/q/status`, { status: { hard, used } });
    return `${at}/q`;
  };

  it('OC-11 never lets more in than a quota has room for, however many ask at once', async () => {
    const at = await quota({ pods: '5', 'count/configmaps': '3' });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => server.ask('POST', pods, pod(`p${i}`))),
    );
    const codes = answers.map(({ status }) => status);
    expect(codes.filter((code) => code === 201)).to.have.length(5);
    expect(codes.filter((code) => code === 403)).to.have.length(15);
    const { status } = await server.get(at);
    expect(status.used).to.deep.equal({ pods: '5', 'count/configmaps': '0' });
  });

  it('OC-11 charges nothing for what is only tried, or refused by somebody else', async () => {
    const at = await quota({ pods: '1' });
    await server.post(`${pods}?dryRun=All`, pod('tried'));
    await refused(pod('refused', { priorityClassName: 'nobody' }));
    await server.refused(422, 'POST', pods, pod('Wrong Name'));
    expect((await server.get(at)).status.used).to.deep.equal({ pods: '0' });
    await server.post(pods, pod('counted'));
    expect(await refused(pod('more'))).to.equal(
      'pods "more" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
    );
  });
});
