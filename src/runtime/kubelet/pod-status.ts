/** The status of a pod (KL-3, KL-10, KL-11): a pure function of spec, runtime, probes and the status before. */
import type { Shared } from '../../api/index.js';
import type { ContainerStatus, PodCondition, PodStatus } from '../../api/kinds/core/v1.js';
import { type ContainerFacts, containerStatus, time } from './container-status.js';
import type { ContainerStatus as RuntimeStatus } from '../container-runtime.js';
import { initContainers, isSidecar, regularContainers, restartPolicyOf } from './containers.js';
import { currentRun } from './observed-pod.js';

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export interface StatusFacts extends ContainerFacts {
  readonly hostIP: string;
  readonly now: number;
  /** The kubelet ends the pod for a reason of its own, e.g. DeadlineExceeded: it will have failed. */
  readonly failure: { readonly reason: string; readonly message: string } | undefined;
  /** All containers of a pod being ended have ended. */
  readonly ended: boolean;
}

export function podStatus(facts: StatusFacts): PodStatus {
  const { pod, observed, failure, now } = facts;
  const before = pod.status ?? {};
  const initialized = isInitialized(facts);
  const init = initContainers(pod).map((c) => containerStatus(c, facts));
  const containers = regularContainers(pod).map((c) => containerStatus(c, facts));
  const phase = finalPhase(before.phase) ?? phaseNow(facts, init, containers);
  const ips = observed.sandbox?.ips ?? before.podIPs?.map(({ ip }) => ip) ?? [];
  const failed = failure && phase === 'Failed' ? failure : undefined;
  return {
    ...withoutUndefined({
      nominatedNodeName: before.nominatedNodeName,
      qosClass: before.qosClass,
      reason: failed?.reason ?? before.reason,
      message: failed?.message ?? before.message,
    }),
    phase,
    conditions: conditions(facts, phase, initialized, init, containers),
    startTime: before.startTime ?? time(now),
    hostIP: facts.hostIP,
    hostIPs: [{ ip: facts.hostIP }],
    ...(ips.length === 0 ? {} : { podIP: ips[0] as string, podIPs: ips.map((ip) => ({ ip })) }),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: containers,
  };
}

function withoutUndefined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** A final phase never changes again (KL-3). */
function finalPhase(phase: PodStatus['phase']): Phase | undefined {
  return phase === 'Succeeded' || phase === 'Failed' ? phase : undefined;
}

/** Once a regular container has run the pod stays initialized, whatever becomes of its sidecars. */
function isInitialized({ pod, observed, started }: StatusFacts): boolean {
  if (regularContainers(pod).some(({ name }) => hasRun(currentRun(observed, name)))) return true;
  return initContainers(pod).every((container) => {
    const [latest] = observed.runs(container.name);
    if (isSidecar(container)) return started(container.name);
    return latest?.state === 'exited' && latest.exitCode === 0;
  });
}

const hasRun = (run: RuntimeStatus | undefined) => run?.state === 'running' || run?.state === 'exited';
const exitOf = (status: ContainerStatus) => status.state?.terminated ?? undefined;

function phaseNow(
  facts: StatusFacts,
  init: readonly ContainerStatus[],
  containers: readonly ContainerStatus[],
): Phase {
  const { pod, failure, ended } = facts;
  const policy = restartPolicyOf(pod);
  if (failure) return ended ? 'Failed' : phaseOf(facts, policy, init, containers);
  if (ended) return phaseOfEnded(containers);
  return phaseOf(facts, policy, init, containers);
}

/** Of a pod that is over: how its containers ended. */
function phaseOfEnded(containers: readonly ContainerStatus[]): Phase {
  return containers.every((status) => exitOf(status)?.exitCode === 0) ? 'Succeeded' : 'Failed';
}

