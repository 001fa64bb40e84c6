/** From Service, pods and slices to writes. */
import { expect } from 'chai';
import { controllerReference } from 'gyre';
import { type EndpointSlice, type Node, type Pod, Service } from 'gyre/kinds';
import { decide } from '#src/builtin-controllers/endpointslice/decide.js';
import { node, pod, service } from './objects.js';

const nodes: Record<string, Node> = { n1: node('n1', 'zone-a'), n2: node('n2') };
const nodeOf = (name: string): Node | undefined => nodes[name];

const run = (pods: readonly Pod[], of: Service = service(), slices: readonly EndpointSlice[] = []) =>
  decide({ service: of, pods, nodeOf, slices });

/** The slices as they are once the changes are written. */
let serial = 0;
function written(of: Service, before: readonly EndpointSlice[], pods: readonly Pod[]): EndpointSlice[] {
  const { create, update, remove } = run(pods, of, before);
  const gone = new Set([...update, ...remove].map((s) => s.metadata.uid));
  const made = create.map((s) => ({
    ...s,
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...s.metadata, name: `web-${++serial}`, uid: `uid-slice-${serial}`, resourceVersion: '1' },
  }));
  return [
    ...before.filter((s) => !gone.has(s.metadata.uid)),
    ...update,
    ...(made as unknown as EndpointSlice[]),
  ];
}
const endpointsIn = (slices: readonly { readonly endpoints?: EndpointSlice['endpoints'] }[]) =>
  slices.flatMap(({ endpoints = [] }) => endpoints);
const namesIn = (slices: readonly { readonly endpoints?: EndpointSlice['endpoints'] }[]) =>
  endpointsIn(slices)
    .map((e) => e.targetRef?.name)
    .sort();

