import { ConfigMap, Deployment, Node } from 'gyre/kinds';
import { apply, Gadget, gadget, having, settings, web } from '../manifests.js';
import type { Row } from '../row.js';

const labelled = having(settings, 'metadata', { labels: { tier: 'back' } });
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: '$NS' } };

/** `sed -i` as the editor. */
const editor = (script: string): { KUBE_EDITOR: string } => ({ KUBE_EDITOR: `sed -i ${script}` });

/** Commands that change what is there: label, annotate, patch, edit, replace, scale, set. */
export const changeRows: readonly Row[] = [
  {
    title: 'label adds a label',
    source: 'control-plane §3 (label)',
    has: [settings],
    run: ['label', 'configmap', 'settings', 'tier=back'],
    stdout: ['configmap/settings labeled'],
    leaves: [[ConfigMap, 'settings', { metadata: { labels: { tier: 'back' } } }]],
  },
  {
    title: 'label does not overwrite unless told to',
    source: 'kubectl docs',
    has: [labelled],
    run: ['label', 'configmap', 'settings', 'tier=front'],
    exit: 1,
    stderr: ["error: 'tier' already has a value (back), and --overwrite is false"],
    leaves: [[ConfigMap, 'settings', { metadata: { labels: { tier: 'back' } } }]],
  },
  {
    title: 'label --overwrite overwrites',
    source: 'kubectl docs',
    has: [labelled],
    run: ['label', 'configmap', 'settings', 'tier=front', '--overwrite'],
    stdout: ['configmap/settings labeled'],
    leaves: [[ConfigMap, 'settings', { metadata: { labels: { tier: 'front' } } }]],
  },
  {
    title: 'label key- removes the label',
    source: 'kubectl docs',
    has: [labelled],
    run: ['label', 'configmap', 'settings', 'tier-'],
    stdout: ['configmap/settings unlabeled'],
    leaves: [[ConfigMap, 'settings', { metadata: { labels: undefined } }]],
  },
  {
    title: 'label refuses a key that is none',
    source: 'API-19',
    has: [settings],
    run: ['label', 'configmap', 'settings', 'not a key=1'],
    exit: 1,
    stderr:
      /^The ConfigMap "settings" is invalid: metadata\.labels: Invalid value: "not a key": name part must consist of/,
  },
  {
    title: 'label --all labels custom objects too',
    source: 'control-plane §3 (label)',
    has: [gadget],
    run: ['label', 'gadgets', '--all', 'tier=back'],
    stdout: ['gadget.shop.example.com/ball labeled'],
    leaves: [[Gadget, 'ball', { metadata: { labels: { tier: 'back' }, generation: 1 } }]],
  },
  {
    title: 'annotate adds an annotation',
    source: 'control-plane §3 (annotate)',
    has: [settings],
    run: ['annotate', 'configmap', 'settings', 'note=keep me'],
    stdout: ['configmap/settings annotated'],
    before: [{ minor: 28, stdout: ['configmap/settings annotate'] }],
    leaves: [[ConfigMap, 'settings', { metadata: { annotations: { note: 'keep me' } } }]],
  },
  {
    title: 'patch merges strategically by default',
    source: 'API-8',
    has: [web],
    run: [
      'patch',
      'deployment',
      'web',
      '--patch={"spec":{"template":{"spec":{"containers":[{"name":"side","image":"side:1"}]}}}}',
    ],
    stdout: ['deployment.apps/web patched'],
    leaves: [
      [
        Deployment,
        'web',
        {
          spec: {
            template: { spec: { containers: [{ name: 'side' }, { name: 'nginx', image: 'nginx:1.27' }] } },
          },
        },
      ],
    ],
  },
  {
    title: 'patch obeys $patch: delete',
    source: 'API-8',
    has: [web],
    run: [
      'patch',
      'deployment',
      'web',
      '--patch={"spec":{"template":{"spec":{"containers":[{"name":"nginx","ports":[{"containerPort":80,"$patch":"delete"}]}]}}}}',
    ],
    stdout: ['deployment.apps/web patched'],
    leaves: [
      [
        Deployment,
        'web',
        { spec: { template: { spec: { containers: [{ name: 'nginx', ports: undefined }] } } } },
      ],
    ],
  },
  {
    title: 'patch --type=merge merges, null removes',
    source: 'API-8',
    has: [settings],
    run: ['patch', 'configmap', 'settings', '--type=merge', '--patch={"data":{"size":null,"weight":"9"}}'],
    stdout: ['configmap/settings patched'],
    leaves: [[ConfigMap, 'settings', { data: { colour: 'blue', size: undefined, weight: '9' } }]],
  },
  {
    title: 'patch --type=json applies operations',
    source: 'API-8',
    has: [settings],
    run: [
      'patch',
      'configmap',
      'settings',
      '--type=json',
      '--patch=[{"op":"test","path":"/data/colour","value":"blue"},{"op":"move","from":"/data/colour","path":"/data/paint"}]',
    ],
    stdout: ['configmap/settings patched'],
    leaves: [[ConfigMap, 'settings', { data: { paint: 'blue', colour: undefined } }]],
  },
  {
    title: 'patch --type=json whose test fails changes nothing',
    source: 'API-8, API-19',
    has: [settings],
    run: [
      'patch',
      'configmap',
      'settings',
      '--type=json',
      '--patch=[{"op":"replace","path":"/data/size","value":"9"},{"op":"test","path":"/data/colour","value":"red"}]',
    ],
    exit: 1,
    stderr: /^The request is invalid: /,
    leaves: [[ConfigMap, 'settings', { data: settings.data }]],
  },
  {
    title: 'patch without effect says so and keeps the version',
    source: 'API-6',
    has: [settings],
    run: ['patch', 'configmap', 'settings', '--patch={"data":{"size":"3"}}'],
    stdout: ['configmap/settings patched (no change)'],
  },
  {
    title: 'patch warns of unknown fields',
    source: 'API-10',
    has: [web],
    run: ['patch', 'deployment', 'web', '--patch={"spec":{"replicaz":5}}'],
    stdout: ['deployment.apps/web patched (no change)'],
    stderr: ['Warning: unknown field "spec.replicaz"'],
  },
  {
    title: 'patch refuses a strategic merge of a custom object',
    source: 'API-8',
    has: [gadget],
    run: ['patch', 'gadget', 'ball', '--patch={"spec":{"replicas":5}}'],
    exit: 1,
    stderr:
      /^error: application\/strategic-merge-patch\+json is not supported by shop\.example\.com\/v1, Kind=Gadget: the body of the request was in an unknown format - accepted media types include: application\/json-patch\+json, application\/merge-patch\+json, application\/apply-patch\+yaml/,
    leaves: [[Gadget, 'ball', { spec: { replicas: 1 } }]],
  },
  {
    title: 'patch --subresource=status changes the status alone, and not the generation',
    source: 'API-14, API-6',
    has: [gadget],
    run: [
      'patch',
      'gadget',
      'ball',
      '--type=merge',
      '--subresource=status',
      '--patch={"spec":{"replicas":9},"status":{"phase":"Bouncing"}}',
    ],
    stdout: ['gadget.shop.example.com/ball patched'],
    leaves: [
      [Gadget, 'ball', { metadata: { generation: 1 }, spec: { replicas: 1 }, status: { phase: 'Bouncing' } }],
    ],
  },
  {
    title: 'patch of an object that is not there',
    source: 'API-19',
    run: ['patch', 'configmap', 'nope', '--patch={}'],
    exit: 1,
    stderr: ['Error from server (NotFound): configmaps "nope" not found'],
  },
  {
    title: 'edit writes what the editor saved',
    source: 'control-plane §3 (edit)',
    has: [settings],
    run: ['edit', 'configmap', 'settings'],
    env: editor('"s/colour: blue/colour: black/"'),
    stdout: ['configmap/settings edited'],
    leaves: [[ConfigMap, 'settings', { data: { colour: 'black', size: '3' } }]],
  },
  {
    title: 'edit without a change is cancelled',
    source: 'control-plane §3 (edit)',
    has: [settings],
    run: ['edit', 'configmap', 'settings'],
    env: editor('-e p -e d'),
    stderr: ['Edit cancelled, no changes made.'],
  },
  {
    title: 'edit of a custom object',
    source: 'control-plane §3 (edit)',
    has: [gadget],
    run: ['edit', 'gadget', 'ball'],
    env: editor('"s/colour: red/colour: green/"'),
    stdout: ['gadget.shop.example.com/ball edited'],
    leaves: [[Gadget, 'ball', { spec: { colour: 'green' } }]],
  },
  {
    title: 'replace puts the object',
    source: 'control-plane §3 (replace)',
    given: [apply(settings)],
    run: ['replace', '-f', '-'],
    stdin: { ...settings, data: { colour: 'green' } },
    stdout: ['configmap/settings replaced'],
    leaves: [
      [
        ConfigMap,
        'settings',
        { data: { colour: 'green', size: undefined }, metadata: { annotations: undefined } },
      ],
    ],
  },
  {
    title: 'replace of a stale version is a conflict',
    source: 'API-6',
    has: [settings],
    run: ['replace', '-f', '-'],
    stdin: having(settings, 'metadata', { resourceVersion: '1' }),
    exit: 1,
    stderr: [
      'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on configmaps "settings": the object has been modified; please apply your changes to the latest version and try again',
    ],
  },
  {
    title: 'replace of an object that is not there',
    source: 'API-19',
    run: ['replace', '-f', '-'],
    stdin: settings,
    exit: 1,
    stderr: ['Error from server (NotFound): error when replacing "STDIN": configmaps "settings" not found'],
  },
  {
    title: 'replace --force deletes and creates',
    source: 'control-plane §3 (replace --force)',
    has: [settings],
    run: ['replace', '--force', '-f', '-'],
    stdin: { ...settings, data: { colour: 'green' } },
    stdout: ['configmap "settings" deleted', 'configmap/settings replaced'],
    leaves: [[ConfigMap, 'settings', { data: { colour: 'green', size: undefined } }]],
  },
  {
    title: 'scale changes the replicas of a Deployment',
    source: 'API-14',
    has: [web],
    run: ['scale', 'deployment', 'web', '--replicas=5'],
    stdout: ['deployment.apps/web scaled'],
    leaves: [[Deployment, 'web', { metadata: { generation: 2 }, spec: { replicas: 5 } }]],
  },
  {
    title: 'scale changes the replicas of a custom object where its definition says they are',
    source: 'API-14, API-15',
    has: [gadget],
    run: ['scale', 'gadget', 'ball', '--replicas=0'],
    stdout: ['gadget.shop.example.com/ball scaled'],
    leaves: [[Gadget, 'ball', { spec: { replicas: 0 } }]],
  },
  {
    title: 'scale --current-replicas is a precondition',
    source: 'control-plane §3 (scale)',
    has: [web],
    run: ['scale', 'deployment', 'web', '--current-replicas=7', '--replicas=5'],
    exit: 1,
    stderr: ['error: Expected replicas to be 7, was 2'],
    leaves: [[Deployment, 'web', { spec: { replicas: 2 } }]],
  },
  {
    title: 'set image changes one container',
    source: 'control-plane §3 (set image)',
    has: [web],
    run: ['set', 'image', 'deployment/web', 'nginx=nginx:1.28'],
    stdout: ['deployment.apps/web image updated'],
    leaves: [
      [
        Deployment,
        'web',
        { spec: { template: { spec: { containers: [{ name: 'nginx', image: 'nginx:1.28' }] } } } },
      ],
    ],
  },
  {
    title: 'rollout restart changes the template',
    source: 'control-plane §3 (rollout restart)',
    has: [web],
    run: ['rollout', 'restart', 'deployment/web'],
    stdout: ['deployment.apps/web restarted'],
    leaves: [
      [
        Deployment,
        'web',
        {
          metadata: { generation: 2 },
          spec: {
            template: {
              metadata: {
                annotations: { 'kubectl.kubernetes.io/restartedAt': (at: unknown) => typeof at === 'string' },
              },
            },
          },
        },
      ],
    ],
  },
  {
    title: 'cordon makes a Node unschedulable, which has a taint for it',
    source: 'control-plane §3 (cordon)',
    has: [node],
    run: ['cordon', '$NS'],
    clusterWide: true,
    stdout: ['node/NS cordoned'],
    leaves: [[Node, '$NS', { spec: { unschedulable: true } }]],
  },
  {
    title: 'taint adds a taint',
    source: 'control-plane §3 (taint)',
    has: [node],
    run: ['taint', 'node', '$NS', 'gpu=yes:NoSchedule'],
    clusterWide: true,
    stdout: ['node/NS tainted'],
    leaves: [[Node, '$NS', { spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] } }]],
  },
];
