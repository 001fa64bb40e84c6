/**
 * What to do next about a pod (KL-2): a pure function of the spec, what the runtime reports, what probes found
 * and the time. It is asked again after everything that happens, so it says only what can be done right now.
 */
import type { Shared } from '../../api/index.js';
import type { Pod } from '../../api/kinds/core/v1.js';
import type { ContainerStatus } from '../container-runtime.js';
import {
  initContainers,
  isSidecar,
  type PodContainer,
  recordedStatus,
  regularContainers,
  type RestartPolicy,
  restartPolicyOf,
  restarts,
  specHash,
} from './containers.js';
import { currentRun, type ObservedPod } from './observed-pod.js';

export interface PodSituation {
  readonly pod: Shared<Pod>;
  readonly observed: ObservedPod;
  /** Containers that something is being done about already: left alone until that is over. */
  readonly busy: ReadonlySet<string>;
  /** Running containers that failed a probe that restarts them. */
  readonly failed: (name: string) => 'liveness' | 'startup' | undefined;
  /** Its startup probe, if any, has succeeded and its postStart hook is done. */
  readonly started: (name: string) => boolean;
  /** Until when a container that ended at `since` waits, ms since the epoch. */
  readonly backoff: (container: PodContainer, since: number) => number | undefined;
  /** When a container that could not be started at all is tried again. */
  readonly retryAt: (name: string) => number | undefined;
  readonly now: number;
}

export type PodAction =
  | { readonly type: 'createSandbox'; readonly attempt: number }
  /** What is left of a lost sandbox goes before there is a new one. */
  | { readonly type: 'removeSandbox'; readonly id: string }
  | { readonly type: 'start'; readonly container: PodContainer; readonly attempt: number }
  | {
      readonly type: 'stop';
      readonly container: PodContainer;
      readonly id: string;
      readonly message: string;
      readonly cause: 'liveness' | 'startup' | 'changed';
    }
  /** Everything has run that will ever run: what is left ends. */
  | { readonly type: 'finish' };

export interface PodPlan {
  readonly actions: readonly PodAction[];
  /** Look again then at the latest, ms since the epoch. */
  readonly wakeAt: number | undefined;
}

export function podActions(situation: PodSituation): PodPlan {
  const { pod, observed } = situation;
  const plan = new Plan();
  const policy = restartPolicyOf(pod);
  if (observed.sandbox?.state !== 'ready') {
    planSandbox(situation, policy, plan);
    return plan;
  }
  if (hasFinished(situation, policy)) {
    plan.actions.push({ type: 'finish' });
    return plan;
  }
  if (!planInitContainers(situation, policy, plan)) return plan;
  for (const container of regularContainers(pod)) planContainer(situation, container, policy, plan);
  return plan;
}

class Plan implements PodPlan {
  readonly actions: PodAction[] = [];
  wakeAt: number | undefined;

  wait(until: number): void {
    this.wakeAt = Math.min(this.wakeAt ?? Number.POSITIVE_INFINITY, until);
  }
}

/** A sandbox is made when there is something left to run in it (KL-2). */
function planSandbox({ pod, observed }: PodSituation, policy: RestartPolicy, plan: Plan): void {
  const lost = observed.sandbox;
  if (lost) {
    const wanted = regularContainers(pod).some((container) => {
      const [latest] = observed.runs(container.name);
      return !latest || latest.state !== 'exited' || restarts(policy, latest.exitCode ?? 0);
    });
    // With Never, what was cut off by the loss of its sandbox does not run a second time.
    const ranOnce = policy === 'Never' && observed.containers.length > 0;
    if (!wanted || ranOnce) {
      plan.actions.push({ type: 'finish' });
      return;
    }
    plan.actions.push({ type: 'removeSandbox', id: lost.id });
    return;
  }
  plan.actions.push({ type: 'createSandbox', attempt: nextSandboxAttempt(pod, observed) });
}

function nextSandboxAttempt(pod: Shared<Pod>, observed: ObservedPod): number {
  const attempts = observed.containers.map((container) => container.config.attempt + 1);
  const recorded = regularContainers(pod).map(({ name }) => recordedRuns(pod, name));
  return Math.max(0, ...attempts, ...recorded);
}

