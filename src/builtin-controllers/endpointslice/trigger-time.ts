/** What a write answers to, said in an annotation so that the delay between the two can be measured (EP-6). */
import type { Pod, Service } from 'gyre/kinds';
import { readySince } from './pod-facts.js';

export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/**
 * The Service's creation for what is written first; then the earliest change of readiness among the pods
 * whose endpoints are new or differ; undefined when the cause has no time of its own, as a pod that left.
 */
export function triggerTime(
  service: Service,
  first: boolean,
  pods: readonly Pod[],
  changed: ReadonlySet<string | undefined>,
): string | undefined {
  if (first) return service.metadata.creationTimestamp;
  const times = pods
    .filter(({ metadata }) => changed.has(metadata.uid))
    .flatMap((pod) => readySince(pod) ?? []);
  return times.sort()[0];
}

/** The annotations with this time, or without the one of an earlier write. */
export function withTriggerTime(
  annotations: Readonly<Record<string, string>> | undefined,
  time: string | undefined,
): Record<string, string> {
  const { [triggerTimeAnnotation]: _, ...others } = annotations ?? {};
  return { ...others, ...(time === undefined ? {} : { [triggerTimeAnnotation]: time }) };
}
