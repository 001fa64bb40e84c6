/**
 * `npm start`: a cluster in this process with the operator inside, and one TemplateKind to look at. Real kubectl
 * talks to it. `npm start -- --once` ends when the TemplateKind is ready.
 */
import { findCondition } from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import { operator } from './operator.js';
import { TemplateKind } from './template-kind.js';

const once = process.argv.includes('--once');
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

await using cluster = await EmbeddedCluster.start({
  dataDir: '.gyre',
  https: { port: 0 },
  nodes: { runtime: 'process' },
});
await using manager = operator(cluster.target);
await manager.start();

const client = cluster.client();
await client.apply(TemplateKind, TemplateKind.of('default/hello', { image: 'nginx', replicas: 2 }));
console.log(`
  export KUBECONFIG=${cluster.kubeconfig}
  kubectl get templatekinds,deployments,pods
  kubectl patch templatekind hello --type merge -p '{"spec":{"replicas":3}}'
Ctrl-C stops it.
`);

const { events } = await client.watch(TemplateKind, { namespace: 'default', signal: stop.signal });
try {
  for await (const batch of events) {
    for (const event of batch) {
      if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue;
      const ready = findCondition(event.object.status?.conditions, 'Ready');
      console.log(
        `TemplateKind ${event.object.metadata.name}: ${ready?.message ?? 'waiting for the operator'}`,
      );
      if (once && ready?.status === 'True') stop.abort();
    }
  }
} catch (error) {
  if (!stop.signal.aborted) throw error;
}