/** How often the API knows a container to have been started. */
function recordedRuns(pod: Shared<Pod>, name: string): number {
  const status = recordedStatus(pod, name);
  if (!status) return 0;
  const { state, lastState } = status;
  const ran = state?.running ?? state?.terminated ?? lastState?.terminated;
  return status.restartCount + (ran === undefined ? 0 : 1);
}

/** The number of the next run: restart counts survive a kubelet and a runtime that forgot. */
function nextAttempt({ pod, observed }: PodSituation, name: string): number {
  const [latest] = observed.runs(name);
  return latest ? latest.config.attempt + 1 : recordedRuns(pod, name);
}

/** True when all that can run has run, for good (KL-3). */
function hasFinished({ pod, observed }: PodSituation, policy: RestartPolicy): boolean {
  if (policy === 'Always') return false;
  for (const container of initContainers(pod)) {
    if (isSidecar(container)) continue;
    const run = currentRun(observed, container.name);
    if (run?.state === 'exited' && run.exitCode !== 0 && policy === 'Never') return true;
  }
  const containers = regularContainers(pod);
  return containers.every(({ name }) => {
    const [run] = observed.runs(name);
    return run?.state === 'exited' && !restarts(policy, run.exitCode ?? 0);
  });
}

/** One after the other (KL-4). True when the regular containers may run. */
function planInitContainers(situation: PodSituation, policy: RestartPolicy, plan: Plan): boolean {
  const { pod, observed } = situation;
  const begun = regularContainers(pod).some(({ name }) => currentRun(observed, name));
  for (const container of initContainers(pod)) {
    const run = currentRun(observed, container.name);
    if (isSidecar(container)) {
      planContainer(situation, container, 'Always', plan);
      if (begun) continue;
      if (run?.state !== 'running' || !situation.started(container.name)) return false;
      continue;
    }
    // Once a regular container has run in this sandbox the others are done, even if forgotten.
    if (begun) continue;
    if (run?.state === 'exited' && run.exitCode === 0) continue;
    planContainer(situation, container, policy === 'Never' ? 'Never' : 'OnFailure', plan);
    return false;
  }
  return true;
}

function planContainer(
  situation: PodSituation,
  container: PodContainer,
  policy: RestartPolicy,
  plan: Plan,
): void {
  const { observed, busy, now } = situation;
  const { name } = container;
  if (busy.has(name)) return;
  const run = currentRun(observed, name);
  if (run?.state === 'running') {
    planRunning(situation, container, run, plan);
    return;
  }
  const waitUntil = situation.retryAt(name) ?? endedWait(situation, container, policy, run);
  if (waitUntil === 'never') return;
  if (waitUntil !== undefined && waitUntil > now) {
    plan.wait(waitUntil);
    return;
  }
  plan.actions.push({ type: 'start', container, attempt: nextAttempt(situation, name) });
}

function endedWait(
  situation: PodSituation,
  container: PodContainer,
  policy: RestartPolicy,
  run: ContainerStatus | undefined,
): number | 'never' | undefined {
  // Created by a kubelet that did not live to start it.
  if (run?.state === 'created') return undefined;
  if (run) {
    if (!restarts(policy, run.exitCode ?? 0)) return 'never';
    return situation.backoff(container, run.finishedAt ?? run.createdAt);
  }
  if (isInit(situation.pod, container)) return undefined;
  // What completed before its sandbox was lost has completed.
  const [former] = situation.observed.runs(container.name);
  const code = former?.exitCode ?? recordedStatus(situation.pod, container.name)?.state?.terminated?.exitCode;
  return code !== undefined && !restarts(policy, code) ? 'never' : undefined;
}

function isInit(pod: Shared<Pod>, container: PodContainer): boolean {
  return initContainers(pod).includes(container);
}

function planRunning(
  { failed }: PodSituation,
  container: PodContainer,
  run: ContainerStatus,
  plan: Plan,
): void {
  const { name } = container;
  const stop = (cause: 'liveness' | 'startup' | 'changed', message: string): void => {
    plan.actions.push({ type: 'stop', container, id: run.id, message, cause });
  };
  if (run.config.specHash !== specHash(container)) {
    stop('changed', `Container ${name} definition changed, will be restarted`);
    return;
  }
  const probe = failed(name);
  if (probe) stop(probe, `Container ${name} failed ${probe} probe, will be restarted`);
}
