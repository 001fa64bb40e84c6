/**
 * What the machine-readable Kubernetes 1.32 API description does not say, as tables of our own: which
 * groups are served and in which order, short names, categories, static defaults, enumerations, fields
 * whose explicit zero is meaningful, and the protobuf numbers of the two groups that live outside
 * k8s.io/api. `generate-facts.mjs` merges them into `src/api/facts/facts.json`.
 *
 * Types are written `<package>.<version>.<Type>`: `core.v1.PodSpec`.
 */

/**
 * Groups in the order a 1.32 server lists them; a group's versions, preferred first. Alpha and beta versions are known, and
 * served where somebody turns them on.
 */
export const groups = [
  ['', ['v1']],
  ['apiregistration.k8s.io', ['v1']],
  ['apps', ['v1']],
  ['events.k8s.io', ['v1']],
  ['authentication.k8s.io', ['v1']],
  ['authorization.k8s.io', ['v1']],
  ['autoscaling', ['v2', 'v1']],
  ['batch', ['v1']],
  ['certificates.k8s.io', ['v1']],
  ['networking.k8s.io', ['v1']],
  ['policy', ['v1']],
  ['rbac.authorization.k8s.io', ['v1']],
  ['storage.k8s.io', ['v1']],
  ['admissionregistration.k8s.io', ['v1', 'v1alpha1']],
  ['apiextensions.k8s.io', ['v1']],
  ['scheduling.k8s.io', ['v1']],
  ['coordination.k8s.io', ['v1']],
  ['node.k8s.io', ['v1']],
  ['discovery.k8s.io', ['v1']],
  ['flowcontrol.apiserver.k8s.io', ['v1']],
];

/** Resources of those versions that nothing here stands behind: another version of theirs is what is served. */
export const leftOut = [
  'admissionregistration.k8s.io/v1alpha1/validatingadmissionpolicies',
  'admissionregistration.k8s.io/v1alpha1/validatingadmissionpolicybindings',
];

/** Subresources behind a feature gate that is off in 1.32. */
export const gatedSubresources = ['pods/resize'];

/** Resources that are not plain collections, with the verbs they have. */
export const verbExceptions = {
  bindings: 'create',
  componentstatuses: 'get list',
  namespaces: 'create delete get list patch update watch',
  'tokenreviews.authentication.k8s.io': 'create',
  'selfsubjectreviews.authentication.k8s.io': 'create',
  'localsubjectaccessreviews.authorization.k8s.io': 'create',
  'selfsubjectaccessreviews.authorization.k8s.io': 'create',
  'selfsubjectrulesreviews.authorization.k8s.io': 'create',
  'subjectaccessreviews.authorization.k8s.io': 'create',
};

export const shortNames = {
  componentstatuses: 'cs',
  configmaps: 'cm',
  endpoints: 'ep',
  events: 'ev',
  limitranges: 'limits',
  namespaces: 'ns',
  nodes: 'no',
  persistentvolumeclaims: 'pvc',
  persistentvolumes: 'pv',
  pods: 'po',
  replicationcontrollers: 'rc',
  resourcequotas: 'quota',
  serviceaccounts: 'sa',
  services: 'svc',
  'customresourcedefinitions.apiextensions.k8s.io': 'crd crds',
  'daemonsets.apps': 'ds',
  'deployments.apps': 'deploy',
  'replicasets.apps': 'rs',
  'statefulsets.apps': 'sts',
  'horizontalpodautoscalers.autoscaling': 'hpa',
  'cronjobs.batch': 'cj',
  'certificatesigningrequests.certificates.k8s.io': 'csr',
  'events.events.k8s.io': 'ev',
  'ingresses.networking.k8s.io': 'ing',
  'networkpolicies.networking.k8s.io': 'netpol',
  'poddisruptionbudgets.policy': 'pdb',
  'priorityclasses.scheduling.k8s.io': 'pc',
  'storageclasses.storage.k8s.io': 'sc',
};

export const categories = {
  all: [
    'pods',
    'replicationcontrollers',
    'services',
    'daemonsets.apps',
    'deployments.apps',
    'replicasets.apps',
    'statefulsets.apps',
    'horizontalpodautoscalers.autoscaling',
    'cronjobs.batch',
    'jobs.batch',
  ],
  'api-extensions': [
    'apiservices.apiregistration.k8s.io',
    'customresourcedefinitions.apiextensions.k8s.io',
    'mutatingadmissionpolicies.admissionregistration.k8s.io',
    'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
    'mutatingwebhookconfigurations.admissionregistration.k8s.io',
    'validatingadmissionpolicies.admissionregistration.k8s.io',
    'validatingadmissionpolicybindings.admissionregistration.k8s.io',
    'validatingwebhookconfigurations.admissionregistration.k8s.io',
  ],
};

