import { CertificateSigningRequest, Node, Pod } from 'gyre/kinds';
import { podOn } from '../manifests.js';
import type { Row } from '../row.js';

const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: '$NS' } };
const gpu = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
/** Nobody but who signs looks into it. */
const pem = '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n';
const request = {
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  metadata: { name: '$NS' },
  spec: {
    request: Buffer.from(pem).toString('base64'),
    signerName: 'example.com/ours',
    usages: ['client auth'],
    expirationSeconds: 86_400,
  },
};

/** Commands of who keeps a cluster: nodes, pods to look into others with, certificates. */
export const nodeRows: readonly Row[] = [
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
    title: 'cordon of a Node that is cordoned',
    source: 'control-plane §3 (cordon)',
    has: [{ ...node, spec: { unschedulable: true } }],
    run: ['cordon', '$NS'],
    clusterWide: true,
    stdout: ['node/NS already cordoned'],
    leaves: [[Node, '$NS', { spec: { unschedulable: true } }]],
  },
  {
    title: 'uncordon makes it schedulable again',
    source: 'control-plane §3 (cordon)',
    has: [{ ...node, spec: { unschedulable: true } }],
    run: ['uncordon', '$NS'],
    clusterWide: true,
    stdout: ['node/NS uncordoned'],
    leaves: [[Node, '$NS', { spec: { unschedulable: undefined } }]],
  },
  {
    title: 'drain refuses pods that nothing would make anew',
    source: 'control-plane §3 (drain)',
    has: [node, podOn('$NS')],
    run: ['drain', '$NS'],
    clusterWide: true,
    exit: 1,
    stdout: ['node/NS cordoned'],
    stderr:
      /cannot delete Pods (?:declare no controller|that declare no controller) \(use --force to override\): NS\/shell/,
    leaves: [
      [Node, '$NS', { spec: { unschedulable: true } }],
      [Pod, 'shell', { metadata: { deletionTimestamp: undefined } }],
    ],
  },
  {
    title: 'drain --force --grace-period=0 evicts them',
    source: 'control-plane §3 (drain), §3.1 (protobuf bodies)',
    has: [node, podOn('$NS')],
    run: ['drain', '$NS', '--force', '--grace-period=0'],
    clusterWide: true,
    stdout: ['node/NS cordoned', 'evicting pod NS/shell', 'pod/shell evicted', 'node/NS drained'],
    stderr: /^Warning: deleting Pods (?:that )?declare no controller: NS\/shell$/,
    leaves: [[Pod, 'shell', 'nothing']],
  },
  {
    title: 'drain --disable-eviction deletes them',
    source: 'control-plane §3 (drain), §3.1 (protobuf bodies)',
    has: [node, podOn('$NS')],
    run: ['drain', '$NS', '--force', '--grace-period=0', '--disable-eviction'],
    clusterWide: true,
    stdout: ['node/NS cordoned', 'pod/shell deleted', 'node/NS drained'],
    stderr: /^Warning: deleting Pods (?:that )?declare no controller: NS\/shell$/,
    leaves: [[Pod, 'shell', 'nothing']],
  },
  {
    title: 'certificate approve approves what was asked for',
    source: 'control-plane §3 (certificate approve), API-14, OC-19',
    has: [request],
    run: ['certificate', 'approve', '$NS'],
    clusterWide: true,
    stdout: ['certificatesigningrequest.certificates.k8s.io/NS approved'],
    leaves: [
      [
        CertificateSigningRequest,
        '$NS',
        {
          spec: { username: 'admin' },
          status: {
            conditions: [
              {
                type: 'Approved',
                status: 'True',
                reason: 'KubectlApprove',
                message: 'This CSR was approved by kubectl certificate approve.',
              },
            ],
          },
        },
      ],
    ],
  },
  {
    title: 'certificate deny denies it, and get csr says so',
    source: 'control-plane §3 (certificate deny), OC-19, table-columns',
    has: [request],
    given: [{ run: ['certificate', 'deny', '$NS'] }],
    run: ['get', 'csr', '$NS'],
    clusterWide: true,
    stdout: [
      'NAME  AGE  SIGNERNAME  REQUESTOR  REQUESTEDDURATION  CONDITION',
      'NS  AGE  example.com/ours  admin  AGE  Denied',
    ],
    leaves: [
      [
        CertificateSigningRequest,
        '$NS',
        { status: { conditions: [{ type: 'Denied', status: 'True', reason: 'KubectlDeny' }] } },
      ],
    ],
  },
  {
    title: 'certificate approve of what was denied is refused',
    source: 'control-plane §3 (certificate approve), OC-19',
    has: [request],
    given: [{ run: ['certificate', 'deny', '$NS'] }],
    run: ['certificate', 'approve', '$NS'],
    clusterWide: true,
    exit: 1,
    stderr: ['error: certificate signing request "NS" is already Denied'],
  },
  {
    title: 'certificate approve of a request that is not there',
    source: 'API-19',
    run: ['certificate', 'approve', '$NS'],
    clusterWide: true,
    exit: 1,
    stderr: ['Error from server (NotFound): certificatesigningrequests.certificates.k8s.io "NS" not found'],
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
  {
    title: 'taint --overwrite changes its value',
    source: 'control-plane §3 (taint)',
    has: [{ ...node, spec: { taints: [gpu] } }],
    run: ['taint', 'node', '$NS', 'gpu=no:NoSchedule', '--overwrite'],
    clusterWide: true,
    stdout: ['node/NS modified'],
    leaves: [[Node, '$NS', { spec: { taints: [{ ...gpu, value: 'no' }] } }]],
  },
  {
    title: 'taint does not overwrite unless told to',
    source: 'control-plane §3 (taint)',
    has: [{ ...node, spec: { taints: [gpu] } }],
    run: ['taint', 'node', '$NS', 'gpu=no:NoSchedule'],
    clusterWide: true,
    exit: 1,
    stderr: ['error: node NS already has gpu taint(s) with same effect(s) and --overwrite is false'],
    leaves: [[Node, '$NS', { spec: { taints: [gpu] } }]],
  },
  {
    title: 'taint key- removes it',
    source: 'control-plane §3 (taint)',
    has: [{ ...node, spec: { taints: [gpu] } }],
    run: ['taint', 'node', '$NS', 'gpu-'],
    clusterWide: true,
    stdout: ['node/NS untainted'],
    leaves: [[Node, '$NS', { spec: { taints: undefined } }]],
  },
  {
    title: 'debug --copy-to copies a pod, with one more container',
    source: 'control-plane §3 (debug)',
    has: [podOn('n1')],
    run: [
      'debug',
      'shell',
      '--image=busybox',
      '--container=tools',
      '--copy-to=copy',
      '--share-processes',
      '--attach=false',
      '--profile=general',
    ],
    leaves: [
      [
        Pod,
        'copy',
        {
          spec: {
            shareProcessNamespace: true,
            nodeName: undefined,
            containers: [{ name: 'shell' }, { name: 'tools', image: 'busybox' }],
          },
        },
      ],
      [Pod, 'shell', { spec: { nodeName: 'n1' } }],
    ],
  },
  {
    title: 'debug --copy-to --set-image changes the image of the copy',
    source: 'control-plane §3 (debug)',
    has: [podOn('n1')],
    run: [
      'debug',
      'shell',
      '--copy-to=copy',
      '--set-image=shell=busybox:2',
      '--attach=false',
      '--profile=general',
    ],
    leaves: [[Pod, 'copy', { spec: { containers: [{ name: 'shell', image: 'busybox:2' }] } }]],
  },
  {
    title: 'debug adds an ephemeral container',
    source: 'control-plane §3 (debug), API-14',
    has: [podOn('n1')],
    run: [
      'debug',
      'shell',
      '--image=busybox',
      '--container=tools',
      '--target=shell',
      '--attach=false',
      '--profile=general',
    ],
    stdout: /^Targeting container "shell"\./,
    leaves: [
      [
        Pod,
        'shell',
        {
          spec: { ephemeralContainers: [{ name: 'tools', image: 'busybox', targetContainerName: 'shell' }] },
        },
      ],
    ],
  },
  {
    title: 'debug node/… makes a pod there, in the namespaces of the machine',
    source: 'control-plane §3 (debug), §3.1 (protobuf bodies)',
    has: [node],
    given: [{ run: ['debug', 'node/$NS', '--image=busybox', '--attach=false', '--profile=general'] }],
    run: [
      'get',
      'pods',
      '-ojsonpath={range .items[*]}{.metadata.name} {.spec.nodeName} {.spec.hostNetwork} {.spec.hostPID} {.spec.volumes[0].hostPath.path}{"\\n"}{end}',
    ],
    stdout: /^node-debugger-NS-\w{5} NS true true \/$/,
  },
];
