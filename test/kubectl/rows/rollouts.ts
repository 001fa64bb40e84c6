import { Deployment, Namespace, ReplicaSet } from 'gyre/kinds';
import type { KindOf, KubernetesObject } from 'gyre/api';
import type { Command, Row } from '../row.js';

export const any = <T extends KubernetesObject>(kind: KindOf<T>) =>
  kind as unknown as KindOf<KubernetesObject>;

export const kubectl = (line: string): Command => ({ run: line.split(' ') });

/** A web server of two, complete: a port that everybody may listen on. */
export const web: readonly Command[] = [
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

/** Commands whose outcome controllers bring about, whatever nodes run: processes, or nothing at all. */
export const rolloutRows: readonly Row[] = [
  {
    title: 'create deployment ends in running pods',
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
    title: 'delete namespace takes everything in it along',
    source: 'NS-1',
    given: [
      kubectl('create namespace $NS-away'),
      kubectl('create deployment web --image=nginx --port=8080 --namespace $NS-away'),
      kubectl('create configmap settings --from-literal=a=1 --namespace $NS-away'),
    ],
    run: ['delete', 'namespace', '$NS-away', '--timeout=60s'],
    clusterWide: true,
    stdout: ['namespace "NS-away" deleted'],
    leaves: [[any(Namespace), '$NS-away', 'nothing']],
  },
  {
    title: 'rollout status --watch=false tells how far it is',
    source: 'D-15',
    given: [
      ...web,
      kubectl('rollout pause deployment/web'),
      kubectl('set image deployment/web nginx=nginx:1.28'),
      kubectl('wait --for=jsonpath={.status.observedGeneration}=3 deployment/web --timeout=60s'),
    ],
    run: ['rollout', 'status', 'deployment/web', '--watch=false'],
    stdout: ['Waiting for deployment "web" rollout to finish: 0 out of 2 new replicas have been updated...'],
    leaves: [[any(Deployment), 'web', { status: { readyReplicas: 2, unavailableReplicas: undefined } }]],
  },
  {
    title: 'rollout history --revision shows the template of one',
    source: 'D-4, D-15',
    given: web2,
    run: ['rollout', 'history', 'deployment/web', '--revision=1'],
    stdout:
      /^deployment\.apps\/web with revision #1\nPod Template:\n {2}Labels:\s+app=web\n[\s\S]*Image:\s+nginx:1\.27\n/,
  },
  {
    title: 'rollout history tells the cause of a change',
    source: 'D-4, D-15',
    given: [
      kubectl('create deployment web --image=nginx:1.27 --replicas=2 --port=8080'),
      kubectl('annotate deployment/web kubernetes.io/change-cause=first'),
      kubectl('set image deployment/web nginx=nginx:1.28'),
      kubectl('annotate deployment/web kubernetes.io/change-cause=newer --overwrite'),
      kubectl('rollout status deployment/web --timeout=60s'),
    ],
    run: ['rollout', 'history', 'deployment/web'],
    stdout: /^deployment\.apps\/web\nREVISION {2}CHANGE-CAUSE\n(?:1 {2}\S+\n)?\d {2}newer\n$/,
  },
  {
    title: 'rollout undo --to-revision goes back to that one',
    source: 'D-4, D-15',
    given: [
      ...web2,
      kubectl('set image deployment/web nginx=nginx:1.29'),
      kubectl('rollout status deployment/web --timeout=60s'),
    ],
    run: ['rollout', 'undo', 'deployment/web', '--to-revision=1'],
    stdout: ['deployment.apps/web rolled back'],
    leaves: [[any(Deployment), 'web', image('nginx:1.27')]],
  },
  {
    title: 'rollout undo to a revision that is not there',
    source: 'D-15',
    given: web,
    run: ['rollout', 'undo', 'deployment/web', '--to-revision=7'],
    exit: 1,
    stderr: ['error: unable to find specified revision 7 in history'],
    leaves: [[any(Deployment), 'web', image('nginx:1.27')]],
  },
  {
    title: 'rollout undo to the present one is skipped',
    source: 'D-15',
    given: web,
    run: ['rollout', 'undo', 'deployment/web', '--to-revision=1'],
    stdout: /^deployment\.apps\/web skipped rollback \(current template already matches revision 1\)$/,
    leaves: [[any(Deployment), 'web', image('nginx:1.27')]],
  },
  {
    title: 'delete of a pod of a ReplicaSet has another one made',
    source: 'RS-3, GC-3',
    given: [...web, kubectl('delete pods --all --grace-period=1')],
    run: ['wait', '--for=jsonpath={.status.readyReplicas}=2', 'deployment/web', '--timeout=60s'],
    stdout: ['deployment.apps/web condition met'],
  },
  {
    title: 'get pods -o wide shows where they are',
    source: 'table-columns',
    given: web,
    run: ['get', 'pods', '-owide', '--no-headers'],
    stdout:
      /^web-\w+-\w{5} +1\/1 +Running +0 +\S+ +[\d.]+ +\S+ +<none> +<none>\nweb-\w+-\w{5} +1\/1 +Running/,
  },
  {
    title: 'describe pod tells conditions and the events of its way',
    source: 'control-plane §3 (describe), SC-8, KL-10',
    given: web,
    run: ['describe', 'pods', '--selector=app=web'],
    stdout:
      /^Name: +web-\S+\n(?=[\s\S]*^Status: +Running$)(?=[\s\S]*^Controlled By: +ReplicaSet\/web-\w+$)(?=[\s\S]*^ {4}State: +Running$)(?=[\s\S]*^ {2}Ready +True$)[\s\S]*^Events:\n[\s\S]*Normal +Scheduled +\S+ +\S+ +Successfully assigned NS\/web-\S+ to \S+$/m,
  },
  {
    title: 'describe nodes tells capacity, conditions and pods',
    source: 'control-plane §3 (describe), KL-17',
    given: web,
    run: ['describe', 'nodes'],
    stdout:
      /^Name: +\S+\n(?=[\s\S]*^ {2}HolderIdentity: +\S+$)(?=[\s\S]*^ {2}Ready +True +.*KubeletReady)(?=[\s\S]*^Capacity:\n)(?=[\s\S]*^Non-terminated Pods: +\(\d+ in total\)$)[\s\S]*^ {2}NS +web-/m,
  },
  {
    title: 'get quota and describe namespace tell what is used of it',
    source: 'table-columns, control-plane §3 (describe)',
    given: [
      kubectl('create quota small --hard=pods=5'),
      kubectl('run shell --image=busybox'),
      kubectl('wait --for=jsonpath={.status.used.pods}=1 quota/small --timeout=60s'),
      kubectl('get quota small'),
    ],
    run: ['describe', 'namespace', '$NS'],
    stdout: [
      'Name:  NS',
      'Labels:  kubernetes.io/metadata.name=NS',
      'Annotations:  <none>',
      'Status:  Active',
      '',
      'Resource Quotas',
      '  Name:  small',
      '  Resource  Used  Hard',
      '  --------  ---  ---',
      '  pods  1  5',
      '',
      'No LimitRange resource.',
    ],
  },
];
