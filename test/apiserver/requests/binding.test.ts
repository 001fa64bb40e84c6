import { expect } from 'chai';
import type { Status } from 'gyre/api';
import { Pod } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';

const bindingKind = { apiVersion: 'v1', kind: 'Binding' };

describe('pods/binding', () => {
  let t: TestCluster;
  beforeEach(async () => {
    t = await TestCluster.start({ builtin: false });
    await t.client.create(Pod, {
      metadata: { namespace: 'default', name: 'p' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
  });
  afterEach(() => t.stop());

  async function bind(binding: object): Promise<Status | 'bound'> {
    const response = await t.cluster.transport().request({
      method: 'POST',
      path: '/api/v1/namespaces/default/pods/p/binding',
      body: { ...bindingKind, metadata: { name: 'p' }, ...binding },
    });
    return response.status === 201 ? 'bound' : (response.body as Status);
  }
  const to = (name: string) => ({ target: { kind: 'Node', name } });

  it('SC-8 sets node and condition in one write', async () => {
    const before = Number(t.get(Pod, 'default/p').metadata.resourceVersion);
    expect(await bind({ ...to('n'), metadata: { name: 'p', annotations: { why: 'room' } } })).to.equal(
      'bound',
    );
    const { metadata, spec, status } = t.get(Pod, 'default/p');
    expect(Number(metadata.resourceVersion)).to.equal(before + 1);
    expect(spec?.nodeName).to.equal('n');
    expect(metadata.annotations).to.deep.equal({ why: 'room' });
    expect(status?.conditions?.map(({ type, status: is }) => `${type} ${is}`)).to.deep.equal([
      'PodScheduled True',
    ]);
  });

  it('SC-8 refuses a pod that has a node, and leaves it there', async () => {
    await bind(to('n'));
    expect(await bind(to('other'))).to.include({
      reason: 'Conflict',
      code: 409,
      message: 'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"',
    });
    expect(t.get(Pod, 'default/p').spec?.nodeName).to.equal('n');
  });

  it('SC-8 refuses a pod that is being deleted', async () => {
    await t.client.patch(Pod, 'default/p', (draft) => {
      draft.metadata.finalizers = ['example.com/hold'];
    });
    await t.client.delete(Pod, 'default/p');
    expect(await bind(to('n'))).to.include({ reason: 'Conflict', code: 409 });
  });

  it('SC-8 refuses a binding without a node, to another pod of that name, or of another name', async () => {
    expect(await bind({ target: {} })).to.include({ reason: 'Invalid', code: 422 });
    expect(await bind({ target: { kind: 'Rack', name: 'r' } })).to.include({ reason: 'Invalid', code: 422 });
    expect(await bind({ ...to('n'), metadata: { name: 'p', uid: 'other' } })).to.include({
      reason: 'Conflict',
    });
    expect(await bind({ ...to('n'), metadata: { name: 'q' } })).to.include({ reason: 'BadRequest' });
    expect(t.get(Pod, 'default/p').spec?.nodeName).to.equal(undefined);
  });

  it('SC-8 of two at once one wins', async () => {
    const outcomes = await Promise.all([bind(to('a')), bind(to('b'))]);
    expect(outcomes.filter((outcome) => outcome === 'bound')).to.have.length(1);
    expect(outcomes.find((outcome) => outcome !== 'bound')).to.include({ reason: 'Conflict', code: 409 });
  });
});
