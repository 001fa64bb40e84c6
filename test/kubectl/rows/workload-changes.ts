import {
  DaemonSet,
  Deployment,
  ReplicaSet,
  ReplicationController,
  RoleBinding,
  Service,
  StatefulSet,
} from 'gyre/kinds';
import { Gadget, gadget, having, settings, web } from '../manifests.js';
import type { Row } from '../row.js';

const daemons = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'agent' },
  spec: {
    selector: { matchLabels: { app: 'agent' } },
    template: {
      metadata: { labels: { app: 'agent' } },
      spec: { containers: [{ name: 'agent', image: 'agent:1' }] },
    },
  },
};
/** What a controller would have kept of its template, some time. */
const revision = (number: number, image: string): object => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: {
    name: `agent-${number}`,
    labels: { app: 'agent' },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: '$OWNER', controller: true },
    ],
  },
  revision: number,
  data: {
    spec: {
      template: {
        $patch: 'replace',
        metadata: { labels: { app: 'agent' } },
        spec: { containers: [{ name: 'agent', image }] },
      },
    },
  },
});

/** What a controller would write. */
const statusOf = (type: string, name: string, status: object): readonly string[] => [
  'patch',
  type,
  name,
  '--subresource=status',
  `--patch=${JSON.stringify({ status })}`,
];

