/** ReplicaSets and ReplicationControllers in one shape: what the engine needs of either (RS-14). */
import { compileLabelSelector, type KindOf } from 'gyre';
import { type Pod, ReplicaSet, ReplicationController } from 'gyre/kinds';
import type { ReplicaSetStatus } from 'gyre/kinds/apps/v1';
import type { PodTemplateSpec } from 'gyre/kinds/core/v1';

export interface ReplicasOwner {
  readonly kind: KindOf<ReplicaSet> | KindOf<ReplicationController>;
  readonly metadata: ReplicaSet['metadata'];
  readonly replicas: number;
  readonly minReadySeconds: number;
  /** Undefined when it selects nothing: an empty selector is a mistake, not a wish for everything. */
  readonly selects: ((pod: Pod) => boolean) | undefined;
  /** Under which key of the orphan index the pods are that it may select. */
  readonly selectorKey: string;
  readonly template: PodTemplateSpec | undefined;
  readonly status: ReplicaSetStatus | undefined;
}

export function ownerOfReplicaSet(set: ReplicaSet): ReplicasOwner {
  const { spec } = set;
  const { matchLabels = {}, matchExpressions = [] } = spec?.selector ?? {};
  const empty = Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
  const selector = empty ? undefined : compileLabelSelector(spec?.selector ?? {});
  return {
    kind: ReplicaSet,
    metadata: set.metadata,
    replicas: spec?.replicas ?? 1,
    minReadySeconds: spec?.minReadySeconds ?? 0,
    selects: selector && (({ metadata }) => selector.matches(metadata.labels ?? {})),
    selectorKey: selectorKey(set.metadata.namespace, matchLabels),
    template: spec?.template,
    status: set.status,
  };
}

export function ownerOfReplicationController(controller: ReplicationController): ReplicasOwner {
  const { spec } = controller;
  const matchLabels = spec?.selector ?? {};
  const selector = Object.keys(matchLabels).length === 0 ? undefined : compileLabelSelector({ matchLabels });
  return {
    kind: ReplicationController,
    metadata: controller.metadata,
    replicas: spec?.replicas ?? 1,
    minReadySeconds: spec?.minReadySeconds ?? 0,
    selects: selector && (({ metadata }) => selector.matches(metadata.labels ?? {})),
    selectorKey: selectorKey(controller.metadata.namespace, matchLabels),
    template: spec?.template,
    status: controller.status as ReplicaSetStatus | undefined,
  };
}

/**
 * `namespace/key=value` of one pair of a selector: any would do, as long as it is always the same. A selector of
 * expressions alone has none, and is found under its namespace.
 */
export function selectorKey(
  namespace = '',
  matchLabels: Readonly<Record<string, string>> | undefined = {},
): string {
  const [first] = Object.keys(matchLabels).sort();
  return first === undefined ? namespace : `${namespace}/${first}=${matchLabels[first]}`;
}
