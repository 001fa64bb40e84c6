import { expect } from 'chai';
import { jsonPatch } from '../support/api-calls.js';
import { conformance } from './conformance.js';
import { supportsApiOperations } from './operations.js';

const strategicPatch = { 'content-type': 'application/strategic-merge-patch+json' };
const limits = {
  spec: {
    limits: [
      {
        type: 'Container',
        min: { cpu: '50m', memory: '100Mi', 'ephemeral-storage': '100Gi' },
        max: { cpu: '500m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
        default: { cpu: '500m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
        defaultRequest: { cpu: '100m', memory: '200Mi', 'ephemeral-storage': '200Gi' },
        maxLimitRequestRatio: {},
      },
    ],
  },
};
const pod = (name: string, resources: object = {}) => ({
  metadata: { name },
  spec: { nodeSelector: { no: 'node' }, containers: [{ name: 'c', image: 'pause', resources }] },
});

conformance('[sig-scheduling]', (restate) => {
  restate(
    'LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied.',
    async (k) => {
      const seen = await k.watch(k.at('v1', 'limitranges'));
      await k.post(k.at('v1', 'limitranges'), { ...limits, metadata: { name: 'limit-range' } });
      await seen.until('ADDED');
      const expected = {
        requests: { cpu: '100m', memory: '200Mi', 'ephemeral-storage': '200Gi' },
        limits: { cpu: '500m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
      };
      const made = await k.post(k.at('v1', 'pods'), pod('no-resources'));
      expect(made.spec.containers[0].resources).to.deep.equal(expected);
      const partial = await k.post(
        k.at('v1', 'pods'),
        pod('partial', {
          requests: { memory: '150Mi', 'ephemeral-storage': '150Gi' },
          limits: { cpu: '300m' },
        }),
      );
      // A request that is not given is the limit where that was, and else the default one.
      expect(partial.spec.containers[0].resources).to.deep.equal({
        requests: { cpu: '300m', memory: '150Mi', 'ephemeral-storage': '150Gi' },
        limits: { cpu: '300m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
      });
      await k.refused(
        403,
        'POST',
        k.at('v1', 'pods'),
        pod('small', { requests: { cpu: '10m', memory: '50Mi' } }),
      );
      await k.refused(
        403,
        'POST',
        k.at('v1', 'pods'),
        pod('large', { limits: { cpu: '600m', memory: '600Mi' } }),
      );
      const range = await k.get(k.at('v1', 'limitranges', 'limit-range'));
      const [item] = range.spec.limits;
      await k.put(k.at('v1', 'limitranges', 'limit-range'), {
        ...range,
        spec: { limits: [{ ...item, min: { cpu: '9m', memory: '49Mi', 'ephemeral-storage': '49Gi' } }] },
      });
      await k.post(k.at('v1', 'pods'), pod('small', { requests: { cpu: '10m', memory: '50Mi' } }));
      await k.refused(
        403,
        'POST',
        k.at('v1', 'pods'),
        pod('large', { limits: { cpu: '600m', memory: '600Mi' } }),
      );
      await k.delete(k.at('v1', 'limitranges', 'limit-range'));
      await k.post(k.at('v1', 'pods'), pod('large', { limits: { cpu: '600m', memory: '600Mi' } }));
    },
  );

  restate('LimitRange should list, patch and delete a LimitRange by collection', async (k) => {
    await k.post(k.at('v1', 'limitranges'), {
      ...limits,
      metadata: { name: 'ranges', labels: { 'e2e-set': k.namespace } },
    });
    const found = `/api/v1/limitranges?labelSelector=e2e-set%3D${k.namespace}`;
    expect((await k.get(found)).items).to.have.length(1);
    const patched = await k.patch(
      k.at('v1', 'limitranges', 'ranges'),
      {
        metadata: { labels: { ranges: 'patched' } },
        spec: { limits: [{ type: 'Container', min: { cpu: '40m' } }] },
      },
      strategicPatch,
    );
    expect(patched.metadata.labels).to.include({ ranges: 'patched' });
    expect(patched.spec.limits[0].min.cpu).to.equal('40m');
    await k.delete(`${k.at('v1', 'limitranges')}?labelSelector=ranges%3Dpatched`);
    expect((await k.get(found)).items).to.deep.equal([]);
  });

  restate(
    'SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods',
    async (k) => {
      const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';
      const name = `p1-${k.namespace}`;
      await k.post(classes, { metadata: { name }, value: 1, globalDefault: false });
      const status = await k.refused(
        422,
        'PATCH',
        `${classes}/${name}`,
        [{ op: 'replace', path: '/value', value: 2 }],
        jsonPatch,
      );
      expect(status.details?.causes?.[0]?.field).to.equal('value');
      expect(status.message).to.include('may not be changed in an update');
      const described = await k.patch(
        `${classes}/${name}`,
        [{ op: 'add', path: '/description', value: 'updated description' }],
        jsonPatch,
      );
      expect(described.description).to.equal('updated description');
      await k.delete(`${classes}/${name}`);
      await supportsApiOperations(k, {
        groupVersion: 'scheduling.k8s.io/v1',
        plural: 'priorityclasses',
        kind: 'PriorityClass',
        namespaced: false,
        object: { value: 3 },
      });
    },
  );
});
