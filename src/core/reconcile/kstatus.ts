/**
 * How an object is, read from its status alone, by the rules of kstatus: what `kubectl wait`, Flux and others conclude.
 *
 * An object that nobody has said anything about is taken for Current, as kstatus does: ConfigMaps have no status.
 */
import { type Condition, groupKind, type KindFacts, parseApiVersion } from '../../api/index.js';
import { findCondition } from './conditions.js';

export type StatusPhase = 'InProgress' | 'Failed' | 'Current' | 'Terminating' | 'NotFound';

export interface ObjectStatus {
  readonly status: StatusPhase;
  readonly message: string;
}

interface Reported {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string };
  readonly spec?: Fields;
  readonly status?: Fields & {
    readonly observedGeneration?: number;
    readonly conditions?: readonly Condition[];
  };
}
type Fields = { readonly [field: string]: unknown };

const inProgress = (message: string): ObjectStatus => ({ status: 'InProgress', message });
const failed = (message: string): ObjectStatus => ({ status: 'Failed', message });
const current = (message: string): ObjectStatus => ({ status: 'Current', message });

/** The status of an object as it was read; `undefined` is NotFound. Its kind comes from the object, or is given. */
export function computeStatus(object: object | undefined, kind?: KindFacts): ObjectStatus {
  if (!object) return { status: 'NotFound', message: 'there is no such object' };
  const reported = object as Reported;
  const { metadata, status } = reported;
  if (metadata.deletionTimestamp !== undefined)
    return { status: 'Terminating', message: 'it is being deleted' };
  const observed = status?.observedGeneration;
  if (observed !== undefined && metadata.generation !== undefined && observed !== metadata.generation)
    return inProgress(`generation is ${metadata.generation}, observed is ${observed}`);
  const stalled = findCondition(status?.conditions, 'Stalled');
  if (stalled?.status === 'True') return failed(stalled.message || stalled.reason);
  const reconciling = findCondition(status?.conditions, 'Reconciling');
  if (reconciling?.status === 'True') return inProgress(reconciling.message || reconciling.reason);
  const identity = kind
    ? groupKind(kind)
    : groupKind({ group: parseApiVersion(reported.apiVersion ?? '').group, kind: reported.kind ?? '' });
  return (rules[identity] ?? generic)(reported);
}

function generic({ status }: Reported): ObjectStatus {
  const ready = findCondition(status?.conditions, 'Ready');
  if (!ready) return current('nothing says otherwise');
  return ready.status === 'True'
    ? current(ready.message || 'ready')
    : inProgress(ready.message || 'not ready yet');
}

function count(fields: Fields | undefined, field: string, otherwise = 0): number {
  const value = fields?.[field];
  return typeof value === 'number' ? value : otherwise;
}

/** The first pair of which the left is still less than the right. */
function lacking(
  pairs: readonly (readonly [what: string, has: number, wants: number])[],
): ObjectStatus | undefined {
  const short = pairs.find(([, has, wants]) => has < wants);
  return short && inProgress(`${short[0]}: ${short[1]}/${short[2]}`);
}

function deployment({ spec, status }: Reported): ObjectStatus {
  const progressing = findCondition(status?.conditions, 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return failed('progress deadline exceeded');
  const wanted = count(spec, 'replicas', 1);
  const has = (field: string): number => count(status, field);
  if (status?.observedGeneration === undefined) return inProgress('not observed yet');
  return (
    lacking([
      ['replicas', has('replicas'), wanted],
      ['updated', has('updatedReplicas'), wanted],
      ['pending termination', wanted, has('replicas')],
      ['available', has('availableReplicas'), has('updatedReplicas')],
      ['ready', has('readyReplicas'), wanted],
    ]) ??
    (findCondition(status.conditions, 'Available')?.status === 'True' || wanted === 0
      ? current(`available: ${wanted}`)
      : inProgress('not available'))
  );
}

function replicaSet({ spec, status }: Reported): ObjectStatus {
  const failure = findCondition(status?.conditions, 'ReplicaFailure');
  if (failure?.status === 'True') return inProgress(failure.message);
  const wanted = count(spec, 'replicas', 1);
  const has = (field: string): number => count(status, field);
  return (
    lacking([
      ['labelled', has('fullyLabeledReplicas'), wanted],
      ['available', has('availableReplicas'), wanted],
      ['ready', has('readyReplicas'), wanted],
      ['pending termination', wanted, has('replicas')],
    ]) ?? current(`available: ${wanted}`)
  );
}

function statefulSet({ spec, status }: Reported): ObjectStatus {
  const strategy = spec?.updateStrategy as
    | { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } }
    | undefined;
  if (strategy?.type === 'OnDelete') return current('updated when its pods are deleted');
  const wanted = count(spec, 'replicas', 1);
  const has = (field: string): number => count(status, field);
  const partition = strategy?.rollingUpdate?.partition ?? 0;
  const short = lacking([
    ['replicas', has('replicas'), wanted],
    ['ready', has('readyReplicas'), wanted],
    ['pending termination', wanted, has('replicas')],
    ...(partition > 0 ? [['updated', has('updatedReplicas'), wanted - partition] as const] : []),
  ]);
  if (short) return short;
  if (partition === 0 && status?.currentRevision !== status?.updateRevision)
    return inProgress(`waiting for revision ${String(status?.updateRevision)}`);
  return current(`ready: ${wanted}`);
}

