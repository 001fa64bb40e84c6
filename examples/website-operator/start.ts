/**
 * `npm start`: an embedded cluster with the operator inside, a Website applied, and what happens shown as
 * it happens. With `--once` it ends when everything shown is ready.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createLogger, findCondition, type KindOf, type KubernetesObject, Manager } from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import { Deployment } from 'gyre/kinds';
import { parse } from 'yaml';
import { Dns, InMemoryDns } from './dns.js';
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
const stopped = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

await using cluster = await EmbeddedCluster.start({
  dataDir: resolve(options['data-dir']),
  https: { port: Number(options.port) },
});
say(`cluster    serving the Kubernetes 1.32 API at ${cluster.url}`);

const manager = Manager.create({
  cluster: cluster.target,
  // What happens is shown below; only what goes wrong is logged.
  log: createLogger(({ level, message, fields }) => console.error(level, message, fields), 'warn'),
})
  .provide(Dns, new InMemoryDns())
  .register(WebsiteController);
await manager.start();
say('operator   running: WebsiteController');

const client = cluster.client();
const manifest = parse(
  readFileSync(new URL('../../../examples/website-operator/website.yaml', import.meta.url), 'utf8'),
);
const applied = await client.apply(Website, {
  ...manifest,
  metadata: { ...manifest.metadata, namespace: 'default' },
});
say(`you        kubectl apply -f examples/website-operator/website.yaml  (${applied.metadata.name})`);

/** Shows every change of a kind until the end; resolves when one of its objects is ready. */
function follow<T extends KubernetesObject>(
  kind: KindOf<T>,
  line: (object: T) => string,
  isReady: (object: T) => boolean,
): Promise<void> {
  return new Promise((ready, failed) => {
    const show = async () => {
      const { events } = await client.watch(kind, { namespace: 'default', signal: stop.signal });
      let last = '';
      for await (const batch of events) {
        for (const event of batch) {
          if (event.type === 'ERROR' || event.type === 'BOOKMARK') continue;
          const { kind: name, metadata } = event.object;
          const text = event.type === 'DELETED' ? `${metadata.name}  deleted` : line(event.object);
          if (text !== last) say(`${name.toLowerCase().padEnd(10)} ${text}`);
          last = text;
          if (event.type !== 'DELETED' && isReady(event.object)) ready();
        }
      }
    };
    show().catch(failed);
  });
}

const everythingReady = Promise.all([
  follow(
    Deployment,
    (d) =>
      `${d.metadata.name}  ${d.status?.readyReplicas ?? 0}/${d.spec.replicas ?? 1} ready  (owned by the Website)`,
    (d) => (d.status?.readyReplicas ?? 0) >= (d.spec.replicas ?? 1),
  ),
  follow(
    Website,
    (w) => `${w.metadata.name}  ${ready(w)?.message ?? 'waiting for the operator'}`,
    (w) => ready(w)?.status === 'True',
  ),
]);

function ready(site: Website) {
  return findCondition(site.status?.conditions, 'Ready');
}

await Promise.race([everythingReady, stopped]);
if (options.once) say('ready      everything shown is ready');
else {
  console.log(`
Now you:
  export KUBECONFIG=${cluster.kubeconfig}
  kubectl get websites,deployments
  kubectl patch website blog --type merge -p '{"spec":{"replicas":5}}'
  kubectl get website blog -o yaml
  kubectl delete website blog
Ctrl-C stops it.
`);
  await stopped;
}
stop.abort();
await manager.stop();
