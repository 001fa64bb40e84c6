/** Which built-in kinds are one object under several names, and how those are converted. */
import type { KindFacts } from '../../../api/index.js';
import { convertEvent } from './events.js';
import { convertAutoscaler } from './horizontal-pod-autoscaler.js';
import { type ConvertKind, relabelled } from './kind-conversion.js';

export function conversionOf({ group, kind }: Pick<KindFacts, 'group' | 'kind'>): ConvertKind {
  if (kind === 'Event' && (group === '' || group === 'events.k8s.io')) return convertEvent;
  if (kind === 'HorizontalPodAutoscaler' && group === 'autoscaling') return convertAutoscaler;
  return relabelled;
}

/** The group whose storage a kind is kept in: events of both groups are the same objects. */
export function storageGroupOf({ group, plural }: Pick<KindFacts, 'group' | 'plural'>): string {
  return group === 'events.k8s.io' && plural === 'events' ? '' : group;
}
