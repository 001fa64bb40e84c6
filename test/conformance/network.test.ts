import { expect } from 'chai';
import { mergePatch } from '../support/api-calls.js';
import { conformance } from './conformance.js';
import { supportsApiOperations } from './operations.js';

const strategicPatch = { 'content-type': 'application/strategic-merge-patch+json' };

conformance('[sig-network]', (restate) => {
  restate('EndpointSlice should support creating EndpointSlice API operations', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'discovery.k8s.io/v1',
      plural: 'endpointslices',
      kind: 'EndpointSlice',
      object: {
        addressType: 'IPv4',
        endpoints: [{ addresses: ['10.1.2.3', '10.1.2.4'] }],
        ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      },
    }),
  );

  restate('Ingress API should support creating Ingress API operations', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'networking.k8s.io/v1',
      plural: 'ingresses',
      kind: 'Ingress',
      object: {
        spec: {
          defaultBackend: { service: { name: 'default-backend', port: { name: '', number: 8080 } } },
          rules: [
            {
              host: 'foo.example.com',
              http: {
                paths: [
                  {
                    path: '/',
                    pathType: 'Prefix',
                    backend: { service: { name: 'test-backend', port: { number: 8080 } } },
                  },
                ],
              },
            },
          ],
        },
      },
      status: { loadBalancer: { ingress: [{ ip: '169.1.1.1' }] } },
    }),
  );

  restate('IngressClass API should support creating IngressClass API operations', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'networking.k8s.io/v1',
      plural: 'ingressclasses',
      kind: 'IngressClass',
      namespaced: false,
      object: { spec: { controller: 'example.com/controller' } },
    }),
  );

  const service = (name: string, labels: Record<string, string> = {}) => ({
    metadata: { name, labels },
    spec: { type: 'LoadBalancer', ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 80 }] },
  });

  restate('Services should complete a service status lifecycle', async (k) => {
    const seen = await k.watch(`${k.at('v1', 'services')}?labelSelector=test-service-static%3Dtrue`);
    await k.post(k.at('v1', 'services'), service('status', { 'test-service-static': 'true' }));
    await seen.until('ADDED');
    const at = k.at('v1', 'services', 'status');
    expect((await k.get(`${at}/status`)).status).to.deep.equal({ loadBalancer: {} });
    await k.patch(
      `${at}/status`,
      {
        metadata: { annotations: { patchedstatus: 'true' } },
        status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } },
      },
      mergePatch,
    );
    const patched = await seen.until('MODIFIED', (o) => o.metadata.annotations?.patchedstatus === 'true');
    expect(patched.status.loadBalancer.ingress[0].ip).to.equal('203.0.113.1');
    const condition = {
      type: 'StatusUpdate',
      status: 'True',
      reason: 'E2E',
      message: 'Set from e2e test',
      lastTransitionTime: '2026-11-23T10:00:00Z',
    };
    const newest = await k.get(at);
    await k.put(`${at}/status`, { ...newest, status: { ...newest.status, conditions: [condition] } });
    await seen.until('MODIFIED', (o) => o.status.conditions?.[0]?.type === 'StatusUpdate');
    await k.patch(at, { metadata: { labels: { 'test-service': 'patched' } } }, strategicPatch);
    await seen.until('MODIFIED', (o) => o.metadata.labels?.['test-service'] === 'patched');
    await k.delete(at);
    await seen.until('DELETED');
  });

  restate('Services should delete a collection of services', async (k) => {
    const services = k.at('v1', 'services');
    for (const n of [0, 1, 2])
      await k.post(services, {
        metadata: { name: `e2e-svc-${n}`, labels: { 'e2e-test-service': n === 2 ? 'kept' : 'deleted' } },
        spec: { ports: [{ port: 80 }] },
      });
    await k.delete(`${services}?labelSelector=e2e-test-service%3Ddeleted`);
    expect((await k.get(services)).items.map((item) => item.metadata.name)).to.deep.equal(['e2e-svc-2']);
  });

  restate('Services should find a service from listing all namespaces', async (k) => {
    const { items } = await k.get('/api/v1/services');
    expect(items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).to.include(
      'default/kubernetes',
    );
  });

  restate('Services should provide secure master service', async (k) => {
    const { spec } = await k.get('/api/v1/namespaces/default/services/kubernetes');
    expect(spec.ports).to.deep.include({
      name: 'https',
      protocol: 'TCP',
      port: 443,
      targetPort: spec.ports[0].targetPort,
    });
  });

  restate('Services should test the lifecycle of an Endpoint', async (k) => {
    const endpoints = k.at('v1', 'endpoints');
    const seen = await k.watch(`${endpoints}?labelSelector=test-endpoint-static%3Dtrue`);
    await k.post(endpoints, {
      metadata: { name: 'testservice', labels: { 'test-endpoint-static': 'true' } },
      subsets: [{ addresses: [{ ip: '10.0.0.24' }], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }],
    });
    await seen.until('ADDED');
    expect((await k.get('/api/v1/endpoints?labelSelector=test-endpoint-static%3Dtrue')).items).to.have.length(
      1,
    );
    const newest = await k.get(`${endpoints}/testservice`);
    await k.put(`${endpoints}/testservice`, {
      ...newest,
      metadata: { ...newest.metadata, labels: { ...newest.metadata.labels, 'test-service': 'updated' } },
    });
    await seen.until('MODIFIED', (o) => o.metadata.labels?.['test-service'] === 'updated');
    await k.patch(
      `${endpoints}/testservice`,
      {
        metadata: { labels: { 'test-service': 'patched' } },
        subsets: [
          { addresses: [{ ip: '10.0.0.25' }], ports: [{ name: 'http-test', port: 8080, protocol: 'TCP' }] },
        ],
      },
      strategicPatch,
    );
    const patched = await seen.until('MODIFIED', (o) => o.metadata.labels?.['test-service'] === 'patched');
    expect(patched.subsets).to.deep.equal([
      { addresses: [{ ip: '10.0.0.25' }], ports: [{ name: 'http-test', port: 8080, protocol: 'TCP' }] },
    ]);
    await k.delete(`${endpoints}?labelSelector=test-endpoint-static%3Dtrue`);
    await seen.until('DELETED');
  });

  restate('EndpointSlice should have Endpoints and EndpointSlices pointing to API Server', async (k) => {
    await k.get('/api/v1/namespaces/default/services/kubernetes');
    const endpoints = await k.get('/api/v1/namespaces/default/endpoints/kubernetes');
    expect(endpoints.subsets, 'subsets').to.have.length.greaterThan(0);
    const { items } = await k.get(
      '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes',
    );
    expect(items, 'slices').to.have.length.greaterThan(0);
    const addresses = items.flatMap((slice) =>
      slice.endpoints.flatMap((e: { addresses: string[] }) => e.addresses),
    );
    expect(addresses).to.include(endpoints.subsets[0].addresses[0].ip);
  });

  restate(
    'EndpointSlice should create and delete Endpoints and EndpointSlices for a Service with a selector specified',
    async (k) => {
      await k.post(k.at('v1', 'services'), {
        metadata: { name: 'example-empty-selector' },
        spec: {
          selector: { 'does-not-match-anything': 'endpoints-and-endpoint-slices-should-still-be-created' },
          ports: [{ name: 'example', port: 80, protocol: 'TCP' }],
        },
      });
      const slices = `${k.at('discovery.k8s.io/v1', 'endpointslices')}?labelSelector=kubernetes.io%2Fservice-name%3Dexample-empty-selector`;
      await k.eventually(() => k.get(k.at('v1', 'endpoints', 'example-empty-selector')));
      await k.eventually(async () => expect((await k.get(slices)).items).to.have.length.greaterThan(0));
      await k.delete(k.at('v1', 'services', 'example-empty-selector'));
      await k.eventually(() => k.refused(404, 'GET', k.at('v1', 'endpoints', 'example-empty-selector')));
      await k.eventually(async () => expect((await k.get(slices)).items).to.deep.equal([]));
    },
  );

  restate(
    'EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete',
    async (k) => {
      await k.post(k.at('v1', 'services'), {
        metadata: { name: 'custom' },
        spec: { ports: [{ name: 'example', port: 80, protocol: 'TCP' }] },
      });
      const subset = (ip: string) => [{ addresses: [{ ip }], ports: [{ port: 80 }] }];
      const made = await k.post(k.at('v1', 'endpoints'), {
        metadata: { name: 'custom' },
        subsets: subset('10.1.2.3'),
      });
      const slices = `${k.at('discovery.k8s.io/v1', 'endpointslices')}?labelSelector=kubernetes.io%2Fservice-name%3Dcustom`;
      const mirrors = async (ip: string): Promise<void> => {
        const { items } = await k.get(slices);
        expect(items).to.have.length(1);
        expect(items[0]?.endpoints[0].addresses).to.deep.equal([ip]);
        expect(items[0]?.metadata.labels).to.include({
          'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
        });
      };
      await k.eventually(() => mirrors('10.1.2.3'));
      await k.put(k.at('v1', 'endpoints', 'custom'), { ...made, subsets: subset('10.2.3.4') });
      await k.eventually(() => mirrors('10.2.3.4'));
      await k.delete(k.at('v1', 'endpoints', 'custom'));
      await k.eventually(async () => expect((await k.get(slices)).items).to.deep.equal([]));
    },
  );
});
