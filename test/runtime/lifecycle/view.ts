/** What of a pod the lifecycle table talks about, short enough to read in a failure message. */
import type { ContainerState, ContainerStatus, Pod } from 'gyre/kinds/core/v1';

export interface ContainerView {
  /** `waiting <reason>`, `running` or `terminated <reason> <exit code>`. */
  readonly state: string;
  readonly message: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restarts: number;
  /** Like `state`, of the run before; empty without one. */
  readonly last: string;
}

export interface PodView {
  readonly phase: string;
  readonly reason: string;
  readonly message: string;
  readonly deleting: boolean;
  readonly containers: Readonly<Record<string, ContainerView>>;
  /** By type: `<status>`, `<status> <reason>` or `<status> <reason>: <message>`. */
  readonly conditions: Readonly<Record<string, string>>;
}

/** Some fields of a view; text may be a pattern. */
export type Expected<T> = T extends string
  ? string | RegExp
  : T extends object
    ? { readonly [K in keyof T]?: Expected<T[K]> }
    : T;

export function viewOf(pod: Pod): PodView {
  const { phase = '', reason = '', message = '', conditions = [] } = pod.status ?? {};
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  return {
    phase,
    reason,
    message,
    deleting: pod.metadata.deletionTimestamp !== undefined,
    containers: Object.fromEntries(statuses.map((status) => [status.name, containerView(status)])),
    conditions: Object.fromEntries(
      conditions.map((condition) => [
        condition.type,
        condition.status +
          (condition.reason ? ` ${condition.reason}` : '') +
          (condition.message ? `: ${condition.message}` : ''),
      ]),
    ),
  };
}

function containerView(status: ContainerStatus): ContainerView {
  const { state = {}, lastState = {}, ready, restartCount, started = false } = status;
  return {
    state: stateText(state),
    message: state.waiting?.message ?? state.terminated?.message ?? '',
    ready,
    started,
    restarts: restartCount,
    last: stateText(lastState),
  };
}

function stateText({ waiting, running, terminated }: ContainerState): string {
  if (terminated) return `terminated ${terminated.reason} ${terminated.exitCode}`;
  if (running) return 'running';
  return waiting ? `waiting ${waiting.reason}` : '';
}

/** True when everything that is expected is there; the rest may be anything. */
export function matches(actual: unknown, expected: unknown): boolean {
  if (expected instanceof RegExp) return typeof actual === 'string' && expected.test(actual);
  if (typeof expected !== 'object' || expected === null) return actual === expected;
  if (typeof actual !== 'object' || actual === null) return false;
  return Object.entries(expected).every(([key, value]) =>
    matches((actual as Record<string, unknown>)[key], value),
  );
}
