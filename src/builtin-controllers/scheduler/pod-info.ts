/** What the scheduler wants to know of a pod, read from it once. */
import type { Pod } from 'gyre/kinds';
import { type HostPort, hostPortsOf } from './host-ports.js';
import { type AffinityTerms, affinityTermsOf } from './pod-affinity-term.js';
import { podRequests, podScoringRequests, type Resources } from './resources.js';

const noLabels: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

export class PodInfo {
  readonly uid: string;
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly requests: Resources;
  /** For scoring: with a little for what asks for nothing. */
  readonly scoringRequests: Resources;
  readonly hostPorts: readonly HostPort[];
  readonly affinity: AffinityTerms | undefined;
  /** UID of its controller. */
  readonly owner: string | undefined;
  readonly terminating: boolean;

  /** @throws TypeError for amounts that are no quantities, ApiError for selectors that are none */
  constructor(readonly pod: Pod) {
    const { metadata, spec } = pod;
    this.uid = metadata.uid;
    this.namespace = metadata.namespace ?? '';
    this.key = `${this.namespace}/${metadata.name}`;
    this.labels = metadata.labels ?? noLabels;
    this.priority = spec.priority ?? 0;
    this.requests = podRequests(spec);
    this.scoringRequests = podScoringRequests(spec);
    this.hostPorts = hostPortsOf(spec);
    this.affinity = affinityTermsOf(pod);
    this.owner = metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    this.terminating = metadata.deletionTimestamp !== undefined;
  }

  get node(): string | undefined {
    return this.pod.spec.nodeName || undefined;
  }
}
