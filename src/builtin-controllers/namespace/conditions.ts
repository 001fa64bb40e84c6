/** What a namespace that is ending says about it (NS-1), in the words Kubernetes uses. Pure. */
import type { Content } from './content.js';

export interface Finding {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** One condition each: what went wrong, and what stays. */
export function findingsOf(content: Content, discoveryFailures: ReadonlyMap<string, unknown>): Finding[] {
  const { remaining, finalizers, failures } = content;
  const stay = counts(remaining, 'has');
  const hold = counts(finalizers, 'in');
  return [
    finding(
      'NamespaceDeletionDiscoveryFailure',
      discoveryFailures.size > 0,
      ['DiscoveryFailed', discoveryMessage(discoveryFailures)],
      ['ResourcesDiscovered', 'All resources successfully discovered'],
    ),
    finding(
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      ['', ''],
      ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
    ),
    finding(
      'NamespaceDeletionContentFailure',
      failures.length > 0,
      [
        'ContentDeletionFailed',
        `Failed to delete all resource types, ${failures.length} remaining: ${failures.join(', ')}`,
      ],
      ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
    ),
    finding(
      'NamespaceContentRemaining',
      remaining.size > 0,
      ['SomeResourcesRemain', `Some resources are remaining: ${stay}`],
      ['ContentRemoved', 'All content successfully removed'],
    ),
    finding(
      'NamespaceFinalizersRemaining',
      finalizers.size > 0,
      ['SomeFinalizersRemain', `Some content in the namespace has finalizers remaining: ${hold}`],
      ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
    ),
  ];
}

type Text = readonly [reason: string, message: string];

function finding(type: string, holds: boolean, yes: Text, no: Text): Finding {
  const [reason, message] = holds ? yes : no;
  return { type, status: holds ? 'True' : 'False', reason, message };
}

function counts(of: ReadonlyMap<string, number>, preposition: string): string {
  const texts = [...of].map(([what, count]) => `${what} ${preposition} ${count} resource instances`);
  return texts.sort().join(', ');
}

function discoveryMessage(failures: ReadonlyMap<string, unknown>): string {
  const texts = [...failures].map(([what, error]) => `${what}: ${(error as Error).message}`);
  return `Discovery failed for some groups, ${failures.size} failing: ${texts.join(', ')}`;
}

const finalizerSeconds = 15;

/** How many seconds the rest may take, judging by what holds it; undefined when nothing is left. */
export function estimatedSeconds({ remaining, finalizers, graceSeconds }: Content): number | undefined {
  if (remaining.size === 0) return undefined;
  return Math.max(graceSeconds, finalizers.size > 0 ? finalizerSeconds : 0);
}
