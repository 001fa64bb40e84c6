/** Helpers for subresources: what they send, and what they do on a real server. */
import { expect } from 'chai';
import { isApiError, isOutcomeUnknown } from 'gyre/api';
import { createClient } from 'gyre/client';
import { Deployment, ServiceAccount } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';
import { ScriptedTransport } from './scripted-transport.js';

describe('client: subresource verbs', () => {
  it('evict posts an Eviction with the options of a deletion', async () => {
    const transport = new ScriptedTransport({ status: 201, body: { kind: 'Status' } });
    await createClient(transport).evict('default/web', {
      gracePeriodSeconds: 5,
      preconditions: { uid: 'u' },
      dryRun: true,
    });
    expect(transport.last).to.deep.include({
      method: 'POST',
      path: '/api/v1/namespaces/default/pods/web/eviction',
      body: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: 'web', namespace: 'default' },
        deleteOptions: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          gracePeriodSeconds: 5,
          preconditions: { uid: 'u' },
          dryRun: ['All'],
        },
      },
    });
  });

  it('evict that a budget is against is TooManyRequests', async () => {
    const body = { kind: 'Status', reason: 'TooManyRequests', code: 429, message: 'disruption budget' };
    const evicting = createClient(new ScriptedTransport({ status: 429, body })).evict('default/web');
    const error: unknown = await evicting.catch((failure: unknown) => failure);
    expect(isApiError(error, 'TooManyRequests')).to.equal(true);
  });

  it('getScale and setScale read and set the replicas of whatever has them', async () => {
    await using t = await TestCluster.start();
    const labels = { app: 'web' };
    await t.client.create(Deployment, {
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'a' }] } },
      },
    });
    expect((await t.client.getScale(Deployment, 'default/web')).spec?.replicas).to.equal(2);
    const scaled = await t.client.setScale(Deployment, 'default/web', 5);
    expect([scaled.kind, scaled.spec?.replicas]).to.deep.equal(['Scale', 5]);
    expect((await t.client.get(Deployment, 'default/web')).spec?.replicas).to.equal(5);
    await t.client.setScale(Deployment, 'default/web', 1, { dryRun: true });
    expect((await t.client.get(Deployment, 'default/web')).spec?.replicas).to.equal(5);
    const none: unknown = await t.client.getScale(ServiceAccount, 'default/default').catch((e: unknown) => e);
    expect(isApiError(none, 'NotFound')).to.equal(true);
  });

  it('createToken gives a token of a service account for an audience', async () => {
    await using t = await TestCluster.start();
    await t.client.create(ServiceAccount, { metadata: { name: 'robot', namespace: 'default' } });
    const { token, expirationTimestamp } = await t.client.createToken('default/robot', {
      audiences: ['vault'],
      expirationSeconds: 1200,
    });
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    expect(claims).to.deep.include({ aud: ['vault'], sub: 'system:serviceaccount:default:robot' });
    expect(Date.parse(expirationTimestamp) - t.clock.now()).to.equal(1_200_000);
  });

  it('an answer without a token leaves the outcome unknown', async () => {
    const client = createClient(new ScriptedTransport({ status: 201, body: { kind: 'TokenRequest' } }));
    const error: unknown = await client.createToken('a/b').catch((failure: unknown) => failure);
    expect(isOutcomeUnknown(error)).to.equal(true);
  });
});
