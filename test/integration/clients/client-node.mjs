/**
 * What a program with @kubernetes/client-node sees of a cluster: arguments are its kubeconfig and a folder, the answer is one JSON
 * object on standard output. The pods `shell`, `talker` and `web` run already.
 */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const [kubeconfig, folder] = process.argv.slice(2);
const require = createRequire(join(process.cwd(), 'bench/peers/package.json'));
const k8s = await import(pathToFileURL(require.resolve('@kubernetes/client-node')).href);

const config = new k8s.KubeConfig();
config.loadFromFile(kubeconfig);
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const seen = {};

/** Collects what is written, and resolves once it holds what is looked for. */
function collector() {
  const stream = new PassThrough();
  let text = '';
  stream.setEncoding('utf8').on('data', (more) => (text += more));
  return {
    stream,
    text: () => text,
    until: async (pattern) => {
      while (!pattern.test(text)) await once(stream, 'data');
      return text;
    },
  };
}

const configMap = (name, data) => ({
  metadata: { name, namespace: 'default', labels: { of: 'node' } },
  data,
});

// An informer: what is there, then each change.
{
  const events = [];
  let wake = () => {};
  const list = () => core.listNamespacedConfigMap({ namespace: 'default', labelSelector: 'of=node' });
  const informer = k8s.makeInformer(config, '/api/v1/namespaces/default/configmaps', list, 'of=node');
  for (const verb of ['add', 'update', 'delete'])
    informer.on(verb, ({ metadata }) => {
      events.push(`${verb} ${metadata.name}`);
      wake();
    });
  informer.on('error', (error) => {
    events.push(`error ${error}`);
    wake();
  });
  const until = async (count) => {
    while (events.length < count)
      await new Promise((resolve) => {
        wake = resolve;
      });
  };
  await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('before', { a: '1' }) });
  await informer.start();
  await until(1);
  await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('after', { a: '1' }) });
  await until(2);
  await core.replaceNamespacedConfigMap({
    name: 'after',
    namespace: 'default',
    body: configMap('after', { a: '2' }),
  });
  await until(3);
  await core.deleteNamespacedConfigMap({ name: 'after', namespace: 'default' });
  await until(4);
  seen.informer = { events: [...events], cached: informer.get('before', 'default')?.data };
  await informer.stop();
}

// A watch that is read by hand, from a version on.
{
  const { metadata } = await core.listNamespacedConfigMap({ namespace: 'default' });
  const phases = [];
  const watch = new k8s.Watch(config);
  await new Promise((resolve, reject) => {
    watch
      .watch(
        '/api/v1/namespaces/default/configmaps',
        { resourceVersion: metadata.resourceVersion, timeoutSeconds: 20 },
        (phase, object) => {
          phases.push(`${phase} ${object.metadata.name}`);
          if (phases.length === 2) resolve();
        },
        (error) => error && reject(error),
      )
      .then(async (request) => {
        await core.createNamespacedConfigMap({ namespace: 'default', body: configMap('watched', {}) });
        await core.deleteNamespacedConfigMap({ name: 'watched', namespace: 'default' });
        return request;
      }, reject);
  });
  seen.watch = [...phases];
}

// Patches of all kinds, errors with their Status.
{
  const body = [{ op: 'replace', path: '/data/a', value: '3' }];
  const json = await core.patchNamespacedConfigMap({ name: 'before', namespace: 'default', body });
  const merged = await objects.patch(
    { apiVersion: 'v1', kind: 'ConfigMap', ...configMap('before', { b: '4' }) },
    undefined,
    undefined,
    undefined,
    undefined,
    k8s.PatchStrategy.MergePatch,
  );
  const applied = await objects.patch(
    { apiVersion: 'v1', kind: 'ConfigMap', ...configMap('applied', { c: '5' }) },
    undefined,
    undefined,
    'client-node',
    true,
    k8s.PatchStrategy.ServerSideApply,
  );
  const refusal = await core
    .createNamespacedConfigMap({ namespace: 'default', body: configMap('Not A Name', {}) })
    .catch((error) => ({ code: error.code, reason: JSON.parse(error.body).reason }));
  seen.patches = {
    json: json.data,
    merged: merged.data,
    applied: [applied.data, applied.metadata.managedFields?.[0]?.operation],
    refusal,
  };
}

// Workloads: scale, and status as typed objects.
{
  const labels = { app: 'scaled' };
  await apps.createNamespacedDeployment({
    namespace: 'default',
    body: {
      metadata: { name: 'scaled' },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
      },
    },
  });
  const scale = await apps.readNamespacedDeploymentScale({ name: 'scaled', namespace: 'default' });
  const { metadata } = await apps.readNamespacedDeployment({ name: 'scaled', namespace: 'default' });
  seen.deployment = { scale: scale.spec, created: metadata.creationTimestamp instanceof Date };
  await apps.deleteNamespacedDeployment({ name: 'scaled', namespace: 'default' });
}

// Streams.
{
  const [out, err] = [collector(), collector()];
  const status = await new Promise((resolve, reject) => {
    new k8s.Exec(config)
      .exec(
        'default',
        'shell',
        'shell',
        ['sh', '-c', 'cat; echo bad >&2; exit 3'],
        out.stream,
        err.stream,
        Readable.from(['typed\n']),
        false,
        resolve,
      )
      .then((socket) => socket.once('error', reject), reject);
  });
  seen.exec = {
    out: await out.until(/typed/),
    err: await err.until(/bad/),
    code: status.details?.causes?.[0]?.message,
  };
}
{
  const out = collector();
  const input = new PassThrough();
  const attach = new k8s.Attach(config);
  const socket = await attach.attach('default', 'talker', 'talker', out.stream, null, input, false);
  input.write('from node\n');
  seen.attach = await out.until(/heard from node/);
  socket.close();
}
{
  const out = collector();
  const log = new k8s.Log(config);
  const following = await log.log('default', 'talker', 'talker', out.stream, { follow: true, tailLines: 5 });
  seen.log = await out.until(/heard from node/);
  following.abort();
}
{
  const forward = new k8s.PortForward(config);
  const server = createServer((socket) => {
    void forward.portForward('default', 'web', [8080], socket, null, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  seen.portForward = await new Promise((resolve, reject) => {
    get({ port: server.address().port, host: '127.0.0.1', agent: false }, (response) => {
      resolve(response.statusCode);
      response.resume();
    }).once('error', reject);
  });
  server.close();
}
{
  const cp = new k8s.Cp(config);
  // A folder: of a single file it makes an archive that no tar takes.
  mkdirSync(join(folder, 'there'));
  writeFileSync(join(folder, 'there/copied.txt'), 'copied\n');
  await cp.cpToPod('default', 'shell', 'shell', join(folder, 'there'), '/tmp');
  // It does not wait for what it started.
  const out = collector();
  const read = ['sh', '-c', 'until [ -s /tmp/copied.txt ]; do sleep 0.1; done; cat /tmp/copied.txt'];
  await new k8s.Exec(config).exec('default', 'shell', 'shell', read, out.stream, null, null, false);
  seen.cpTo = await out.until(/\n/);
  // Its cpFromPod reads a compressed archive as a plain one: against no cluster does it work.
}

process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
