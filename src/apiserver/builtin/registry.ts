/** Which kind is written by which strategy. */
import { deploymentStrategy, replicaSetStrategy } from './apps/deployment.js';
import { daemonSetStrategy, statefulSetStrategy } from './apps/stateful-set.js';
import { cronJobStrategy, jobStrategy } from './batch/job.js';
import { certificateSigningRequestStrategy } from './certificates/certificate-signing-request.js';
import { clusterStrategies } from './cluster.js';
import { configMapStrategy, secretStrategy } from './core/config.js';
import { endpointSliceStrategy, endpointsStrategy } from './core/endpoints.js';
import { eventStrategy, newEventStrategy } from './core/event.js';
import { namespaceStrategy, serviceAccountStrategy } from './core/namespace.js';
import { nodeStrategy } from './core/node.js';
import { podStrategy, podTemplateStrategy } from './core/pod.js';
import { replicationControllerStrategy } from './core/replication-controller.js';
import { serviceStrategy } from './core/service.js';
import { ingressClassStrategy, ingressStrategy, networkPolicyStrategy } from './networking/networking.js';
import {
  horizontalPodAutoscalerStrategy,
  limitRangeStrategy,
  podDisruptionBudgetStrategy,
  priorityClassStrategy,
  resourceQuotaStrategy,
} from './policy/policy.js';
import {
  clusterRoleBindingStrategy,
  clusterRoleStrategy,
  roleBindingStrategy,
  roleStrategy,
} from './rbac/rbac.js';
import {
  persistentVolumeClaimStrategy,
  persistentVolumeStrategy,
  storageClassStrategy,
} from './storage/volumes.js';
import type { KindStrategy } from './strategy.js';

const all: readonly KindStrategy[] = [
  configMapStrategy,
  secretStrategy,
  namespaceStrategy,
  serviceAccountStrategy,
  podStrategy,
  podTemplateStrategy,
  replicationControllerStrategy,
  serviceStrategy,
  endpointsStrategy,
  endpointSliceStrategy,
  eventStrategy,
  newEventStrategy,
  nodeStrategy,
  deploymentStrategy,
  replicaSetStrategy,
  statefulSetStrategy,
  daemonSetStrategy,
  jobStrategy,
  cronJobStrategy,
  persistentVolumeStrategy,
  persistentVolumeClaimStrategy,
  storageClassStrategy,
  roleStrategy,
  clusterRoleStrategy,
  roleBindingStrategy,
  clusterRoleBindingStrategy,
  podDisruptionBudgetStrategy,
  horizontalPodAutoscalerStrategy,
  priorityClassStrategy,
  resourceQuotaStrategy,
  limitRangeStrategy,
  ingressStrategy,
  ingressClassStrategy,
  networkPolicyStrategy,
  certificateSigningRequestStrategy,
  ...clusterStrategies,
];

const strategies = new Map(all.map((strategy) => [`${strategy.group}/${strategy.kind}`, strategy]));

/** The strategy of a built-in kind; a neutral one, without rules of its own, for all others. */
export function strategyFor(group: string, kind: string): KindStrategy {
  return strategies.get(`${group}/${kind}`) ?? { group, kind };
}
