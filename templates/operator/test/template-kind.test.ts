import { expect } from 'chai';
import { Deployment } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';
import { TemplateKindController } from '../src/template-kind.controller.js';
import { TemplateKind } from '../src/template-kind.js';

describe('TemplateKindController', () => {
  it('runs the image with as many replicas as asked for, and says when they are ready', async () => {
    await using t = await TestCluster.start({ controllers: [TemplateKindController] });
    await t.apply(TemplateKind.of('default/hello', { image: 'nginx', replicas: 3 }));
    await t.advance('1m'); // virtual: takes milliseconds
    const { status } = t.get(TemplateKind, 'default/hello');
    expect(status?.readyReplicas).to.equal(3);
    expect(status?.conditions?.[0]).to.include({ type: 'Ready', status: 'True' });
  });

  it('keeps the Deployment as asked for, whoever changes it', async () => {
    await using t = await TestCluster.start({ controllers: [TemplateKindController] });
    await t.apply(TemplateKind.of('default/hello', { image: 'nginx' }));
    await t.advance('1m');
    await t.client.patch(Deployment, 'default/hello', (draft) => {
      draft.spec.replicas = 7;
    });
    await t.advance('1m');
    expect(t.get(Deployment, 'default/hello').spec.replicas).to.equal(1);
  });
});
