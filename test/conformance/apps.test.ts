import { expect } from 'chai';
import { mergePatch } from '../support/api-calls.js';
import { conformance } from './conformance.js';
import { supportsApiOperations } from './operations.js';

const podTemplate = (restartPolicy?: string) => ({
  metadata: { labels: { app: 'e2e' } },
  spec: {
    nodeSelector: { no: 'node' },
    containers: [{ name: 'c', image: 'pause' }],
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  },
});

conformance('[sig-apps]', (restate) => {
  restate('CronJob should support CronJob API operations', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'batch/v1',
      plural: 'cronjobs',
      kind: 'CronJob',
      object: {
        spec: {
          schedule: '1 2 3 4 *',
          suspend: true,
          jobTemplate: { spec: { template: podTemplate('OnFailure') } },
        },
      },
      status: { lastScheduleTime: '2026-11-23T10:00:00Z' },
    }),
  );

  const budget = (name: string, labels: Record<string, string> = {}) => ({
    metadata: { name, labels },
    spec: { selector: { matchLabels: { foo: 'bar' } }, minAvailable: '1%' },
  });
  restate('DisruptionController should create a PodDisruptionBudget', async (k) => {
    const budgets = k.at('policy/v1', 'poddisruptionbudgets');
    await k.post(budgets, budget('foo'));
    const patched = await k.patch(`${budgets}/foo`, { spec: { minAvailable: '3%' } }, mergePatch);
    expect(patched.spec.minAvailable).to.equal('3%');
    const updated = await k.eventually(async () =>
      k.put(`${budgets}/foo`, {
        ...(await k.get(`${budgets}/foo`)),
        spec: { ...patched.spec, minAvailable: '2%' },
      }),
    );
    expect(updated.spec.minAvailable).to.equal('2%');
    await k.delete(`${budgets}/foo`);
    await k.refused(404, 'GET', `${budgets}/foo`);
  });

  restate(
    'DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a collection of PodDisruptionBudgets',
    async (k) => {
      const budgets = k.at('policy/v1', 'poddisruptionbudgets');
      for (const name of ['foo', 'foo2']) await k.post(budgets, budget(name, { 'e2e-set': k.namespace }));
      const found = `/apis/policy/v1/poddisruptionbudgets?labelSelector=e2e-set%3D${k.namespace}`;
      expect((await k.get(found)).items).to.have.length(2);
      await k.delete(budgets);
      await k.eventually(async () => expect((await k.get(found)).items).to.deep.equal([]));
    },
  );
});
