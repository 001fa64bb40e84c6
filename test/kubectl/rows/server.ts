import type { Row } from '../row.js';
import { apply, gadget } from '../manifests.js';

const gadgetSpec = [
  'GROUP:  shop.example.com',
  'KIND:  Gadget',
  'VERSION:  v1',
  '',
  'FIELD: spec <Object>',
  '',
  '',
  'DESCRIPTION:',
  '    What is wanted.',
  '',
  'FIELDS:',
  '  colour\t<string> -required-',
  '  enum: red, green, blue',
  '  replicas\t<integer>',
  '',
];

/** What the server says about itself: discovery, explain, identity, version. */
export const serverRows: readonly Row[] = [
  {
    title: 'api-resources lists a group with short names, verbs and categories',
    source: 'API-12',
    run: ['api-resources', '--api-group=apps', '--no-headers', '-owide', '--sort-by=name'],
    stdout: [
      'controllerrevisions  apps/v1  true  ControllerRevision  create,delete,deletecollection,get,list,patch,update,watch',
      'daemonsets  ds  apps/v1  true  DaemonSet  create,delete,deletecollection,get,list,patch,update,watch  all',
      'deployments  deploy  apps/v1  true  Deployment  create,delete,deletecollection,get,list,patch,update,watch  all',
      'replicasets  rs  apps/v1  true  ReplicaSet  create,delete,deletecollection,get,list,patch,update,watch  all',
      'statefulsets  sts  apps/v1  true  StatefulSet  create,delete,deletecollection,get,list,patch,update,watch  all',
    ],
  },
  {
    title: 'api-resources lists custom kinds',
    source: 'API-12, API-15',
    run: ['api-resources', '--api-group=shop.example.com', '--no-headers'],
    stdout: ['gadgets  gd  shop.example.com/v1  true  Gadget'],
  },
  {
    title: 'api-resources --namespaced=false lists what has no namespace',
    source: 'API-12',
    run: ['api-resources', '--api-group=', '--namespaced=false', '-oname', '--sort-by=name'],
    stdout: ['componentstatuses', 'namespaces', 'nodes', 'persistentvolumes'],
  },
  {
    title: 'api-versions lists every group version once, sorted',
    source: 'API-12',
    run: ['api-versions'],
    stdout:
      /^admissionregistration\.k8s\.io\/v1\n(?:.*\n)*apps\/v1\n(?:.*\n)*autoscaling\/v1\nautoscaling\/v2\n(?:.*\n)*shop\.example\.com\/v1\n(?:.*\n)*v1$/,
  },
  {
    title: 'explain a field of a built-in kind',
    source: 'control-plane §3 (explain)',
    run: ['explain', 'deployment.spec.strategy'],
    stdout:
      /^GROUP: {2}apps\nKIND: {2}Deployment\nVERSION: {2}v1\n\nFIELD: strategy <DeploymentStrategy>\n(?:.*\n)*FIELDS:\n {2}rollingUpdate\t<RollingUpdateDeployment>\n(?:.*\n)* {2}type\t<string>\n {2}enum: Recreate, RollingUpdate\n/,
    before: [
      {
        minor: 30,
        stdout:
          /^GROUP: {2}apps\nKIND: {2}Deployment\nVERSION: {2}v1\n\nFIELD: strategy <DeploymentStrategy>\n(?:.*\n)*FIELDS:\n {2}rollingUpdate\t<RollingUpdateDeployment>\n(?:.*\n)* {2}type\t<string>\n/,
      },
    ],
  },
  {
    title: 'explain a custom kind from its schema',
    source: 'control-plane §3 (explain), API-15',
    run: ['explain', 'gadget.spec', '--recursive'],
    stdout: gadgetSpec,
    before: [
      {
        minor: 30,
        stdout: gadgetSpec
          .toSpliced(gadgetSpec.indexOf('DESCRIPTION:') - 1, 1)
          .filter((line) => !line.startsWith('  enum:')),
      },
    ],
  },
  {
    title: 'explain of a field that does not exist',
    source: 'control-plane §3 (explain)',
    run: ['explain', 'deployment.spec.nope'],
    exit: 1,
    stdout: ['GROUP:  apps', 'KIND:  Deployment', 'VERSION:  v1', ''],
    stderr: ['error: field "nope" does not exist'],
  },
  {
    title: 'auth can-i says yes to the admin',
    source: 'API-18',
    run: ['auth', 'can-i', 'create', 'deployments.apps'],
    stdout: ['yes'],
  },
  {
    title: 'auth can-i --list lists the rules of the admin',
    source: 'API-18',
    run: ['auth', 'can-i', '--list', '--no-headers'],
    stdout: /^\*\.\* {2}\[\] {2}\[\] {2}\[\*\]$/m,
  },
  {
    title: 'auth whoami names the user of the client certificate',
    source: 'API-18',
    run: ['auth', 'whoami', '-ojsonpath={.status.userInfo.username} {.status.userInfo.groups}'],
    stdout: ['admin ["system:masters","system:authenticated"]'],
    before: [
      // It asks for versions from before the API was stable.
      {
        minor: 28,
        exit: 1,
        stderr: /^error: the selfsubjectreviews API is not enabled in the cluster/,
        stdout: [],
      },
    ],
  },
  {
    title: 'auth reconcile creates roles and bindings',
    source: 'control-plane §3 (auth reconcile)',
    run: ['auth', 'reconcile', '-f', '-'],
    stdin: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: '$NS' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    },
    stdout: ['clusterrole.rbac.authorization.k8s.io/NS reconciled'],
    stderr: /^\treconciliation required create\n/,
  },
  {
    title: 'version names both sides',
    source: 'control-plane §3 (version)',
    run: ['version'],
    stdout: /^Client Version: v1\.\d+\.\d+.*\nKustomize Version: .*\nServer Version: v1\.32\.\d+\+gyre$/,
    before: [
      {
        minor: 28,
        stdout:
          /^Client Version: .*GitVersion:"v1\.27.*\nKustomize Version: .*\nServer Version: .*GitVersion:"v1\.32/,
        stderr: /version difference between client/,
      },
      {
        minor: 31,
        stdout: /^Client Version: v1\.\d+\.\d+.*\nKustomize Version: .*\nServer Version: v1\.32\.\d+\+gyre$/,
        stderr: /^WARNING: version difference between client \(1\.\d+\) and server \(1\.32\) exceeds/,
      },
    ],
  },
  {
    title: 'cluster-info names the address',
    source: 'control-plane §3 (cluster-info)',
    run: ['cluster-info'],
    stdout: [
      'Kubernetes control plane is running at https://127.0.0.1:PORT',
      '',
      "To further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.",
    ],
  },
  {
    title: 'get --raw reads the health of the server',
    source: 'API-18',
    run: ['get', '--raw=/readyz'],
    stdout: ['ok'],
  },
  {
    title: 'get --raw of a path that is not there',
    source: 'API-19',
    run: ['get', '--raw=/nope'],
    exit: 1,
    stderr: ['Error from server (NotFound): the server could not find the requested resource'],
  },
  {
    title: 'logs of a pod that is nowhere says so',
    source: 'control-plane §3 (logs), API-19',
    given: [{ run: ['run', 'web', '--image=nginx'] }],
    run: ['logs', 'web'],
    exit: 1,
    stderr: ['Error from server (BadRequest): pod web does not have a host assigned'],
  },
  {
    title: 'top says that there are no metrics',
    source: 'control-plane §3 (top)',
    has: [gadget],
    run: ['top', 'pods'],
    exit: 1,
    stderr: ['error: Metrics API not available'],
  },
];