function daemonSet({ status }: Reported): ObjectStatus {
  if (status?.observedGeneration === undefined) return inProgress('not observed yet');
  const wanted = count(status, 'desiredNumberScheduled');
  const has = (field: string): number => count(status, field);
  return (
    lacking([
      ['scheduled', has('currentNumberScheduled'), wanted],
      ['updated', has('updatedNumberScheduled'), wanted],
      ['available', has('numberAvailable'), wanted],
      ['ready', has('numberReady'), wanted],
    ]) ?? current(`available: ${wanted}`)
  );
}

function pod({ status }: Reported): ObjectStatus {
  switch (status?.phase) {
    case 'Succeeded':
      return current('completed');
    case 'Failed':
      return failed(String(status.message ?? 'failed'));
    case 'Running': {
      if (findCondition(status.conditions, 'Ready')?.status === 'True') return current('ready');
      const crashing = containers(status).find((reason) => reason === 'CrashLoopBackOff');
      return crashing ? failed('containers in CrashLoopBackOff') : inProgress('running, not ready');
    }
    default: {
      const scheduled = findCondition(status?.conditions, 'PodScheduled');
      return inProgress(scheduled?.status === 'False' ? scheduled.message : 'pending');
    }
  }
}

/** Why containers wait. */
function containers(status: Fields): readonly (string | undefined)[] {
  const all = (status.containerStatuses ?? []) as readonly {
    readonly state?: { readonly waiting?: { readonly reason?: string } };
  }[];
  return all.map(({ state }) => state?.waiting?.reason);
}

function job({ status }: Reported): ObjectStatus {
  const failure = findCondition(status?.conditions, 'Failed');
  if (failure?.status === 'True') return failed(failure.message);
  if (findCondition(status?.conditions, 'Complete')?.status === 'True') return current('completed');
  return status?.startTime === undefined ? inProgress('not started') : current('in progress');
}

function definition({ status }: Reported): ObjectStatus {
  const names = findCondition(status?.conditions, 'NamesAccepted');
  if (names?.status === 'False') return failed(names.message);
  const established = findCondition(status?.conditions, 'Established');
  if (established?.status === 'True') return current('established');
  if (established?.status === 'False' && established.reason !== 'Installing')
    return failed(established.message);
  return inProgress('being installed');
}

const rules: Readonly<Record<string, (object: Reported) => ObjectStatus>> = {
  'Deployment.apps': deployment,
  'ReplicaSet.apps': replicaSet,
  'StatefulSet.apps': statefulSet,
  'DaemonSet.apps': daemonSet,
  'Job.batch': job,
  'CustomResourceDefinition.apiextensions.k8s.io': definition,
  Pod: pod,
  PersistentVolumeClaim: ({ status }) =>
    status?.phase === 'Bound' ? current('bound') : inProgress('not bound yet'),
  Service: ({ spec, status }) => {
    const { ingress = [] } = (status?.loadBalancer ?? {}) as { readonly ingress?: readonly unknown[] };
    return spec?.type === 'LoadBalancer' && ingress.length === 0
      ? inProgress('no load balancer yet')
      : current('ready');
  },
};
