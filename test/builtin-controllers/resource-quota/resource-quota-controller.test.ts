/** Quotas of kinds that are named by `count/` alone, which the controller cannot watch: they are read when it counts. */
import { expect } from 'chai';
import { isForbidden } from 'gyre';
import { CustomResourceDefinition, Ingress, ResourceQuota } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';

const ingress = (name: string) => ({
  metadata: { name, namespace: 'default' },
  spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
});

describe('a quota of kinds that are counted by name', () => {
  it('OC-11 keeps what was charged at each recount, and gives it back within half a minute', async () => {
    await using t = await TestCluster.start();
    await t.client.create(CustomResourceDefinition, {
      metadata: { name: 'widgets.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
        versions: [
          { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
          { name: 'v1beta1', served: true, storage: false, schema: { openAPIV3Schema: { type: 'object' } } },
        ],
      },
    });
    await t.advance('10s');
    const Widget = await t.client.kindFor('example.com/v1', 'Widget');
    const widget = (name: string) => ({ metadata: { name, namespace: 'default' } });
    const hard = {
      'count/widgets.example.com': '2',
      'count/ingresses.networking.k8s.io': '1',
      'count/gone.example.com': '1',
    };
    await t.client.create(Widget, widget('a'));
    await t.client.create(ResourceQuota, { metadata: { name: 'q', namespace: 'default' }, spec: { hard } });
    await t.settle();
    const used = () => t.get(ResourceQuota, 'default/q').status?.used;
    expect(used()).to.deep.equal({
      'count/widgets.example.com': '1',
      'count/ingresses.networking.k8s.io': '0',
      'count/gone.example.com': '0',
    });
    await t.client.create(Widget, widget('b'));
    await t.client.create(Ingress, ingress('one'));
    await t.advance('20m');
    expect(used()).to.include({ 'count/widgets.example.com': '2', 'count/ingresses.networking.k8s.io': '1' });
    for (const refused of [t.client.create(Widget, widget('c')), t.client.create(Ingress, ingress('two'))])
      expect(isForbidden(await refused.catch((error: unknown) => error))).to.equal(true);
    await t.client.delete(Widget, 'default/a');
    await t.advance('31s');
    expect(used()).to.include({ 'count/widgets.example.com': '1' });
    await t.client.create(Widget, widget('c'));
  });
});
