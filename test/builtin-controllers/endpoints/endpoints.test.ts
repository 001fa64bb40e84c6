/** Endpoints: decided, and in a cluster. */
import { expect } from 'chai';
import fc from 'fast-check';
import { EndpointsCleanup, EndpointsController } from 'gyre/controllers';
import { Endpoints, Pod, Service } from 'gyre/kinds';
import type { EndpointSubset } from 'gyre/kinds/core/v1';
import { TestCluster } from 'gyre/testing';
import { decide } from '#src/builtin-controllers/endpoints/decide.js';
import { desiredSubsets, truncated } from '#src/builtin-controllers/endpoints/subsets.js';
import { pod, service, setStatus, store } from '../endpointslice/objects.js';

const key = { namespace: 'default', name: 'web' };
const namesIn = (addresses: EndpointSubset['addresses'] = []) => addresses.map((a) => a.targetRef?.name);

describe('Endpoints, decided', () => {
  it('EP-1 has terminating pods only where unready addresses are published', () => {
    const pods = [
      pod('a'),
      pod('b', { deleting: true, ip: '10.64.0.2' }),
      pod('c', { phase: 'Failed', ip: '10.64.0.3' }),
      pod('d', { ip: '' }),
    ];
    expect(namesIn(desiredSubsets(service(), pods)[0]?.addresses)).to.deep.equal(['a']);
    const published = service({ publishNotReadyAddresses: true });
    expect(namesIn(desiredSubsets(published, pods)[0]?.addresses)).to.deep.equal(['a', 'b']);
  });

  it('EP-4 has one subset per list of resolved ports, all ports of a pod together', () => {
    const of = service({
      ports: [
        { name: 'http', port: 80, targetPort: 'http' },
        { name: 'fixed', port: 81, targetPort: 8181 },
      ],
    });
    const subsets = desiredSubsets(of, [
      pod('a', { ports: [{ name: 'http', containerPort: 8080 }] }),
      pod('b', { ports: [{ name: 'http', containerPort: 8080 }], ip: '10.64.0.2' }),
      pod('c', { ports: [{ name: 'http', containerPort: 9090 }], ip: '10.64.0.3' }),
      pod('d', { ip: '10.64.0.4' }),
    ]);
    expect(
      subsets.map(({ addresses, ports }) => [namesIn(addresses), ports?.map(({ port }) => port)]),
    ).to.deep.equal([
      [['d'], [8181]],
      [
        ['a', 'b'],
        [8080, 8181],
      ],
      [['c'], [9090, 8181]],
    ]);
  });

  it('EP-4 allows a headless Service without ports', () => {
    const [subset] = desiredSubsets(service({ clusterIP: 'None', ports: [] }), [pod('a')]);
    expect(namesIn(subset?.addresses)).to.deep.equal(['a']);
    expect(subset).to.not.have.property('ports');
  });

  it('EP-7 tells ready from unready addresses, unless those are published', () => {
    const pods = [pod('a'), pod('b', { ready: false, ip: '10.64.0.2' })];
    const [subset] = desiredSubsets(service(), pods);
    expect([namesIn(subset?.addresses), namesIn(subset?.notReadyAddresses)]).to.deep.equal([['a'], ['b']]);
    const [published] = desiredSubsets(service({ publishNotReadyAddresses: true }), pods);
    expect([namesIn(published?.addresses), published?.notReadyAddresses]).to.deep.equal([
      ['a', 'b'],
      undefined,
    ]);
  });

  it('EP-7 caps the addresses, prefers ready ones, and cuts every subset in proportion (property)', () => {
    const addresses = (count: number, tag: string) =>
      Array.from({ length: count }, (_, i) => ({ ip: `${tag}-${i}` }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 60 }),
        (sizes, max) => {
          const subsets = sizes.map(([ready, not], i) => ({
            addresses: addresses(ready, `r${i}`),
            notReadyAddresses: addresses(not, `n${i}`),
          }));
          const [ready, not] = [0, 1].map((k) =>
            sizes.reduce((sum, pair) => sum + (pair[k] as number), 0),
          ) as [number, number];
          const cut = truncated(subsets, max);
          if (ready + not <= max) {
            expect(cut).to.equal(undefined);
            return;
          }
          const kept = cut ?? [];
          const readyKept = kept.flatMap((s) => s.addresses ?? []);
          const notKept = kept.flatMap((s) => s.notReadyAddresses ?? []);
          expect(readyKept).to.have.lengthOf(Math.min(ready, max));
          expect(notKept).to.have.lengthOf(max - Math.min(ready, max));
          if (ready <= max) return;
          for (const [i, [size]] of sizes.entries()) {
            const share = readyKept.filter(({ ip }) => ip.startsWith(`r${i}-`)).length;
            expect(share).to.be.at.most(Math.ceil((size / ready) * max));
          }
        },
      ),
    );
  });

  it('EP-7 says that it cut, and stops saying so', () => {
    const pods = Array.from({ length: 1001 }, (_, i) => pod(`p${i}`, { ip: `10.64.${i >> 8}.${i & 255}` }));
    const change = decide({ service: service(), pods, endpoints: undefined });
    if (change.do !== 'create') throw new Error(change.do);
    expect(change.object.metadata.annotations).to.include({
      'endpoints.kubernetes.io/over-capacity': 'truncated',
    });
    expect(change.object.subsets?.[0]?.addresses).to.have.lengthOf(1000);
    const endpoints = { ...change.object, metadata: { ...change.object.metadata } } as unknown as Endpoints;
    expect(decide({ service: service(), pods, endpoints }).do).to.equal('nothing');
    const after = decide({ service: service(), pods: pods.slice(1), endpoints });
    if (after.do !== 'update') throw new Error(after.do);
    expect(after.object.metadata.annotations).to.not.have.property('endpoints.kubernetes.io/over-capacity');
  });
});

