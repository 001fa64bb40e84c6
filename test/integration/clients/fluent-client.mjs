/**
 * What a program with kubernetes-fluent-client sees of a cluster: the argument is its kubeconfig, the answer one JSON object on
 * standard output. The pods `shell` and `web` run already.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// It takes its cluster from nowhere else.
[, , process.env.KUBECONFIG] = process.argv;
const require = createRequire(join(process.cwd(), 'bench/peers/package.json'));
const { GenericKind, K8s, kind, RegisterKind, WatchEvent } = await import(
  pathToFileURL(require.resolve('kubernetes-fluent-client')).href
);
const seen = {};
const configMap = (name, data) => ({
  metadata: { name, namespace: 'default', labels: { of: 'fluent' } },
  data,
});
const refusalOf = (asked) =>
  asked.then(
    () => 'none',
    ({ status, data }) => [status, data?.reason],
  );

// Get, Apply, Create, Patch, Delete.
{
  const maps = () => K8s(kind.ConfigMap).InNamespace('default');
  const applied = await K8s(kind.ConfigMap).Apply(configMap('fluent', { a: '1' }));
  const again = await K8s(kind.ConfigMap).Apply(configMap('fluent', { a: '2' }));
  await K8s(kind.ConfigMap).Create(configMap('other', { b: '1' }));
  const patched = await K8s(kind.ConfigMap, { namespace: 'default', name: 'other' }).Patch([
    { op: 'replace', path: '/data/b', value: '2' },
  ]);
  const { items } = await maps().WithLabel('of', 'fluent').Get();
  seen.objects = {
    applied: [applied.data, applied.metadata.managedFields?.[0]?.operation],
    again: again.data,
    patched: patched.data,
    listed: items.map(({ metadata }) => metadata.name),
    got: (await maps().Get('fluent')).data,
    byField: (await K8s(kind.ConfigMap).InNamespace('default').WithField('metadata.name', 'other').Get())
      .items.length,
    taken: await refusalOf(K8s(kind.ConfigMap).Create(configMap('other', {}))),
    invalid: await refusalOf(K8s(kind.ConfigMap).Create(configMap('Not A Name', {}))),
  };
  await maps().Delete('other');
  // What is not there is deleted already.
  await maps().Delete('other');
  seen.objects.gone = await refusalOf(maps().Get('other'));
}

// A watch: what is there, then each change.
{
  const events = [];
  let wake = () => {};
  const until = async (count) => {
    while (events.length < count)
      await new Promise((resolve) => {
        wake = resolve;
      });
  };
  const watcher = K8s(kind.ConfigMap)
    .InNamespace('default')
    .WithLabel('of', 'fluent')
    .Watch(({ metadata }, phase) => {
      events.push(`${phase} ${metadata.name}`);
      wake();
    });
  for (const failure of [WatchEvent.NETWORK_ERROR, WatchEvent.DATA_ERROR, WatchEvent.LIST_ERROR])
    watcher.events.on(failure, (error) => {
      events.push(`${failure} ${error}`);
      wake();
    });
  await watcher.start();
  await until(1);
  await K8s(kind.ConfigMap).Apply(configMap('watched', { n: '1' }));
  await until(2);
  await K8s(kind.ConfigMap).Apply(configMap('watched', { n: '2' }));
  await until(3);
  await K8s(kind.ConfigMap).InNamespace('default').Delete('watched');
  await until(4);
  watcher.close();
  seen.watch = events.slice(0, 4);
}

// A custom kind, with its status and finalizers.
{
  await K8s(kind.CustomResourceDefinition).Apply({
    metadata: { name: 'boats.fluent.example.com' },
    spec: {
      group: 'fluent.example.com',
      scope: 'Namespaced',
      names: { plural: 'boats', singular: 'boat', kind: 'Boat' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: { type: 'object', properties: { sails: { type: 'integer' } } },
                status: { type: 'object', properties: { afloat: { type: 'boolean' } } },
              },
            },
          },
        },
      ],
    },
  });
  const name = 'boats.fluent.example.com';
  const isEstablished = ({ status }) =>
    status?.conditions?.some((each) => each.type === 'Established' && each.status === 'True');
  while (!isEstablished(await K8s(kind.CustomResourceDefinition).Get(name)));
  class Boat extends GenericKind {}
  RegisterKind(Boat, { group: 'fluent.example.com', version: 'v1', kind: 'Boat', plural: 'boats' });
  const metadata = { name: 'gyre', namespace: 'default' };
  await K8s(Boat).Apply({ metadata, spec: { sails: 2 } });
  const { status } = await K8s(Boat).PatchStatus({ metadata, spec: {}, status: { afloat: true } });
  await K8s(Boat).InNamespace('default').Finalize('add', 'fluent.example.com/moored', 'gyre');
  const { spec, metadata: moored } = await K8s(Boat).InNamespace('default').Get('gyre');
  seen.custom = {
    spec,
    status,
    finalizers: moored.finalizers,
    unknown: await refusalOf(K8s(Boat).Apply({ metadata, spec: { oars: 2 } })),
  };
  await K8s(Boat).InNamespace('default').Finalize('remove', 'fluent.example.com/moored', 'gyre');
  await K8s(Boat).InNamespace('default').Delete('gyre');
}

// Subresources: scale, logs, proxy; a path of one's own.
{
  const labels = { app: 'fluent' };
  await K8s(kind.Deployment).Apply({
    metadata: { name: 'fluent', namespace: 'default' },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
    },
  });
  await K8s(kind.Deployment).InNamespace('default').Scale(1, 'fluent');
  seen.scaled = (await K8s(kind.Deployment).InNamespace('default').Get('fluent')).spec.replicas;
  await K8s(kind.Deployment).InNamespace('default').Delete('fluent');
  seen.logs = await K8s(kind.Pod).InNamespace('default').Logs('shell');
  seen.proxied = typeof (await K8s(kind.Pod).InNamespace('default').Proxy('web', '8080'));
  seen.version = (await K8s(kind.ConfigMap).Raw('/version')).gitVersion;
}

process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
