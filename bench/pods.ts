/**
 * Pods of Deployments, one hundred of each template. Plain ones repeat more than a cluster's do; of `varied` ones each
 * has its own times and volume name, and each template its own image and environment.
 */

/** Plain, with managedFields, with those and two sidecars, and plain ones that repeat less. */
export type PodShape = 'plain' | 'managed' | 'big' | 'varied';

/** A pod's changes: its version and what its status says. */
export interface PodRevision {
  readonly resourceVersion: number;
  readonly restarts: number;
}

/** One pod's JSON. */
export function podJson(
  i: number,
  shape: PodShape,
  { resourceVersion, restarts }: PodRevision = { resourceVersion: 1000 + i, restarts: 0 },
): string {
  const app = `app-${Math.floor(i / 100)}`;
  const labels = { app, 'pod-template-hash': `6d4cf56db${Math.floor(i / 100)}`, tier: 'web' };
  const template = Math.floor(i / 100);
  const varied = shape === 'varied';
  const now = varied
    ? new Date(Date.UTC(2026, 0, 2) + i * 7_000).toISOString().replace('.000', '')
    : '2026-01-02T03:04:05Z';
  const volume = varied
    ? `kube-api-access-${(i * 7919).toString(36).padStart(5, '0').slice(-5)}`
    : 'kube-api-access';
  const image = `registry.example.com/shop/${varied ? app : 'web'}:1.27.3`;
  const condition = (type: string) => ({
    type,
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: now,
  });
  return JSON.stringify({
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name: `${app}-6d4cf56db-${i.toString(36).padStart(5, '0')}`,
      generateName: `${app}-6d4cf56db-`,
      namespace: `ns-${i % 50}`,
      uid: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
      resourceVersion: String(resourceVersion),
      creationTimestamp: now,
      labels,
      annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9090' },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `${app}-6d4cf56db`,
          uid: `11111111-0000-4000-8000-${app}`,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      ...(shape === 'plain' ? {} : { managedFields: managedFields(now) }),
    },
    spec: {
      volumes: [
        {
          name: volume,
          projected: {
            defaultMode: 420,
            sources: [
              { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            ],
          },
        },
      ],
      containers: [
        {
          name: 'web',
          image,
          ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
          env: [
            { name: 'REGION', value: 'eu-central-1' },
            ...(varied ? [{ name: 'TEMPLATE', value: String(template) }] : []),
            { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
          ],
          resources: { limits: { cpu: '500m', memory: '512Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
          volumeMounts: [
            {
              name: volume,
              readOnly: true,
              mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
            },
          ],
          readinessProbe: {
            httpGet: { path: '/ready', port: 8080, scheme: 'HTTP' },
            timeoutSeconds: 1,
            periodSeconds: 10,
            successThreshold: 1,
            failureThreshold: 3,
          },
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          imagePullPolicy: 'IfNotPresent',
        },
        ...(shape === 'big' ? sidecars : []),
      ],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      nodeName: `node-${i % 200}`,
      securityContext: {},
      schedulerName: 'default-scheduler',
      tolerations: [
        {
          key: 'node.kubernetes.io/not-ready',
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 300,
        },
        {
          key: 'node.kubernetes.io/unreachable',
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 300,
        },
      ],
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: {
      phase: 'Running',
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(condition),
      hostIP: `10.0.${i % 200}.1`,
      podIP: `10.1.${i % 200}.${i % 250}`,
      podIPs: [{ ip: `10.1.${i % 200}.${i % 250}` }],
      startTime: now,
      containerStatuses: [
        {
          name: 'web',
          state: { running: { startedAt: now } },
          lastState: {},
          ready: true,
          restartCount: restarts,
          image,
          imageID: 'sha256:0123456789abcdef',
          containerID: `containerd://${i}`,
          started: true,
        },
      ],
      qosClass: 'Burstable',
    },
  });
}

const sidecars = ['proxy', 'logs'].map((name) => ({
  name,
  image: `registry.example.com/mesh/${name}:0.9.1`,
  args: ['--log-level=info', `--config=/etc/${name}/config.yaml`, '--admin=127.0.0.1:15000'],
  ports: [{ name: `${name}-http`, containerPort: 15001, protocol: 'TCP' }],
  env: ['NODE_NAME:spec.nodeName', 'POD_IP:status.podIP', 'NAMESPACE:metadata.namespace'].map((text) => {
    const [variable, fieldPath] = text.split(':');
    return { name: variable, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } };
  }),
  resources: { limits: { cpu: '200m', memory: '128Mi' }, requests: { cpu: '10m', memory: '64Mi' } },
  volumeMounts: [
    { name: 'kube-api-access', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    { name: `${name}-config`, mountPath: `/etc/${name}` },
  ],
  livenessProbe: {
    httpGet: { path: '/healthz', port: 15020, scheme: 'HTTP' },
    initialDelaySeconds: 10,
    timeoutSeconds: 3,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  },
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
  securityContext: {
    capabilities: { drop: ['ALL'] },
    privileged: false,
    runAsUser: 1337,
    runAsNonRoot: true,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
  },
}));

function managedFields(time: string): object[] {
  const field = (...names: string[]) => Object.fromEntries(names.map((n) => [`f:${n}`, {}]));
  const container = {
    '.': {},
    ...field(
      'env',
      'image',
      'imagePullPolicy',
      'name',
      'ports',
      'readinessProbe',
      'resources',
      'terminationMessagePath',
      'terminationMessagePolicy',
      'volumeMounts',
    ),
  };
  return [
    {
      manager: 'kube-controller-manager',
      operation: 'Update',
      apiVersion: 'v1',
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': {
          'f:annotations': { '.': {}, ...field('prometheus.io/scrape', 'prometheus.io/port') },
          'f:generateName': {},
          'f:labels': { '.': {}, ...field('app', 'pod-template-hash', 'tier') },
          'f:ownerReferences': { '.': {}, 'k:{"uid":"11111111-0000-4000-8000-app"}': {} },
        },
        'f:spec': {
          'f:containers': { 'k:{"name":"web"}': container },
          ...field(
            'dnsPolicy',
            'enableServiceLinks',
            'restartPolicy',
            'schedulerName',
            'securityContext',
            'terminationGracePeriodSeconds',
          ),
        },
      },
    },
    {
      manager: 'kubelet',
      operation: 'Update',
      apiVersion: 'v1',
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:status': {
          'f:conditions': Object.fromEntries(
            ['Initialized', 'Ready', 'ContainersReady'].map((type) => [
              `k:{"type":"${type}"}`,
              { '.': {}, ...field('lastProbeTime', 'lastTransitionTime', 'status', 'type') },
            ]),
          ),
          ...field('containerStatuses', 'hostIP', 'phase', 'podIP', 'podIPs', 'startTime'),
        },
      },
      subresource: 'status',
    },
  ];
}
