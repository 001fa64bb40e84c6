/** A control plane under a virtual clock, driven request by request: for tests of what the verbs do. */
import type { Duration, Transport, UserInfo } from 'gyre/api';
import { EmbeddedCluster, type EmbeddedClusterOptions } from 'gyre/cluster';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { type Answer, ApiCalls, type Event, placeOf } from '../../support/api-calls.js';

export { type Answer, applyPatch, type Event, jsonPatch, mergePatch, told } from '../../support/api-calls.js';

export class VirtualServer extends ApiCalls implements AsyncDisposable {
  readonly clock = new VirtualClock();
  #cluster!: EmbeddedCluster;
  readonly #watches: AbortController[] = [];

  static async start(options: Pick<EmbeddedClusterOptions, 'runtimeConfig'> = {}): Promise<VirtualServer> {
    const server = new VirtualServer();
    server.#cluster = await EmbeddedCluster.start({
      controllers: false,
      clock: server.clock,
      random: seededRandom(),
      freeze: true,
      ...options,
    });
    return server;
  }

  get webhooks(): EmbeddedCluster['webhooks'] {
    return this.#cluster.webhooks;
  }

  protected transport(user?: UserInfo): Transport {
    return this.#cluster.transport(user);
  }

  /** Opens a watch; the events that have arrived are in the array after every `settle` or `advance`. */
  async watch(url: string, accept?: string): Promise<Event[] & { ended?: boolean }> {
    const { path, query } = placeOf(url);
    const stop = new AbortController();
    this.#watches.push(stop);
    const { events } = await this.#cluster.transport().watch<Answer>({
      method: 'GET',
      path,
      query: { ...query, watch: 'true' },
      signal: stop.signal,
      ...(accept ? { headers: { accept } } : {}),
    });
    const seen: Event[] & { ended?: boolean } = [];
    void (async () => {
      for await (const batch of events) seen.push(...batch);
      seen.ended = true;
    })();
    await this.settle();
    return seen;
  }

  settle(): Promise<void> {
    return this.clock.settle();
  }
  advance(by: Duration): Promise<void> {
    return this.clock.advance(by);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const watch of this.#watches) watch.abort();
    await this.#cluster.stop();
  }
}
