/** Read-your-own-writes in a whole controller whose news come late: nothing is made twice, nothing deleted twice. */
import { expect } from 'chai';
import { controllerFor, done, ownerIndex, type Transport } from 'gyre';
import { ConfigMap, Secret } from 'gyre/kinds';
import { seededRandom, TestCluster } from 'gyre/testing';
import { lateNews, startManager, stopManager } from '../../builtin-controllers/workloads/managers.js';

/** Wants as many Secrets, under names the server gives, as the ConfigMap says; one step at a time. */
const secrets = controllerFor(ConfigMap)
  .named('secrets')
  .with({ predicate: () => true })
  .owns(Secret)
  .index(Secret, 'color', (secret) => [secret.metadata.labels?.color ?? ''])
  .reconcile(async (object, ctx) => {
    const wanted = Number(object.data?.count ?? 0);
    if (object.data?.count === undefined) return done;
    for (;;) {
      const mine = ctx.cache.by(Secret, ownerIndex, object.metadata.uid);
      // All ways of reading agree about what was just written.
      expect(ctx.cache.list(Secret, { labelSelector: 'color=red' })).to.have.members([...mine]);
      expect(ctx.cache.by(Secret, 'color', 'red')).to.have.members([...mine]);
      if (mine.length === wanted) return done;
      if (mine.length < wanted) {
        const made = await ctx.client.create(Secret, {
          metadata: {
            generateName: 'child-',
            namespace: 'default',
            labels: { color: 'red' },
            ownerReferences: [
              {
                apiVersion: 'v1',
                kind: 'ConfigMap',
                name: object.metadata.name,
                uid: object.metadata.uid,
                controller: true,
              },
            ],
          },
        });
        expect(ctx.cache.get(Secret, `default/${made.metadata.name}`)).to.not.equal(undefined);
      } else {
        const name = mine[0]?.metadata.name ?? '';
        await ctx.client.delete(Secret, `default/${name}`);
        expect(ctx.cache.get(Secret, `default/${name}`)).to.equal(undefined);
      }
    }
  });

/** Counts what is created and deleted. */
function counted(inner: Transport, counts: Record<string, number>): Transport {
  return {
    request: (request) => {
      if (request.path.includes('/secrets')) counts[request.method] = (counts[request.method] ?? 0) + 1;
      return inner.request(request);
    },
    watch: (request) => inner.watch(request),
    close: () => inner.close(),
  };
}

describe('a controller whose news are late', () => {
  for (let seed = 1; seed <= 12; seed++) {
    it(`makes and deletes exactly what is asked for (seed ${seed})`, async () => {
      await using t = await TestCluster.start({ builtin: false, seed });
      const random = seededRandom(seed);
      const counts: Record<string, number> = {};
      const manager = await startManager(t, [secrets], (id) =>
        lateNews(counted(t.cluster.target(id), counts), t.clock, random, 10_000),
      );
      let [at, ups, downs] = [0, 0, 0];
      for (let i = 0; i < 15; i++) {
        const next = Math.floor(random.next() * 8);
        ups += Math.max(0, next - at);
        downs += Math.max(0, at - next);
        at = next;
        await t.apply({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'a', namespace: 'default' },
          data: { count: String(next) },
        } as never);
        await t.advance(random.next() * 15_000);
      }
      await t.advance('2m');
      const made: Secret[] = [];
      for await (const secret of t.client.list(Secret, { namespace: 'default' })) made.push(secret);
      expect(made).to.have.length(at);
      expect((counts.POST ?? 0) - (counts.DELETE ?? 0)).to.equal(at);
      expect(counts.POST ?? 0).to.be.at.most(ups);
      expect(counts.DELETE ?? 0).to.be.at.most(downs);
      await stopManager(t, manager);
    });
  }
});
