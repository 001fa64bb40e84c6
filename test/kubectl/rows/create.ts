import { systemClock } from '#src/system/index.js';
import { createAuthority } from '#src/pki/index.js';
import {
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  CronJob,
  Deployment,
  Ingress,
  Job,
  Namespace,
  PodDisruptionBudget,
  PriorityClass,
  ResourceQuota,
  Role,
  RoleBinding,
  Secret,
  Service,
  ServiceAccount,
} from 'gyre/kinds';
import { Gadget, gadget, settings } from '../manifests.js';
import type { Row } from '../row.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const isPem = (data: string): boolean => Buffer.from(data, 'base64').toString().startsWith('-----BEGIN ');
const bodies = 'control-plane §3.1 (protobuf bodies)';

/** `kubectl create` from generators, which send protobuf, and from files. */
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
    title: 'create configmap --from-file and --from-env-file read files',
    source: bodies,
    files: { 'colours.txt': 'red\nblue\n', env: '# what is set\nSIZE=3\n' },
    given: [{ run: ['create', 'configmap', 'files', '--from-file=$DIR/colours.txt'] }],
    run: ['create', 'configmap', 'env', '--from-env-file=$DIR/env'],
    stdout: ['configmap/env created'],
    leaves: [
      [ConfigMap, 'files', { data: { 'colours.txt': 'red\nblue\n' } }],
      [ConfigMap, 'env', { data: { SIZE: '3' } }],
    ],
  },
  {
    title: 'create secret tls takes a certificate and its key',
    source: `${bodies}, OC-16`,
    files: async () => {
      const { cert, key } = await createAuthority('example.com', { clock: systemClock });
      return { 'tls.crt': cert, 'tls.key': key };
    },
    run: ['create', 'secret', 'tls', 'front', '--cert=$DIR/tls.crt', '--key=$DIR/tls.key'],
    stdout: ['secret/front created'],
    leaves: [[Secret, 'front', { type: 'kubernetes.io/tls', data: { 'tls.crt': isPem, 'tls.key': isPem } }]],
  },
  {
    title: 'create secret docker-registry makes the file that registries are asked with',
    source: `${bodies}, OC-16`,
    run: [
      'create',
      'secret',
      'docker-registry',
      'docker',
      '--docker-server=registry.example.com',
      '--docker-username=jane',
      '--docker-password=hunter2',
    ],
    stdout: ['secret/docker created'],
    leaves: [
      [
        Secret,
        'docker',
        {
          type: 'kubernetes.io/dockerconfigjson',
          data: {
            '.dockerconfigjson': base64(
              '{"auths":{"registry.example.com":{"username":"jane","password":"hunter2","auth":"amFuZTpodW50ZXIy"}}}',
            ),
          },
        },
      ],
    ],
  },
  {
    title: 'create secret refuses a key that its type must not lack',
    source: 'API-19, OC-16',
    run: ['create', 'secret', 'generic', 'front', '--type=kubernetes.io/tls', '--from-literal=tls.crt=x'],
    exit: 1,
    stderr: ['error: failed to create secret Secret "front" is invalid: data[tls.key]: Required value'],
    leaves: [[Secret, 'front', 'nothing']],
  },
  {
    title: 'create quota',
    source: bodies,
    run: ['create', 'quota', 'small', '--hard=pods=2,requests.cpu=500m', '--scopes=NotTerminating'],
    stdout: ['resourcequota/small created'],
    leaves: [
      [
        ResourceQuota,
        'small',
        { spec: { hard: { pods: '2', 'requests.cpu': '500m' }, scopes: ['NotTerminating'] } },
      ],
    ],
  },
  {
    title: 'create priorityclass has the defaults',
    source: `${bodies}, OC-16`,
    run: ['create', 'priorityclass', '$NS', '--value=1000', '--description=before others'],
    clusterWide: true,
    stdout: ['priorityclass.scheduling.k8s.io/NS created'],
    leaves: [
      [
        PriorityClass,
        '$NS',
        { value: 1000, description: 'before others', preemptionPolicy: 'PreemptLowerPriority' },
      ],
    ],
  },
  {
    title: 'create clusterrole of resources, with a subresource',
    source: `${bodies}, API-12`,
    run: ['create', 'clusterrole', '$NS', '--verb=get,watch', '--resource=deployments/scale,nodes'],
    clusterWide: true,
    stdout: ['clusterrole.rbac.authorization.k8s.io/NS created'],
    leaves: [
      [
        ClusterRole,
        '$NS',
        {
          rules: [
            { verbs: ['get', 'watch'], apiGroups: [''], resources: ['nodes'] },
            { verbs: ['get', 'watch'], apiGroups: ['apps'], resources: ['deployments/scale'] },
          ],
        },
      ],
    ],
  },
  {
    title: 'create clusterrole of paths, and of what others say',
    source: bodies,
    given: [{ run: ['create', 'clusterrole', '$NS-paths', '--verb=get', '--non-resource-url=/healthz'] }],
    run: ['create', 'clusterrole', '$NS-sum', '--aggregation-rule=part-of=$NS'],
    clusterWide: true,
    stdout: ['clusterrole.rbac.authorization.k8s.io/NS-sum created'],
    leaves: [
      [ClusterRole, '$NS-paths', { rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] }],
      [
        ClusterRole,
        '$NS-sum',
        { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'part-of': '$NS' } }] } },
      ],
    ],
  },
  {
    title: 'create clusterrolebinding',
    source: bodies,
    run: ['create', 'clusterrolebinding', '$NS', '--clusterrole=view', '--group=ops'],
    clusterWide: true,
    stdout: ['clusterrolebinding.rbac.authorization.k8s.io/NS created'],
    leaves: [
      [
        ClusterRoleBinding,
        '$NS',
        {
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
          subjects: [{ kind: 'Group', name: 'ops', apiGroup: 'rbac.authorization.k8s.io' }],
        },
      ],
    ],
  },
  {
    title: 'create service nodeport takes a free port',
    source: `${bodies}, OC-17`,
    run: ['create', 'service', 'nodeport', 'web', '--tcp=80:8080'],
    stdout: ['service/web created'],
    leaves: [
      [
        Service,
        'web',
        {
          spec: {
            type: 'NodePort',
            externalTrafficPolicy: 'Cluster',
            ports: [{ port: 80, nodePort: (port: number) => port >= 30_000 && port <= 32_767 }],
          },
        },
      ],
    ],
  },
  {
    title: 'create service externalname has no address',
    source: `${bodies}, OC-17`,
    run: ['create', 'service', 'externalname', 'outside', '--external-name=example.com'],
    stdout: ['service/outside created'],
    leaves: [
      [
        Service,
        'outside',
        { spec: { type: 'ExternalName', externalName: 'example.com', clusterIP: undefined } },
      ],
    ],
  },
  {
    title: 'create service loadbalancer has an address and a port on every node',
    source: `${bodies}, OC-17`,
    run: ['create', 'service', 'loadbalancer', 'web', '--tcp=80'],
    stdout: ['service/web created'],
    leaves: [
      [
        Service,
        'web',
        {
          spec: {
            type: 'LoadBalancer',
            allocateLoadBalancerNodePorts: true,
            ports: [{ port: 80, nodePort: (port: number) => port >= 30_000 }],
          },
          status: { loadBalancer: {} },
        },
      ],
    ],
  },
  {
    title: 'create service clusterip --clusterip=None is headless',
    source: `${bodies}, OC-17`,
    run: ['create', 'service', 'clusterip', 'peers', '--clusterip=None'],
    stdout: ['service/peers created'],
    leaves: [[Service, 'peers', { spec: { clusterIP: 'None', clusterIPs: ['None'], ports: undefined } }]],
  },
  {
    title: 'create job --from takes the template of a CronJob, which owns it',
    source: `${bodies}, OC-9`,
    given: [{ run: ['create', 'cronjob', 'often', '--image=busybox:1.36', '--schedule=@hourly'] }],
    run: ['create', 'job', 'now', '--from=cronjob/often'],
    stdout: ['job.batch/now created'],
    leaves: [
      [
        Job,
        'now',
        {
          metadata: {
            annotations: { 'cronjob.kubernetes.io/instantiate': 'manual' },
            ownerReferences: [{ kind: 'CronJob', name: 'often' }],
          },
          spec: { template: { spec: { containers: [{ image: 'busybox:1.36' }] } } },
        },
      ],
    ],
  },
  {
    title: 'create cronjob refuses a schedule that is none',
    source: 'API-19, OC-9',
    run: ['create', 'cronjob', 'never', '--image=busybox:1.36', '--schedule=at noon'],
    exit: 1,
    stderr:
      /^error: failed to create cronjob: CronJob\.batch "never" is invalid: spec\.schedule: Invalid value: "at noon": expected exactly 5 fields, found 2: \[at noon\]$/,
    leaves: [[CronJob, 'never', 'nothing']],
  },
  {
    title: 'create -f takes all files of a folder',
    source: 'kubectl docs',
    files: { '1.json': settings, '2.json': gadget },
    run: ['create', '-f', '$DIR'],
    stdout: ['configmap/settings created', 'gadget.shop.example.com/ball created'],
    leaves: [
      [ConfigMap, 'settings', { data: settings.data }],
      [Gadget, 'ball', { spec: { colour: 'red' } }],
    ],
  },
  {
    title: 'create --raw posts a file as it is',
    source: 'kubectl docs',
    files: { 'settings.json': settings },
    run: ['create', '--raw=/api/v1/namespaces/$NS/configmaps', '-f', '$DIR/settings.json'],
    stdout: /^\{(?=.*"kind":"ConfigMap")(?=.*"data":\{"colour":"blue","size":"3"\}).*\}$/,
    leaves: [[ConfigMap, 'settings', { data: settings.data }]],
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
];
