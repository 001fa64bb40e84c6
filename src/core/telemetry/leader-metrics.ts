/** Leader election as metrics, under the names and labels of client-go. */
import type { Registry } from '../../telemetry/index.js';

/** What an elector tells about the lease it competes for. */
export interface LeaderMetrics {
  /** Whether this process leads now. */
  leading(is: boolean): void;
  /** A renewal had to read the lease first, because it was not as it was left. */
  slowpath(): void;
}

/** `name` names the lease. @throws TypeError when a name is taken in the registry by something else */
export function leaderMetrics(registry: Registry, name: string): LeaderMetrics {
  const master = registry
    .gauge({
      name: 'leader_election_master_status',
      help: '1 while this process holds the lease, 0 while it stands by.',
      labels: ['name'],
    })
    .of({ name });
  const slow = registry
    .counter({
      name: 'leader_election_slowpath_total',
      help: 'Renewals that had to read the lease first.',
      labels: ['name'],
    })
    .of({ name });
  return { leading: (is) => master.set(is ? 1 : 0), slowpath: () => slow.inc() };
}
