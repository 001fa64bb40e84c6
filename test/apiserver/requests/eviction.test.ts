/** `pods/eviction` (API-14): a pod goes as far as its PodDisruptionBudget lets it. */
import { expect } from 'chai';
import type { Status } from 'gyre/api';
import {
  configuration,
  configurationsUrl,
  handler,
  type ReviewRequest,
  rule,
  urlOf,
  webhook,
} from '../admission/webhook-objects.js';
import { VirtualServer } from './virtual-server.js';

const pods = '/api/v1/namespaces/default/pods';
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';

describe('pods/eviction', () => {
  let k: VirtualServer;
  beforeEach(async () => {
    k = await VirtualServer.start();
  });
  afterEach(() => k[Symbol.asyncDispose]());

  interface PodState {
    readonly phase?: string;
    readonly ready?: boolean;
    readonly finalizers?: readonly string[];
  }
  async function pod(name: string, { phase = 'Running', ready = true, finalizers }: PodState = {}) {
    await k.post(pods, {
      metadata: { name, labels: { app: 'web' }, ...(finalizers ? { finalizers } : {}) },
      spec: { containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 0 },
    });
    return k.patch(`${pods}/${name}/status`, {
      status: { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
    });
  }
  async function budget(
    name: string,
    status: Readonly<Record<string, unknown>>,
    spec: Readonly<Record<string, unknown>> = {},
  ) {
    await k.post(budgets, {
      metadata: { name },
      spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } }, ...spec },
    });
    return k.patch(`${budgets}/${name}/status`, {
      status: {
        observedGeneration: 1,
        currentHealthy: 3,
        desiredHealthy: 2,
        expectedPods: 3,
        disruptionsAllowed: 1,
        ...status,
      },
    });
  }
  const evict = (name: string, more: object = {}, query = '') =>
    k.ask('POST', `${pods}/${name}/eviction${query}`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name, namespace: 'default' },
      ...more,
    });
  const exists = async (name: string): Promise<boolean> =>
    (await k.ask('GET', `${pods}/${name}`)).status === 200;

  it('API-14 deletes a pod that no budget covers, and answers 201 with a Status', async () => {
    await pod('a');
    await budget('other', { disruptionsAllowed: 0 }, { selector: { matchLabels: { app: 'db' } } });
    const { status, body } = await evict('a');
    expect(status).to.equal(201);
    expect(body).to.deep.equal({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      code: 201,
    });
    expect(await exists('a')).to.equal(false);
  });

  it('API-14 takes one from what the budget allows, and names the pod in it', async () => {
    await pod('a');
    await pod('b');
    await budget('web', { disruptionsAllowed: 2 });
    expect((await evict('a')).status).to.equal(201);
    const after = (await k.get(`${budgets}/web`)).status;
    expect(after.disruptionsAllowed).to.equal(1);
    expect(after.disruptedPods)
      .to.have.property('a')
      .that.match(/^\d{4}-.*Z$/);
    expect(after.conditions).to.equal(undefined);
    expect((await evict('b')).status).to.equal(201);
    const last = (await k.get(`${budgets}/web`)).status;
    expect(last.disruptionsAllowed).to.equal(0);
    expect(Object.keys(last.disruptedPods)).to.deep.equal(['a', 'b']);
    expect(last.conditions[0]).to.include({
      type: 'DisruptionAllowed',
      status: 'False',
      reason: 'InsufficientPods',
    });
  });

  it('API-14 a budget that allows none is 429 with the cause DisruptionBudget, and the pod stays', async () => {
    await pod('a');
    await budget('web', { disruptionsAllowed: 0, currentHealthy: 2 });
    const { status, body, headers } = await evict('a');
    expect(status).to.equal(429);
    expect(body).to.deep.equal({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      reason: 'TooManyRequests',
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: 'The disruption budget web needs 2 healthy pods and has 2 currently',
          },
        ],
      },
      code: 429,
    });
    expect(headers).not.to.have.property('retry-after');
    expect(await exists('a')).to.equal(true);
  });

  it('API-14 a budget that has not been counted since it changed is 429 with a time to wait', async () => {
    await pod('a');
    await budget('web', { observedGeneration: 0 });
    const { status, body, headers } = await evict('a');
    expect(status).to.equal(429);
    expect((body as Status).details?.causes).to.deep.equal([
      {
        reason: 'DisruptionBudget',
        message: 'The disruption budget web is still being processed by the server.',
      },
    ]);
    expect(headers['retry-after']).to.equal('10');
  });

  it('API-14 of two evictions at once that share the last place, one goes', async () => {
    await pod('a');
    await pod('b');
    await budget('web', { disruptionsAllowed: 1 });
    const codes = (await Promise.all([evict('a'), evict('b')])).map(({ status }) => status);
    expect(codes).to.have.members([201, 429]);
    expect((await k.get(`${budgets}/web`)).status.disruptionsAllowed).to.equal(0);
  });

  it('API-14 two budgets for one pod are 500, whatever they allow', async () => {
    await pod('a');
    await budget('one', {});
    await budget('two', {});
    const { status, body } = await evict('a');
    expect(status).to.equal(500);
    expect((body as Status).message).to.equal(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
    expect(await exists('a')).to.equal(true);
  });

  for (const phase of ['Pending', 'Succeeded', 'Failed'])
    it(`OC-10 a pod that is ${phase} goes without asking its budget`, async () => {
      await pod('a', { phase });
      await budget('web', { disruptionsAllowed: 0 });
      expect((await evict('a')).status).to.equal(201);
      expect(await exists('a')).to.equal(false);
    });

  const unready: readonly [string, string | undefined, object, number][] = [
    ['goes while enough others are healthy', undefined, { disruptionsAllowed: 0 }, 201],
    ['stays while too few are healthy', 'IfHealthyBudget', { disruptionsAllowed: 0, currentHealthy: 1 }, 429],
    ['always goes with AlwaysAllow', 'AlwaysAllow', { disruptionsAllowed: 0, currentHealthy: 1 }, 201],
  ];
  for (const [what, unhealthyPodEvictionPolicy, status, code] of unready)
    it(`OC-10 a pod that is not ready ${what}`, async () => {
      await pod('a', { ready: false });
      const policy = unhealthyPodEvictionPolicy ? { unhealthyPodEvictionPolicy } : {};
      await budget('web', status as Record<string, unknown>, policy);
      expect((await evict('a')).status).to.equal(code);
      expect(await exists('a')).to.equal(code !== 201);
      // It counted for nothing.
      expect((await k.get(`${budgets}/web`)).status).not.to.have.property('disruptedPods');
    });

  it('API-14 says on the pod why it goes', async () => {
    await pod('a', { finalizers: ['example.com/hold'] });
    expect((await evict('a')).status).to.equal(201);
    const { metadata, status } = await k.get(`${pods}/a`);
    expect(metadata.deletionTimestamp).to.be.a('string');
    expect(status.conditions.at(-1)).to.include({
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
    });
  });

  it('API-14 a dry run changes neither pod nor budget, and still says no', async () => {
    await pod('a');
    await budget('web', {});
    const before = [await k.get(`${pods}/a`), await k.get(`${budgets}/web`)];
    expect((await evict('a', {}, '?dryRun=All')).status).to.equal(201);
    expect((await evict('a', { deleteOptions: { dryRun: ['All'] } })).status).to.equal(201);
    expect([await k.get(`${pods}/a`), await k.get(`${budgets}/web`)]).to.deep.equal(before);
    await k.patch(`${budgets}/web/status`, { status: { disruptionsAllowed: 0 } });
    expect((await evict('a', {}, '?dryRun=All')).status).to.equal(429);
  });

  it('API-14 honours preconditions: of another pod, or another version, nothing is deleted', async () => {
    const { metadata } = await pod('a');
    const other = await evict('a', { deleteOptions: { preconditions: { uid: 'other' } } });
    expect(other.status).to.equal(409);
    expect((other.body as Status).message).to.equal(
      `Operation cannot be fulfilled on Pod "a": the UID in the precondition (other) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
    expect(
      (await evict('a', { deleteOptions: { preconditions: { resourceVersion: '1' } } })).status,
    ).to.equal(409);
    expect(await exists('a')).to.equal(true);
    const { resourceVersion, uid } = (await k.get(`${pods}/a`)).metadata;
    const meant = await evict('a', { deleteOptions: { preconditions: { resourceVersion, uid } } });
    expect(meant.status).to.equal(201);
    expect(await exists('a')).to.equal(false);
  });

  it('API-14 the options say how long the pod may take', async () => {
    await k.post(pods, {
      metadata: { name: 'slow' },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
    });
    await k.patch(`${pods}/slow/status`, { status: { phase: 'Running' } });
    expect((await evict('slow', { deleteOptions: { gracePeriodSeconds: 7 } })).status).to.equal(201);
    expect((await k.get(`${pods}/slow`)).metadata.deletionGracePeriodSeconds).to.equal(7);
  });

  it('API-14 takes the v1beta1 form, and a body without apiVersion and kind', async () => {
    await pod('a');
    await pod('b');
    expect((await evict('a', { apiVersion: 'policy/v1beta1' })).status).to.equal(201);
    expect((await k.ask('POST', `${pods}/b/eviction`, { metadata: { name: 'b' } })).status).to.equal(201);
  });

  it('API-14 what is no eviction of this pod is 400, a pod that is not there 404, and reading is 405', async () => {
    await pod('a');
    expect(await k.refused(400, 'POST', `${pods}/a/eviction`, { metadata: { name: 'b' } })).to.include({
      message: 'name in URL does not match name in Eviction object',
    });
    await k.refused(400, 'POST', `${pods}/a/eviction`, {
      kind: 'Binding',
      apiVersion: 'v1',
      metadata: { name: 'a' },
    });
    await k.refused(400, 'POST', `${pods}/a/eviction`, { metadata: { name: 'a' }, deleteOptions: 7 });
    expect((await evict('none')).status).to.equal(404);
    await k.refused(405, 'GET', `${pods}/a/eviction`);
    expect(await exists('a')).to.equal(true);
  });

  it('API-17 admission is asked about the eviction, not about the deletion', async () => {
    await pod('a');
    const seen: ReviewRequest[] = [];
    const name = 'guard.example.com';
    k.webhooks.register(
      { url: urlOf(name) },
      handler((request) => {
        seen.push(request);
        return request.dryRun ? undefined : { allowed: false, status: { message: 'not today' } };
      }),
    );
    await k.post(
      configurationsUrl('Validating'),
      configuration('Validating', name, [
        webhook(name, [rule('pods/eviction', 'CREATE'), rule('pods', 'DELETE')]),
      ]),
    );
    expect((await evict('a', {}, '?dryRun=All')).status).to.equal(201);
    const refused = await evict('a');
    expect(refused.status).to.equal(400);
    expect((refused.body as Status).message).to.include('not today');
    expect(seen.map(({ operation, subResource, kind }) => [operation, subResource, kind])).to.deep.equal([
      ['CREATE', 'eviction', { group: 'policy', version: 'v1', kind: 'Eviction' }],
      ['CREATE', 'eviction', { group: 'policy', version: 'v1', kind: 'Eviction' }],
    ]);
    expect(await exists('a')).to.equal(true);
  });
});