function phaseOf(
  { pod }: StatusFacts,
  policy: string,
  init: readonly ContainerStatus[],
  containers: readonly ContainerStatus[],
): Phase {
  const sidecars = new Set(
    initContainers(pod)
      .filter(isSidecar)
      .map(({ name }) => name),
  );
  const plainInit = init.filter(({ name }) => !sidecars.has(name));
  const initFailed = plainInit.some((status) => (exitOf(status)?.exitCode ?? 0) !== 0);
  if (initFailed && policy === 'Never') return 'Failed';
  const begun = containers.some(({ state, lastState }) => !state?.waiting || lastState?.terminated);
  const initPending = plainInit.some((status) => exitOf(status)?.exitCode !== 0);
  if (initPending && !begun) return 'Pending';

  let [running, waiting, stopped, succeeded] = [0, 0, 0, 0];
  for (const status of containers) {
    if (status.state?.running) running++;
    else if (status.state?.terminated) {
      stopped++;
      if (status.state.terminated.exitCode === 0) succeeded++;
    } else if (status.lastState?.terminated) stopped++;
    else waiting++;
  }
  if (waiting > 0) return 'Pending';
  // A sidecar that still runs has to end before the pod is over; how it ends does not matter (KL-4).
  if (init.some((status) => sidecars.has(status.name) && status.state?.running)) running++;
  if (running > 0) return 'Running';
  if (stopped === 0) return 'Pending';
  if (policy === 'Always') return 'Running';
  if (succeeded === stopped) return 'Succeeded';
  return policy === 'Never' ? 'Failed' : 'Running';
}

const owned = [
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
] as const;
type OwnedType = (typeof owned)[number];

function conditions(
  { pod, observed, now }: StatusFacts,
  phase: Phase,
  initialized: boolean,
  init: readonly ContainerStatus[],
  containers: readonly ContainerStatus[],
): PodCondition[] {
  const before = pod.status?.conditions ?? [];
  const sidecars = new Set(
    initContainers(pod)
      .filter(isSidecar)
      .map(({ name }) => name),
  );
  const unready = [...init.filter(({ name }) => sidecars.has(name)), ...containers]
    .filter(({ ready }) => !ready)
    .map(({ name }) => name);
  const pending = init.filter((status) => !isDone(status, sidecars)).map(({ name }) => name);
  const finished = phase === 'Succeeded';
  const containersReady: Verdict = finished
    ? no('PodCompleted')
    : phase === 'Failed'
      ? no('PodFailed')
      : unready.length > 0
        ? no('ContainersNotReady', `containers with unready status: [${unready.join(' ')}]`)
        : yes;
  const gates = (pod.spec?.readinessGates ?? []).filter(
    ({ conditionType }) => before.find(({ type }) => type === conditionType)?.status !== 'True',
  );
  const verdicts: Record<OwnedType, Verdict> = {
    PodReadyToStartContainers:
      observed.sandbox?.state === 'ready' && !finished && phase !== 'Failed' ? yes : no(),
    Initialized: initialized
      ? finished
        ? { ...yes, reason: 'PodCompleted' }
        : yes
      : no('ContainersNotInitialized', `containers with incomplete status: [${pending.join(' ')}]`),
    ContainersReady: containersReady,
    Ready:
      containersReady === yes && gates.length > 0
        ? no('ReadinessGatesNotReady', gatesMessage(gates, before))
        : containersReady,
    PodScheduled: yes,
  };
  const foreign = before.filter(({ type }) => !(owned as readonly string[]).includes(type));
  return [...owned.map((type) => condition(type, verdicts[type], before, now)), ...foreign];
}

function isDone(status: ContainerStatus, sidecars: ReadonlySet<string>): boolean {
  return sidecars.has(status.name) ? status.started === true : exitOf(status)?.exitCode === 0;
}

function gatesMessage(
  gates: readonly { readonly conditionType: string }[],
  before: Shared<readonly PodCondition[]>,
): string {
  return gates
    .map(({ conditionType }) =>
      before.some(({ type }) => type === conditionType)
        ? `the status of pod readiness gate "${conditionType}" is not "True", but ${before.find((c) => c.type === conditionType)?.status}`
        : `corresponding condition of pod readiness gate "${conditionType}" does not exist.`,
    )
    .join(', ');
}

interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}
const yes: Verdict = { status: 'True' };
const no = (reason?: string, message?: string): Verdict => ({
  status: 'False',
  ...(reason === undefined ? {} : { reason }),
  ...(message === undefined ? {} : { message }),
});

function condition(
  type: OwnedType,
  verdict: Verdict,
  before: Shared<readonly PodCondition[]>,
  now: number,
): PodCondition {
  const known = before.find((c) => c.type === type);
  // The scheduler's own word about where it put the pod stays as it is.
  if (type === 'PodScheduled' && known?.status === 'True') return known as PodCondition;
  return {
    type,
    ...verdict,
    lastTransitionTime:
      known?.status === verdict.status && known.lastTransitionTime ? known.lastTransitionTime : time(now),
  };
}
