import { gadget, settings, web } from '../manifests.js';
import type { Row } from '../row.js';

const other = { ...settings, metadata: { name: 'other', labels: { tier: 'back' } }, data: {} };
const both = [settings, other];

const configMap = [
  'Name:  other',
  'Namespace:  NS',
  'Labels:  tier=back',
  'Annotations:  <none>',
  '',
  'Data',
  '====',
  'colour:',
  '----',
  'blue',
  '',
  '',
  'BinaryData',
  '====',
  '',
  'Events:  <none>',
];

const deployment = [
  'Name:  web',
  'Namespace:  NS',
  'CreationTimestamp:  TIME',
  'Labels:  app=web',
  'Annotations:  <none>',
  'Selector:  app=web',
  'Replicas:  2 desired | 0 updated | 0 total | 0 available | 0 unavailable',
  'StrategyType:  RollingUpdate',
  'MinReadySeconds:  0',
  'RollingUpdateStrategy:  25% max unavailable, 25% max surge',
  'Pod Template:',
  '  Labels:  app=web',
  '  Containers:',
  '   nginx:',
  '    Image:  nginx:1.27',
  '    Port:  <none>',
  '    Host Port:  <none>',
  '    Environment:  <none>',
  '    Mounts:  <none>',
  '  Volumes:  <none>',
  '  Node-Selectors:  <none>',
  '  Tolerations:  <none>',
  'Events:  <none>',
];

const eventOf = (name: string, type: string, reason: string): object => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name },
  involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', namespace: '$NS', name: 'settings' },
  type,
  reason,
  message: 'it is',
});

