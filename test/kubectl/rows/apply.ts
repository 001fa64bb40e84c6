import { ConfigMap, CustomResourceDefinition, Deployment } from 'gyre/kinds';
import { apply, Gadget, gadget, having, settings, web, widget, widgets } from '../manifests.js';
import type { Row } from '../row.js';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

const kustomization = `
resources: [web.json]
namePrefix: shop-
configMapGenerator:
- name: settings
  literals: [colour=blue]
images:
- name: nginx
  newTag: "1.28"
replicas:
- name: web
  count: 3
`;

/** `kubectl apply`, from the client's side and from the server's, and `kubectl diff`. */
export const applyRows: readonly Row[] = [
  {
    title: 'apply creates a ConfigMap and notes what was applied',
    source: 'control-plane §3 (apply CSA), API-5',
    ...apply(settings),
    stdout: ['configmap/settings created'],
    leaves: [
      [
        ConfigMap,
        'settings',
        {
          data: settings.data,
          metadata: { annotations: { [lastApplied]: (text: string) => text.includes('blue') } },
        },
      ],
    ],
  },
  {
    title: 'apply of the same again changes nothing',
    source: 'control-plane §3 (apply CSA), API-6',
    given: [apply(settings)],
    ...apply(settings),
    stdout: ['configmap/settings unchanged'],
  },
  {
    title: 'apply of a change configures, and removes what is no longer there',
    source: 'control-plane §3 (apply CSA), API-8',
    given: [apply(settings)],
    ...apply({ ...settings, data: { colour: 'green' } }),
    stdout: ['configmap/settings configured'],
    leaves: [[ConfigMap, 'settings', { data: { colour: 'green', size: undefined } }]],
  },
  {
    title: 'apply creates a Deployment with the defaults of Kubernetes',
    source: 'D-5, OC-16',
    ...apply(web),
    stdout: ['deployment.apps/web created'],
    leaves: [
      [
        Deployment,
        'web',
        {
          metadata: { generation: 1 },
          spec: {
            replicas: 2,
            revisionHistoryLimit: 10,
            progressDeadlineSeconds: 600,
            strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
            template: {
              spec: {
                restartPolicy: 'Always',
                dnsPolicy: 'ClusterFirst',
                schedulerName: 'default-scheduler',
                terminationGracePeriodSeconds: 30,
                containers: [
                  {
                    imagePullPolicy: 'IfNotPresent',
                    terminationMessagePath: '/dev/termination-log',
                    ports: [{ containerPort: 80, protocol: 'TCP' }],
                  },
                ],
              },
            },
          },
        },
      ],
    ],
  },
  {
    title: 'apply of a Deployment that was defaulted since changes nothing',
    source: 'API-6, API-8',
    given: [apply(web)],
    ...apply(web),
    stdout: ['deployment.apps/web unchanged'],
    leaves: [[Deployment, 'web', { metadata: { generation: 1 } }]],
  },
  {
    title: 'apply merges containers by name and counts the generation',
    source: 'API-8, API-6',
    given: [apply(web), { run: ['set', 'env', 'deployment/web', 'LEVEL=3'] }],
    ...apply(having(web, 'spec', { replicas: 4 })),
    stdout: ['deployment.apps/web configured'],
    leaves: [
      [
        Deployment,
        'web',
        {
          metadata: { generation: 3 },
          spec: {
            replicas: 4,
            template: { spec: { containers: [{ name: 'nginx', env: [{ name: 'LEVEL', value: '3' }] }] } },
          },
        },
      ],
    ],
  },
  {
    title: 'apply creates a CustomResourceDefinition, which is served once established',
    source: 'API-15',
    alone: true,
    given: [
      apply(widgets),
      { run: ['wait', '--for=condition=Established', '--timeout=5s', 'crd/widgets.$NS.example.com'] },
      apply(widget),
    ],
    ...apply(widgets),
    stdout: ['customresourcedefinition.apiextensions.k8s.io/widgets.NS.example.com unchanged'],
    leaves: [
      [
        CustomResourceDefinition,
        'widgets.$NS.example.com',
        { status: { storedVersions: ['v1'], acceptedNames: { kind: 'Widget', listKind: 'WidgetList' } } },
      ],
    ],
  },
  {
    title: 'apply creates a custom object and fills in the defaults of its schema',
    source: 'API-15',
    ...apply(gadget),
    stdout: ['gadget.shop.example.com/ball created'],
    leaves: [[Gadget, 'ball', { metadata: { generation: 1 }, spec: { colour: 'red', replicas: 1 } }]],
  },
  {
    title: 'apply of the same custom object changes nothing',
    source: 'API-6, API-15',
    given: [apply(gadget)],
    ...apply(gadget),
    stdout: ['gadget.shop.example.com/ball unchanged'],
  },
  {
    title: 'apply of a changed custom object configures it by merge patch',
    source: 'API-8',
    given: [apply(gadget)],
    ...apply(having(gadget, 'spec', { colour: 'green' })),
    stdout: ['gadget.shop.example.com/ball configured'],
    leaves: [[Gadget, 'ball', { metadata: { generation: 2 }, spec: { colour: 'green', replicas: 1 } }]],
  },
  {
    title: 'apply takes several documents',
    source: 'kubectl docs',
    run: ['apply', '-f', '-'],
    stdin: `---\n${JSON.stringify(settings)}\n---\n${JSON.stringify(gadget)}\n`,
    stdout: ['configmap/settings created', 'gadget.shop.example.com/ball created'],
  },
  {
    title: 'apply -k applies what a kustomization makes of its files',
    source: 'control-plane §3 (kustomize), kubectl docs',
    files: { 'kustomization.yaml': kustomization, 'web.json': web },
    run: ['apply', '-k', '$DIR'],
    stdout: /^configmap\/shop-settings-\w{10} created\ndeployment\.apps\/shop-web created$/,
    leaves: [
      [
        Deployment,
        'shop-web',
        {
          metadata: { labels: { app: 'web' } },
          spec: { replicas: 3, template: { spec: { containers: [{ image: 'nginx:1.28' }] } } },
        },
      ],
    ],
  },
  {
    title: 'delete -k deletes them',
    source: 'control-plane §3 (kustomize), kubectl docs',
    files: { 'kustomization.yaml': kustomization, 'web.json': web },
    given: [{ run: ['apply', '-k', '$DIR'] }],
    run: ['delete', '-k', '$DIR'],
    stdout: /^configmap "shop-settings-\w{10}" deleted\ndeployment\.apps "shop-web" deleted$/,
    leaves: [[Deployment, 'shop-web', 'nothing']],
  },
  {
    title: 'diff -k shows what apply -k would change',
    source: 'control-plane §3 (diff, kustomize)',
    files: { 'kustomization.yaml': kustomization, 'web.json': web },
    given: [
      { run: ['apply', '-k', '$DIR'] },
      { run: ['set', 'image', 'deployment/shop-web', 'nginx=nginx:1.29'] },
    ],
    run: ['diff', '-k', '$DIR'],
    exit: 1,
    stdout: /\n- +- image: nginx:1\.29\n\+ +- image: nginx:1\.28\n/,
    leaves: [
      [Deployment, 'shop-web', { spec: { template: { spec: { containers: [{ image: 'nginx:1.29' }] } } } }],
    ],
  },
  {
    title: 'kustomize prints what it makes, without a server',
    source: 'control-plane §3 (kustomize)',
    files: { 'kustomization.yaml': kustomization, 'web.json': web },
    run: ['kustomize', '$DIR'],
    clusterWide: true,
    stdout:
      /^apiVersion: v1\ndata:\n {2}colour: blue\nkind: ConfigMap\nmetadata:\n {2}name: shop-settings-\w{10}\n---\napiVersion: apps\/v1\nkind: Deployment\n(?=[\s\S]*^ {2}name: shop-web$)(?=[\s\S]*^ {2}replicas: 3$)/m,
  },
  {
    title: 'apply -f takes all files of a folder',
    source: 'kubectl docs',
    files: { '1.json': settings, 'more/2.json': gadget },
    run: ['apply', '--recursive', '-f', '$DIR'],
    stdout: ['configmap/settings created', 'gadget.shop.example.com/ball created'],
  },
  {
    title: 'apply --dry-run=client asks and stores nothing',
    source: 'kubectl docs',
    ...apply(settings, '--dry-run=client'),
    stdout: ['configmap/settings created (dry run)'],
    leaves: [[ConfigMap, 'settings', 'nothing']],
  },
  {
    title: 'apply of what was created otherwise says that it had no annotation, and gives it one',
    source: 'control-plane §3 (apply CSA)',
    has: [settings],
    ...apply({ ...settings, data: { colour: 'green' } }),
    stdout: ['configmap/settings configured'],
    stderr:
      /^Warning: resource configmaps\/settings is missing the kubectl\.kubernetes\.io\/last-applied-configuration annotation/,
    // What was never applied is not taken away.
    leaves: [[ConfigMap, 'settings', { data: { colour: 'green', size: '3' } }]],
  },
  {
    title: 'apply set-last-applied writes the annotation alone',
    source: 'kubectl docs',
    has: [settings],
    run: ['apply', 'set-last-applied', '--create-annotation', '-f', '-'],
    stdin: { ...settings, data: { colour: 'green' } },
    stdout: ['configmap/settings configured'],
    leaves: [
      [
        ConfigMap,
        'settings',
        {
          data: { colour: 'blue' },
          metadata: { annotations: { [lastApplied]: (text: string) => text.includes('green') } },
        },
      ],
    ],
  },
  {
    title: 'apply edit-last-applied edits the annotation alone',
    source: 'kubectl docs',
    given: [apply(settings)],
    run: ['apply', 'edit-last-applied', 'configmap/settings'],
    env: { KUBE_EDITOR: 'sed -i s/blue/green/' },
    stdout: ['configmap/settings edited'],
    leaves: [
      [
        ConfigMap,
        'settings',
        {
          data: { colour: 'blue' },
          metadata: { annotations: { [lastApplied]: (text: string) => text.includes('green') } },
        },
      ],
    ],
  },
  {
    title: 'apply --dry-run=server answers as if, and stores nothing',
    source: 'API-7',
    ...apply(settings, '--dry-run=server'),
    stdout: ['configmap/settings created (server dry run)'],
    leaves: [[ConfigMap, 'settings', 'nothing']],
  },
  {
    title: 'apply --dry-run=server of a change leaves the object as it was',
    source: 'API-7',
    given: [apply(settings)],
    ...apply(
      having(settings, 'data', { colour: 'green' }),
      '--dry-run=server',
      '-ojsonpath={.data.colour}{"\\n"}',
    ),
    stdout: ['green'],
    leaves: [[ConfigMap, 'settings', { data: { colour: 'blue' } }]],
  },
  {
    title: 'apply --prune deletes what is no longer applied',
    source: 'control-plane §3 (apply --prune lists)',
    given: [
      apply(having(settings, 'metadata', { labels: { set: 'a' } }), '--prune', '-lset=a'),
      apply({ ...settings, metadata: { name: 'other', labels: { set: 'b' } } }),
    ],
    ...apply(
      { ...settings, metadata: { name: 'newer', labels: { set: 'a' } } },
      '--prune',
      '-lset=a',
      '--prune-allowlist=core/v1/ConfigMap',
    ),
    stdout: ['configmap/newer created', 'configmap/settings pruned'],
    leaves: [
      [ConfigMap, 'settings', 'nothing'],
      [ConfigMap, 'other', { data: settings.data }],
    ],
  },
  {
    title: 'apply --server-side creates, owning what it applied',
    source: 'API-9',
    ...apply(settings, '--server-side'),
    stdout: ['configmap/settings serverside-applied'],
    leaves: [
      [
        ConfigMap,
        'settings',
        {
          data: settings.data,
          metadata: {
            managedFields: [
              {
                manager: 'kubectl',
                operation: 'Apply',
                apiVersion: 'v1',
                fieldsType: 'FieldsV1',
                fieldsV1: { 'f:data': { 'f:colour': {}, 'f:size': {} } },
              },
            ],
          },
        },
      ],
    ],
  },
  {
    title: 'apply --server-side removes what only it had applied',
    source: 'API-9',
    given: [apply(settings, '--server-side')],
    ...apply({ ...settings, data: { colour: 'blue' } }, '--server-side'),
    stdout: ['configmap/settings serverside-applied'],
    leaves: [[ConfigMap, 'settings', { data: { colour: 'blue', size: undefined } }]],
  },
  {
    title: 'apply --server-side refuses a field that another manager owns',
    source: 'API-9',
    given: [apply(settings, '--server-side')],
    ...apply(having(settings, 'data', { colour: 'pink' }), '--server-side', '--field-manager=other'),
    exit: 1,
    stderr: /^error: Apply failed with 1 conflict: conflict with "kubectl": \.data\.colour\nPlease review/,
    leaves: [[ConfigMap, 'settings', { data: { colour: 'blue' } }]],
  },
  {
    title: 'apply --server-side names the version of a manager who updated',
    source: 'API-9',
    given: [apply(settings)],
    ...apply(
      having(settings, 'data', { colour: 'pink', size: '4' }),
      '--server-side',
      '--field-manager=other',
    ),
    exit: 1,
    stderr:
      /^error: Apply failed with 2 conflicts: conflicts with "kubectl-client-side-apply" using v1:\n- \.data\.colour\n- \.data\.size\n/,
  },
  {
    title: 'apply --server-side goes on where apply from the client was, and the annotation follows',
    source: 'API-9',
    given: [apply(settings), apply({ ...settings, data: { colour: 'green' } }, '--server-side')],
    run: ['apply', 'view-last-applied', 'configmap/settings', '-o', 'json'],
    stdout: /"colour": "green"/,
    leaves: [[ConfigMap, 'settings', { data: { colour: 'green', size: undefined } }]],
  },
  {
    title: 'apply --server-side --force-conflicts takes the field over',
    source: 'API-9',
    given: [apply(settings, '--server-side')],
    ...apply(
      { ...settings, data: { colour: 'pink' } },
      '--server-side',
      '--field-manager=other',
      '--force-conflicts',
    ),
    stdout: ['configmap/settings serverside-applied'],
    leaves: [
      [
        ConfigMap,
        'settings',
        {
          data: { colour: 'pink', size: '3' },
          metadata: {
            managedFields: [
              { manager: 'kubectl', fieldsV1: { 'f:data': { 'f:size': {}, 'f:colour': undefined } } },
              { manager: 'other', fieldsV1: { 'f:data': { 'f:colour': {} } } },
            ],
          },
        },
      ],
    ],
  },
  {
    title: 'apply --server-side takes over what was applied from the client, with all it owned',
    source: 'API-9 (CSA to SSA migration)',
    given: [apply(settings)],
    ...apply({ ...settings, data: { colour: 'blue' } }, '--server-side'),
    stdout: ['configmap/settings serverside-applied'],
    leaves: [
      [
        ConfigMap,
        'settings',
        {
          data: { colour: 'blue', size: undefined },
          metadata: {
            managedFields: [
              { manager: 'kubectl', operation: 'Apply' },
              { manager: 'kubectl-last-applied', operation: 'Apply' },
            ],
          },
        },
      ],
    ],
  },
  {
    title: 'diff is silent when nothing differs',
    source: 'kubectl docs',
    given: [apply(web)],
    run: ['diff', '-f', '-'],
    stdin: web,
  },
  {
    title: 'diff shows what apply would change, and changes nothing',
    source: 'control-plane §3 (diff)',
    given: [apply(settings)],
    run: ['diff', '-f', '-'],
    stdin: having(settings, 'data', { colour: 'green' }),
    exit: 1,
    stdout: /\n data:\n-  colour: blue\n\+  colour: green\n {3}size: "3"\n/,
    leaves: [[ConfigMap, 'settings', { data: { colour: 'blue' } }]],
  },
  {
    title: 'diff shows an object that is not there yet',
    source: 'control-plane §3 (diff)',
    run: ['diff', '--server-side', '-f', '-'],
    stdin: settings,
    exit: 1,
    stdout: /\n@@ -0,0 .*\n\+apiVersion: v1\n\+data:\n\+ {2}colour: blue\n/,
    leaves: [[ConfigMap, 'settings', 'nothing']],
  },
];