/** Commands that change what controllers work on, none of which is there: scale, set, rollout. */
export const workloadChangeRows: readonly Row[] = [
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
    title: 'scale changes the replicas of a StatefulSet',
    source: 'API-14',
    has: [{ ...web, kind: 'StatefulSet', spec: { ...web.spec, serviceName: 'web' } }],
    run: ['scale', 'statefulset/web', '--replicas=5'],
    stdout: ['statefulset.apps/web scaled'],
    leaves: [[StatefulSet, 'web', { metadata: { generation: 2 }, spec: { replicas: 5 } }]],
  },
  {
    title: 'scale changes the replicas of a ReplicaSet',
    source: 'API-14',
    has: [{ ...web, kind: 'ReplicaSet' }],
    run: ['scale', 'rs/web', '--current-replicas=2', '--replicas=0'],
    stdout: ['replicaset.apps/web scaled'],
    leaves: [[ReplicaSet, 'web', { metadata: { generation: 2 }, spec: { replicas: 0 } }]],
  },
  {
    title: 'scale changes the replicas of a ReplicationController',
    source: 'API-14',
    has: [
      {
        apiVersion: 'v1',
        kind: 'ReplicationController',
        metadata: { name: 'web' },
        spec: { ...web.spec, selector: { app: 'web' } },
      },
    ],
    run: ['scale', 'rc', 'web', '--replicas=5'],
    stdout: ['replicationcontroller/web scaled'],
    leaves: [[ReplicationController, 'web', { spec: { replicas: 5 } }]],
  },
  {
    title: 'scale -l scales all that match',
    source: 'control-plane §3 (scale)',
    has: [web, { ...web, metadata: { name: 'other', labels: { app: 'web' } } }],
    run: ['scale', 'deployments', '-lapp=web', '--replicas=1'],
    stdout: ['deployment.apps/other scaled', 'deployment.apps/web scaled'],
    leaves: [
      [Deployment, 'other', { spec: { replicas: 1 } }],
      [Deployment, 'web', { spec: { replicas: 1 } }],
    ],
  },
  {
    title: 'scale of what has no scale',
    source: 'API-14, API-19',
    has: [settings],
    run: ['scale', 'configmap', 'settings', '--replicas=1'],
    exit: 1,
    stderr: ['Error from server (NotFound): the server could not find the requested resource'],
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
    title: 'set image of a container that is not there',
    source: 'control-plane §3 (set image)',
    has: [web],
    run: ['set', 'image', 'deployment/web', 'nope=nginx:1.28'],
    exit: 1,
    stderr: ['error: unable to find container named "nope"'],
    leaves: [[Deployment, 'web', { metadata: { generation: 1 } }]],
  },
  {
    title: 'set env sets a variable, and takes one away',
    source: 'control-plane §3 (set env)',
    has: [web],
    given: [{ run: ['set', 'env', 'deployment/web', 'LEVEL=3', 'MODE=fast'] }],
    run: ['set', 'env', 'deployment/web', 'LEVEL=4', 'MODE-'],
    stdout: ['deployment.apps/web env updated'],
    leaves: [
      [
        Deployment,
        'web',
        {
          metadata: { generation: 3 },
          spec: { template: { spec: { containers: [{ env: [{ name: 'LEVEL', value: '4' }] }] } } },
        },
      ],
    ],
  },
  {
    title: 'set env --from takes the keys of a ConfigMap',
    source: 'control-plane §3 (set env)',
    has: [web, settings],
    run: ['set', 'env', 'deployment/web', '--from=configmap/settings', '--keys=colour'],
    stdout: ['deployment.apps/web env updated'],
    stderr: ['Warning: key colour transferred to COLOUR'],
    leaves: [
      [
        Deployment,
        'web',
        {
          spec: {
            template: {
              spec: {
                containers: [
                  {
                    env: [
                      { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } },
                    ],
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
    title: 'set env --list lists the variables',
    source: 'control-plane §3 (set env)',
    given: [{ run: ['run', 'web', '--image=nginx', '--env=LEVEL=3'] }],
    run: ['set', 'env', 'pod/web', '--list'],
    stdout: ['# Pod web, container web', 'LEVEL=3'],
  },
  {
    title: 'set resources sets requests and limits',
    source: 'control-plane §3 (set resources)',
    has: [web],
    run: ['set', 'resources', 'deployment', 'web', '--requests=cpu=100m', '--limits=cpu=200m,memory=64Mi'],
    stdout: ['deployment.apps/web resource requirements updated'],
    leaves: [
      [
        Deployment,
        'web',
        {
          metadata: { generation: 2 },
          spec: {
            template: {
              spec: {
                containers: [
                  { resources: { requests: { cpu: '100m' }, limits: { cpu: '200m', memory: '64Mi' } } },
                ],
              },
            },
          },
        },
      ],
    ],
  },
  {
    title: 'set resources refuses a request above its limit',
    source: 'control-plane §3 (set resources), API-19',
    has: [web],
    run: ['set', 'resources', 'deployment', 'web', '--requests=cpu=2', '--limits=cpu=1'],
    exit: 1,
    stderr: [
      'error: failed to patch resources update to pod template Deployment.apps "web" is invalid: spec.template.spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
    leaves: [[Deployment, 'web', { metadata: { generation: 1 } }]],
  },
  {
    title: 'set serviceaccount names the account of the pods',
    source: 'control-plane §3 (set)',
    has: [web],
    run: ['set', 'serviceaccount', 'deployment', 'web', 'robot'],
    stdout: ['deployment.apps/web serviceaccount updated'],
    leaves: [[Deployment, 'web', { spec: { template: { spec: { serviceAccountName: 'robot' } } } }]],
  },
  {
    title: 'set selector changes whom a Service selects',
    source: 'control-plane §3 (set)',
    given: [{ run: ['create', 'service', 'clusterip', 'web', '--tcp=80'] }],
    run: ['set', 'selector', 'service', 'web', 'app=shop'],
    stdout: ['service/web selector updated'],
    leaves: [[Service, 'web', { spec: { selector: { app: 'shop' } } }]],
  },
  {
    title: 'set subject adds somebody to a RoleBinding',
    source: 'control-plane §3 (set)',
    given: [{ run: ['create', 'rolebinding', 'readers', '--clusterrole=view', '--user=jane'] }],
    run: ['set', 'subject', 'rolebinding', 'readers', '--user=joe'],
    stdout: ['rolebinding.rbac.authorization.k8s.io/readers subjects updated'],
    leaves: [
      [
        RoleBinding,
        'readers',
        {
          subjects: [
            { kind: 'User', name: 'jane' },
            { kind: 'User', name: 'joe' },
          ],
        },
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
    title: 'rollout pause pauses, once',
    source: 'control-plane §3 (rollout pause), D-14',
    has: [web],
    given: [{ run: ['rollout', 'pause', 'deployment/web'] }],
    run: ['rollout', 'pause', 'deployment/web'],
    exit: 1,
    stderr: ['error: deployments.apps "web" is already paused'],
    leaves: [[Deployment, 'web', { metadata: { generation: 2 }, spec: { paused: true } }]],
  },
  {
    title: 'rollout restart of what is paused is refused',
    source: 'control-plane §3 (rollout restart)',
    has: [having(web, 'spec', { paused: true })],
    run: ['rollout', 'restart', 'deployment/web'],
    exit: 1,
    stderr: ['error: deployments.apps "web" can\'t restart paused deployment (run rollout resume first)'],
    leaves: [[Deployment, 'web', { metadata: { generation: 1 } }]],
  },
  {
    title: 'rollout resume resumes, once',
    source: 'control-plane §3 (rollout resume), D-14',
    has: [having(web, 'spec', { paused: true })],
    given: [{ run: ['rollout', 'resume', 'deployment/web'] }],
    run: ['rollout', 'resume', 'deployment/web'],
    exit: 1,
    stderr: ['error: deployments.apps "web" is not paused'],
    leaves: [[Deployment, 'web', { metadata: { generation: 2 }, spec: { paused: undefined } }]],
  },
  {
    title: 'rollout restart of a DaemonSet changes its template',
    source: 'control-plane §3 (rollout restart)',
    has: [daemons],
    run: ['rollout', 'restart', 'daemonset/agent'],
    stdout: ['daemonset.apps/agent restarted'],
    leaves: [
      [
        DaemonSet,
        'agent',
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
    title: 'rollout pause of a DaemonSet is not supported',
    source: 'control-plane §3 (rollout pause)',
    has: [daemons],
    run: ['rollout', 'pause', 'daemonset/agent'],
    exit: 1,
    stderr: ['error: daemonsets.apps "agent" pausing is not supported'],
  },
  {
    title: 'rollout status of a DaemonSet reads its status, whoever writes it',
    source: 'control-plane §3 (rollout status)',
    has: [daemons],
    run: ['rollout', 'status', 'daemonset/agent', '--timeout=15s'],
    meanwhile: [
      {
        after: /^Waiting for daemon set spec update to be observed/m,
        run: statusOf('daemonset', 'agent', {
          observedGeneration: 1,
          desiredNumberScheduled: 2,
          updatedNumberScheduled: 1,
        }),
      },
      {
        after: /1 out of 2 new pods have been updated/,
        run: statusOf('daemonset', 'agent', { updatedNumberScheduled: 2, numberAvailable: 2 }),
      },
    ],
    stdout:
      /^Waiting for daemon set "agent" rollout to finish: 1 out of 2 new pods have been updated\.\.\.\n(?:.*\n)*daemon set "agent" successfully rolled out$/m,
  },
  {
    title: 'rollout status of a StatefulSet reads its status, whoever writes it',
    source: 'control-plane §3 (rollout status)',
    has: [{ ...web, kind: 'StatefulSet', spec: { ...web.spec, serviceName: 'web' } }],
    given: [
      {
        run: statusOf('statefulset', 'web', {
          observedGeneration: 1,
          replicas: 2,
          readyReplicas: 2,
          updatedReplicas: 2,
          currentRevision: 'web-1',
          updateRevision: 'web-1',
        }),
      },
    ],
    run: ['rollout', 'status', 'statefulset/web', '--timeout=15s'],
    stdout: ['partitioned roll out complete: 2 new pods have been updated...'],
  },
  {
    title: 'rollout status that times out says so',
    source: 'control-plane §3 (rollout status)',
    has: [web],
    run: ['rollout', 'status', 'deployment/web', '--timeout=100ms'],
    exit: 1,
    stdout: /^Waiting for deployment spec update to be observed\.\.\./,
    stderr: /^error: timed out waiting for the condition$/m,
  },
  {
    title: 'rollout history of a DaemonSet lists its revisions',
    source: 'control-plane §3 (rollout history)',
    has: [daemons, revision(1, 'agent:0'), revision(2, 'agent:1')],
    run: ['rollout', 'history', 'daemonset/agent'],
    stdout: ['daemonset.apps/agent', 'REVISION  CHANGE-CAUSE', '1  <none>', '2  <none>', ''],
  },
  {
    title: 'rollout undo of a DaemonSet puts the former template in place of the present one',
    source: 'control-plane §3 (rollout undo), API-8',
    has: [daemons, revision(1, 'agent:0'), revision(2, 'agent:1')],
    run: ['rollout', 'undo', 'daemonset/agent'],
    stdout: ['daemonset.apps/agent rolled back'],
    leaves: [
      [
        DaemonSet,
        'agent',
        {
          metadata: { generation: 2 },
          spec: { template: { spec: { containers: [{ name: 'agent', image: 'agent:0' }] } } },
        },
      ],
    ],
  },
  {
    title: 'rollout undo of what has no history',
    source: 'control-plane §3 (rollout undo)',
    has: [web],
    run: ['rollout', 'undo', 'deployment/web'],
    exit: 1,
    stderr: ['error: no rollout history found for deployment "web"'],
  },
];
