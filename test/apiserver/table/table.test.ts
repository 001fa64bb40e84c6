import type { JsonObject } from 'gyre/api';
import { expect } from 'chai';
import { type CrdColumn, type Table, tableOf, type TableOptions } from '#src/apiserver/table/index.js';

const now = Date.parse('2026-01-10T00:00:00Z');
const metadata = { name: 'web', namespace: 'default', creationTimestamp: '2026-01-04T21:00:00Z' };
const options: TableOptions = { now, includeObject: 'None' };

function table(group: string, kind: string, fields: object, more: Partial<TableOptions> = {}): Table {
  return tableOf({ group, kind, builtin: true }, [{ metadata, ...fields } as unknown as JsonObject], {
    ...options,
    ...more,
  });
}

/** Headers of the narrow columns and their cells, as `kubectl get` would line them up. */
function narrow({ columnDefinitions, rows }: Table): Record<string, unknown> {
  return Object.fromEntries(
    columnDefinitions.flatMap(({ name, priority }, i) => (priority === 0 ? [[name, rows[0]?.cells[i]]] : [])),
  );
}

function wide({ columnDefinitions, rows }: Table): Record<string, unknown> {
  return Object.fromEntries(
    columnDefinitions.flatMap(({ name, priority }, i) => (priority > 0 ? [[name, rows[0]?.cells[i]]] : [])),
  );
}

