import {
  ConfigMap,
  CronJob,
  Deployment,
  Ingress,
  Job,
  Namespace,
  Pod,
  PodDisruptionBudget,
  Role,
  RoleBinding,
  Secret,
  Service,
  ServiceAccount,
} from 'gyre/kinds';
import { apply, gadget, having, settings, web } from '../manifests.js';
import type { Row } from '../row.js';

const bodies = 'control-plane §3.1 (protobuf bodies)';

/** `kubectl create` from generators, which send protobuf, and from files; `run` and `expose`. */
export const createRows: readonly Row[] = [
  {
    title: 'create configmap',
    source: `${bodies}, API-5`,
    run: ['create', 'configmap', 'settings', '--from-literal=colour=blue', '--from-literal=size=3'],
    stdout: ['configmap/settings created'],
    leaves: [
      [
        ConfigMap,
        'settings',
        {
          data: { colour: 'blue', size: '3' },
          metadata: {
            generation: undefined,
            managedFields: [{ manager: 'kubectl-create', operation: 'Update' }],
          },
        },
      ],
    ],
  },
  {
    title: 'create refuses what exists',
    source: 'API-19',
    given: [{ run: ['create', 'configmap', 'settings', '--from-literal=colour=blue'] }],
    run: ['create', 'configmap', 'settings', '--from-literal=colour=red'],
    exit: 1,
    stderr: ['error: failed to create configmap: configmaps "settings" already exists'],
    leaves: [[ConfigMap, 'settings', { data: { colour: 'blue' } }]],
  },
  {
    title: 'create secret generic has bytes in base64 and type Opaque',
    source: `${bodies}, OC-16`,
    run: ['create', 'secret', 'generic', 'key', '--from-literal=password=hunter2'],
    stdout: ['secret/key created'],
    leaves: [[Secret, 'key', { type: 'Opaque', data: { password: 'aHVudGVyMg==' } }]],
  },
  {
    title: 'create namespace is Active, named by a label, and held by its finalizer',
    source: `${bodies}, API-5`,
    run: ['create', 'namespace', '$NS-made'],
    clusterWide: true,
    stdout: ['namespace/NS-made created'],
    leaves: [
      [
        Namespace,
        '$NS-made',
        {
          metadata: { labels: { 'kubernetes.io/metadata.name': '$NS-made' } },
          spec: { finalizers: ['kubernetes'] },
          status: { phase: 'Active' },
        },
      ],
    ],
  },
  {
    title: 'create deployment has the defaults',
    source: `${bodies}, D-5, OC-16`,
    run: ['create', 'deployment', 'web', '--image=nginx', '--replicas=3', '--port=80'],
    stdout: ['deployment.apps/web created'],
    leaves: [
      [
        Deployment,
        'web',
        {
          metadata: { labels: { app: 'web' }, generation: 1 },
          spec: {
            replicas: 3,
            revisionHistoryLimit: 10,
            progressDeadlineSeconds: 600,
            strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
            template: {
              metadata: { creationTimestamp: null, labels: { app: 'web' } },
              spec: {
                containers: [
                  {
                    image: 'nginx',
                    imagePullPolicy: 'Always',
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
    title: 'create serviceaccount',
    source: bodies,
    run: ['create', 'serviceaccount', 'robot'],
    stdout: ['serviceaccount/robot created'],
    leaves: [[ServiceAccount, 'robot', { metadata: { name: 'robot' } }]],
  },
  {
    title: 'create role resolves resources by discovery',
    source: `${bodies}, API-12`,
    run: [
      'create',
      'role',
      'reader',
      '--verb=get,list',
      '--resource=pods,deployments',
      '--resource-name=web',
    ],
    stdout: ['role.rbac.authorization.k8s.io/reader created'],
    leaves: [
      [
        Role,
        'reader',
        {
          rules: [
            { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'], resourceNames: ['web'] },
            {
              verbs: ['get', 'list'],
              apiGroups: ['apps'],
              resources: ['deployments'],
              resourceNames: ['web'],
            },
          ],
        },
      ],
    ],
  },
  {
    title: 'create rolebinding',
    source: bodies,
    run: ['create', 'rolebinding', 'readers', '--role=reader', '--user=jane', '--serviceaccount=ops:robot'],
    stdout: ['rolebinding.rbac.authorization.k8s.io/readers created'],
    leaves: [
      [
        RoleBinding,
        'readers',
        {
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
          subjects: [
            { kind: 'User', name: 'jane' },
            { kind: 'ServiceAccount', name: 'robot', namespace: 'ops' },
          ],
        },
      ],
    ],
  },
  {
    title: 'create job gets a selector of its own',
    source: `${bodies}, OC-7, OC-8`,
    run: ['create', 'job', 'once', '--image=busybox:1.36', '--', 'echo', 'hi'],
    stdout: ['job.batch/once created'],
    leaves: [
      [
        Job,
        'once',
        {
          spec: {
            backoffLimit: 6,
            completions: 1,
            parallelism: 1,
            suspend: false,
            template: {
              metadata: { labels: { 'batch.kubernetes.io/job-name': 'once' } },
              spec: { restartPolicy: 'Never', containers: [{ command: ['echo', 'hi'] }] },
            },
          },
        },
      ],
    ],
  },
  {
    title: 'create cronjob has the defaults',
    source: `${bodies}, OC-9`,
    run: ['create', 'cronjob', 'often', '--image=busybox:1.36', '--schedule=*/5 * * * *'],
    stdout: ['cronjob.batch/often created'],
    leaves: [
      [
        CronJob,
        'often',
        {
          spec: {
            schedule: '*/5 * * * *',
            concurrencyPolicy: 'Allow',
            suspend: false,
            successfulJobsHistoryLimit: 3,
            failedJobsHistoryLimit: 1,
          },
        },
      ],
    ],
  },
  {
    title: 'create poddisruptionbudget reads an IntOrString from protobuf',
    source: bodies,
    run: ['create', 'poddisruptionbudget', 'most', '--selector=app=web', '--min-available=50%'],
    stdout: ['poddisruptionbudget.policy/most created'],
    leaves: [
      [
        PodDisruptionBudget,
        'most',
        { spec: { minAvailable: '50%', selector: { matchLabels: { app: 'web' } } } },
      ],
    ],
  },
  {
    title: 'create service clusterip has the defaults',
    source: `${bodies}, OC-17`,
    run: ['create', 'service', 'clusterip', 'web', '--tcp=80:8080'],
    stdout: ['service/web created'],
    leaves: [
      [
        Service,
        'web',
        {
          spec: {
            type: 'ClusterIP',
            sessionAffinity: 'None',
            internalTrafficPolicy: 'Cluster',
            ports: [{ name: '80-8080', protocol: 'TCP', port: 80, targetPort: 8080 }],
          },
        },
      ],
    ],
  },
  {
    title: 'create ingress',
    source: bodies,
    run: ['create', 'ingress', 'front', '--rule=example.com/shop*=web:80'],
    stdout: ['ingress.networking.k8s.io/front created'],
    leaves: [
      [
        Ingress,
        'front',
        {
          spec: {
            rules: [{ host: 'example.com', http: { paths: [{ path: '/shop', pathType: 'Prefix' }] } }],
          },
        },
      ],
    ],
  },
  {
    title: 'create --dry-run=server stores nothing',
    source: 'API-7',
    run: ['create', 'configmap', 'settings', '--from-literal=a=b', '--dry-run=server'],
    stdout: ['configmap/settings created (server dry run)'],
    leaves: [[ConfigMap, 'settings', 'nothing']],
  },
  {
    title: 'create -f makes a name from generateName',
    source: 'API-5',
    run: ['create', '-f', '-'],
    stdin: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'many-' } },
    stdout: /^configmap\/many-[bcdfghjklmnpqrstvwxz2456789]{5} created$/,
  },
  {
    title: 'run makes a Pod with its quality of service in the status',
    source: 'control-plane §3 (run), OC-16',
    run: ['run', 'web', '--image=nginx:1.27', '--env=A=B'],
    stdout: ['pod/web created'],
    leaves: [
      [
        Pod,
        'web',
        {
          metadata: { labels: { run: 'web' } },
          spec: {
            enableServiceLinks: true,
            restartPolicy: 'Always',
            containers: [{ env: [{ name: 'A', value: 'B' }] }],
          },
          status: { phase: 'Pending', qosClass: 'BestEffort' },
        },
      ],
    ],
  },
  {
    title: 'expose makes a Service that selects the pods of a Deployment',
    source: 'control-plane §3 (expose)',
    has: [web],
    run: ['expose', 'deployment', 'web', '--port=80', '--target-port=8080'],
    stdout: ['service/web exposed'],
    leaves: [
      [Service, 'web', { spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] } }],
    ],
  },
];

/** What is refused, and in which words. */
export const refusalRows: readonly Row[] = [
  {
    title: 'apply refuses unknown fields, naming each',
    source: 'API-10',
    ...apply(having(web, 'spec', { replicaz: 2, strategy: { kind: 'Recreate' } })),
    exit: 1,
    stderr: [
      'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replicaz", unknown field "spec.strategy.kind"',
    ],
    leaves: [[Deployment, 'web', 'nothing']],
  },
  {
    title: 'create --validate=warn warns of unknown fields and goes on without them',
    source: 'API-10',
    run: ['create', '--validate=warn', '-f', '-'],
    stdin: having(web, 'spec', { replicaz: 2 }),
    stdout: ['deployment.apps/web created'],
    stderr: ['Warning: unknown field "spec.replicaz"'],
    leaves: [[Deployment, 'web', { spec: { replicas: 2, replicaz: undefined } }]],
  },
  {
    title: 'create --validate=ignore drops unknown fields in silence',
    source: 'API-10',
    run: ['create', '--validate=ignore', '-f', '-'],
    stdin: having(web, 'spec', { replicaz: 2 }),
    stdout: ['deployment.apps/web created'],
    leaves: [[Deployment, 'web', { spec: { replicaz: undefined } }]],
  },
  {
    title: 'apply --server-side refuses a field that the schema does not know',
    source: 'API-9, API-10',
    ...apply(having(web, 'spec', { replicaz: 2 }), '--server-side'),
    exit: 1,
    stderr: [
      'Error from server (BadRequest): failed to create typed patch object (NS/web; apps/v1, Kind=Deployment): .spec.replicaz: field not declared in schema',
    ],
    leaves: [[Deployment, 'web', 'nothing']],
  },
  {
    title: 'apply refuses a value of the wrong type',
    source: 'API-10',
    ...apply({ ...settings, data: { colour: 1 } }),
    exit: 1,
    stderr: [
      'Error from server (BadRequest): error when creating "STDIN": ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data.colour of type string',
    ],
  },
  {
    title: 'apply lists everything that is invalid, with path and reason',
    source: 'API-19',
    ...apply(
      having(web, 'spec', {
        template: { metadata: { labels: { app: 'api' } }, spec: { containers: [{ name: 'nginx' }] } },
      }),
    ),
    exit: 1,
    stderr: [
      'The Deployment "web" is invalid:',
      '* spec.template.metadata.labels: Invalid value: map[string]string{"app":"api"}: `selector` does not match template `labels`',
      '* spec.template.spec.containers[0].image: Required value',
    ],
    leaves: [[Deployment, 'web', 'nothing']],
  },
  {
    title: 'apply refuses a name that is none',
    source: 'API-19',
    ...apply({ ...settings, metadata: { name: 'Not_A_Name' } }),
    exit: 1,
    stderr:
      /^The ConfigMap "Not_A_Name" is invalid: metadata\.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain must consist of/,
  },
  {
    title: 'apply of an unknown kind says how to come by it',
    source: 'kubectl docs',
    ...apply({ apiVersion: 'nope.example.com/v1', kind: 'Nope', metadata: { name: 'x' } }),
    exit: 1,
    stderr: [
      'error: resource mapping not found for name: "x" namespace: "" from "STDIN": no matches for kind "Nope" in version "nope.example.com/v1"',
      'ensure CRDs are installed first',
    ],
  },
  {
    title: 'create in a namespace that does not exist',
    source: 'API-19',
    run: ['create', '-f', '-'],
    stdin: { ...settings, metadata: { name: 'settings', namespace: 'ghost-town' } },
    clusterWide: true,
    exit: 1,
    stderr: ['Error from server (NotFound): error when creating "STDIN": namespaces "ghost-town" not found'],
  },
  {
    title: 'apply refuses a custom object with an unknown field',
    source: 'API-10, API-15',
    ...apply(having(gadget, 'spec', { weight: 3 })),
    exit: 1,
    stderr: [
      'Error from server (BadRequest): error when creating "STDIN": Gadget in version "v1" cannot be handled as a Gadget: strict decoding error: unknown field "spec.weight"',
    ],
  },
  {
    title: 'apply refuses a custom object that its schema refuses',
    source: 'API-15',
    ...apply(having(gadget, 'spec', { colour: 'mauve', replicas: -1 })),
    exit: 1,
    stderr: [
      'The Gadget "ball" is invalid:',
      '* spec.colour: Unsupported value: "mauve": supported values: "red", "green", "blue"',
      '* spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0',
    ],
  },
  {
    title: 'apply refuses a custom object without what is required',
    source: 'API-15',
    ...apply({ ...gadget, spec: {} }),
    exit: 1,
    stderr: ['The Gadget "ball" is invalid: spec.colour: Required value'],
  },
];
