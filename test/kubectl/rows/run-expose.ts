import { HorizontalPodAutoscaler, Pod, Service } from 'gyre/kinds';
import { settings, web } from '../manifests.js';
import type { Row } from '../row.js';

const bodies = 'control-plane §3.1 (protobuf bodies)';

/** What makes something of something else, or for it: `run`, `expose`, `autoscale` and `create token`. */
export const runAndExposeRows: readonly Row[] = [
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
  {
    title: 'run --expose makes a Pod and a Service for it',
    source: 'control-plane §3 (run, expose)',
    run: ['run', 'web', '--image=nginx', '--port=80', '--expose', '--labels=app=shop'],
    stdout: ['service/web created', 'pod/web created'],
    leaves: [
      [Pod, 'web', { spec: { containers: [{ ports: [{ containerPort: 80 }] }] } }],
      [Service, 'web', { spec: { selector: { app: 'shop' }, ports: [{ port: 80, targetPort: 80 }] } }],
    ],
  },
  {
    title: 'run --dry-run=server -o yaml shows what would be there, and stores nothing',
    source: 'control-plane §3 (run), API-7, OC-16',
    run: ['run', 'web', '--image=nginx', '--dry-run=server', '-oyaml'],
    stdout: /^apiVersion: v1\nkind: Pod\n(?=[\s\S]*imagePullPolicy: Always)(?=[\s\S]*qosClass: BestEffort)/,
    leaves: [[Pod, 'web', 'nothing']],
  },
  {
    title: 'expose pod selects it by its labels',
    source: 'control-plane §3 (expose)',
    given: [{ run: ['run', 'web', '--image=nginx', '--port=8080'] }],
    run: ['expose', 'pod', 'web', '--port=80', '--target-port=8080', '--name=front', '--type=NodePort'],
    stdout: ['service/front exposed'],
    leaves: [
      [
        Service,
        'front',
        {
          metadata: { labels: { run: 'web' } },
          spec: { type: 'NodePort', selector: { run: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
        },
      ],
    ],
  },
  {
    title: 'expose takes the port that the pods name, and refuses a second Service of the name',
    source: 'control-plane §3 (expose), API-19',
    has: [web],
    given: [{ run: ['expose', 'deployment', 'web'] }],
    run: ['expose', 'deployment', 'web'],
    exit: 1,
    stderr: ['Error from server (AlreadyExists): services "web" already exists'],
    leaves: [[Service, 'web', { spec: { ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }] } }]],
  },
  {
    title: 'expose of what selects nothing is refused',
    source: 'control-plane §3 (expose)',
    has: [settings],
    run: ['expose', 'configmap', 'settings', '--port=80'],
    exit: 1,
    stderr: ['error: cannot expose a ConfigMap'],
  },
  {
    title: 'create token makes a token of a service account',
    source: `control-plane §3 (create token), ${bodies}, API-18`,
    given: [{ run: ['create', 'serviceaccount', 'robot'] }],
    run: ['create', 'token', 'robot'],
    stdout: /^[\w-]+\.[\w-]+\.[\w-]+$/,
  },
  {
    title: 'create token --duration --audience says for how long and for whom',
    source: `control-plane §3 (create token), ${bodies}, API-18`,
    given: [{ run: ['create', 'serviceaccount', 'robot'] }],
    run: [
      'create',
      'token',
      'robot',
      '--duration=2h',
      '--audience=vault',
      '-ojsonpath={.spec.audiences} {.spec.expirationSeconds} {.status.expirationTimestamp}',
    ],
    stdout: ['["vault"] 7200 TIME'],
  },
  {
    title: 'create token --bound-object-kind binds it to an object that must be there',
    source: 'control-plane §3 (create token), API-18',
    given: [{ run: ['create', 'serviceaccount', 'robot'] }],
    run: ['create', 'token', 'robot', '--bound-object-kind=Secret', '--bound-object-name=nope'],
    exit: 1,
    stderr: ['error: failed to create token: secrets "nope" not found'],
  },
  {
    title: 'create token --duration refuses less than ten minutes',
    source: 'control-plane §3 (create token), API-19',
    given: [{ run: ['create', 'serviceaccount', 'robot'] }],
    run: ['create', 'token', 'robot', '--duration=5m'],
    exit: 1,
    stderr: [
      'error: failed to create token: TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 300: may not specify a duration less than 10 minutes',
    ],
  },
  {
    title: 'create token of a service account that is not there',
    source: 'control-plane §3 (create token), API-19',
    run: ['create', 'token', 'nobody'],
    exit: 1,
    stderr: ['error: failed to create token: serviceaccounts "nobody" not found'],
  },
  {
    title: 'autoscale makes a HorizontalPodAutoscaler of the first version',
    source: `control-plane §3 (autoscale), ${bodies}`,
    has: [web],
    run: ['autoscale', 'deployment', 'web', '--min=2', '--max=5', '--cpu-percent=80'],
    stdout: ['horizontalpodautoscaler.autoscaling/web autoscaled'],
    leaves: [
      [
        HorizontalPodAutoscaler,
        'web',
        {
          spec: {
            scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
            minReplicas: 2,
            maxReplicas: 5,
            metrics: [
              {
                type: 'Resource',
                resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
              },
            ],
          },
        },
      ],
    ],
  },
  {
    title: 'autoscale of what is autoscaled already',
    source: 'control-plane §3 (autoscale), API-19',
    has: [web],
    given: [{ run: ['autoscale', 'deployment', 'web', '--max=5'] }],
    run: ['autoscale', 'deployment', 'web', '--max=6'],
    exit: 1,
    stderr: ['Error from server (AlreadyExists): horizontalpodautoscalers.autoscaling "web" already exists'],
    leaves: [[HorizontalPodAutoscaler, 'web', { spec: { maxReplicas: 5 } }]],
  },
  {
    title: 'autoscale refuses bounds the wrong way round',
    source: 'control-plane §3 (autoscale), API-19',
    has: [web],
    run: ['autoscale', 'deployment', 'web', '--min=6', '--max=5'],
    exit: 1,
    stderr: ['error: --max=MAXPODS must be larger or equal to --min=MINPODS, max: 5, min: 6'],
    leaves: [[HorizontalPodAutoscaler, 'web', 'nothing']],
  },
];
