/** OC-13: every namespace has its default service account. */
import { expect } from 'chai';
import { ServiceAccountController } from 'gyre/controllers';
import { Namespace, ServiceAccount } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';

const start = () => TestCluster.start({ builtin: false, controllers: [ServiceAccountController] });

describe('serviceaccount-controller', () => {
  it('OC-13 makes the default service account of a new namespace, and again when it is deleted', async () => {
    await using t = await start();
    await t.client.create(Namespace, { metadata: { name: 'team' } });
    await t.settle();
    const { uid } = t.get(ServiceAccount, 'team/default').metadata;
    await t.client.delete(ServiceAccount, 'team/default');
    await t.settle();
    expect(t.get(ServiceAccount, 'team/default').metadata.uid).to.not.equal(uid);
  });

  it('OC-13 makes none in a namespace that is ending, and leaves others alone', async () => {
    await using t = await start();
    await t.client.create(Namespace, { metadata: { name: 'team' } });
    await t.client.create(ServiceAccount, { metadata: { namespace: 'team', name: 'mine' } });
    await t.client.delete(Namespace, 'team');
    await t.client.delete(ServiceAccount, 'team/default').catch(() => {});
    await t.client.delete(ServiceAccount, 'team/mine');
    await t.advance('1m');
    expect(t.find(ServiceAccount, 'team/default')).to.equal(undefined);
    expect(t.find(ServiceAccount, 'team/mine')).to.equal(undefined);
    expect(t.get(Namespace, 'team').status?.phase).to.equal('Terminating');
  });
});
