/** Who divides the work of a Manager with others: an elector, a member of a shard group, or nobody. */
import type { Clock, Random } from '../../api/index.js';
import type { Client } from '../../client/index.js';
import type { Logger } from '../../telemetry/index.js';
import { LeaderElector, type LeaderElectorOptions } from '../election/leader-elector.js';
import type { DivisionOptions } from '../election/options.js';
import { ShardMember } from '../election/shard-member.js';
import { leaseTiming } from '../election/timing.js';

export interface DivisionDeps {
  /** Unique among processes that are alive at one time. */
  readonly identity: string;
  /** Where Leases are when the options do not say. */
  readonly namespace: string;
  /** Whose Events tell of it. */
  readonly component: string;
  readonly client: Client;
  /** What counts for the lease of that name. */
  readonly metrics: (name: string) => LeaderElectorOptions['metrics'] | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** The options have been checked. */
export function divisionOf(
  { leaderElection, sharding }: DivisionOptions,
  { identity, component, metrics, ...deps }: DivisionDeps,
): { readonly elector?: LeaderElector; readonly shard?: ShardMember } {
  if (leaderElection) {
    const { name, namespace = deps.namespace, releaseOnStop = true, onLost = 'stop' } = leaderElection;
    const timing = leaseTiming(name, leaderElection);
    const lease = { name, namespace, releaseOnStop, onLost, timing };
    const counted = metrics(name);
    const elector = new LeaderElector({
      ...deps,
      ...lease,
      identity,
      component,
      ...(counted ? { metrics: counted } : {}),
    });
    return { elector };
  }
  if (sharding) {
    const { name, namespace = deps.namespace } = sharding;
    return {
      shard: new ShardMember({
        ...deps,
        name,
        namespace,
        member: identity,
        timing: leaseTiming(name, sharding),
      }),
    };
  }
  return {};
}
