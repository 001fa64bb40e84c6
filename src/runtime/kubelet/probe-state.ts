/** What probes have found out about a container (KL-9): pure. */
import type { ProbeResult } from '../container-runtime.js';

export type ProbeType = 'liveness' | 'readiness' | 'startup';

export interface ProbeThresholds {
  readonly success: number;
  readonly failure: number;
}

export interface ProbeState {
  readonly outcome: 'success' | 'failure' | 'unknown';
  /** The last results in a row were alike: which, and how many. */
  readonly streak: { readonly outcome: 'success' | 'failure'; readonly count: number } | undefined;
}

/** Before the first result: not ready, alive, and not yet started. */
export function initialProbeState(type: ProbeType): ProbeState {
  const outcome = type === 'liveness' ? 'success' : type === 'readiness' ? 'failure' : 'unknown';
  return { outcome, streak: undefined };
}

/** One more result. An outcome changes only after enough equal results; a probe that failed to run says nothing. */
export function afterProbe(state: ProbeState, result: ProbeResult, thresholds: ProbeThresholds): ProbeState {
  if (result.outcome === 'error') return state;
  const { outcome } = result;
  const count = state.streak?.outcome === outcome ? state.streak.count + 1 : 1;
  const needed = outcome === 'success' ? thresholds.success : thresholds.failure;
  return { outcome: count >= needed ? outcome : state.outcome, streak: { outcome, count } };
}
