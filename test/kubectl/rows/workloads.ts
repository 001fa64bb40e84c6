import { Deployment, Pod, ReplicaSet, Service } from 'gyre/kinds';
import type { KindOf, KubernetesObject } from 'gyre/api';
import type { Command, Row } from '../row.js';

const any = <T extends KubernetesObject>(kind: KindOf<T>) => kind as unknown as KindOf<KubernetesObject>;

const kubectl = (line: string): Command => ({ run: line.split(' ') });

/** A web server of two, complete: a port that everybody may listen on. */
const web: readonly Command[] = [
  kubectl('create deployment web --image=nginx:1.27 --replicas=2 --port=8080'),
  kubectl('rollout status deployment/web --timeout=60s'),
];
/** … and its second version. */
const web2: readonly Command[] = [
  ...web,
  kubectl('set image deployment/web nginx=nginx:1.28'),
  kubectl('rollout status deployment/web --timeout=60s'),
];
const image = (text: string): object => ({
  spec: { template: { spec: { containers: [{ name: 'nginx', image: text }] } } },
});
/** A pod that ends by itself. */
const greeting: readonly Command[] = [
  {
    run: [
      'run',
      'greeting',
      '--image=busybox',
      '--restart=Never',
      '--',
      'sh',
      '-c',
      'echo one; echo two >&2; echo three',
    ],
  },
  kubectl('wait --for=jsonpath={.status.phase}=Succeeded pod/greeting --timeout=60s'),
];
/** A pod that stays. */
const shell: readonly Command[] = [
  { run: ['run', 'shell', '--image=busybox', '--', 'sh', '-c', 'echo ready; exec sleep 1000000'] },
  kubectl('wait --for=condition=Ready pod/shell --timeout=60s'),
];
const claim = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'notes' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};

