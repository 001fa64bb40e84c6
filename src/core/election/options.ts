/** What an author says about who does the work, checked before anything is connected. */
import { hostname } from 'node:os';
import { dns1123Subdomain, labelValue, type Random } from '../../api/index.js';
import { RegistrationError } from '../registration/registration-error.js';
import { type LeaseTimingOptions, leaseTiming } from './timing.js';

/** One member works, the others stand by with full caches. See `LeaderElector`. */
export interface LeaderElectionOptions extends LeaseTimingOptions {
  /** Of the Lease. */
  readonly name: string;
  /** Of the Lease. Default: the namespace this pod runs in, else the context's, else `default`. */
  readonly namespace?: string;
  /** Unique among processes that are alive at one time. Default: the host name and a UUID. */
  readonly identity?: string;
  /** Hands the Lease back at the end, so that another takes over at once. Default true. */
  readonly releaseOnStop?: boolean;
  /**
   * What a loss does: `stop` ends the Manager with `LeadershipLost`, for a supervisor to start it afresh;
   * `standby` keeps it running, to compete again. Default `stop`.
   */
  readonly onLost?: 'stop' | 'standby';
}

/** All members work, each on its share of the keys. See `ShardMember`. */
export interface ShardingOptions extends LeaseTimingOptions {
  /** Of the group: members of one name divide the keys among themselves. At most 63 characters. */
  readonly name: string;
  /** Of the members' Leases. Default: the namespace this pod runs in, else the context's, else `default`. */
  readonly namespace?: string;
  /** Unique among processes that are alive at one time. Default: the host name and a UUID. */
  readonly member?: string;
}

export interface DivisionOptions {
  /** Default: none, this Manager works alone. */
  readonly leaderElection?: LeaderElectionOptions;
  /** Default: none, this Manager works on all keys. */
  readonly sharding?: ShardingOptions;
}

/** @throws RegistrationError */
export function checkDivision({ leaderElection, sharding }: DivisionOptions): void {
  if (leaderElection && sharding)
    throw new RegistrationError(
      'Manager.create',
      'was given both leaderElection and sharding',
      'leave one out: a leader works on all keys, members of a shard group on some each',
    );
  if (leaderElection) {
    const where = `leaderElection ${JSON.stringify(leaderElection.name)}`;
    checkName(where, dns1123Subdomain(leaderElection.name));
    leaseTiming(where, leaderElection);
  }
  if (sharding) {
    const where = `sharding ${JSON.stringify(sharding.name)}`;
    checkName(where, [...dns1123Subdomain(sharding.name), ...labelValue(sharding.name)]);
    leaseTiming(where, sharding);
  }
}

function checkName(where: string, problems: readonly string[]): void {
  if (problems.length > 0)
    throw new RegistrationError(where, 'has a name no Lease can have', problems.join(', '));
}

/** As client-go's: who reads the Lease finds the pod, and a pod that starts again is somebody else. */
export function newIdentity(random: Random): string {
  return `${hostname()}_${random.uuid()}`;
}