/** `kubectl describe` and `kubectl events`. */
export const describeRows: readonly Row[] = [
  {
    title: 'describe a ConfigMap',
    source: 'control-plane §3 (describe)',
    has: [{ ...other, data: { colour: 'blue' } }],
    run: ['describe', 'configmap', 'other'],
    stdout: configMap,
    before: [{ minor: 31, stdout: configMap.toSpliced(configMap.indexOf('BinaryData') - 1, 1) }],
  },
  {
    title: 'describe a Deployment',
    source: 'control-plane §3 (describe), D-5',
    given: [{ run: ['create', 'deployment', 'web', '--image=nginx:1.27', '--replicas=2'] }],
    run: ['describe', 'deployment', 'web'],
    stdout: deployment,
    before: [
      { minor: 30, stdout: deployment.filter((line) => !/^ {2}(?:Node-Selectors|Tolerations)/.test(line)) },
    ],
  },
  {
    title: 'describe a custom object',
    source: 'control-plane §3 (describe)',
    given: [{ run: ['create', '-f', '-'], stdin: gadget }],
    run: ['describe', 'gadget', 'ball'],
    stdout: [
      'Name:  ball',
      'Namespace:  NS',
      'Labels:  <none>',
      'Annotations:  <none>',
      'API Version:  shop.example.com/v1',
      'Kind:  Gadget',
      'Metadata:',
      '  Creation Timestamp:  TIME',
      '  Generation:  1',
      '  Resource Version:  VERSION',
      '  UID:  UID',
      'Spec:',
      '  Colour:  red',
      '  Replicas:  1',
      'Events:  <none>',
    ],
  },
  {
    title: 'describe a Pod that nobody has scheduled',
    source: 'control-plane §3 (describe)',
    given: [{ run: ['run', 'web', '--image=nginx', '--port=80', '--env=A=B'] }],
    run: ['describe', 'pod', 'web'],
    stdout:
      /^Name: +web\nNamespace: +NS\n(?=[\s\S]*^Node: +<none>$)(?=[\s\S]*^Labels: +run=web$)(?=[\s\S]*^Status: +Pending$)(?=[\s\S]*^ {4}Port: +80\/TCP$)(?=[\s\S]*^ {6}A: +B$)(?=[\s\S]*^QoS Class: +BestEffort$)[\s\S]*^Events: +<none>$/m,
  },
  {
    title: 'describe a Service',
    source: 'control-plane §3 (describe), OC-17',
    given: [{ run: ['create', 'service', 'clusterip', 'web', '--tcp=80:8080'] }],
    run: ['describe', 'service', 'web'],
    stdout:
      /^Name: +web\nNamespace: +NS\nLabels: +app=web\nAnnotations: +<none>\nSelector: +app=web\nType: +ClusterIP\n[\s\S]*^Port: +80-8080 {2}80\/TCP\nTargetPort: +8080\/TCP\nEndpoints: *\S*\nSession Affinity: +None\n[\s\S]*^Events: +<none>$/m,
  },
  {
    title: 'describe a Secret tells sizes, not what is in it',
    source: 'control-plane §3 (describe)',
    given: [{ run: ['create', 'secret', 'generic', 'key', '--from-literal=password=hunter2'] }],
    run: ['describe', 'secret', 'key'],
    stdout: [
      'Name:  key',
      'Namespace:  NS',
      'Labels:  <none>',
      'Annotations:  <none>',
      '',
      'Type:  Opaque',
      '',
      'Data',
      '====',
      'password:  7 bytes',
    ],
  },
  {
    title: 'describe a HorizontalPodAutoscaler',
    source: 'control-plane §3 (describe)',
    has: [web],
    given: [{ run: ['autoscale', 'deployment', 'web', '--min=2', '--max=5', '--cpu-percent=80'] }],
    run: ['describe', 'hpa', 'web'],
    stdout:
      /^Name: +web\n(?=[\s\S]*^Reference: +Deployment\/web$)(?=[\s\S]*^ {2}resource cpu on pods {2}\(as a percentage of request\): +<unknown> \/ 80%$)(?=[\s\S]*^Min replicas: +2$)(?=[\s\S]*^Max replicas: +5$)/m,
  },
  {
    title: 'describe -l describes all that match',
    source: 'control-plane §3 (describe)',
    has: both,
    run: ['describe', 'cm', '-ltier=back'],
    stdout: /^Name: +other\n(?![\s\S]*settings)/,
  },
  {
    title: 'describe of what is not there',
    source: 'API-19',
    run: ['describe', 'pod', 'nope'],
    exit: 1,
    stderr: ['Error from server (NotFound): pods "nope" not found'],
  },
  {
    title: 'kubectl events --for prints the events about an object',
    source: 'control-plane §3 (events), API-13 (events involvedObject.*)',
    given: [
      { run: ['create', '-f', '-'], stdin: settings },
      {
        run: ['create', '-f', '-'],
        stdin: {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: 'settings.1' },
          involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', namespace: '$NS', name: 'settings' },
          type: 'Normal',
          reason: 'Painted',
          message: 'blue it is',
          source: { component: 'painter' },
        },
      },
    ],
    run: ['events', '--for=configmap/settings'],
    stdout: [
      'LAST SEEN  TYPE  REASON  OBJECT  MESSAGE',
      '<unknown>  Normal  Painted  ConfigMap/settings  blue it is',
    ],
  },
  {
    title: 'kubectl events --types prints events of a type',
    source: 'control-plane §3 (events)',
    has: [eventOf('one', 'Normal', 'Painted'), eventOf('two', 'Warning', 'Scratched')],
    run: ['events', '--types=Warning', '--no-headers'],
    stdout: /^\S+ +Warning +Scratched +ConfigMap\/settings +it is$/,
  },
  {
    title: 'kubectl events without any says so',
    source: 'control-plane §3 (events)',
    run: ['events'],
    stderr: ['No events found in NS namespace.'],
  },
  {
    title: 'kubectl events --watch prints events as they come',
    source: 'control-plane §3 (events), API-2',
    has: [eventOf('one', 'Normal', 'Painted')],
    run: ['events', '--watch'],
    meanwhile: [
      {
        after: /Painted/,
        run: ['create', '-f', '-'],
        stdin: eventOf('two', 'Warning', 'Scratched'),
      },
    ],
    until: /Scratched.*\n/,
    stdout:
      /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n\S+ +Normal +Painted +ConfigMap\/settings +it is\n\S+ +Warning +Scratched +ConfigMap\/settings +it is$/,
  },
];
