/**
 * What a Deployment does next: a pure function from what is observed to the writes that follow.
 *
 * Writes are few and each sync makes one kind of progress: what follows from them is decided on what the
 * ReplicaSets then report.
 */
import { deepEqualJson } from 'gyre';
import type { Deployment, ReplicaSet } from 'gyre/kinds';
import { currentAnnotations, revisionAnnotation, revisionOf, sizingAnnotations } from './annotations.js';
import { fencepostsOf } from './fenceposts.js';
import { availableOf, isActive, podsOf, type ReplicaSets, sizeOf } from './replica-sets.js';
import { type Group, type RollingUpdate, rollingUpdate, type Sizes } from './rolling-update.js';
import { isScaling, scale } from './scaling.js';
import { isComplete } from './status.js';

export interface Observed {
  readonly deployment: Deployment;
  readonly sets: ReplicaSets;
  /** True while pods of old ReplicaSets run or terminate. Asked only by Recreate (D-8). */
  readonly oldPodsRun: () => boolean;
}

export interface Creation {
  readonly replicas: number;
  readonly annotations: Readonly<Record<string, string>>;
}
export interface Change {
  readonly set: ReplicaSet;
  readonly replicas: number;
  readonly minReadySeconds: number;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Plan {
  /** The new ReplicaSet, which is not there yet. */
  readonly create?: Creation;
  readonly change: readonly Change[];
  readonly remove: readonly ReplicaSet[];
  /** What to write on the Deployment itself (D-4). */
  readonly revision?: string;
  /** What is under way is a rollout: its progress is judged (D-11). */
  readonly rolling: boolean;
}

/** `step` is what moves a rolling update; the default is that of Kubernetes. */
export function decide(observed: Observed, step: RollingUpdate = rollingUpdate): Plan {
  const { deployment, sets } = observed;
  const { paused = false, strategy } = deployment.spec;
  if (paused || isScaling(deployment, sets)) {
    const plan = planOf(observed, scale(deployment, sets), false);
    return paused ? withCleanup(observed, plan) : plan;
  }
  const plan =
    strategy?.type === 'Recreate' ? recreate(observed) : planOf(observed, roll(observed, step), true);
  return isComplete(deployment, deployment.status) ? withCleanup(observed, plan) : plan;
}

/** D-8: the old ones end first, all of them; then the new one starts. */
function recreate(observed: Observed): Plan {
  const { deployment, sets } = observed;
  const { replicas = 1 } = deployment.spec;
  const active = sets.old.filter(isActive);
  if (active.length > 0) {
    return {
      ...planOf(observed, new Map(active.map(({ metadata }) => [metadata.name, 0])), false),
      rolling: true,
    };
  }
  const ending = sets.old.some((set) => podsOf(set) !== 0) || observed.oldPodsRun();
  if (ending) return { ...planOf(observed, new Map(), false), rolling: true };
  return planOf(observed, new Map([[sets.current?.metadata.name ?? '', replicas]]), true);
}

function roll({ deployment, sets }: Observed, step: RollingUpdate): Sizes {
  return step({
    replicas: deployment.spec.replicas ?? 1,
    ...fencepostsOf(deployment),
    current: sets.current ? groupOf(sets.current) : { name: '', size: 0, pods: 0, available: 0 },
    old: sets.old.map(groupOf),
  });
}

function groupOf(set: ReplicaSet): Group {
  return {
    name: set.metadata.name,
    size: sizeOf(set),
    pods: podsOf(set),
    available: availableOf(set),
  };
}

/** The writes that bring about these sizes, and keep the new ReplicaSet's annotations (D-4). */
function planOf({ deployment, sets }: Observed, sizes: Sizes, mayCreate: boolean): Plan {
  const { current, old } = sets;
  const sizing = sizingAnnotations(deployment);
  const change: Change[] = [];
  for (const set of [...old, ...(current ? [current] : [])]) {
    const had = set.metadata.annotations ?? {};
    const next: Change = {
      set,
      replicas: sizes.get(set.metadata.name) ?? sizeOf(set),
      minReadySeconds: (set === current ? deployment : set).spec.minReadySeconds ?? 0,
      annotations: {
        ...had,
        ...(set === current ? currentAnnotations(deployment, had, old) : {}),
        ...(sizes.has(set.metadata.name) ? sizing : {}),
      },
    };
    const same =
      next.replicas === sizeOf(set) &&
      next.minReadySeconds === (set.spec.minReadySeconds ?? 0) &&
      deepEqualJson(next.annotations, had);
    if (!same) change.push(next);
  }
  const create =
    !current && mayCreate
      ? {
          replicas: sizes.get('') ?? 0,
          annotations: { ...currentAnnotations(deployment, {}, old), ...sizing },
        }
      : undefined;
  const revision =
    create?.annotations[revisionAnnotation] ??
    change.find(({ set }) => set === current)?.annotations[revisionAnnotation] ??
    current?.metadata.annotations?.[revisionAnnotation];
  return {
    ...(create ? { create } : {}),
    change,
    remove: [],
    ...(revision === undefined || revision === deployment.metadata.annotations?.[revisionAnnotation]
      ? {}
      : { revision }),
    rolling: mayCreate,
  };
}

/** D-13: of the old ReplicaSets beyond the limit, those with the oldest revisions go, if nothing of them lives. */
function withCleanup({ deployment, sets }: Observed, plan: Plan): Plan {
  const { revisionHistoryLimit: limit = 10 } = deployment.spec;
  const alive = sets.old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const byRevision = [...alive].sort((a, b) => revisionOf(a) - revisionOf(b));
  const remove = byRevision
    .slice(0, Math.max(0, alive.length - limit))
    .filter((set) => sizeOf(set) === 0 && podsOf(set) === 0);
  return { ...plan, remove };
}
