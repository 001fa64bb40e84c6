/** What a PodDisruptionBudget allows right now: pure, from its pods and from how many there ought to be. */
import type { Pod, PodDisruptionBudget } from 'gyre/kinds';

/** How long a pod whose eviction was granted may take to be on its way out, ms; then it is taken to have stayed. */
export const disruptionTimeoutMs = 2 * 60_000;

type IntOrString = number | string | undefined;

export interface Allowance {
  readonly currentHealthy: number;
  readonly desiredHealthy: number;
  readonly expectedPods: number;
  readonly disruptionsAllowed: number;
  /** Pods whose eviction was granted and that are not on their way yet, by name. */
  readonly disruptedPods: Readonly<Record<string, string>>;
  /** When the first of them is taken to have stayed, ms; undefined when there are none. */
  readonly recheckAt: number | undefined;
}

/** Whether the budget has to know how many replicas the owners of its pods want. */
export function needsScale({ spec }: PodDisruptionBudget): boolean {
  return spec?.maxUnavailable !== undefined || isPercent(spec?.minAvailable);
}

/**
 * @param expected replicas that the owners of the pods want; without a need for it, the pods there are
 * @param now ms
 */
export function allowance(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  expected: number,
  now: number,
): Allowance {
  const disrupted = stillDisrupted(budget, pods, now);
  const currentHealthy = pods.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      !Object.hasOwn(disrupted, metadata.name) &&
      (status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false),
  ).length;
  const desiredHealthy = desired(budget, expected);
  const spare = expected <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const times = Object.values(disrupted).map((time) => Date.parse(time));
  return {
    currentHealthy,
    desiredHealthy,
    expectedPods: expected,
    disruptionsAllowed: spare,
    disruptedPods: disrupted,
    recheckAt: times.length === 0 ? undefined : Math.min(...times) + disruptionTimeoutMs,
  };
}

function desired({ spec }: PodDisruptionBudget, expected: number): number {
  if (spec?.maxUnavailable !== undefined)
    return Math.max(0, expected - scaled(spec.maxUnavailable, expected));
  return scaled(spec?.minAvailable, expected);
}

function isPercent(value: IntOrString): value is string {
  return typeof value === 'string' && value.endsWith('%');
}

/** Percentages are rounded up. */
function scaled(value: IntOrString, total: number): number {
  if (isPercent(value)) return Math.ceil((Number(value.slice(0, -1)) * total) / 100);
  return Number(value ?? 0);
}

/** Granted, and neither on their way, nor gone, nor too long ago. */
function stillDisrupted(
  { status }: PodDisruptionBudget,
  pods: readonly Pod[],
  now: number,
): Record<string, string> {
  const present = new Map(pods.map((pod) => [pod.metadata.name, pod]));
  return Object.fromEntries(
    Object.entries(status?.disruptedPods ?? {}).filter(([name, time]) => {
      const pod = present.get(name);
      if (!pod || pod.metadata.deletionTimestamp !== undefined) return false;
      return Date.parse(time) + disruptionTimeoutMs > now;
    }),
  );
}
