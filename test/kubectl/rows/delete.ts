import { ConfigMap, Deployment, Namespace, Pod } from 'gyre/kinds';
import { apply, Gadget, gadget, settings, web, widget, widgets } from '../manifests.js';
import type { Row } from '../row.js';

const labelled = (name: string, tier: string): object => ({
  ...settings,
  metadata: { name, labels: { tier } },
});

/** `kubectl delete` and `kubectl wait` on what is there. */
export const deleteRows: readonly Row[] = [
  {
    title: 'delete by name',
    source: 'API-7',
    has: [settings],
    run: ['delete', 'configmap', 'settings'],
    stdout: ['configmap "settings" deleted'],
    leaves: [[ConfigMap, 'settings', 'nothing']],
  },
  {
    title: 'delete of what a file names',
    source: 'API-7',
    has: [web, gadget],
    run: ['delete', '-f', '-'],
    stdin: `---\n${JSON.stringify(web)}\n---\n${JSON.stringify(gadget)}\n`,
    stdout: ['deployment.apps "web" deleted', 'gadget.shop.example.com "ball" deleted'],
    leaves: [
      [Deployment, 'web', 'nothing'],
      [Gadget, 'ball', 'nothing'],
    ],
  },
  {
    title: 'delete -l deletes what matches and nothing else',
    source: 'control-plane §3 (delete)',
    has: [labelled('a', 'back'), labelled('b', 'back'), labelled('c', 'front')],
    run: ['delete', 'configmaps', '-ltier=back'],
    stdout: ['configmap "a" deleted', 'configmap "b" deleted'],
    leaves: [
      [ConfigMap, 'a', 'nothing'],
      [ConfigMap, 'c', {}],
    ],
  },
  {
    title: 'delete of what is not there fails',
    source: 'API-19',
    run: ['delete', 'configmap', 'nope'],
    exit: 1,
    stderr: ['Error from server (NotFound): configmaps "nope" not found'],
  },
  {
    title: 'delete --ignore-not-found does not mind',
    source: 'kubectl docs',
    run: ['delete', 'configmap', 'nope', '--ignore-not-found'],
  },
  {
    title: 'delete --dry-run=server deletes nothing',
    source: 'API-7',
    has: [settings],
    run: ['delete', 'configmap', 'settings', '--dry-run=server'],
    stdout: ['configmap "settings" deleted (server dry run)'],
    leaves: [[ConfigMap, 'settings', { metadata: { deletionTimestamp: undefined } }]],
  },
  {
    title: 'delete of a pod that no node has taken ends at once',
    source: 'API-7',
    given: [{ run: ['run', 'web', '--image=nginx'] }],
    run: ['delete', 'pod', 'web'],
    stdout: ['pod "web" deleted'],
    leaves: [[Pod, 'web', 'nothing']],
  },
  {
    title: 'delete --wait=false of what a finalizer holds marks it',
    source: 'API-7, GC-1',
    has: [{ ...settings, metadata: { name: 'held', finalizers: ['example.com/hold'] } }],
    run: ['delete', 'configmap', 'held', '--wait=false'],
    stdout: ['configmap "held" deleted'],
    leaves: [
      [
        ConfigMap,
        'held',
        {
          metadata: {
            deletionTimestamp: (at: unknown) => typeof at === 'string',
            deletionGracePeriodSeconds: 0,
          },
        },
      ],
    ],
  },
  {
    title: 'delete --wait=false of a Namespace has it terminate',
    source: 'API-7',
    given: [{ run: ['create', 'namespace', '$NS-ending'] }],
    run: ['delete', 'namespace', '$NS-ending', '--wait=false'],
    clusterWide: true,
    stdout: ['namespace "NS-ending" deleted'],
    leaves: [
      [Namespace, '$NS-ending', { status: { phase: 'Terminating' }, spec: { finalizers: ['kubernetes'] } }],
    ],
  },
  {
    title: 'a Namespace that is terminating takes nothing new',
    source: 'RS-4 (cause NamespaceTerminating)',
    given: [
      { run: ['create', 'namespace', '$NS-closing'] },
      { run: ['delete', 'namespace', '$NS-closing', '--wait=false'] },
    ],
    run: ['create', 'configmap', 'late', '--namespace=$NS-closing'],
    clusterWide: true,
    exit: 1,
    stderr: [
      'error: failed to create configmap: configmaps "late" is forbidden: unable to create new content in namespace NS-closing because it is being terminated',
    ],
  },
  {
    title: 'delete refuses the namespace default',
    source: 'API-17 (NamespaceLifecycle)',
    run: ['delete', 'namespace', 'default'],
    clusterWide: true,
    exit: 1,
    stderr: [
      'Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted',
    ],
    leaves: [[Namespace, 'default', { status: { phase: 'Active' } }]],
  },
  {
    title: 'delete of a definition deletes its objects and ends its API',
    source: 'API-15',
    given: [
      apply(widgets),
      { run: ['wait', '--for=condition=Established', '--timeout=5s', 'crd/widgets.$NS.example.com'] },
      apply(widget),
      { run: ['delete', 'crd', 'widgets.$NS.example.com', '--timeout=5s'] },
    ],
    run: ['get', 'widgets.$NS.example.com'],
    exit: 1,
    stderr: /doesn't have a resource type "widgets"|could not find the requested resource/,
  },
  {
    title: 'wait --for=jsonpath returns when the field has the value',
    source: 'control-plane §3 (wait)',
    has: [web],
    run: ['wait', '--for=jsonpath={.spec.replicas}=2', 'deployment/web', '--timeout=5s'],
    stdout: ['deployment.apps/web condition met'],
  },
  {
    title: 'wait --for=condition times out',
    source: 'control-plane §3 (wait)',
    has: [web],
    run: ['wait', '--for=condition=Available', 'deployment/web', '--timeout=100ms'],
    exit: 1,
    stderr: ['error: timed out waiting for the condition on deployments/web'],
  },
  {
    title: 'wait --for=create returns for what is there',
    source: 'control-plane §3 (wait)',
    since: 31,
    has: [settings],
    run: ['wait', '--for=create', 'configmap/settings', '--timeout=5s'],
    stdout: ['configmap/settings condition met'],
  },
  {
    title: 'wait --for=delete returns for what is not there',
    source: 'control-plane §3 (wait)',
    run: ['wait', '--for=delete', 'configmap/settings', '--timeout=5s'],
  },
];
