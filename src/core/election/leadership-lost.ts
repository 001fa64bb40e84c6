const brand: unique symbol = Symbol.for('gyre.leadership-lost') as never;

/** The Manager led and does no longer: its Lease could not be renewed in time, or another holds it. */
export class LeadershipLost extends Error {
  readonly [brand] = true;
  override readonly name = 'LeadershipLost';
}

export function isLeadershipLost(error: unknown): error is LeadershipLost {
  return typeof error === 'object' && error !== null && (error as { [brand]?: unknown })[brand] === true;
}
