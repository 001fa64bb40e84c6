import type { Row } from '../row.js';
import { gadget, web } from '../manifests.js';

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

const versionJson =
  /^\{\n {2}"clientVersion": \{\n(?=[\s\S]*"serverVersion": \{\n {4}"major": "1",\n {4}"minor": "32",\n)(?=[\s\S]*"gitVersion": "v1\.32\.\d+\+gyre")[\s\S]*\}$/;

const kubeconfig = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'a',
  contexts: [{ name: 'a', context: { cluster: 'c', user: 'u', namespace: 'ops' } }],
};

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
    title: 'api-resources -o wide lists verbs and categories of custom kinds',
    source: 'API-12, API-15',
    run: ['api-resources', '--api-group=shop.example.com', '--no-headers', '-owide'],
    stdout: [
      'gadgets  gd  shop.example.com/v1  true  Gadget  create,delete,deletecollection,get,list,patch,update,watch  all',
    ],
  },
  {
    title: 'api-resources --categories and --verbs choose',
    source: 'API-12',
    run: ['api-resources', '--categories=all', '--verbs=list', '--api-group=batch', '-oname'],
    stdout: ['cronjobs.batch', 'jobs.batch'],
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
    title: 'explain --output=plaintext-openapiv2 of a field of a built-in kind',
    source: 'control-plane §3 (explain --output=plaintext-openapiv2)',
    run: ['explain', 'deployment.spec.replicas', '--output=plaintext-openapiv2'],
    stdout: [
      'KIND:  Deployment',
      'VERSION:  apps/v1',
      '',
      'FIELD:  replicas <integer>',
      '',
      'DESCRIPTION:',
      '     <empty>',
    ],
  },
  {
    title: 'explain --output=plaintext-openapiv2 --recursive follows references',
    source: 'control-plane §3 (explain --output=plaintext-openapiv2)',
    run: ['explain', 'deployment.spec.strategy', '--recursive', '--output=plaintext-openapiv2'],
    stdout: [
      'KIND:  Deployment',
      'VERSION:  apps/v1',
      '',
      'RESOURCE: strategy <Object>',
      '',
      'DESCRIPTION:',
      '     <empty>',
      '',
      'FIELDS:',
      '   rollingUpdate\t<Object>',
      '      maxSurge\t<string>',
      '      maxUnavailable\t<string>',
      '   type\t<string>',
    ],
  },
  {
    title: 'explain --output=plaintext-openapiv2 of a custom kind from its schema',
    source: 'control-plane §3 (explain --output=plaintext-openapiv2), API-15',
    run: ['explain', 'gadget.spec', '--output=plaintext-openapiv2'],
    stdout: [
      'KIND:  Gadget',
      'VERSION:  shop.example.com/v1',
      '',
      'RESOURCE: spec <Object>',
      '',
      'DESCRIPTION:',
      '     What is wanted.',
      '',
      'FIELDS:',
      '   colour\t<string> -required-',
      '     Paint.',
      '',
      '   replicas\t<integer>',
      '',
    ],
  },
  {
    title: 'explain --output=plaintext-openapiv2 of a field that does not exist',
    source: 'control-plane §3 (explain --output=plaintext-openapiv2)',
    run: ['explain', 'gadget.spec.nope', '--output=plaintext-openapiv2'],
    exit: 1,
    stderr: ['error: field "nope" does not exist'],
  },
  {
    title: 'auth can-i says yes to the admin',
    source: 'API-18',
    run: ['auth', 'can-i', 'create', 'deployments.apps'],
    stdout: ['yes'],
  },
  {
    title: 'auth can-i --as asks for somebody else',
    source: 'API-18 (impersonation, RBAC)',
    given: [
      { run: ['create', 'role', 'reader', '--verb=get', '--resource=pods'] },
      { run: ['create', 'rolebinding', 'readers', '--role=reader', '--serviceaccount=$NS:robot'] },
    ],
    run: ['auth', 'can-i', 'get', 'pods', '--as=system:serviceaccount:$NS:robot'],
    stdout: ['yes'],
  },
  {
    title: 'auth can-i says no to whom nobody gave the right, and fails',
    source: 'API-18',
    run: ['auth', 'can-i', 'delete', 'pods/shell', '--as=jane', '--as-group=ops'],
    exit: 1,
    stdout: ['no'],
  },
  {
    title: 'auth can-i --subresource, --quiet and all namespaces',
    source: 'API-18',
    given: [
      {
        run: [
          'auth',
          'can-i',
          'get',
          'pods',
          '--subresource=log',
          '--as-group=system:masters',
          '--as=jane',
          '--quiet',
        ],
      },
    ],
    run: ['auth', 'can-i', 'get', 'pods', '--subresource=log', '--as=jane', '--all-namespaces', '--quiet'],
    exit: 1,
  },
  {
    title: 'auth can-i warns of what is not served',
    source: 'API-18, API-12',
    run: ['auth', 'can-i', 'get', 'nopes'],
    stdout: ['yes'],
    stderr: ["Warning: the server doesn't have a resource type 'nopes'", ''],
  },
  {
    title: 'auth can-i asks for paths too',
    source: 'API-18',
    run: ['auth', 'can-i', 'get', '/metrics', '--as=jane'],
    exit: 1,
    stdout: ['no'],
  },
  {
    title: 'get --as is refused what the user may not',
    source: 'API-18',
    run: ['get', 'pods', '--as=jane'],
    exit: 1,
    stderr: [
      'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "NS"',
    ],
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
    title: 'auth whoami --as names whom one acts as',
    source: 'API-18',
    since: 28,
    run: ['auth', 'whoami', '--as=jane', '--as-group=ops'],
    stdout: ['ATTRIBUTE  VALUE', 'Username  jane', 'Groups  [ops system:authenticated]'],
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
    title: 'version -o json names both sides',
    source: 'control-plane §3 (version)',
    run: ['version', '-ojson'],
    stdout: versionJson,
    before: [{ minor: 31, stdout: versionJson, stderr: /version difference between client/ }],
  },
  {
    title: 'version --client asks nobody',
    source: 'control-plane §3 (version)',
    run: ['version', '--client', '--server=https://127.0.0.1:1'],
    stdout: /^Client Version: v1\.\d+\.\d+.*\nKustomize Version: .*$/,
    before: [
      {
        minor: 28,
        stdout: /^Client Version: .*GitVersion:"v1\.27.*\nKustomize Version: .*$/,
        stderr: /^WARNING: This version information is deprecated/,
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
    title: 'cluster-info dump prints what there is',
    source: 'control-plane §3 (cluster-info)',
    given: [{ run: ['run', 'web', '--image=nginx'] }],
    run: ['cluster-info', 'dump', '--namespaces=$NS'],
    stdout:
      /"kind": "NodeList"[\s\S]*"kind": "EventList"[\s\S]*"kind": "DeploymentList"[\s\S]*"kind": "PodList"[\s\S]*"name": "web"/,
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
  {
    title: 'top node says that there are no metrics',
    source: 'control-plane §3 (top)',
    run: ['top', 'node'],
    clusterWide: true,
    exit: 1,
    stderr: ['error: Metrics API not available'],
  },
  {
    title: 'exec into a pod that is nowhere says so',
    source: 'control-plane §3.2, API-19',
    given: [{ run: ['run', 'web', '--image=nginx'] }],
    run: ['exec', 'web', '--', 'true'],
    exit: 1,
    stderr: ['Error from server (BadRequest): pod web does not have a host assigned'],
  },
  {
    title: 'attach to a pod that is nowhere says so',
    source: 'control-plane §3.2, API-19',
    given: [{ run: ['run', 'web', '--image=nginx'] }],
    run: ['attach', 'web', '--pod-running-timeout=100ms'],
    exit: 1,
    stderr: [
      "If you don't see a command prompt, try pressing enter.",
      'Error from server (BadRequest): pod web does not have a host assigned',
    ],
  },
  {
    title: 'port-forward to a pod that does not run says so',
    source: 'control-plane §3 (port-forward)',
    given: [{ run: ['run', 'web', '--image=nginx'] }],
    run: ['port-forward', 'web', ':80', '--pod-running-timeout=100ms'],
    exit: 1,
    stderr: ['error: unable to forward port because pod is not running. Current status=Pending'],
  },
  {
    title: 'logs of a Deployment without pods says so',
    source: 'control-plane §3 (logs)',
    has: [web],
    run: ['logs', 'deployment/web', '--pod-running-timeout=100ms'],
    exit: 1,
    stderr: ['error: timed out waiting for the condition'],
  },
  {
    title: 'proxy listens, and passes on',
    source: 'control-plane §3 (proxy)',
    run: ['proxy', '--port=0'],
    until: /Starting to serve on 127\.0\.0\.1:\d+\n/,
    stdout: ['Starting to serve on 127.0.0.1:PORT'],
  },
  {
    title: 'config view prints the kubeconfig without its secrets',
    source: 'control-plane §3 (config)',
    run: ['config', 'view', '--minify'],
    clusterWide: true,
    stdout:
      /^apiVersion: v1\nclusters:\n- cluster:\n {4}certificate-authority-data: DATA\+OMITTED\n {4}server: https:\/\/127\.0\.0\.1:PORT\n[\s\S]*current-context: gyre\n[\s\S]*client-key-data: DATA\+OMITTED$/,
  },
  {
    title: 'config writes contexts, and goes from one to another',
    source: 'control-plane §3 (config)',
    files: { config: kubeconfig },
    given: [
      { run: ['config', '--kubeconfig=$DIR/config', 'set-context', 'b', '--cluster=c', '--user=u'] },
      { run: ['config', '--kubeconfig=$DIR/config', 'use-context', 'b'] },
    ],
    run: ['config', '--kubeconfig=$DIR/config', 'get-contexts'],
    clusterWide: true,
    stdout: ['CURRENT  NAME  CLUSTER  AUTHINFO  NAMESPACE', '          a  c  u  ops', '*  b  c  u'],
  },
  ...['bash', 'zsh', 'fish', 'powershell'].map(
    (shell): Row => ({
      title: `completion ${shell}`,
      source: 'control-plane §3 (completion)',
      run: ['completion', shell],
      clusterWide: true,
      stdout: /^.*kubectl.*$(?:\n.*){50}/m,
    }),
  ),
  {
    title: 'completion asks the server for names',
    source: 'control-plane §3 (completion)',
    has: [gadget],
    run: ['__complete', '--namespace=$NS', 'get', 'gadgets', 'b'],
    clusterWide: true,
    stdout: ['ball', ':4'],
    stderr: /ShellCompDirectiveNoFileComp/,
  },
];