describe('tableOf (API-11)', () => {
  const subject = { group: '', kind: 'ConfigMap', builtin: true };

  it('gives one row per object, each as wide as the header', () => {
    const made = tableOf(subject, [{ metadata }, { metadata }], {
      ...options,
      metadata: { resourceVersion: '7' },
    });
    expect(made).to.include({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    expect(made.metadata).to.deep.equal({ resourceVersion: '7' });
    expect(made.rows.map((r) => r.cells.length)).to.deep.equal([3, 3]);
    expect(made.columnDefinitions[0]).to.include({
      name: 'Name',
      type: 'string',
      format: 'name',
      priority: 0,
    });
  });

  it('includes as much of the object as was asked for', () => {
    const object = { metadata, data: { a: 'b' } };
    const included = (includeObject: TableOptions['includeObject']): unknown =>
      tableOf(subject, [object], { now, includeObject }).rows[0]?.object;
    expect(included('None')).to.equal(null);
    expect(included('Metadata')).to.deep.equal({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
    });
    expect(included('Object')).to.equal(object);
  });

  it('leaves the header out for the second event of a watch', () => {
    expect(tableOf(subject, [], { ...options, withHeaders: false }).columnDefinitions).to.deep.equal([]);
  });

  it('prints built-in kinds without columns of their own by name and creation', () => {
    expect(narrow(table('rbac.authorization.k8s.io', 'ClusterRole', {}))).to.deep.equal({
      Name: 'web',
      'Created At': '2026-01-04T21:00:00Z',
    });
  });
});

describe('custom kinds', () => {
  const print = (columns: readonly CrdColumn[] | undefined, object: object): Table =>
    tableOf(
      { group: 'example.com', kind: 'Site', builtin: false, ...(columns ? { columns } : {}) },
      [{ metadata, ...object } as unknown as JsonObject],
      options,
    );

  it('are printed by age when they declare nothing', () => {
    expect(narrow(print(undefined, {}))).to.deep.equal({ Name: 'web', Age: '5d3h' });
    expect(narrow(print([], {}))).to.deep.equal({ Name: 'web', Age: '5d3h' });
  });

  it('are printed by the columns they declare, without an age', () => {
    const columns: CrdColumn[] = [
      { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' },
      { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
      { name: 'Since', type: 'date', jsonPath: '.metadata.creationTimestamp', priority: 1 },
    ];
    const made = print(columns, {
      spec: { replicas: 3 },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    });
    expect(narrow(made)).to.deep.equal({ Name: 'web', Replicas: 3, Ready: 'True' });
    expect(wide(made)).to.deep.equal({ Since: '5d3h' });
  });

  for (const [type, value, cell] of [
    ['integer', 3.7, 3],
    ['integer', '3', null],
    ['number', 3.7, 3.7],
    ['boolean', true, true],
    ['boolean', 'true', null],
    ['string', 'x', 'x'],
    ['string', 3, '3'],
    ['string', { a: [1] }, '{"a":[1]}'],
    ['date', '2026-01-09T23:59:30Z', '30s'],
    ['date', 'soon', '<invalid>'],
    ['date', 5, null],
    ['string', undefined, null],
  ] as const) {
    it(`a column of type ${type} shows ${JSON.stringify(value)} as ${JSON.stringify(cell)}`, () => {
      const made = print([{ name: 'X', type, jsonPath: '.spec.x' }], {
        spec: value === undefined ? {} : { x: value },
      });
      expect(made.rows[0]?.cells[1]).to.equal(cell);
    });
  }

  it('survive a path that nobody can follow', () => {
    expect(print([{ name: 'X', type: 'string', jsonPath: '.a[' }], {}).rows[0]?.cells).to.deep.equal([
      'web',
      null,
    ]);
  });
});

describe('Pod table: STATUS', () => {
  const container = (state: object, more: object = {}): object => ({
    name: 'c',
    restartCount: 0,
    state,
    ...more,
  });
  const running = { running: { startedAt: '2026-01-05T00:00:00Z' } };
  const cases: readonly (readonly [string, object, object, string, string])[] = [
    ['a pending pod', {}, { phase: 'Pending' }, '0/1', 'Pending'],
    ['a reason given by the node', {}, { phase: 'Failed', reason: 'Evicted' }, '0/1', 'Evicted'],
    [
      'a gated pod',
      {},
      {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }],
      },
      '0/1',
      'SchedulingGated',
    ],
    [
      'a running pod',
      {},
      { phase: 'Running', containerStatuses: [container(running, { ready: true })] },
      '1/1',
      'Running',
    ],
    [
      'a waiting container',
      {},
      { phase: 'Pending', containerStatuses: [container({ waiting: { reason: 'ImagePullBackOff' } })] },
      '0/1',
      'ImagePullBackOff',
    ],
    [
      'a container that ended',
      {},
      { phase: 'Failed', containerStatuses: [container({ terminated: { exitCode: 3 } })] },
      '0/1',
      'ExitCode:3',
    ],
    [
      'a container that was killed',
      {},
      { phase: 'Failed', containerStatuses: [container({ terminated: { signal: 9, exitCode: 137 } })] },
      '0/1',
      'Signal:9',
    ],
    [
      'one completed container beside a ready one',
      { containers: [{}, {}] },
      {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [
          container({ terminated: { reason: 'Completed', exitCode: 0 } }),
          container(running, { ready: true }),
        ],
      },
      '1/2',
      'Running',
    ],
    [
      'one completed container beside a running one in a pod that is not ready',
      { containers: [{}, {}] },
      {
        phase: 'Running',
        containerStatuses: [
          container({ terminated: { reason: 'Completed', exitCode: 0 } }),
          container(running, { ready: true }),
        ],
      },
      '1/2',
      'NotReady',
    ],
    [
      'an init container at work',
      { initContainers: [{ name: 'i' }, { name: 'j' }] },
      {
        phase: 'Pending',
        initContainerStatuses: [
          { name: 'i', restartCount: 0, state: { terminated: { exitCode: 0 } } },
          { name: 'j', restartCount: 0, state: running },
        ],
      },
      '0/1',
      'Init:1/2',
    ],
    [
      'an init container that fails',
      { initContainers: [{ name: 'i' }] },
      {
        phase: 'Pending',
        initContainerStatuses: [{ name: 'i', restartCount: 0, state: { terminated: { exitCode: 2 } } }],
      },
      '0/1',
      'Init:ExitCode:2',
    ],
    [
      'an init container that is waiting',
      { initContainers: [{ name: 'i' }] },
      {
        phase: 'Pending',
        initContainerStatuses: [
          { name: 'i', restartCount: 0, state: { waiting: { reason: 'CrashLoopBackOff' } } },
        ],
      },
      '0/1',
      'Init:CrashLoopBackOff',
    ],
    [
      'a sidecar that has started',
      { initContainers: [{ name: 's', restartPolicy: 'Always' }] },
      {
        phase: 'Running',
        initContainerStatuses: [{ name: 's', restartCount: 0, started: true, ready: true, state: running }],
        containerStatuses: [container(running, { ready: true })],
      },
      '2/2',
      'Running',
    ],
  ];
  for (const [name, spec, status, ready, text] of cases) {
    it(`${name} is ${text}`, () => {
      expect(narrow(table('', 'Pod', { spec: { containers: [{ name: 'c' }], ...spec }, status }))).to.include(
        {
          Ready: ready,
          Status: text,
        },
      );
    });
  }

  it('a deleted pod is terminating, or unknown when its node is lost', () => {
    const deleted = { metadata: { ...metadata, deletionTimestamp: '2026-01-09T00:00:00Z' } };
    const status = (s: object): unknown => narrow(table('', 'Pod', { ...deleted, status: s })).Status;
    expect(status({ phase: 'Running' })).to.equal('Terminating');
    expect(status({ phase: 'Succeeded' })).to.equal('Succeeded');
    expect(status({ phase: 'Running', reason: 'NodeLost' })).to.equal('Unknown');
  });

  it('counts restarts and says when the last one was', () => {
    const status = {
      phase: 'Running',
      containerStatuses: [
        { restartCount: 2, lastState: { terminated: { finishedAt: '2026-01-09T23:55:00Z' } }, state: {} },
        { restartCount: 1, lastState: { terminated: { finishedAt: '2026-01-09T22:00:00Z' } }, state: {} },
      ],
    };
    expect(narrow(table('', 'Pod', { status })).Restarts).to.equal('3 (5m ago)');
    expect(
      narrow(table('', 'Pod', { status: { containerStatuses: [{ restartCount: 4 }] } })).Restarts,
    ).to.equal('4');
  });

  it('marks rows of finished pods', () => {
    const conditions = (phase: string) =>
      table('', 'Pod', { status: { phase } }).rows[0]?.conditions?.map((c) => c.reason);
    expect(conditions('Succeeded')).to.deep.equal(['Succeeded']);
    expect(conditions('Failed')).to.deep.equal(['Failed']);
    expect(conditions('Running')).to.equal(undefined);
  });

  it('tells with -o wide where it is', () => {
    const spec = { nodeName: 'n1', readinessGates: [{ conditionType: 'a' }, { conditionType: 'b' }] };
    const status = { podIPs: [{ ip: '10.0.0.1' }], conditions: [{ type: 'a', status: 'True' }] };
    expect(wide(table('', 'Pod', { spec, status }))).to.deep.equal({
      IP: '10.0.0.1',
      Node: 'n1',
      'Nominated Node': '<none>',
      'Readiness Gates': '1/2',
    });
  });
});

describe('tables of built-in kinds', () => {
  const template = {
    spec: {
      containers: [
        { name: 'a', image: 'x:1' },
        { name: 'b', image: 'y:2' },
      ],
      nodeSelector: { disk: 'ssd' },
    },
  };
  const selector = {
    matchLabels: { b: '2', a: '1' },
    matchExpressions: [{ key: 'c', operator: 'In', values: ['y', 'x'] }],
  };
  const cases: readonly (readonly [
    string,
    string,
    object,
    Record<string, unknown>,
    Record<string, unknown>?,
  ])[] = [
    [
      'apps',
      'Deployment',
      {
        spec: { replicas: 3, selector, template },
        status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 },
      },
      { Name: 'web', Ready: '2/3', 'Up-to-date': 3, Available: 1, Age: '5d3h' },
      { Containers: 'a,b', Images: 'x:1,y:2', Selector: 'a=1,b=2,c in (x,y)' },
    ],
    [
      'apps',
      'ReplicaSet',
      { spec: { replicas: 3 }, status: { replicas: 2, readyReplicas: 1 } },
      { Name: 'web', Desired: 3, Current: 2, Ready: 1, Age: '5d3h' },
    ],
    ['apps', 'StatefulSet', { spec: { replicas: 3 } }, { Name: 'web', Ready: '0/3', Age: '5d3h' }],
    [
      'apps',
      'DaemonSet',
      {
        spec: { template },
        status: {
          desiredNumberScheduled: 5,
          currentNumberScheduled: 4,
          numberReady: 3,
          updatedNumberScheduled: 2,
          numberAvailable: 1,
        },
      },
      {
        Name: 'web',
        Desired: 5,
        Current: 4,
        Ready: 3,
        'Up-to-date': 2,
        Available: 1,
        'Node Selector': 'disk=ssd',
        Age: '5d3h',
      },
    ],
    [
      'apps',
      'ControllerRevision',
      {
        revision: 4,
        metadata: {
          ...metadata,
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 's', controller: true }],
        },
      },
      { Name: 'web', Controller: 'statefulset.apps/s', Revision: 4, Age: '5d3h' },
    ],
    [
      'batch',
      'Job',
      { spec: { completions: 3 }, status: { succeeded: 1, startTime: '2026-01-09T23:56:40Z' } },
      { Name: 'web', Status: 'Running', Completions: '1/3', Duration: '3m20s', Age: '5d3h' },
    ],
    [
      'batch',
      'Job',
      {
        spec: { parallelism: 2 },
        status: {
          conditions: [{ type: 'Complete', status: 'True' }],
          startTime: '2026-01-09T00:00:00Z',
          completionTime: '2026-01-09T00:00:05Z',
        },
      },
      { Name: 'web', Status: 'Complete', Completions: '0/1 of 2', Duration: '5s', Age: '5d3h' },
    ],
    [
      'batch',
      'CronJob',
      {
        spec: { schedule: '* * * * *', suspend: false },
        status: { active: [{}], lastScheduleTime: '2026-01-09T23:59:15Z' },
      },
      {
        Name: 'web',
        Schedule: '* * * * *',
        Timezone: '<none>',
        Suspend: 'False',
        Active: 1,
        'Last Schedule': '45s',
        Age: '5d3h',
      },
    ],
    [
      '',
      'Service',
      {
        spec: {
          type: 'NodePort',
          clusterIP: '10.0.0.1',
          clusterIPs: ['10.0.0.1'],
          ports: [
            { port: 80, nodePort: 30080, protocol: 'TCP' },
            { port: 53, protocol: 'UDP' },
          ],
        },
      },
      {
        Name: 'web',
        Type: 'NodePort',
        'Cluster-IP': '10.0.0.1',
        'External-IP': '<none>',
        'Port(s)': '80:30080/TCP,53/UDP',
        Age: '5d3h',
      },
      { Selector: '<none>' },
    ],
    [
      '',
      'Service',
      { spec: { type: 'LoadBalancer' }, status: {} },
      {
        Name: 'web',
        Type: 'LoadBalancer',
        'Cluster-IP': '<none>',
        'External-IP': '<pending>',
        'Port(s)': '<none>',
        Age: '5d3h',
      },
    ],
    [
      '',
      'Endpoints',
      {
        subsets: [{ addresses: [{ ip: '1.1.1.1' }, { ip: '1.1.1.2' }], ports: [{ port: 80 }, { port: 81 }] }],
      },
      { Name: 'web', Endpoints: '1.1.1.1:80,1.1.1.2:80,1.1.1.1:81 + 1 more...', Age: '5d3h' },
    ],
    ['', 'Endpoints', {}, { Name: 'web', Endpoints: '<none>', Age: '5d3h' }],
    [
      'discovery.k8s.io',
      'EndpointSlice',
      {
        addressType: 'IPv4',
        ports: [{ port: 80 }],
        endpoints: [{ addresses: ['a'] }, { addresses: ['b', 'c', 'd'] }],
      },
      { Name: 'web', AddressType: 'IPv4', Ports: '80', Endpoints: 'a,b,c + 1 more...', Age: '5d3h' },
    ],
    [
      'networking.k8s.io',
      'Ingress',
      {
        spec: {
          ingressClassName: 'nginx',
          tls: [{}],
          rules: [{ host: 'a' }, { host: 'b' }, { host: 'c' }, { host: 'd' }],
        },
        status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
      },
      {
        Name: 'web',
        Class: 'nginx',
        Hosts: 'a,b,c + 1 more...',
        Address: '1.2.3.4',
        Ports: '80, 443',
        Age: '5d3h',
      },
    ],
    [
      'networking.k8s.io',
      'NetworkPolicy',
      { spec: { podSelector: {} } },
      { Name: 'web', 'Pod-Selector': '<none>', Age: '5d3h' },
    ],
    [
      '',
      'Node',
      {
        metadata: {
          ...metadata,
          labels: { 'node-role.kubernetes.io/worker': '', 'kubernetes.io/role': 'edge' },
        },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'Unknown' }],
          nodeInfo: { kubeletVersion: 'v1.32.0' },
          addresses: [{ type: 'InternalIP', address: '10.0.0.9' }],
        },
      },
      {
        Name: 'web',
        Status: 'NotReady,SchedulingDisabled',
        Roles: 'edge,worker',
        Age: '5d3h',
        Version: 'v1.32.0',
      },
      {
        'Internal-IP': '10.0.0.9',
        'External-IP': '<none>',
        'OS-Image': '<unknown>',
        'Kernel-Version': '<unknown>',
        'Container-Runtime': '<unknown>',
      },
    ],
    ['', 'Namespace', { status: { phase: 'Active' } }, { Name: 'web', Status: 'Active', Age: '5d3h' }],
    [
      '',
      'Secret',
      { type: 'Opaque', data: { a: '', b: '' } },
      { Name: 'web', Type: 'Opaque', Data: 2, Age: '5d3h' },
    ],
    ['', 'ConfigMap', { data: { a: '' }, binaryData: { b: '' } }, { Name: 'web', Data: 2, Age: '5d3h' }],
    ['', 'ServiceAccount', {}, { Name: 'web', Secrets: 0, Age: '5d3h' }],
    [
      '',
      'Event',
      {
        type: 'Normal',
        reason: 'Scheduled',
        involvedObject: { kind: 'Pod', name: 'p' },
        message: ' placed \n',
        firstTimestamp: '2026-01-09T23:50:00Z',
        lastTimestamp: '2026-01-09T23:59:00Z',
        count: 3,
        source: { component: 'scheduler', host: 'n' },
      },
      { 'Last Seen': '60s', Type: 'Normal', Reason: 'Scheduled', Object: 'pod/p', Message: 'placed' },
      { Subobject: '', Source: 'scheduler, n', 'First Seen': '10m', Count: 3, Name: 'web' },
    ],
    [
      'events.k8s.io',
      'Event',
      {
        type: 'Normal',
        reason: 'R',
        regarding: { kind: 'Pod', name: 'p' },
        note: 'n',
        eventTime: '2026-01-09T23:59:00.000000Z',
        reportingController: 'c',
      },
      { 'Last Seen': '60s', Type: 'Normal', Reason: 'R', Object: 'pod/p', Message: 'n' },
      { Subobject: '', Source: 'c', 'First Seen': '60s', Count: 1, Name: 'web' },
    ],
    [
      '',
      'PersistentVolume',
      {
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteMany', 'ReadWriteOnce'],
          persistentVolumeReclaimPolicy: 'Retain',
          claimRef: { namespace: 'n', name: 'c' },
          storageClassName: 's',
        },
        status: { phase: 'Bound' },
      },
      {
        Name: 'web',
        Capacity: '1Gi',
        'Access Modes': 'RWO,RWX',
        'Reclaim Policy': 'Retain',
        Status: 'Bound',
        Claim: 'n/c',
        StorageClass: 's',
        VolumeAttributesClass: '<unset>',
        Reason: '',
        Age: '5d3h',
      },
      { VolumeMode: '<unset>' },
    ],
    [
      '',
      'PersistentVolumeClaim',
      { spec: {}, status: { phase: 'Pending', capacity: { storage: '1Gi' } } },
      {
        Name: 'web',
        Status: 'Pending',
        Volume: '',
        Capacity: '',
        'Access Modes': '',
        StorageClass: '',
        VolumeAttributesClass: '<unset>',
        Age: '5d3h',
      },
    ],
    [
      'storage.k8s.io',
      'StorageClass',
      {
        metadata: { ...metadata, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
        provisioner: 'p',
      },
      {
        Name: 'web (default)',
        Provisioner: 'p',
        ReclaimPolicy: 'Delete',
        VolumeBindingMode: 'Immediate',
        AllowVolumeExpansion: false,
        Age: '5d3h',
      },
    ],
    [
      'autoscaling',
      'HorizontalPodAutoscaler',
      {
        spec: {
          scaleTargetRef: { kind: 'Deployment', name: 'd' },
          maxReplicas: 5,
          metrics: [
            {
              type: 'Resource',
              resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
            },
            { type: 'Pods', pods: { target: { averageValue: '10' } } },
            { type: 'Pods', pods: { target: { averageValue: '10' } } },
          ],
        },
        status: {
          currentReplicas: 2,
          currentMetrics: [{ type: 'Resource', resource: { current: { averageUtilization: 33 } } }],
        },
      },
      {
        Name: 'web',
        Reference: 'Deployment/d',
        Targets: 'cpu: 33%/80%, <unknown>/10 + 1 more...',
        MinPods: '<unset>',
        MaxPods: 5,
        Replicas: 2,
        Age: '5d3h',
      },
    ],
    [
      'policy',
      'PodDisruptionBudget',
      { spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 1 } },
      {
        Name: 'web',
        'Min Available': '50%',
        'Max Unavailable': 'N/A',
        'Allowed Disruptions': 1,
        Age: '5d3h',
      },
    ],
    [
      'rbac.authorization.k8s.io',
      'RoleBinding',
      {
        roleRef: { kind: 'Role', name: 'r' },
        subjects: [
          { kind: 'User', name: 'u' },
          { kind: 'User', name: 'v' },
          { kind: 'ServiceAccount', namespace: 'n', name: 's' },
        ],
      },
      { Name: 'web', Role: 'Role/r', Age: '5d3h' },
      { Users: 'u, v', Groups: '', ServiceAccounts: 'n/s' },
    ],
    [
      'certificates.k8s.io',
      'CertificateSigningRequest',
      {
        spec: { signerName: 's', username: 'u', expirationSeconds: 3600 },
        status: { conditions: [{ type: 'Approved' }], certificate: 'x' },
      },
      {
        Name: 'web',
        Age: '5d3h',
        SignerName: 's',
        Requestor: 'u',
        RequestedDuration: '60m',
        Condition: 'Approved,Issued',
      },
    ],
    [
      '',
      'ResourceQuota',
      { status: { hard: { pods: '5', 'limits.cpu': '2' }, used: { pods: '1' } } },
      { Name: 'web', Request: 'pods: 1/5', Limit: 'limits.cpu: 0/2', Age: '5d3h' },
    ],
    [
      'coordination.k8s.io',
      'Lease',
      { spec: { holderIdentity: 'me' } },
      { Name: 'web', Holder: 'me', Age: '5d3h' },
    ],
    [
      'scheduling.k8s.io',
      'PriorityClass',
      { value: 7 },
      {
        Name: 'web',
        Value: 7,
        'Global-Default': false,
        Age: '5d3h',
        PreemptionPolicy: 'PreemptLowerPriority',
      },
    ],
    [
      'flowcontrol.apiserver.k8s.io',
      'FlowSchema',
      { spec: { priorityLevelConfiguration: { name: 'p' }, matchingPrecedence: 9 } },
      {
        Name: 'web',
        PriorityLevel: 'p',
        MatchingPrecedence: 9,
        DistinguisherMethod: '<none>',
        Age: '5d3h',
        MissingPL: '?',
      },
    ],
  ];
  for (const [group, kind, fields, cells, wideCells] of cases) {
    it(`${kind} ${JSON.stringify(cells)}`, () => {
      const made = table(group, kind, fields);
      expect(narrow(made)).to.deep.equal(cells);
      if (wideCells) expect(wide(made)).to.deep.equal(wideCells);
    });
  }
});
