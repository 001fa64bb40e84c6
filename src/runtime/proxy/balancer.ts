/** Which target a connection gets: at random and evenly (KP-2), or the one this client had before. */
import type { Clock, Random } from '../../api/index.js';
import type { Target } from './service-ports.js';

interface Memory {
  readonly target: Target;
  readonly until: number;
}

/** Clients remembered per port; beyond it those that expired go, then the oldest. */
const maxClients = 10_000;

export class Balancer {
  #targets: readonly Target[] = [];
  #affinityMs: number | undefined;
  readonly #clients = new Map<string, Memory>();

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  update(targets: readonly Target[], affinityMs: number | undefined): void {
    this.#targets = targets;
    this.#affinityMs = affinityMs;
    if (affinityMs === undefined) this.#clients.clear();
    for (const [client, { target }] of this.#clients) {
      if (!targets.some((t) => same(t, target))) this.#clients.delete(client);
    }
  }

  /** Every target once, in the order in which to try them; empty when there is none. */
  order(client: string): Target[] {
    const order = [...this.#targets];
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(this.random.next() * (i + 1));
      [order[i], order[j]] = [order[j] as Target, order[i] as Target];
    }
    const kept = this.#remembered(client);
    return kept ? [kept, ...order.filter((target) => !same(target, kept))] : order;
  }

  /** The client got this one. */
  chosen(client: string, target: Target): void {
    if (this.#affinityMs === undefined) return;
    if (this.#clients.size >= maxClients) this.#forgetSome();
    this.#clients.delete(client);
    this.#clients.set(client, { target, until: this.clock.monotonic() + this.#affinityMs });
  }

  #remembered(client: string): Target | undefined {
    if (this.#affinityMs === undefined) return undefined;
    const memory = this.#clients.get(client);
    return memory && memory.until > this.clock.monotonic() ? memory.target : undefined;
  }

  #forgetSome(): void {
    const now = this.clock.monotonic();
    for (const [client, { until }] of this.#clients) if (until <= now) this.#clients.delete(client);
    const [oldest] = this.#clients.keys();
    if (this.#clients.size >= maxClients && oldest !== undefined) this.#clients.delete(oldest);
  }
}

function same(a: Target, b: Target): boolean {
  return a.port === b.port && a.address === b.address;
}