describe('EndpointSlices, decided', () => {
  it('EP-1 leaves out pods that have ended or have no address, and keeps terminating ones', () => {
    const { create } = run([
      pod('running'),
      pod('failed', { phase: 'Failed' }),
      pod('succeeded', { phase: 'Succeeded' }),
      pod('no-address', { ip: '' }),
      pod('terminating', { deleting: true }),
    ]);
    expect(namesIn(create)).to.deep.equal(['running', 'terminating']);
  });

  for (const [publish, ready, deleting, expected] of [
    [false, true, false, { ready: true, serving: true, terminating: false }],
    [false, false, false, { ready: false, serving: false, terminating: false }],
    [false, true, true, { ready: false, serving: true, terminating: true }],
    [true, false, false, { ready: true, serving: false, terminating: false }],
    [true, true, true, { ready: true, serving: true, terminating: true }],
  ] as const) {
    it(`EP-2 conditions of a pod that is ${ready ? 'ready' : 'unready'}${deleting ? ', terminating' : ''}${publish ? ', published anyway' : ''}`, () => {
      const { create } = run([pod('a', { ready, deleting })], service({ publishNotReadyAddresses: publish }));
      expect(endpointsIn(create)[0]?.conditions).to.deep.equal(expected);
    });
  }

  it('EP-2 gives node, zone, target and, for its own subdomain alone, the hostname', () => {
    const { create } = run([
      pod('a', { node: 'n1', hostname: 'one', subdomain: 'web' }),
      pod('b', { node: 'n2', hostname: 'two', subdomain: 'other', ip: '10.64.0.2' }),
    ]);
    const [a, b] = endpointsIn(create);
    expect(a).to.deep.include({ nodeName: 'n1', zone: 'zone-a', hostname: 'one', addresses: ['10.64.0.1'] });
    expect(a?.targetRef).to.deep.equal({ kind: 'Pod', namespace: 'default', name: 'a', uid: 'uid-a' });
    expect(b).to.not.have.any.keys('zone', 'hostname');
  });

  it('EP-3 skips a pod on an unknown node and says so, unless unready addresses are published', () => {
    const pods = [pod('a', { node: 'n1' }), pod('b', { node: 'nowhere', ip: '10.64.0.2' })];
    expect(run(pods).skipped).to.deep.equal(['b']);
    expect(namesIn(run(pods).create)).to.deep.equal(['a']);
    const published = run(pods, service({ publishNotReadyAddresses: true }));
    expect(published.skipped).to.deep.equal([]);
    expect(namesIn(published.create)).to.deep.equal(['a', 'b']);
  });

  it('EP-4 puts pods whose named port differs into slices of their own', () => {
    const of = service({ ports: [{ name: 'http', port: 80, targetPort: 'http' }] });
    const { create } = run(
      [
        pod('a', { ports: [{ name: 'http', containerPort: 8080 }] }),
        pod('b', { ports: [{ name: 'http', containerPort: 9090 }], ip: '10.64.0.2' }),
        pod('udp', { ports: [{ name: 'http', containerPort: 1, protocol: 'UDP' }], ip: '10.64.0.3' }),
      ],
      of,
    );
    expect(create.map(({ ports }) => ports)).to.deep.equal([
      [{ name: 'http', port: 8080, protocol: 'TCP' }],
      [{ name: 'http', port: 9090, protocol: 'TCP' }],
    ]);
    expect(namesIn(create)).to.deep.equal(['a', 'b']);
  });

  it('EP-4 leaves out the port that a pod lacks, not the pod', () => {
    const of = service({
      ports: [
        { name: 'http', port: 80, targetPort: 8080 },
        { name: 'admin', port: 81, targetPort: 'admin' },
      ],
    });
    const { create } = run([pod('a')], of);
    expect(create.map(({ ports }) => ports)).to.deep.equal([[{ name: 'http', port: 8080, protocol: 'TCP' }]]);
  });

  it('EP-4 allows a headless Service without ports', () => {
    const { create } = run([pod('a')], service({ clusterIP: 'None', ports: [] }));
    expect(create.map(({ ports }) => ports)).to.deep.equal([[]]);
    expect(namesIn(create)).to.deep.equal(['a']);
  });

  it('EP-5 makes one placeholder without ports for a Service without endpoints, and uses it later', () => {
    const of = service();
    const first = written(of, [], []);
    expect(first.map(({ endpoints, ports }) => [endpoints, ports])).to.deep.equal([[[], []]]);
    expect(run([], of, first)).to.deep.equal({ create: [], update: [], remove: [], skipped: [] });
    const { create, update, remove } = run([pod('a')], of, first);
    expect([create.length, update.length, remove.length]).to.deep.equal([0, 1, 0]);
    expect(update[0]?.metadata.uid).to.equal(first[0]?.metadata.uid);
    const back = run([], of, written(of, first, [pod('a')]));
    expect(back.update.map(({ endpoints, ports }) => [endpoints, ports])).to.deep.equal([[[], []]]);
    expect(back.create).to.deep.equal([]);
  });

  it('EP-5 turns creates into updates of slices that would be removed, but of no other address type or owner', () => {
    const of = service();
    const before = written(of, [], [pod('a')]);
    const moved = service({ ports: [{ port: 80, targetPort: 8080 }] });
    expect(run([pod('a')], moved, before)).to.have.nested.property('update.length', 1);
    const foreign = before.map((s) => ({
      ...s,
      metadata: {
        ...s.metadata,
        ownerReferences: [controllerReference(service({}, { uid: 'before' }), Service)],
      },
    }));
    const replaced = run([pod('a')], of, foreign);
    expect([replaced.create.length, replaced.update.length, replaced.remove.length]).to.deep.equal([1, 0, 1]);
  });

  it('EP-5 never puts more than 100 endpoints into a slice, and moves none when one pod goes', () => {
    const of = service();
    const pods = Array.from({ length: 250 }, (_, i) => pod(`p${1000 + i}`, { ip: `10.64.1.${i}` }));
    const before = written(of, [], pods);
    expect(before.map(({ endpoints }) => endpoints.length)).to.deep.equal([100, 100, 50]);
    const { create, update, remove } = run(pods.slice(1), of, before);
    expect([create.length, update.length, remove.length]).to.deep.equal([0, 1, 0]);
    expect(update[0]?.endpoints).to.have.lengthOf(99);
  });

  it('EP-6 labels, owner, generated name', () => {
    const of = service(
      { clusterIP: 'None' },
      { labels: { team: 'x', 'kubernetes.io/service-name': 'fake' } },
    );
    const [slice] = run([pod('a')], of).create;
    expect(slice?.metadata).to.deep.include({ generateName: 'web-', namespace: 'default' });
    expect(slice?.metadata.labels).to.deep.equal({
      team: 'x',
      'kubernetes.io/service-name': 'web',
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      'service.kubernetes.io/headless': '',
    });
    expect(slice?.metadata.ownerReferences).to.deep.equal([controllerReference(of, Service)]);
    expect(run([pod('a')]).create[0]?.metadata.labels).to.not.have.property('service.kubernetes.io/headless');
  });

  it('EP-6 follows the labels of the Service', () => {
    const before = written(service({}, { labels: { team: 'x' } }), [], [pod('a')]);
    const { update } = run([pod('a')], service({}, { labels: { team: 'y' } }), before);
    expect(update[0]?.metadata.labels).to.include({ team: 'y' });
  });

  it('EP-6 creates nothing while the Service is being deleted', () => {
    const { create } = run([pod('a')], service({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }));
    expect(create).to.deep.equal([]);
  });

  it('EP-6 stamps what the slices answer to: the Service at first, then the pod that changed', () => {
    const annotation = 'endpoints.kubernetes.io/last-change-trigger-time';
    const of = service();
    const a = pod('a', { since: '2026-01-01T00:10:00Z' });
    const before = written(of, [], [a]);
    expect(before[0]?.metadata.annotations).to.deep.equal({ [annotation]: '2026-01-01T00:00:00Z' });
    const b = pod('b', { since: '2026-01-01T00:20:00Z', ip: '10.64.0.2' });
    const { update } = run([a, b], of, before);
    expect(update[0]?.metadata.annotations).to.deep.equal({ [annotation]: '2026-01-01T00:20:00Z' });
    const after = written(of, before, [a, b]);
    expect(run([a], of, after).update[0]?.metadata.annotations).to.deep.equal({});
  });
});
