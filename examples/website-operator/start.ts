/**
 * `npm start`: an embedded cluster with the operator inside, a Website and the manifests applied, and what happens
 * shown as it happens: objects, pods, and a page fetched through a Service. With `--once` it ends when everything
 * shown is ready.
 */
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  type AnyObject,
  createLogger,
  findCondition,
  type KindOf,
  type KubernetesObject,
  keyOf,
  Manager,
} from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import { Deployment, PersistentVolumeClaim, Pod, Service } from 'gyre/kinds';
import { parse, parseAllDocuments } from 'yaml';
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
const example = (path: string) => readFileSync(new URL(`../../../examples/${path}`, import.meta.url), 'utf8');

const stop = new AbortController();
const stopped = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

await using cluster = await EmbeddedCluster.start({
  dataDir: resolve(options['data-dir']),
  store: 'embedded',
  https: { port: Number(options.port) },
  nodes: { runtime: 'process' },
});
say(`cluster    serving the Kubernetes 1.32 API at ${cluster.url}`);
say(`node       local, ${cluster.isolation}`);

await using manager = Manager.create({
  cluster: cluster.target,
  // What happens is shown below; only what goes wrong is logged.
  log: createLogger(({ level, message, fields }) => console.error(level, message, fields), 'warn'),
})
  .provide(Dns, new InMemoryDns())
  .register(WebsiteController);
await manager.start();
say('operator   running: WebsiteController');

const client = cluster.client();

/** Shows every change of a kind until the end; resolves when one of its objects is ready. */
function follow<T extends KubernetesObject>(
  kind: KindOf<T>,
  line: (object: T) => string,
  isReady: (object: T) => boolean,
): Promise<void> {
  return new Promise((ready, failed) => {
    const last = new Map<string, string>();
    const show = async () => {
      const { events } = await client.watch(kind, { namespace: 'default', signal: stop.signal });
      for await (const batch of events) {
        for (const event of batch) {
          if (event.type === 'ERROR' || event.type === 'BOOKMARK') continue;
          const { kind: name, metadata } = event.object;
          const text = event.type === 'DELETED' ? `${metadata.name}  deleted` : line(event.object);
          if (text !== last.get(metadata.name)) say(`${shortName(name).padEnd(10)} ${text}`);
          last.set(metadata.name, text);
          if (event.type !== 'DELETED' && isReady(event.object)) ready();
        }
      }
    };
    show().catch((error: unknown) => {
      if (!stop.signal.aborted) failed(error);
    });
  });
}

const shortName = (kind: string) => (kind === 'PersistentVolumeClaim' ? 'claim' : kind.toLowerCase());
const progress = ({ spec, status }: Deployment) =>
  `${status?.readyReplicas ?? 0}/${spec.replicas ?? 1} ready`;
const isComplete = ({ metadata, spec, status }: Deployment) =>
  status?.observedGeneration === metadata.generation && status?.availableReplicas === (spec.replicas ?? 1);

function ready(site: Website) {
  return findCondition(site.status?.conditions, 'Ready');
}

/** Applies every object of a file, as kubectl would. */
async function apply(file: string): Promise<void> {
  for (const document of parseAllDocuments(example(file))) {
    const object = document.toJS() as AnyObject;
    const kind = [Deployment, Service, PersistentVolumeClaim].find((known) => known.kind === object.kind);
    if (!kind) throw new Error(`${file} holds a ${object.kind}`);
    const placed = { ...object, metadata: { ...object.metadata, namespace: 'default' } };
    await client.apply(kind as unknown as KindOf<AnyObject>, placed as never, { force: true });
  }
  say(`you        kubectl apply -f examples/${file}`);
}

/** Resolves with the first lines of what a Service answers. */
function fetchPage(url: string): Promise<string> {
  return new Promise((done, failed) => {
    get(url, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => done(text));
    }).once('error', failed);
  });
}

const manifest = parse(example('website-operator/website.yaml'));
await client.apply(
  Website,
  { ...manifest, metadata: { ...manifest.metadata, namespace: 'default' } },
  { force: true },
);
say('you        kubectl apply -f examples/website-operator/website.yaml');
await apply('manifests/web.yaml');
await apply('manifests/claim.yaml');

const waiting = new Set(['blog', 'web', 'notes']);
const everythingReady = Promise.all([
  new Promise<void>((done, failed) => {
    follow(
      Deployment,
      (d) => `${d.metadata.name}  ${progress(d)}`,
      (d) => {
        if (isComplete(d)) waiting.delete(d.metadata.name);
        if (waiting.size === 0) done();
        return false;
      },
    ).catch(failed);
  }),
  follow(
    Website,
    (w) => `${w.metadata.name}  ${ready(w)?.message ?? 'waiting for the operator'}`,
    (w) => ready(w)?.status === 'True',
  ),
  follow(
    PersistentVolumeClaim,
    (c) =>
      `${c.metadata.name}  ${c.status?.phase ?? 'Pending'}${c.spec?.volumeName ? ` to ${c.spec.volumeName}` : ''}`,
    (c) => c.status?.phase === 'Bound',
  ),
  follow(
    Pod,
    (p) =>
      `${p.metadata.name}  ${p.status?.phase ?? 'Pending'}${p.status?.podIP ? ` at ${p.status.podIP}` : ''}`,
    () => true,
  ),
]);

await Promise.race([everythingReady, stopped]);
if (!stop.signal.aborted) await showService();
if (options.once) say('ready      everything shown is ready');
else if (!stop.signal.aborted) {
  console.log(`
Now you:
  export KUBECONFIG=${cluster.kubeconfig}
  kubectl get websites,deployments,pods,services,pvc
  kubectl patch website blog --type merge -p '{"spec":{"replicas":5}}'
  kubectl apply -f examples/manifests/rollout.yaml && kubectl rollout status deployment/web
  kubectl logs deployment/notes
  kubectl exec -it deployment/web -- sh
  kubectl delete website blog
Ctrl-C stops it.
`);
  await stopped;
}
stop.abort();

/** The web server through its Service: the proxy may hear of the pods a moment later than we do. */
async function showService(): Promise<void> {
  const { spec, metadata } = await client.get(Service, 'default/web');
  const url = `http://${spec?.clusterIP}:${spec?.ports?.[0]?.port}/`;
  for (let attempt = 1; !stop.signal.aborted; attempt++) {
    try {
      const page = await fetchPage(url);
      say(
        `service    ${keyOf({ metadata })} answers at ${url}: ${/<p>(.*?)<\/p>/.exec(page)?.[1] ?? page.trim()}`,
      );
      return;
    } catch (error) {
      if (attempt === 50) throw error;
      await pause(100);
    }
  }
}
