import { ConfigMap, Deployment, Namespace, Pod } from 'gyre/kinds';
import { apply, Gadget, gadget, podOn, settings, web, widget, widgets } from '../manifests.js';
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
    title: 'delete --all deletes all of the namespace',
    source: 'control-plane §3 (delete)',
    has: [labelled('a', 'back'), labelled('b', 'front'), gadget],
    run: ['delete', 'configmaps,gadgets', '--all'],
    stdout: ['configmap "a" deleted', 'configmap "b" deleted', 'gadget.shop.example.com "ball" deleted'],
    leaves: [
      [ConfigMap, 'a', 'nothing'],
      [ConfigMap, 'b', 'nothing'],
      [Gadget, 'ball', 'nothing'],
    ],
  },
  {
    title: 'delete --field-selector deletes what it selects',
    source: 'control-plane §3 (delete), API-13',
    has: [labelled('a', 'back'), labelled('b', 'back')],
    run: ['delete', 'configmaps', '--field-selector=metadata.name!=a'],
    stdout: ['configmap "b" deleted'],
    leaves: [
      [ConfigMap, 'a', {}],
      [ConfigMap, 'b', 'nothing'],
    ],
  },
  {
    title: 'delete --raw prints what the server said',
    source: 'API-7',
    has: [settings],
    run: ['delete', '--raw=/api/v1/namespaces/$NS/configmaps/settings'],
    stdout:
      /^\{"kind":"Status","apiVersion":"v1","metadata":\{\},"status":"Success","details":\{"name":"settings","kind":"configmaps","uid":"UID"\}\}$/,
    leaves: [[ConfigMap, 'settings', 'nothing']],
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
    title: 'delete --wait=false of a pod on a node leaves it to the node, for its grace period',
    source: 'API-7',
    has: [podOn('n1')],
    run: ['delete', 'pod', 'shell', '--wait=false', '--grace-period=5'],
    stdout: ['pod "shell" deleted'],
    leaves: [
      [
        Pod,
        'shell',
        {
          metadata: {
            deletionTimestamp: (at: unknown) => typeof at === 'string',
            deletionGracePeriodSeconds: 5,
          },
        },
      ],
    ],
  },
  {
    title: 'delete --force --grace-period=0 of a pod on a node does not wait for it',
    source: 'API-7',
    has: [podOn('n1')],
    run: ['delete', 'pod', 'shell', '--force', '--grace-period=0'],
    stdout: ['pod "shell" force deleted'],
    stderr: [
      'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.',
    ],
    leaves: [[Pod, 'shell', 'nothing']],
  },
  {
    title: 'delete --now gives it a second',
    source: 'API-7',
    has: [podOn('n1')],
    run: ['delete', 'pod', 'shell', '--now', '--wait=false'],
    stdout: ['pod "shell" deleted'],
    leaves: [[Pod, 'shell', { metadata: { deletionGracePeriodSeconds: 1 } }]],
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
    title: 'delete waits until the last finalizer has gone',
    source: 'API-7, GC-1',
    has: [{ ...settings, metadata: { name: 'held', finalizers: ['example.com/hold'] } }],
    run: ['delete', 'configmap', 'held'],
    meanwhile: [
      {
        after: /^configmap "held" deleted$/m,
        run: ['patch', 'configmap', 'held', '--type=merge', '--patch={"metadata":{"finalizers":null}}'],
      },
    ],
    stdout: ['configmap "held" deleted'],
    leaves: [[ConfigMap, 'held', 'nothing']],
  },
  {
    title: 'delete --timeout says what is still there',
    source: 'API-7, GC-1',
    has: [{ ...settings, metadata: { name: 'held', finalizers: ['example.com/hold'] } }],
    run: ['delete', 'configmap', 'held', '--timeout=100ms'],
    exit: 1,
    stdout: ['configmap "held" deleted'],
    // Some versions complain about a watch that short as well.
    stderr: /^error: timed out waiting for the condition on configmaps\/held$/m,
    leaves: [[ConfigMap, 'held', { metadata: { finalizers: ['example.com/hold'] } }]],
  },
  {
    title: 'delete --cascade=orphan and =foreground leave it to a finalizer of the garbage collector',
    source: 'API-7, GC-3',
    has: [web],
    given: [{ run: ['delete', 'deployment', 'web', '--cascade=orphan', '--wait=false'] }],
    run: ['get', 'deployment', 'web', '-ojsonpath={.metadata.finalizers}'],
    stdout: ['["orphan"]'],
    leaves: [[Deployment, 'web', { metadata: { finalizers: ['orphan'] } }]],
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
    alone: true,
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
    title: 'wait --for=jsonpath ends when the field gets the value',
    source: 'control-plane §3 (wait)',
    has: [settings],
    run: ['wait', '--for=jsonpath={.data.done}=yes', 'configmap/settings', '--timeout=15s'],
    meanwhile: [{ run: ['patch', 'configmap', 'settings', '--patch={"data":{"done":"yes"}}'] }],
    stdout: ['configmap/settings condition met'],
  },
  {
    title: 'wait --for=condition=Available ends when the status says so',
    source: 'control-plane §3 (wait)',
    has: [web],
    run: ['wait', '--for=condition=Available', 'deployment/web', '--timeout=15s'],
    meanwhile: [
      {
        run: [
          'patch',
          'deployment',
          'web',
          '--subresource=status',
          '--patch={"status":{"observedGeneration":1,"conditions":[{"type":"Available","status":"True"}]}}',
        ],
      },
    ],
    stdout: ['deployment.apps/web condition met'],
  },
  {
    title: 'wait --all waits for each',
    source: 'control-plane §3 (wait)',
    has: [labelled('a', 'back'), labelled('b', 'back')],
    run: ['wait', '--for=jsonpath={.metadata.labels.tier}=back', 'configmaps', '--all', '--timeout=15s'],
    stdout: ['configmap/a condition met', 'configmap/b condition met'],
  },
  {
    title: 'wait of what is not there fails at once',
    source: 'API-19',
    run: ['wait', '--for=condition=Available', 'deployment/nope', '--timeout=15s'],
    exit: 1,
    stderr: ['Error from server (NotFound): deployments.apps "nope" not found'],
  },
  {
    title: 'wait --for=condition times out',
    source: 'control-plane §3 (wait)',
    has: [web],
    run: ['wait', '--for=condition=Available', 'deployment/web', '--timeout=100ms'],
    exit: 1,
    stderr: /^error: timed out waiting for the condition on deployments\/web$/m,
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
    title: 'wait --for=create ends when the object appears',
    source: 'control-plane §3 (wait)',
    since: 31,
    run: ['wait', '--for=create', 'configmap/coming', '--timeout=15s'],
    meanwhile: [{ run: ['create', 'configmap', 'coming'] }],
    stdout: ['configmap/coming condition met'],
  },
  {
    title: 'wait --for=delete returns for what is not there',
    source: 'control-plane §3 (wait)',
    run: ['wait', '--for=delete', 'configmap/settings', '--timeout=5s'],
  },
  {
    title: 'wait --for=delete ends when the object goes',
    source: 'control-plane §3 (wait)',
    has: [settings],
    run: ['wait', '--for=delete', 'configmap/settings', '--timeout=15s'],
    meanwhile: [{ run: ['delete', 'configmap', 'settings'] }],
    // Nothing when it has gone before the first look.
    stdout: /^(?:configmap\/settings condition met)?$/,
    leaves: [[ConfigMap, 'settings', 'nothing']],
  },
];