/** Commands about what runs: controllers, scheduler, node and proxy have their part in each. */
export const workloadRows: readonly Row[] = [
  {
    title: 'create deployment ends in running processes',
    source: 'control-plane §3 (create), D-2, RS-3, SC-8, KL-2',
    given: [kubectl('create deployment web --image=nginx:1.27 --replicas=2 --port=8080')],
    run: ['wait', '--for=condition=Available', 'deployment/web', '--timeout=60s'],
    stdout: ['deployment.apps/web condition met'],
    leaves: [[any(Deployment), 'web', { status: { replicas: 2, readyReplicas: 2, availableReplicas: 2 } }]],
  },
  {
    title: 'rollout status waits for the rollout to be complete',
    source: 'D-15',
    given: [kubectl('create deployment web --image=nginx:1.27 --replicas=2 --port=8080')],
    run: ['rollout', 'status', 'deployment/web', '--timeout=60s'],
    stdout: /deployment "web" successfully rolled out$/,
    leaves: [[any(Deployment), 'web', { status: { updatedReplicas: 2, availableReplicas: 2 } }]],
  },
  {
    title: 'rollout history lists the revisions',
    source: 'D-4, D-15',
    given: web2,
    run: ['rollout', 'history', 'deployment/web'],
    stdout: ['deployment.apps/web', 'REVISION  CHANGE-CAUSE', '1  <none>', '2  <none>', ''],
  },
  {
    title: 'rollout undo goes back to the former template, under a new revision',
    source: 'D-4, D-15',
    given: web2,
    run: ['rollout', 'undo', 'deployment/web'],
    stdout: ['deployment.apps/web rolled back'],
    leaves: [[any(Deployment), 'web', image('nginx:1.27')]],
  },
  {
    title: 'after rollout undo the former ReplicaSet has come back',
    source: 'D-2, D-4',
    given: [
      ...web2,
      kubectl('rollout undo deployment/web'),
      kubectl('rollout status deployment/web --timeout=60s'),
    ],
    run: ['rollout', 'history', 'deployment/web'],
    stdout: ['deployment.apps/web', 'REVISION  CHANGE-CAUSE', '2  <none>', '3  <none>', ''],
    leaves: [
      [
        any(Deployment),
        'web',
        {
          metadata: { annotations: { 'deployment.kubernetes.io/revision': '3' } },
          status: { readyReplicas: 2 },
        },
      ],
    ],
  },
  {
    title: 'rollout restart makes new pods of the same image',
    source: 'control-plane §3 (rollout)',
    given: web,
    run: ['rollout', 'restart', 'deployment/web'],
    stdout: ['deployment.apps/web restarted'],
    leaves: [[any(Deployment), 'web', image('nginx:1.27')]],
  },
  {
    title: 'rollout pause holds a change back',
    source: 'D-14',
    given: web,
    run: ['rollout', 'pause', 'deployment/web'],
    stdout: ['deployment.apps/web paused'],
    leaves: [[any(Deployment), 'web', { spec: { paused: true } }]],
  },
  {
    title: 'rollout resume lets it go on',
    source: 'D-14',
    given: [
      ...web,
      kubectl('rollout pause deployment/web'),
      kubectl('set image deployment/web nginx=nginx:1.28'),
    ],
    run: ['rollout', 'resume', 'deployment/web'],
    stdout: ['deployment.apps/web resumed'],
    leaves: [[any(Deployment), 'web', image('nginx:1.28')]],
  },
  {
    title: 'scale changes the number of pods',
    source: 'D-9',
    given: [...web, kubectl('scale deployment/web --replicas=4')],
    run: ['wait', '--for=jsonpath={.status.readyReplicas}=4', 'deployment/web', '--timeout=60s'],
    stdout: ['deployment.apps/web condition met'],
    leaves: [[any(Deployment), 'web', { spec: { replicas: 4 } }]],
  },
  {
    title: 'scale down ends the surplus',
    source: 'RS-10, KL-8',
    given: [...web, kubectl('scale deployment/web --replicas=1')],
    run: ['wait', '--for=jsonpath={.status.replicas}=1', 'deployment/web', '--timeout=60s'],
    stdout: ['deployment.apps/web condition met'],
  },
  {
    title: 'set image rolls out the new image',
    source: 'D-6, D-7',
    given: web,
    run: ['set', 'image', 'deployment/web', 'nginx=nginx:1.28'],
    stdout: ['deployment.apps/web image updated'],
    leaves: [[any(Deployment), 'web', image('nginx:1.28')]],
  },
  {
    title: 'set env reaches the processes',
    source: 'KL-14',
    given: [
      ...web,
      kubectl('set env deployment/web GREETING=hello'),
      kubectl('rollout status deployment/web --timeout=60s'),
    ],
    run: ['exec', 'deployment/web', '--', 'printenv', 'GREETING'],
    stdout: ['hello'],
  },
  {
    title: 'expose gives a Deployment an address',
    source: 'KP-4, OC-17',
    given: web,
    run: ['expose', 'deployment', 'web', '--port=80', '--target-port=8080', '--type=NodePort'],
    stdout: ['service/web exposed'],
    leaves: [
      [
        any(Service),
        'web',
        { spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] } },
      ],
    ],
  },
  {
    title: 'get pods -o wide shows address and node',
    source: 'table-columns',
    given: web,
    run: ['get', 'pods', '-owide', '--no-headers'],
    stdout:
      /^web-\w+-\w{5} +1\/1 +Running +0 +\S+ +127\.\d+\.\d+\.\d+ +local +<none> +<none>\n.*127\.\d+\.\d+\.\d+/,
  },
  {
    title: 'get deployments -o wide shows containers, images and selector',
    source: 'table-columns',
    given: web,
    run: ['get', 'deployments', '-owide', '--no-headers'],
    stdout: /^web +2\/2 +2 +2 +\S+ +nginx +nginx:1\.27 +app=web$/,
  },
  {
    title: 'get replicasets -o wide shows what the Deployment made',
    source: 'table-columns, D-2',
    given: web,
    run: ['get', 'replicasets', '-owide', '--no-headers'],
    stdout: /^web-\w+ +2 +2 +2 +\S+ +nginx +nginx:1\.27 +app=web,pod-template-hash=\w+$/,
  },
  {
    title: 'get nodes -o wide shows the node of this machine, ready',
    source: 'table-columns, KL-17',
    run: ['get', 'node', 'local', '-owide', '--no-headers'],
    stdout: /^local +Ready +<none> +\S+ +v1\.32\.\d+\S* +127\.0\.0\.1 +<none> +\S.* +process:\/\/\S+$/,
  },
  {
    title: 'get services -o wide shows addresses, ports and selector',
    source: 'table-columns, KP-4',
    given: [...web, kubectl('expose deployment web --port=80 --target-port=8080')],
    run: ['get', 'services', '-owide', '--no-headers'],
    stdout: /^web +ClusterIP +127\.\d+\.\d+\.\d+ +<none> +80\/TCP +\S+ +app=web$/,
  },
  {
    title: 'get all shows everything of the namespace',
    source: 'control-plane §3 (get)',
    given: [...web, kubectl('expose deployment web --port=80 --target-port=8080')],
    run: ['get', 'all', '-oname'],
    stdout: /^pod\/web-\S+\npod\/web-\S+\nservice\/web\ndeployment\.apps\/web\nreplicaset\.apps\/web-\w+$/,
  },
  {
    title: 'describe deployment tells conditions, ReplicaSets and events',
    source: 'control-plane §3 (describe), D-10, D-11, D-14',
    given: web,
    run: ['describe', 'deployment', 'web'],
    stdout:
      /Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable(?=[\s\S]*Available +True +MinimumReplicasAvailable)(?=[\s\S]*Progressing +True +NewReplicaSetAvailable)[\s\S]*NewReplicaSet: +web-\w+ \(2\/2 replicas created\)[\s\S]*ScalingReplicaSet/,
  },
  {
    title: 'describe pod tells state, conditions and the events of its way',
    source: 'control-plane §3 (describe), SC-8, KL-10, KL-11',
    given: shell,
    run: ['describe', 'pod', 'shell'],
    stdout:
      /Node: +local\/127\.0\.0\.1[\s\S]*Status: +Running[\s\S]*State: +Running[\s\S]*Ready +True[\s\S]*Events:[\s\S]*Scheduled[\s\S]*Successfully assigned NS\/shell to local[\s\S]*Created[\s\S]*Started/,
  },
  {
    title: 'describe node tells capacity, conditions and its pods',
    source: 'control-plane §3 (describe), KL-17',
    given: shell,
    run: ['describe', 'node', 'local'],
    stdout:
      /Name: +local[\s\S]*Lease:[\s\S]*HolderIdentity: +local[\s\S]*Ready +True[\s\S]*KubeletReady[\s\S]*Capacity:[\s\S]*pods:[\s\S]*Non-terminated Pods:[\s\S]*shell/,
  },
  {
    title: 'describe service tells its endpoints',
    source: 'control-plane §3 (describe), EP-2',
    given: [...web, kubectl('expose deployment web --port=80 --target-port=8080')],
    run: ['describe', 'service', 'web'],
    stdout:
      /IP: +127\.\d+\.\d+\.\d+[\s\S]*Port: +<unset> +80\/TCP[\s\S]*TargetPort: +8080\/TCP[\s\S]*Endpoints: +(?:127\.\d+\.\d+\.\d+:8080,?){2}/,
  },
  {
    title: 'describe pvc tells volume and provisioning',
    source: 'control-plane §3 (describe), PV-10',
    given: [
      { run: ['apply', '-f', '-'], stdin: claim },
      kubectl('wait --for=jsonpath={.status.phase}=Bound pvc/notes --timeout=60s'),
    ],
    run: ['describe', 'pvc', 'notes'],
    stdout:
      /StorageClass: +standard[\s\S]*Status: +Bound[\s\S]*Volume: +pvc-UID[\s\S]*Capacity: +1Gi[\s\S]*Access Modes: +RWO[\s\S]*ProvisioningSucceeded/,
  },
  {
    title: 'run makes a pod that runs to its end',
    source: 'control-plane §3 (run), KL-3',
    given: greeting.slice(0, 1),
    run: ['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/greeting', '--timeout=60s'],
    stdout: ['pod/greeting condition met'],
    leaves: [
      [
        any(Pod),
        'greeting',
        { status: { containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } } }] } },
      ],
    ],
  },
  {
    title: 'logs prints what a container wrote, to both streams',
    source: 'control-plane §3 (logs), KL-19',
    given: greeting,
    run: ['logs', 'greeting'],
    stdout: /^(?=[\s\S]*^one$)(?=[\s\S]*^two$)(?=[\s\S]*^three$)/m,
  },
  {
    title: 'logs --follow ends when the container does',
    source: 'control-plane §3 (logs)',
    given: [
      {
        run: [
          'run',
          'count',
          '--image=busybox',
          '--restart=Never',
          '--',
          'sh',
          '-c',
          'for i in 1 2 3; do echo $i; sleep 0.3; done',
        ],
      },
      kubectl('wait --for=jsonpath={.status.containerStatuses[0].started} pod/count --timeout=60s'),
    ],
    run: ['logs', '--follow', 'count'],
    stdout: ['1', '2', '3'],
  },
  {
    title: 'logs --tail and --timestamps choose and stamp lines',
    source: 'control-plane §3 (logs)',
    given: [
      { run: ['run', 'lines', '--image=busybox', '--restart=Never', '--', 'sh', '-c', 'echo one; echo two'] },
      kubectl('wait --for=jsonpath={.status.phase}=Succeeded pod/lines --timeout=60s'),
    ],
    run: ['logs', 'lines', '--tail=1', '--timestamps'],
    stdout: ['TIME two'],
  },
  {
    title: 'logs of a container that is not there is a bad request',
    source: 'control-plane §3 (logs)',
    given: shell,
    run: ['logs', 'shell', '--container', 'other'],
    exit: 1,
    stderr: ['error: container other is not valid for pod shell'],
  },
  {
    title: 'exec runs a command and passes its output on',
    source: 'control-plane §3.2',
    given: shell,
    run: ['exec', 'shell', '--', 'sh', '-c', 'echo out; echo err >&2'],
    stdout: ['out'],
    stderr: ['err'],
  },
  {
    title: 'exec passes the exit code on',
    source: 'control-plane §3.2',
    given: shell,
    run: ['exec', 'shell', '--', 'sh', '-c', 'exit 7'],
    exit: 7,
    stderr: ['command terminated with exit code 7'],
  },
  {
    title: 'exec --stdin carries standard input to its end',
    source: 'control-plane §3.2',
    given: shell,
    run: ['exec', '--stdin', 'shell', '--', 'cat'],
    stdin: 'through and back\n',
    stdout: ['through and back'],
  },
  {
    title: 'events lists what happened to an object',
    source: 'control-plane §3 (events), OC-18',
    given: shell,
    run: ['events', '--for', 'pod/shell', '--no-headers'],
    stdout:
      /Normal +Scheduled +Pod\/shell +Successfully assigned NS\/shell to local[\s\S]*Normal +Started +Pod\/shell/,
  },
  {
    title: 'explain knows the fields of built-in kinds',
    source: 'control-plane §3 (explain)',
    run: ['explain', 'deployment.spec.strategy.rollingUpdate.maxSurge'],
    stdout: /^GROUP: +apps\nKIND: +Deployment\nVERSION: +v1\n\nFIELD: maxSurge <IntOrString>/,
  },
  {
    title: 'diff shows what an apply would change, and changes nothing',
    source: 'control-plane §3 (diff)',
    given: [
      { run: ['apply', '-f', '-'], stdin: { ...claim, metadata: { name: 'notes', labels: { a: '1' } } } },
    ],
    run: ['diff', '-f', '-'],
    stdin: JSON.stringify({ ...claim, metadata: { name: 'notes', labels: { a: '2' } } }),
    exit: 1,
    stdout: /^-.* a: "1"\n\+.* a: "2"$/m,
  },
  {
    title: 'create token makes a token of a service account',
    source: 'control-plane §3 (create token), API-18',
    given: [kubectl('create serviceaccount robot')],
    run: ['create', 'token', 'robot', '--duration=1h'],
    stdout: /^[\w-]+\.[\w-]+\.[\w-]+$/,
  },
  {
    title: 'delete deployment takes ReplicaSets and pods with it, in the background',
    source: 'GC-3, control-plane §3 (delete)',
    given: [...web, kubectl('delete deployment web')],
    run: ['wait', '--for=delete', 'pods,replicasets', '--selector=app=web', '--timeout=60s'],
    stdout: /^(?:(?:pod|replicaset\.apps)\/\S+ condition met\n?)*$/,
    leaves: [
      [any(Deployment), 'web', 'nothing'],
      [any(ReplicaSet), 'web', 'nothing'],
    ],
  },
  {
    title: 'delete pod ends its processes within the grace period',
    source: 'KL-7, KL-8',
    given: shell,
    run: ['delete', 'pod', 'shell', '--grace-period=2'],
    stdout: ['pod "shell" deleted'],
    leaves: [[any(Pod), 'shell', 'nothing']],
  },
  {
    title: 'delete namespace takes everything in it along',
    source: 'NS-1',
    given: [
      kubectl('create namespace going-NS'.replace('NS', 'away')),
      kubectl('create deployment web --image=nginx --port=8080 --namespace going-away'),
      kubectl('create configmap settings --from-literal=a=1 --namespace going-away'),
    ],
    run: ['delete', 'namespace', 'going-away', '--timeout=60s'],
    clusterWide: true,
    stdout: ['namespace "going-away" deleted'],
  },
  {
    title: 'an image nobody knows is told in the status and in an event',
    source: 'KL-11',
    given: [
      kubectl('run odd --image=example.com/unheard-of:1'),
      kubectl(
        'wait --for=jsonpath={.status.containerStatuses[0].state.waiting.reason} pod/odd --timeout=60s',
      ),
    ],
    run: ['get', 'pod', 'odd', '--no-headers'],
    stdout: /^odd +0\/1 +(?:ErrImagePull|ImagePullBackOff|ContainerCreating) +0 /,
  },
];
