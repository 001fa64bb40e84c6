/**
 * When a node was last heard of, by our own clock: what counts is that its lease or its status changed, not
 * the time they say, so that clocks which differ do no harm (KL-17).
 */
import type { Lease, Node } from 'gyre/kinds';

/** How long a node may be silent. */
const graceMs = 40_000;
/** How long one that has never said anything may take to begin. */
const startupGraceMs = 60_000;

interface Heard {
  readonly uid: string;
  readonly sign: string;
  readonly at: number;
}

export class Heartbeats {
  readonly #heard = new Map<string, Heard>();

  /** Milliseconds the node may still be silent; 0 when that time is over. `now` is monotonic. */
  remaining(node: Node, lease: Lease | undefined, now: number): number {
    const { name, uid } = node.metadata;
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
    const sign = JSON.stringify([lease?.metadata.uid, lease?.spec?.renewTime, ready?.lastHeartbeatTime]);
    const before = this.#heard.get(name);
    const heard = before?.uid === uid && before.sign === sign ? before : { uid, sign, at: now };
    this.#heard.set(name, heard);
    const grace = ready || lease ? graceMs : startupGraceMs;
    return Math.max(0, heard.at + grace - now);
  }
}