describe('endpoint-controller', () => {
  const start = () =>
    TestCluster.start({ builtin: false, controllers: [EndpointsController, EndpointsCleanup] });

  it('EP-7 follows pods and the labels of the Service, and mends what others break', async () => {
    await using t = await start();
    await store(t.client, service({}, { labels: { team: 'x' } }));
    await t.settle();
    expect(t.get(Endpoints, key).subsets ?? []).to.deep.equal([]);
    await store(t.client, pod('a'));
    await store(t.client, pod('b', { ip: '10.64.0.2', ready: false }));
    await t.settle();
    const { subsets, metadata } = t.get(Endpoints, key);
    expect(metadata.labels).to.deep.equal({ team: 'x' });
    expect(subsets?.map((s) => [namesIn(s.addresses), namesIn(s.notReadyAddresses), s.ports])).to.deep.equal([
      [['a'], ['b'], [{ port: 80, protocol: 'TCP' }]],
    ]);
    await setStatus(t.client, 'b', pod('b', { ip: '10.64.0.2' }).status);
    await t.client.patchRaw(Endpoints, key, { type: 'merge', patch: { metadata: { labels: null } } });
    await t.settle();
    expect(namesIn(t.get(Endpoints, key).subsets?.[0]?.addresses)).to.deep.equal(['a', 'b']);
    expect(t.get(Endpoints, key).metadata.labels).to.deep.equal({ team: 'x' });
    await t.client.delete(Pod, 'default/a');
    await t.settle();
    expect(namesIn(t.get(Endpoints, key).subsets?.[0]?.addresses)).to.deep.equal(['b']);
  });

  it('EP-7 writes nothing when nothing changes', async () => {
    await using t = await start();
    await store(t.client, service({ ports: [{ name: 'http', port: 80 }] }));
    await store(t.client, pod('a'));
    await t.settle();
    const { resourceVersion } = t.get(Endpoints, key).metadata;
    await t.client.patch(Service, key, (draft) => {
      draft.metadata.annotations = { note: 'x' };
    });
    await t.advance('1h');
    expect(t.get(Endpoints, key).metadata.resourceVersion).to.equal(resourceVersion);
  });

  it('removes the Endpoints of a Service that goes, and none that were made before their Service', async () => {
    await using t = await start();
    await t.client.create(Endpoints, { metadata: { namespace: 'default', name: 'early' } });
    await store(t.client, service());
    await t.settle();
    await t.client.delete(Service, key);
    await t.settle();
    expect(t.find(Endpoints, key)).to.equal(undefined);
    expect(t.find(Endpoints, 'default/early')).to.not.equal(undefined);
  });

  it('removes Endpoints that came after the end of their Service', async () => {
    await using t = await start();
    await store(t.client, service());
    await t.settle();
    const { metadata } = t.get(Endpoints, key);
    await t.client.delete(Service, key);
    await t.settle();
    const { labels, annotations } = metadata;
    await t.client.create(Endpoints, {
      metadata: { ...key, labels: labels ?? {}, annotations: annotations ?? {} },
    });
    await t.settle();
    expect(t.find(Endpoints, key)).to.equal(undefined);
  });

  it('leaves Services without a selector alone', async () => {
    await using t = await start();
    const { selector: _, ...bare } = service().spec ?? {};
    await store(t.client, { ...service(), spec: bare });
    await t.settle();
    expect(t.find(Endpoints, key)).to.equal(undefined);
  });
});
