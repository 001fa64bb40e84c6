/** What the status of a pod says about one container (KL-11): pure. */
import type { Shared } from '../../api/index.js';
import type { ContainerState, ContainerStatus as ApiContainerStatus, Pod } from '../../api/kinds/core/v1.js';
import type { ContainerStatus } from '../container-runtime.js';
import { initContainers, isFinal, isSidecar, type PodContainer, recordedStatus } from './containers.js';
import { isAlive, type ObservedPod } from './observed-pod.js';

/** Why a container is not running although it should: for `state.waiting`. */
export interface WaitingReason {
  readonly reason: string;
  readonly message?: string;
}

export interface ContainerFacts {
  readonly pod: Shared<Pod>;
  readonly observed: ObservedPod;
  readonly runtimeName: string;
  /** Set while a start has failed or a back-off is under way. */
  readonly waiting: (name: string) => WaitingReason | undefined;
  readonly started: (name: string) => boolean;
  /** Its readiness probe, if any, has succeeded. */
  readonly ready: (name: string) => boolean;
}

export function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export function containerStatus(container: PodContainer, facts: ContainerFacts): ApiContainerStatus {
  const { name } = container;
  const { pod, observed, runtimeName } = facts;
  const [latest, previous] = observed.runs(name);
  const recorded = recordedStatus(pod, name);
  const waiting = facts.waiting(name);
  const base = {
    name,
    image: latest?.config.image ?? container.image ?? '',
    imageID: latest?.imageRef ?? recorded?.imageID ?? '',
  };
  if (!latest) return neverRun(base, recorded, waiting, facts);

  const containerID = `${runtimeName}://${latest.id}`;
  const waits = waiting !== undefined && !isAlive(latest);
  const state = waits ? { waiting } : stateOf(latest, runtimeName, notYet(pod));
  const last = waits ? latest : previous;
  const lastState = last ? stateOf(last, runtimeName, '') : undefined;
  const running = latest.state === 'running';
  const started = running && facts.started(name);
  // An init container is ready when it is done.
  const oneShot = initContainers(pod).includes(container) && !isSidecar(container);
  const completed = latest.state === 'exited' && latest.exitCode === 0;
  return {
    ...base,
    state,
    lastState: lastState?.terminated ? lastState : (recorded?.lastState ?? {}),
    ready: oneShot ? completed : started && facts.ready(name),
    restartCount: Math.max(latest.config.attempt, recorded?.restartCount ?? 0),
    containerID,
    started,
  };
}

/** The runtime knows nothing of it: it has not run yet, or what ran was lost. */
function neverRun(
  base: Pick<ApiContainerStatus, 'name' | 'image' | 'imageID'>,
  recorded: Shared<ApiContainerStatus> | undefined,
  waiting: WaitingReason | undefined,
  { pod }: ContainerFacts,
): ApiContainerStatus {
  const { state, restartCount = 0, lastState = {} } = recorded ?? {};
  // What is over stays as it ended, whether or not the runtime remembers.
  if (isFinal(pod) && state?.terminated)
    return { ...(recorded as ApiContainerStatus), ready: recorded?.ready ?? false };
  const ended: ContainerState | undefined = state?.terminated
    ? { terminated: state.terminated }
    : state?.running
      ? { terminated: lostState(state.running.startedAt) }
      : undefined;
  return {
    ...base,
    state: { waiting: waiting ?? { reason: notYet(pod) } },
    lastState: ended ?? (lastState as ContainerState),
    ready: false,
    restartCount,
    started: false,
  };
}

function lostState(startedAt: string | undefined): NonNullable<ContainerState['terminated']> {
  return {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The container could not be located when the pod was terminated',
    ...(startedAt === undefined ? {} : { startedAt }),
  };
}

/** Why a container has not begun: in a pod with init containers all of them wait for the pod, themselves included. */
function notYet(pod: Shared<Pod>): string {
  return initContainers(pod).length > 0 ? 'PodInitializing' : 'ContainerCreating';
}

function stateOf(run: ContainerStatus, runtimeName: string, waiting: string): ContainerState {
  switch (run.state) {
    case 'created':
      return { waiting: { reason: waiting } };
    case 'running':
      return { running: { startedAt: time(run.startedAt ?? run.createdAt) } };
    default: {
      const exitCode = run.exitCode ?? 137;
      return {
        terminated: {
          exitCode,
          reason: run.reason ?? (exitCode === 0 ? 'Completed' : 'Error'),
          ...(run.message === undefined || run.message === '' ? {} : { message: run.message }),
          ...(run.signal === undefined ? {} : { signal: run.signal }),
          startedAt: time(run.startedAt ?? run.createdAt),
          finishedAt: time(run.finishedAt ?? run.createdAt),
          containerID: `${runtimeName}://${run.id}`,
        },
      };
    }
  }
}
