import { expect } from 'chai';
import type { JsonObject } from 'gyre/api';
import { MemoryStore } from 'gyre/store';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { WatchCache } from '#src/apiserver/cache/watch-cache.js';
import { serviceResolver } from '#src/apiserver/webhooks/service-resolver.js';

const metadata = { name: 'hook', namespace: 'n' };
const service = (spec: JsonObject): JsonObject => ({ apiVersion: 'v1', kind: 'Service', metadata, spec });
const ports = [
  { name: 'web', port: 443 },
  { name: 'metrics', port: 9090 },
];
const slice = (name: string, label: string, ip: string, ready: boolean): readonly [string, JsonObject] => [
  `/discovery.k8s.io/endpointslices/n/${name}`,
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'n', labels: { 'kubernetes.io/service-name': label } },
    endpoints: [{ addresses: [ip], conditions: { ready } }],
    ports: [
      { name: 'web', port: 9443 },
      { name: 'metrics', port: 8080 },
    ],
  },
];

describe('the address of a service', () => {
  async function resolved(
    objects: readonly (readonly [string, JsonObject])[],
    port?: number,
  ): Promise<unknown> {
    const clock = new VirtualClock();
    const store = new MemoryStore({ clock });
    for (const [key, object] of objects) await store.create(key, object);
    const cache = await WatchCache.open(store, { clock });
    try {
      return serviceResolver(cache, seededRandom())({ ...metadata, ...(port === undefined ? {} : { port }) });
    } catch (error) {
      return (error as Error).message;
    } finally {
      cache.close();
      await store.close();
    }
  }
  const own = ['/core/services/n/hook', service({ ports })] as const;

  it('is a ready endpoint of its slices, at the port of that name', async () => {
    const all = [
      own,
      slice('hook-1', 'hook', '10.0.0.1', false),
      slice('hook-2', 'hook', '10.0.0.2', true),
      slice('other-1', 'other', '10.0.0.3', true),
    ];
    expect(await resolved(all)).to.deep.equal({ host: '10.0.0.2', port: 9443 });
    expect(await resolved(all, 9090)).to.deep.equal({ host: '10.0.0.2', port: 8080 });
  });

  it('is one of its Endpoints where there are no slices', async () => {
    const subsets = [{ addresses: [{ ip: '10.0.0.4' }], ports: [{ name: 'web', port: 9443 }] }];
    const endpoints = { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets };
    expect(await resolved([own, ['/core/endpoints/n/hook', endpoints]])).to.deep.equal({
      host: '10.0.0.4',
      port: 9443,
    });
  });

  it('is the name an ExternalName stands for', async () => {
    const external = service({ type: 'ExternalName', externalName: 'hook.example.com' });
    expect(await resolved([['/core/services/n/hook', external]])).to.deep.equal({
      host: 'hook.example.com',
      port: 443,
    });
  });

  it('is not there without the service, its port, or somebody ready', async () => {
    expect(await resolved([])).to.equal('service "hook" not found');
    expect(await resolved([own], 80)).to.equal('no service port 80 found for service "hook"');
    expect(await resolved([own, slice('hook-1', 'hook', '10.0.0.1', false)])).to.equal(
      'no endpoints available for service "hook"',
    );
  });
});
