/** OC-14: every namespace has the authority's certificate. */
import { expect } from 'chai';
import { RootCaBundle, RootCaPublisher } from 'gyre/controllers';
import { ConfigMap, Namespace } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';

const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const start = () =>
  TestCluster.start({ builtin: false, controllers: [RootCaPublisher], provide: [[RootCaBundle, pem]] });
const key = { namespace: 'team', name: 'kube-root-ca.crt' };

describe('root-ca-certificate-publisher', () => {
  it('OC-14 publishes into the namespaces that are there and those that come', async () => {
    await using t = await start();
    await t.client.create(Namespace, { metadata: { name: 'team' } });
    await t.settle();
    expect(t.get(ConfigMap, key).data).to.deep.equal({ 'ca.crt': pem });
    expect(t.get(ConfigMap, 'kube-system/kube-root-ca.crt').data).to.deep.equal({ 'ca.crt': pem });
  });

  it('OC-14 makes it again when it is deleted, and restores what is changed or added', async () => {
    await using t = await start();
    await t.client.create(Namespace, { metadata: { name: 'team' } });
    await t.settle();
    await t.client.delete(ConfigMap, key);
    await t.settle();
    expect(t.get(ConfigMap, key).data).to.deep.equal({ 'ca.crt': pem });
    await t.client.patchRaw(ConfigMap, key, {
      type: 'merge',
      patch: { data: { 'ca.crt': 'mine', more: 'x' } },
    });
    await t.settle();
    expect(t.get(ConfigMap, key).data).to.deep.equal({ 'ca.crt': pem });
  });

  it('OC-14 publishes nothing into a namespace that is ending, and touches no other config map', async () => {
    await using t = await start();
    await t.client.create(Namespace, { metadata: { name: 'team' } });
    await t.client.create(ConfigMap, { metadata: { namespace: 'team', name: 'mine' }, data: { a: 'b' } });
    await t.settle();
    await t.client.delete(Namespace, 'team');
    await t.client.delete(ConfigMap, key);
    await t.advance('1m');
    expect(t.find(ConfigMap, key)).to.equal(undefined);
    expect(t.get(ConfigMap, 'team/mine').data).to.deep.equal({ a: 'b' });
  });
});
