/** Controllers whose life, news and writes a test has in its hand, on a TestCluster. */
import { type Clock, Manager, type Random, silentLogger, type Transport } from 'gyre';
import type { WatchEvent, WatchResponse } from 'gyre/api';
import { seededRandom, type TestCluster } from 'gyre/testing';

type Registrable = Parameters<Manager['register']>[0];

/** Starts controllers of their own Manager; time moves as far as that needs. */
export async function startManager(
  t: TestCluster,
  controllers: readonly unknown[],
  target: (identity: string) => Transport = t.cluster.target,
): Promise<Manager> {
  const manager = Manager.create({
    cluster: target,
    clock: t.clock,
    random: seededRandom(1),
    log: silentLogger,
    shutdownBudget: '1s',
  });
  for (const controller of controllers) manager.register(controller as Registrable);
  let started = false;
  const starting = manager.start().then(() => {
    started = true;
  });
  await t.settle();
  for (let waited = 0; !started && waited < 60; waited++) await t.advance('1s');
  await starting;
  return manager;
}

export async function stopManager(t: TestCluster, manager: Manager): Promise<void> {
  const stopping = manager.stop();
  await t.advance('10s');
  await stopping;
}

/** News of one resource that wait while the gate is closed. */
export class Gate {
  #open = true;
  #waiting: (() => void)[] = [];

  constructor(private readonly plural: string) {}

  close(): void {
    this.#open = false;
  }
  open(): void {
    this.#open = true;
    for (const go of this.#waiting.splice(0)) go();
  }

  transport(inner: Transport): Transport {
    return {
      request: (request) => inner.request(request),
      watch: async <T>(request: Parameters<Transport['watch']>[0]) => {
        const response = await inner.watch<T>(request);
        return request.path.endsWith(`/${this.plural}`)
          ? { ...response, events: this.#held(response.events) }
          : response;
      },
      close: () => inner.close(),
    };
  }

  async *#held<T>(events: WatchResponse<T>['events']): AsyncGenerator<readonly WatchEvent<T>[]> {
    for await (const batch of events) {
      while (!this.#open) await new Promise<void>((go) => this.#waiting.push(go));
      yield batch;
    }
  }
}

/** News that take up to `longestMs` of virtual time each, at random, in their order. */
export function lateNews(inner: Transport, clock: Clock, random: Random, longestMs: number): Transport {
  async function* late<T>(events: WatchResponse<T>['events']): AsyncGenerator<readonly WatchEvent<T>[]> {
    for await (const batch of events) {
      await new Promise<void>((go) => clock.setTimer(random.next() * longestMs, go));
      yield batch;
    }
  }
  return {
    request: (request) => inner.request(request),
    watch: async <T>(request: Parameters<Transport['watch']>[0]) => {
      const response = await inner.watch<T>(request);
      return { ...response, events: late(response.events) };
    },
    close: () => inner.close(),
  };
}

/** Refuses or breaks off requests: `answer` says what instead of doing it; `after` does it first. */
export function intercept(
  inner: Transport,
  decide: (request: Parameters<Transport['request']>[0]) => { throw: Error; after?: boolean } | undefined,
): Transport {
  return {
    request: async (request) => {
      const fault = decide(request);
      if (!fault) return inner.request(request);
      if (fault.after) await inner.request(request);
      throw fault.throw;
    },
    watch: (request) => inner.watch(request),
    close: () => inner.close(),
  };
}
