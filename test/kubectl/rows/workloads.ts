import { Pod, Service } from 'gyre/kinds';
import type { Command, Row } from '../row.js';
import { any, kubectl, web } from './rollouts.js';

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

/** Commands about what runs: scheduler, node and proxy have their part in each. */
export const workloadRows: readonly Row[] = [
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
    title: 'delete pod ends its processes within the grace period',
    source: 'KL-7, KL-8',
    given: shell,
    run: ['delete', 'pod', 'shell', '--grace-period=2'],
    stdout: ['pod "shell" deleted'],
    leaves: [[any(Pod), 'shell', 'nothing']],
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