/**
 * Defaults that depend on nothing but the field being absent from a present parent (OC-16, OC-17, D-5,
 * API reference). A default that looks at other fields, at the object around a shared type, or at the
 * cluster is behaviour, not a fact, and is not here: `imagePullPolicy`, `targetPort`, a rolling update's
 * percentages, everything of a JobSpec (a CronJob's template keeps it undefaulted), …
 */
export const defaults = {
  'admissionregistration.v1': {
    MatchResources: { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} },
    MutatingWebhook: {
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      reinvocationPolicy: 'Never',
      timeoutSeconds: 10,
    },
    NamedRuleWithOperations: { scope: '*' },
    RuleWithOperations: { scope: '*' },
    ServiceReference: { port: 443 },
    ValidatingAdmissionPolicySpec: { failurePolicy: 'Fail' },
    ValidatingWebhook: {
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
    },
  },
  'admissionregistration.v1alpha1': {
    MatchResources: { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} },
    MutatingAdmissionPolicySpec: { failurePolicy: 'Fail' },
    NamedRuleWithOperations: { scope: '*' },
    ParamRef: { parameterNotFoundAction: 'Deny' },
  },
  'apiextensions.v1': {
    CustomResourceDefinitionSpec: { conversion: { strategy: 'None' } },
    ServiceReference: { port: 443 },
  },
  'apiregistration.v1': { ServiceReference: { port: 443 } },
  'apps.v1': {
    DaemonSetSpec: { revisionHistoryLimit: 10 },
    DaemonSetUpdateStrategy: { type: 'RollingUpdate' },
    DeploymentSpec: { progressDeadlineSeconds: 600, replicas: 1, revisionHistoryLimit: 10 },
    DeploymentStrategy: { type: 'RollingUpdate' },
    ReplicaSetSpec: { replicas: 1 },
    RollingUpdateDaemonSet: { maxSurge: 0, maxUnavailable: 1 },
    RollingUpdateDeployment: { maxSurge: '25%', maxUnavailable: '25%' },
    RollingUpdateStatefulSetStrategy: { partition: 0 },
    StatefulSetPersistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    StatefulSetSpec: {
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      podManagementPolicy: 'OrderedReady',
      replicas: 1,
      revisionHistoryLimit: 10,
    },
    StatefulSetUpdateStrategy: { type: 'RollingUpdate' },
  },
  'authentication.v1': { TokenRequestSpec: { expirationSeconds: 3600 } },
  'autoscaling.v1': { HorizontalPodAutoscalerSpec: { minReplicas: 1 } },
  'autoscaling.v2': { HorizontalPodAutoscalerSpec: { minReplicas: 1 } },
  'batch.v1': {
    CronJobSpec: {
      concurrencyPolicy: 'Allow',
      failedJobsHistoryLimit: 1,
      successfulJobsHistoryLimit: 3,
      suspend: false,
    },
    PodFailurePolicyOnPodConditionsPattern: { status: 'True' },
  },
  'core.v1': {
    AzureDiskVolumeSource: { cachingMode: 'ReadWrite', fsType: 'ext4', kind: 'Shared', readOnly: false },
    ConfigMapVolumeSource: { defaultMode: 420 },
    Container: { terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' },
    ContainerPort: { protocol: 'TCP' },
    DownwardAPIVolumeSource: { defaultMode: 420 },
    EndpointPort: { protocol: 'TCP' },
    EphemeralContainer: {
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
    },
    GRPCAction: { service: '' },
    HTTPGetAction: { path: '/', scheme: 'HTTP' },
    HostPathVolumeSource: { type: '' },
    ISCSIPersistentVolumeSource: { iscsiInterface: 'default' },
    ISCSIVolumeSource: { iscsiInterface: 'default' },
    NamespaceStatus: { phase: 'Active' },
    ObjectFieldSelector: { apiVersion: 'v1' },
    PersistentVolumeClaimSpec: { volumeMode: 'Filesystem' },
    PersistentVolumeClaimStatus: { phase: 'Pending' },
    PersistentVolumeSpec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' },
    PersistentVolumeStatus: { phase: 'Pending' },
    PodSpec: {
      dnsPolicy: 'ClusterFirst',
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
    },
    Probe: { failureThreshold: 3, periodSeconds: 10, successThreshold: 1, timeoutSeconds: 1 },
    ProjectedVolumeSource: { defaultMode: 420 },
    RBDPersistentVolumeSource: { keyring: '/etc/ceph/keyring', pool: 'rbd', user: 'admin' },
    RBDVolumeSource: { keyring: '/etc/ceph/keyring', pool: 'rbd', user: 'admin' },
    ReplicationControllerSpec: { replicas: 1 },
    ScaleIOPersistentVolumeSource: { fsType: 'xfs', storageMode: 'ThinProvisioned' },
    ScaleIOVolumeSource: { fsType: 'xfs', storageMode: 'ThinProvisioned' },
    Secret: { type: 'Opaque' },
    SecretVolumeSource: { defaultMode: 420 },
    ServiceAccountTokenProjection: { expirationSeconds: 3600 },
    ServicePort: { protocol: 'TCP' },
    ServiceSpec: { sessionAffinity: 'None', type: 'ClusterIP' },
  },
  'discovery.v1': { EndpointPort: { name: '', protocol: 'TCP' } },
  'flowcontrol.v1': {
    ExemptPriorityLevelConfiguration: { lendablePercent: 0, nominalConcurrencyShares: 0 },
    FlowSchemaSpec: { matchingPrecedence: 1000 },
    LimitedPriorityLevelConfiguration: { lendablePercent: 0, nominalConcurrencyShares: 30 },
    QueuingConfiguration: { handSize: 8, queueLengthLimit: 50, queues: 64 },
  },
  'networking.v1': {
    IngressClassParametersReference: { scope: 'Cluster' },
    NetworkPolicyPort: { protocol: 'TCP' },
  },
  'rbac.v1': { RoleRef: { apiGroup: 'rbac.authorization.k8s.io' } },
  'scheduling.v1': { PriorityClass: { preemptionPolicy: 'PreemptLowerPriority' } },
  'storage.v1': {
    CSIDriverSpec: {
      attachRequired: true,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      podInfoOnMount: false,
      requiresRepublish: false,
      seLinuxMount: false,
      storageCapacity: false,
      volumeLifecycleModes: ['Persistent'],
    },
    StorageClass: { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' },
  },
};

/**
 * Optional scalars whose zero means something other than their absence (`replicas: 0`): a decoder that
 * meets an encoded zero keeps it. Of every other optional scalar the encoder writes zeros
 * indiscriminately, and JSON leaves them out.
 */
export const explicitZero = {
  'admissionregistration.v1': {
    MatchResources: 'matchPolicy',
    MutatingWebhook: 'failurePolicy matchPolicy reinvocationPolicy timeoutSeconds',
    NamedRuleWithOperations: 'scope',
    ParamRef: 'parameterNotFoundAction',
    RuleWithOperations: 'scope',
    ServiceReference: 'path port',
    ValidatingAdmissionPolicySpec: 'failurePolicy',
    ValidatingWebhook: 'failurePolicy matchPolicy timeoutSeconds',
    Validation: 'reason',
    WebhookClientConfig: 'url',
  },
  'admissionregistration.v1alpha1': {
    MatchResources: 'matchPolicy',
    MutatingAdmissionPolicySpec: 'failurePolicy',
    NamedRuleWithOperations: 'scope',
    ParamRef: 'parameterNotFoundAction',
  },
  'apiextensions.v1': {
    CustomResourceDefinitionVersion: 'deprecationWarning',
    CustomResourceSubresourceScale: 'labelSelectorPath',
    JSONSchemaProps:
      '$ref default example maxItems maxLength maxProperties maximum minItems minLength minProperties minimum multipleOf x-kubernetes-list-type x-kubernetes-map-type x-kubernetes-preserve-unknown-fields',
    ServiceReference: 'path port',
    ValidationRule: 'optionalOldSelf reason',
    WebhookClientConfig: 'url',
  },
  'apiregistration.v1': {
    ServiceReference: 'port',
  },
  'apps.v1': {
    DaemonSetSpec: 'revisionHistoryLimit',
    DaemonSetStatus: 'collisionCount',
    DeploymentSpec: 'progressDeadlineSeconds replicas revisionHistoryLimit',
    DeploymentStatus: 'collisionCount',
    ReplicaSetSpec: 'replicas',
    RollingUpdateDaemonSet: 'maxSurge maxUnavailable',
    RollingUpdateDeployment: 'maxSurge maxUnavailable',
    RollingUpdateStatefulSetStrategy: 'maxUnavailable partition',
    StatefulSetOrdinals: 'start',
    StatefulSetSpec: 'replicas revisionHistoryLimit',
    StatefulSetStatus: 'availableReplicas collisionCount',
  },
  'authentication.v1': {
    TokenRequestSpec: 'expirationSeconds',
  },
  'autoscaling.v1': {
    HorizontalPodAutoscalerSpec: 'minReplicas targetCPUUtilizationPercentage',
    HorizontalPodAutoscalerStatus: 'currentCPUUtilizationPercentage lastScaleTime observedGeneration',
  },
  'autoscaling.v2': {
    HPAScalingRules: 'selectPolicy stabilizationWindowSeconds',
    HorizontalPodAutoscalerSpec: 'minReplicas',
    HorizontalPodAutoscalerStatus: 'lastScaleTime observedGeneration',
    MetricTarget: 'averageUtilization averageValue value',
    MetricValueStatus: 'averageUtilization averageValue value',
  },
  'batch.v1': {
    CronJobSpec: 'failedJobsHistoryLimit startingDeadlineSeconds successfulJobsHistoryLimit suspend timeZone',
    CronJobStatus: 'lastScheduleTime lastSuccessfulTime',
    JobSpec:
      'activeDeadlineSeconds backoffLimit backoffLimitPerIndex completionMode completions managedBy manualSelector maxFailedIndexes parallelism podReplacementPolicy suspend ttlSecondsAfterFinished',
    JobStatus: 'completionTime failedIndexes ready startTime terminating',
    PodFailurePolicyOnExitCodesRequirement: 'containerName',
    SuccessPolicyRule: 'succeededCount succeededIndexes',
  },
  'certificates.v1': {
    CertificateSigningRequestSpec: 'expirationSeconds',
  },
  'coordination.v1': {
    LeaseSpec:
      'acquireTime holderIdentity leaseDurationSeconds leaseTransitions preferredHolder renewTime strategy',
  },
  'core.v1': {
    AppArmorProfile: 'localhostProfile',
    AzureDiskVolumeSource: 'cachingMode fsType kind readOnly',
    AzureFilePersistentVolumeSource: 'secretNamespace',
    CSIVolumeSource: 'fsType readOnly',
    ClientIPConfig: 'timeoutSeconds',
    ClusterTrustBundleProjection: 'name optional signerName',
    ConfigMap: 'immutable',
    ConfigMapEnvSource: 'optional',
    ConfigMapKeySelector: 'optional',
    ConfigMapProjection: 'optional',
    ConfigMapVolumeSource: 'defaultMode optional',
    Container: 'restartPolicy',
    ContainerStatus: 'started',
    DownwardAPIVolumeFile: 'mode',
    DownwardAPIVolumeSource: 'defaultMode',
    EmptyDirVolumeSource: 'sizeLimit',
    EndpointAddress: 'nodeName',
    EndpointPort: 'appProtocol',
    EphemeralContainer: 'restartPolicy',
    Event: 'reportingComponent reportingInstance',
    FCVolumeSource: 'lun',
    GRPCAction: 'service',
    GlusterfsPersistentVolumeSource: 'endpointsNamespace',
    HostPathVolumeSource: 'type',
    ISCSIPersistentVolumeSource: 'initiatorName',
    ISCSIVolumeSource: 'initiatorName',
    KeyToPath: 'mode',
    LoadBalancerIngress: 'ipMode',
    LocalVolumeSource: 'fsType',
    NodeFeatures: 'supplementalGroupsPolicy',
    NodeRuntimeHandler: 'name',
    NodeRuntimeHandlerFeatures: 'recursiveReadOnlyMounts userNamespaces',
    PersistentVolumeClaimSpec: 'storageClassName volumeAttributesClassName volumeMode',
    PersistentVolumeClaimStatus: 'currentVolumeAttributesClassName',
    PersistentVolumeSpec: 'volumeAttributesClassName volumeMode',
    PersistentVolumeStatus: 'lastPhaseTransitionTime',
    PodDNSConfigOption: 'value',
    PodResourceClaim: 'resourceClaimName resourceClaimTemplateName',
    PodResourceClaimStatus: 'resourceClaimName',
    PodSecurityContext:
      'fsGroup fsGroupChangePolicy runAsGroup runAsNonRoot runAsUser seLinuxChangePolicy supplementalGroupsPolicy',
    PodSpec:
      'activeDeadlineSeconds automountServiceAccountToken enableServiceLinks hostUsers preemptionPolicy priority runtimeClassName setHostnameAsFQDN shareProcessNamespace terminationGracePeriodSeconds',
    PodStatus: 'startTime',
    PortStatus: 'error',
    Probe: 'terminationGracePeriodSeconds',
    ProjectedVolumeSource: 'defaultMode',
    ReplicationControllerSpec: 'replicas',
    SeccompProfile: 'localhostProfile',
    Secret: 'immutable',
    SecretEnvSource: 'optional',
    SecretKeySelector: 'optional',
    SecretProjection: 'optional',
    SecretVolumeSource: 'defaultMode optional',
    SecurityContext:
      'allowPrivilegeEscalation privileged procMount readOnlyRootFilesystem runAsGroup runAsNonRoot runAsUser',
    ServiceAccount: 'automountServiceAccountToken',
    ServiceAccountTokenProjection: 'expirationSeconds',
    ServicePort: 'appProtocol',
    ServiceSpec:
      'allocateLoadBalancerNodePorts internalTrafficPolicy ipFamilyPolicy loadBalancerClass trafficDistribution',
    Taint: 'timeAdded',
    Toleration: 'tolerationSeconds',
    TopologySpreadConstraint: 'minDomains nodeAffinityPolicy nodeTaintsPolicy',
    TypedLocalObjectReference: 'apiGroup',
    TypedObjectReference: 'apiGroup namespace',
    VolumeMount: 'mountPropagation recursiveReadOnly',
    VolumeMountStatus: 'recursiveReadOnly',
    WindowsSecurityContextOptions: 'gmsaCredentialSpec gmsaCredentialSpecName hostProcess runAsUserName',
  },
  'discovery.v1': {
    Endpoint: 'hostname nodeName zone',
    EndpointConditions: 'ready serving terminating',
    EndpointPort: 'appProtocol name port protocol',
  },
  'flowcontrol.v1': {
    ExemptPriorityLevelConfiguration: 'lendablePercent nominalConcurrencyShares',
    FlowSchemaSpec: 'matchingPrecedence',
    LimitedPriorityLevelConfiguration: 'borrowingLimitPercent lendablePercent nominalConcurrencyShares',
    QueuingConfiguration: 'handSize queueLengthLimit queues',
  },
  'meta.v1': {
    DeleteOptions:
      'gracePeriodSeconds ignoreStoreReadErrorWithClusterBreakingPotential orphanDependents propagationPolicy',
    ListMeta: 'remainingItemCount',
    ManagedFieldsEntry: 'time',
    ObjectMeta: 'deletionGracePeriodSeconds deletionTimestamp',
    OwnerReference: 'blockOwnerDeletion controller',
    Preconditions: 'resourceVersion uid',
  },
  'networking.v1': {
    IngressClassParametersReference: 'apiGroup namespace scope',
    IngressPortStatus: 'error',
    IngressSpec: 'ingressClassName',
    NetworkPolicyPort: 'endPort port protocol',
  },
  'policy.v1': {
    PodDisruptionBudgetSpec: 'maxUnavailable minAvailable unhealthyPodEvictionPolicy',
  },
  'scheduling.v1': {
    PriorityClass: 'preemptionPolicy',
  },
  'storage.v1': {
    CSIDriverSpec:
      'attachRequired fsGroupPolicy podInfoOnMount requiresRepublish seLinuxMount storageCapacity',
    CSIStorageCapacity: 'capacity maximumVolumeSize',
    StorageClass: 'allowVolumeExpansion reclaimPolicy volumeBindingMode',
    TokenRequest: 'expirationSeconds',
    VolumeAttachmentSource: 'persistentVolumeName',
    VolumeNodeResources: 'count',
  },
};

/** Closed sets of values, with the fields that take one of them (or a list of them). */
export const enums = [
  [
    ['Ignore', 'Fail'],
    [
      'admissionregistration.v1.MutatingWebhook.failurePolicy',
      'admissionregistration.v1.ValidatingAdmissionPolicySpec.failurePolicy',
      'admissionregistration.v1.ValidatingWebhook.failurePolicy',
      'admissionregistration.v1alpha1.MutatingAdmissionPolicySpec.failurePolicy',
    ],
  ],
  [
    ['Exact', 'Equivalent'],
    [
      'admissionregistration.v1.MatchResources.matchPolicy',
      'admissionregistration.v1.MutatingWebhook.matchPolicy',
      'admissionregistration.v1.ValidatingWebhook.matchPolicy',
      'admissionregistration.v1alpha1.MatchResources.matchPolicy',
    ],
  ],
  [
    ['*', 'CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
    [
      'admissionregistration.v1.NamedRuleWithOperations.operations',
      'admissionregistration.v1alpha1.NamedRuleWithOperations.operations',
      'admissionregistration.v1.RuleWithOperations.operations',
    ],
  ],
  [
    ['Never', 'IfNeeded'],
    [
      'admissionregistration.v1.MutatingWebhook.reinvocationPolicy',
      'admissionregistration.v1alpha1.MutatingAdmissionPolicySpec.reinvocationPolicy',
    ],
  ],
  [
    ['Cluster', 'Namespaced', '*'],
    [
      'admissionregistration.v1.NamedRuleWithOperations.scope',
      'admissionregistration.v1alpha1.NamedRuleWithOperations.scope',
      'admissionregistration.v1.RuleWithOperations.scope',
    ],
  ],
  [
    ['Unknown', 'None', 'Some', 'NoneOnDryRun'],
    [
      'admissionregistration.v1.MutatingWebhook.sideEffects',
      'admissionregistration.v1.ValidatingWebhook.sideEffects',
    ],
  ],
  [
    ['Deny', 'Warn', 'Audit'],
    ['admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec.validationActions'],
  ],
  [['RollingUpdate', 'OnDelete'], ['apps.v1.DaemonSetUpdateStrategy.type']],
  [['Recreate', 'RollingUpdate'], ['apps.v1.DeploymentStrategy.type']],
  [['OrderedReady', 'Parallel'], ['apps.v1.StatefulSetSpec.podManagementPolicy']],
  [['RollingUpdate', 'OnDelete'], ['apps.v1.StatefulSetUpdateStrategy.type']],
  [['NonIndexed', 'Indexed'], ['batch.v1.JobSpec.completionMode']],
  [['Allow', 'Forbid', 'Replace'], ['batch.v1.CronJobSpec.concurrencyPolicy']],
  [['FailJob', 'FailIndex', 'Ignore', 'Count'], ['batch.v1.PodFailurePolicyRule.action']],
  [['In', 'NotIn'], ['batch.v1.PodFailurePolicyOnExitCodesRequirement.operator']],
  [['TerminatingOrFailed', 'Failed'], ['batch.v1.JobSpec.podReplacementPolicy']],
  [
    [
      'signing',
      'digital signature',
      'content commitment',
      'key encipherment',
      'key agreement',
      'data encipherment',
      'cert sign',
      'crl sign',
      'encipher only',
      'decipher only',
      'any',
      'server auth',
      'client auth',
      'code signing',
      'email protection',
      's/mime',
      'ipsec end system',
      'ipsec tunnel',
      'ipsec user',
      'timestamping',
      'ocsp signing',
      'microsoft sgc',
      'netscape sgc',
    ],
    ['certificates.v1.CertificateSigningRequestSpec.usages'],
  ],
  [['Unconfined', 'RuntimeDefault', 'Localhost'], ['core.v1.AppArmorProfile.type']],
  [['None', 'ReadOnly', 'ReadWrite'], ['core.v1.AzureDiskVolumeSource.cachingMode']],
  [['Shared', 'Dedicated', 'Managed'], ['core.v1.AzureDiskVolumeSource.kind']],
  [['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'], ['core.v1.PodSpec.dnsPolicy']],
  [
    ['', 'DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket', 'CharDevice', 'BlockDevice'],
    ['core.v1.HostPathVolumeSource.type'],
  ],
  [['IPv4', 'IPv6'], ['core.v1.ServiceSpec.ipFamilies']],
  [['SingleStack', 'PreferDualStack', 'RequireDualStack'], ['core.v1.ServiceSpec.ipFamilyPolicy']],
  [['None', 'HostToContainer', 'Bidirectional'], ['core.v1.VolumeMount.mountPropagation']],
  [['Active', 'Terminating'], ['core.v1.NamespaceStatus.phase']],
  [
    ['Ignore', 'Honor'],
    [
      'core.v1.TopologySpreadConstraint.nodeAffinityPolicy',
      'core.v1.TopologySpreadConstraint.nodeTaintsPolicy',
    ],
  ],
  [['Pending', 'Running', 'Terminated'], ['core.v1.NodeStatus.phase']],
  [['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'], ['core.v1.NodeSelectorRequirement.operator']],
  [
    ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'],
    [
      'core.v1.PersistentVolumeClaimSpec.accessModes',
      'core.v1.PersistentVolumeClaimStatus.accessModes',
      'core.v1.PersistentVolumeSpec.accessModes',
    ],
  ],
  [['Pending', 'InProgress', 'Infeasible'], ['core.v1.ModifyVolumeStatus.status']],
  [['Pending', 'Bound', 'Lost'], ['core.v1.PersistentVolumeClaimStatus.phase']],
  [
    ['Block', 'Filesystem'],
    ['core.v1.PersistentVolumeClaimSpec.volumeMode', 'core.v1.PersistentVolumeSpec.volumeMode'],
  ],
  [['Pending', 'Available', 'Bound', 'Released', 'Failed'], ['core.v1.PersistentVolumeStatus.phase']],
  [
    ['Recycle', 'Delete', 'Retain'],
    ['core.v1.PersistentVolumeSpec.persistentVolumeReclaimPolicy', 'storage.v1.StorageClass.reclaimPolicy'],
  ],
  [['OnRootMismatch', 'Always'], ['core.v1.PodSecurityContext.fsGroupChangePolicy']],
  [['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'], ['core.v1.PodStatus.phase']],
  [['Guaranteed', 'Burstable', 'BestEffort'], ['core.v1.PodStatus.qosClass']],
  [['PreemptLowerPriority', 'Never'], ['core.v1.PodSpec.preemptionPolicy']],
  [['Default', 'Unmasked'], ['core.v1.SecurityContext.procMount']],
  [
    ['TCP', 'UDP', 'SCTP'],
    [
      'core.v1.ContainerPort.protocol',
      'core.v1.EndpointPort.protocol',
      'core.v1.PortStatus.protocol',
      'core.v1.ServicePort.protocol',
      'discovery.v1.EndpointPort.protocol',
      'networking.v1.IngressPortStatus.protocol',
      'networking.v1.NetworkPolicyPort.protocol',
    ],
  ],
  [
    ['Always', 'Never', 'IfNotPresent'],
    [
      'core.v1.Container.imagePullPolicy',
      'core.v1.EphemeralContainer.imagePullPolicy',
      'core.v1.ImageVolumeSource.pullPolicy',
    ],
  ],
  [
    [
      'Terminating',
      'NotTerminating',
      'BestEffort',
      'NotBestEffort',
      'PriorityClass',
      'CrossNamespacePodAffinity',
    ],
    ['core.v1.ResourceQuotaSpec.scopes', 'core.v1.ScopedResourceSelectorRequirement.scopeName'],
  ],
  [['Always', 'OnFailure', 'Never'], ['core.v1.PodSpec.restartPolicy']],
  [['In', 'NotIn', 'Exists', 'DoesNotExist'], ['core.v1.ScopedResourceSelectorRequirement.operator']],
  [['Unconfined', 'RuntimeDefault', 'Localhost'], ['core.v1.SeccompProfile.type']],
  [['ClientIP', 'None'], ['core.v1.ServiceSpec.sessionAffinity']],
  [['Cluster', 'Local'], ['core.v1.ServiceSpec.externalTrafficPolicy']],
  [['Cluster', 'Local'], ['core.v1.ServiceSpec.internalTrafficPolicy']],
  [['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'], ['core.v1.ServiceSpec.type']],
  [['Merge', 'Strict'], ['core.v1.PodSecurityContext.supplementalGroupsPolicy']],
  [
    ['NoSchedule', 'PreferNoSchedule', 'NoExecute'],
    ['core.v1.Taint.effect', 'core.v1.Toleration.effect'],
  ],
  [
    ['File', 'FallbackToLogsOnError'],
    ['core.v1.Container.terminationMessagePolicy', 'core.v1.EphemeralContainer.terminationMessagePolicy'],
  ],
  [['Exists', 'Equal'], ['core.v1.Toleration.operator']],
  [['HTTP', 'HTTPS'], ['core.v1.HTTPGetAction.scheme']],
  [['DoNotSchedule', 'ScheduleAnyway'], ['core.v1.TopologySpreadConstraint.whenUnsatisfiable']],
  [['IPv4', 'IPv6', 'FQDN'], ['discovery.v1.EndpointSlice.addressType']],
  [['Exact', 'Prefix', 'ImplementationSpecific'], ['networking.v1.HTTPIngressPath.pathType']],
  [['Ingress', 'Egress'], ['networking.v1.NetworkPolicySpec.policyTypes']],
  [['IfHealthyBudget', 'AlwaysAllow'], ['policy.v1.PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy']],
  [['Immediate', 'WaitForFirstConsumer'], ['storage.v1.StorageClass.volumeBindingMode']],
  [
    ['FieldValueRequired', 'FieldValueDuplicate', 'FieldValueInvalid', 'FieldValueForbidden'],
    ['apiextensions.v1.ValidationRule.reason'],
  ],
  [['ApplyConfiguration', 'JSONPatch'], ['admissionregistration.v1alpha1.Mutation.patchType']],
];

/**
 * Protobuf fields of the groups outside k8s.io/api, as `<number> <field>` in JSON spelling; the type
 * follows from the JSON schema.
 */
export const protobufNumbers = {
  'apiextensions.v1': {
    CustomResourceColumnDefinition: '1 name, 2 type, 3 format, 4 description, 5 priority, 6 jsonPath',
    CustomResourceConversion: '1 strategy, 2 webhook',
    CustomResourceDefinition: '1 metadata, 2 spec, 3 status',
    CustomResourceDefinitionCondition: '1 type, 2 status, 3 lastTransitionTime, 4 reason, 5 message',
    CustomResourceDefinitionNames: '1 plural, 2 singular, 3 shortNames, 4 kind, 5 listKind, 6 categories',
    CustomResourceDefinitionSpec:
      '1 group, 3 names, 4 scope, 7 versions, 9 conversion, 10 preserveUnknownFields',
    CustomResourceDefinitionStatus: '1 conditions, 2 acceptedNames, 3 storedVersions',
    CustomResourceDefinitionVersion:
      '1 name, 2 served, 3 storage, 7 deprecated, 8 deprecationWarning, 4 schema, 5 subresources, 6 additionalPrinterColumns, 9 selectableFields',
    CustomResourceSubresourceScale: '1 specReplicasPath, 2 statusReplicasPath, 3 labelSelectorPath',
    CustomResourceSubresourceStatus: '',
    CustomResourceSubresources: '1 status, 2 scale',
    CustomResourceValidation: '1 openAPIV3Schema',
    ExternalDocumentation: '1 description, 2 url',
    JSONSchemaProps:
      '1 id, 2 $schema, 3 $ref, 4 description, 5 type, 6 format, 7 title, 8 default, 9 maximum, 10 exclusiveMaximum, 11 minimum, 12 exclusiveMinimum, 13 maxLength, 14 minLength, 15 pattern, 16 maxItems, 17 minItems, 18 uniqueItems, 19 multipleOf, 20 enum, 21 maxProperties, 22 minProperties, 23 required, 24 items, 25 allOf, 26 oneOf, 27 anyOf, 28 not, 29 properties, 30 additionalProperties, 31 patternProperties, 32 dependencies, 33 additionalItems, 34 definitions, 35 externalDocs, 36 example, 37 nullable, 38 x-kubernetes-preserve-unknown-fields, 39 x-kubernetes-embedded-resource, 40 x-kubernetes-int-or-string, 41 x-kubernetes-list-map-keys, 42 x-kubernetes-list-type, 43 x-kubernetes-map-type, 44 x-kubernetes-validations',
    SelectableField: '1 jsonPath',
    ServiceReference: '1 namespace, 2 name, 3 path, 4 port',
    ValidationRule: '1 rule, 2 message, 3 messageExpression, 4 reason, 5 fieldPath, 6 optionalOldSelf',
    WebhookClientConfig: '3 url, 1 service, 2 caBundle',
    WebhookConversion: '2 clientConfig, 3 conversionReviewVersions',
  },
  'apiregistration.v1': {
    APIService: '1 metadata, 2 spec, 3 status',
    APIServiceCondition: '1 type, 2 status, 3 lastTransitionTime, 4 reason, 5 message',
    APIServiceSpec:
      '1 service, 2 group, 3 version, 4 insecureSkipTLSVerify, 5 caBundle, 7 groupPriorityMinimum, 8 versionPriority',
    APIServiceStatus: '1 conditions',
    ServiceReference: '1 namespace, 2 name, 3 port',
  },
};
