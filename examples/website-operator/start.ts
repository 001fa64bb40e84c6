/**
 * `npm start`: an embedded cluster with the operator inside, a Website applied, and what happens shown as
 * it happens. With `--once` it ends when everything shown is ready.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Manager, type KubernetesObject } from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import { Deployment } from 'gyre/kinds';
import { parse } from 'yaml';
import { Dns, InMemoryDns } from './dns.js';
import { ReadyStandIn } from './ready-stand-in.js';
import { WebsiteController } from './website.controller.js';
import { Website } from './website.js';

const { values: options } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    port: { type: 'string', default: '0' },
    'data-dir': { type: 'string', default: '.gyre' },
  },
});
const began = process.uptime();
const say = (text: string) => console.log(`${(process.uptime() - began).toFixed(3).padStart(7)}s  ${text}`);

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

await using cluster = await EmbeddedCluster.start({
  https: { dataDir: resolve(options['data-dir']), port: Number(options.port) },
});
say(`cluster    serving the Kubernetes 1.32 API at ${cluster.url}`);

const manager = Manager.create({
  cluster: (identity) => cluster.transport({ username: identity, groups: ['system:masters'] }),
})
  .provide(Dns, new InMemoryDns())
  .register(WebsiteController)
  .register(ReadyStandIn);
await manager.start();
say('operator   running: WebsiteController, and a stand-in that reports Deployments ready');

const client = cluster.client();
const manifest = parse(
  readFileSync(new URL('../../../examples/website-operator/website.yaml', import.meta.url), 'utf8'),
);
const applied = await client.apply(Website, {
  ...manifest,
  metadata: { ...manifest.metadata, namespace: 'default' },
});
say(`you        kubectl apply -f examples/website-operator/website.yaml  (${applied.metadata.name})`);

const follow = async <T extends KubernetesObject>(
  kind: Parameters<typeof client.watch<T>>[0],
  line: (object: T) => string,
  until: (object: T) => boolean,
) => {
  const watch = await client.watch<T>(kind, { namespace: 'default', signal: stop.signal });
  let last = '';
  for await (const events of watch.events) {
    for (const event of events) {
      if (event.type === 'ERROR' || event.type === 'BOOKMARK') continue;
      const text = event.type === 'DELETED' ? `${event.object.metadata.name} deleted` : line(event.object);
      if (text !== last) say(`${event.object.kind.toLowerCase().padEnd(10)} ${text}`);
      last = text;
      if (options.once && event.type !== 'DELETED' && until(event.object)) return;
    }
  }
};
await Promise.all([
  follow(
    Deployment,
    (d) =>
      `${d.metadata.name}  ${d.status?.readyReplicas ?? 0}/${d.spec.replicas ?? 1} ready  (owned by the Website)`,
    (d) => (d.status?.readyReplicas ?? 0) >= (d.spec.replicas ?? 1),
  ),
  follow(
    Website,
    (w) =>
      `${w.metadata.name}  ${w.status?.conditions?.find((c) => c.type === 'Ready')?.message ?? 'waiting for the operator'}`,
    (w) => {
      const ready = w.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
      if (ready && !options.once) showNext();
      return ready;
    },
  ),
]);

let shown = false;
function showNext(): void {
  if (shown) return;
  shown = true;
  console.log(`
Now you:
  export KUBECONFIG=${cluster.kubeconfig}
  kubectl get websites,deployments
  kubectl patch website blog --type merge -p '{"spec":{"replicas":5}}'
  kubectl get website blog -o yaml
  kubectl delete website blog
Ctrl-C stops it.
`);
}

if (options.once) say('ready      everything shown is ready');
await manager.stop();
