/**
 * The flow schemas and priority levels every cluster has
 * (https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#default-configuration-objects): the mandatory ones,
 * without which no request would have a place, and the suggested ones, which anybody may change.
 */
import type { JsonObject } from '../../api/index.js';
import type {
  FlowSchemaSpec,
  PriorityLevelConfigurationSpec,
  Subject,
} from '../../api/kinds/flowcontrol/v1.js';

export const flowGroup = 'flowcontrol.apiserver.k8s.io';
export const apiVersion = `${flowGroup}/v1`;
/** `true`: the server may bring the object's spec back to what it is from the start. */
export const autoUpdate = 'apf.kubernetes.io/autoupdate-spec';

type LevelSpec = PriorityLevelConfigurationSpec;

function limited(
  shares: number,
  lendable: number,
  queuing?: readonly [queues: number, handSize: number],
): LevelSpec {
  const [queues = 0, handSize = 0] = queuing ?? [];
  return {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: shares,
      lendablePercent: lendable,
      limitResponse: queuing
        ? { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } }
        : { type: 'Reject' },
    },
  };
}

export const mandatoryLevels: Readonly<Record<string, LevelSpec>> = {
  exempt: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  'catch-all': limited(5, 0),
};

const suggestedLevels: Readonly<Record<string, LevelSpec>> = {
  system: limited(30, 33, [64, 6]),
  'node-high': limited(40, 25, [64, 6]),
  'leader-election': limited(10, 0, [16, 4]),
  'workload-high': limited(40, 50, [128, 6]),
  'workload-low': limited(100, 90, [128, 6]),
  'global-default': limited(20, 50, [128, 6]),
};

const groups = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'Group', group: { name } }));
const users = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'User', user: { name } }));
const everybody = groups('system:unauthenticated', 'system:authenticated');
const kubeSystemAccounts: Subject = {
  kind: 'ServiceAccount',
  serviceAccount: { name: '*', namespace: 'kube-system' },
};

function on(
  verbs: readonly string[],
  group: string,
  resources: readonly string[],
  clusterScope: boolean,
): NonNullable<NonNullable<FlowSchemaSpec['rules']>[number]['resourceRules']>[number] {
  return {
    verbs,
    apiGroups: [group],
    resources,
    ...(clusterScope ? { clusterScope } : {}),
    namespaces: ['*'],
  };
}
const everything = {
  resourceRules: [on(['*'], '*', ['*'], true)],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};

type Rules = NonNullable<FlowSchemaSpec['rules']>[number];

function schema(
  level: string,
  matchingPrecedence: number,
  distinguisher: 'ByUser' | 'ByNamespace' | undefined,
  rule: Rules,
): FlowSchemaSpec {
  return {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence,
    ...(distinguisher ? { distinguisherMethod: { type: distinguisher } } : {}),
    rules: [rule],
  };
}

export const mandatorySchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: schema('exempt', 1, undefined, { subjects: groups('system:masters'), ...everything }),
  'catch-all': schema('catch-all', 10000, 'ByUser', { subjects: everybody, ...everything }),
};

const suggestedSchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  probes: schema('exempt', 2, undefined, {
    subjects: everybody,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  'system-leader-election': schema('leader-election', 100, 'ByUser', {
    subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), kubeSystemAccounts],
    resourceRules: [on(['get', 'create', 'update'], 'coordination.k8s.io', ['leases'], false)],
  }),
  'system-node-high': schema('node-high', 400, 'ByUser', {
    subjects: groups('system:nodes'),
    resourceRules: [
      on(['*'], '', ['nodes', 'nodes/status'], true),
      on(['*'], 'coordination.k8s.io', ['leases'], false),
    ],
  }),
  'system-nodes': schema('system', 500, 'ByUser', { subjects: groups('system:nodes'), ...everything }),
  'kube-controller-manager': schema('workload-high', 800, 'ByNamespace', {
    subjects: users('system:kube-controller-manager'),
    ...everything,
  }),
  'kube-scheduler': schema('workload-high', 800, 'ByNamespace', {
    subjects: users('system:kube-scheduler'),
    ...everything,
  }),
  'kube-system-service-accounts': schema('workload-high', 900, 'ByNamespace', {
    subjects: [kubeSystemAccounts],
    ...everything,
  }),
  'service-accounts': schema('workload-low', 9000, 'ByUser', {
    subjects: groups('system:serviceaccounts'),
    ...everything,
  }),
  'global-default': schema('global-default', 9900, 'ByUser', { subjects: everybody, ...everything }),
};

function object(kind: string, [name, spec]: readonly [string, object]): JsonObject {
  return {
    apiVersion,
    kind,
    metadata: { name, annotations: { [autoUpdate]: 'true' } },
    spec: spec as JsonObject,
  };
}

/** Levels before the schemas that name them. */
export const flowObjects: Readonly<
  Record<'prioritylevelconfigurations' | 'flowschemas', readonly JsonObject[]>
> = {
  prioritylevelconfigurations: Object.entries({ ...mandatoryLevels, ...suggestedLevels }).map((each) =>
    object('PriorityLevelConfiguration', each),
  ),
  flowschemas: Object.entries({ ...mandatorySchemas, ...suggestedSchemas }).map((each) =>
    object('FlowSchema', each),
  ),
};
