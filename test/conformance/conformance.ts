/**
 * The frame of the conformance cases: a cluster per file, served over HTTPS, and a namespace per case.
 *
 * A case has the name it has in Kubernetes (test/conformance/inventory.txt), without the closing `[Conformance]`; a name
 * that is not there is refused, and docs/conformance.md is made of the names that passed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Transport } from 'gyre/api';
import { type Client, type Connection, connect, createClient } from 'gyre/client';
import { EmbeddedCluster } from 'gyre/cluster';
import { MemoryStore, type ObjectStore } from 'gyre/store';
import { systemClock } from '#src/system/index.js';
import { Kubectl, kubectlOrSkip, type Invocation } from '../kubectl/kubectl.js';
import { type Answer, ApiCalls, type Event, placeOf } from '../support/api-calls.js';
import { root, temporaryFolder } from '../support/processes.js';

const inventory = new Set(
  readFileSync(join(root, 'test/conformance/inventory.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t')[1] ?? ''),
);

/** How long a case waits for what is to come. */
const patienceMs = 10_000;

/** What a watch has told so far. */
export class Seen {
  readonly events: Event[] = [];
  ended = false;
  #wake: () => void = () => {};

  constructor(source: AsyncIterable<readonly Event[]>) {
    void this.#follow(source);
  }

  /** Resolves with the first event of this type, of an object that is as it should be, after `from` events. */
  async until(
    type: Event['type'],
    fits: (object: Answer) => boolean = () => true,
    from = 0,
  ): Promise<Answer> {
    const deadline = pause(patienceMs, 'late' as const, { ref: false });
    for (;;) {
      const found = this.events.slice(from).find((e) => e.type === type && fits(e.object as Answer));
      if (found) return found.object as Answer;
      const next = new Promise<void>((wake) => {
        this.#wake = wake;
      });
      if (this.ended || (await Promise.race([next, deadline])) === 'late')
        throw new Error(`no ${type} that fits among ${JSON.stringify(this.events).slice(0, 2_000)}`);
    }
  }

  async #follow(source: AsyncIterable<readonly Event[]>): Promise<void> {
    try {
      for await (const batch of source) {
        this.events.push(...batch);
        this.#wake();
      }
    } catch {
      // The case has ended, or its wait will say that nothing came.
    }
    this.ended = true;
    this.#wake();
  }
}

/** The cluster as a case sees it. */
export class World extends ApiCalls {
  readonly client: Client;
  /** Of this case alone. */
  readonly namespace: string;
  readonly #connection: Connection;
  readonly #home: string;
  readonly #store: ObjectStore;
  readonly #watches = new AbortController();
  readonly #cleanups: (() => Promise<unknown>)[] = [];

  constructor(
    readonly cluster: EmbeddedCluster,
    connection: Connection,
    at: { readonly namespace: string; readonly home: string; readonly store: ObjectStore },
  ) {
    super();
    this.#connection = connection;
    this.client = createClient(connection.transport);
    this.namespace = at.namespace;
    this.#home = at.home;
    this.#store = at.store;
  }

  protected transport(): Transport {
    return this.#connection.transport;
  }

  /** The path of a namespaced collection in this case's namespace: `at('apps/v1', 'deployments')`. */
  at(groupVersion: string, plural: string, name?: string): string {
    const prefix = groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`;
    return `${prefix}/namespaces/${this.namespace}/${plural}${name === undefined ? '' : `/${name}`}`;
  }

  /** Opens a watch, which ends with the case. */
  async watch(url: string): Promise<Seen> {
    const { path, query } = placeOf(url);
    const { events } = await this.transport().watch<Answer>({
      method: 'GET',
      path,
      query: { ...query, watch: 'true' },
      signal: this.#watches.signal,
    });
    return new Seen(events);
  }

  /** Asks again until it does not throw, or time is up. */
  async eventually<T>(check: () => Promise<T> | T): Promise<T> {
    for (let left = patienceMs; ; left -= 50) {
      try {
        return await check();
      } catch (error) {
        if (left <= 0) throw error;
      }
      await pause(50);
    }
  }

  /** Runs kubectl in this case's namespace; skips the case, saying so, where there is none. */
  async kubectl(context: Mocha.Context, args: readonly string[], invocation?: Invocation): Promise<string> {
    const { code, stdout, stderr } = await this.kubectlOf(context).run(
      ['-n', this.namespace, ...args],
      invocation,
    );
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  kubectlOf(context: Mocha.Context): Kubectl {
    return new Kubectl(kubectlOrSkip(context), this.cluster.kubeconfig ?? '', this.#home);
  }

  /** Forgets the history of the store. */
  compact(): Promise<void> {
    return this.#store.revision().then((now) => this.#store.compact(now));
  }

  /** Is run when the case has ended, however it did. */
  afterwards(clean: () => Promise<unknown>): void {
    this.#cleanups.push(clean);
  }

  async end(): Promise<void> {
    this.#watches.abort();
    for (const clean of this.#cleanups.reverse()) await clean();
  }
}

export type Case = (this: Mocha.Context, k: World) => Promise<void>;

/** Cases of one file: `about` is what their names have in common. */
export function conformance(
  about: string,
  define: (restate: (name: string, run: Case) => void) => void,
): void {
  describe('conformance', function () {
    this.timeout(30_000);
    const folder = temporaryFolder();
    let cluster: EmbeddedCluster;
    let connection: Connection;
    let store: ObjectStore;
    let cases = 0;
    before(async () => {
      store = new MemoryStore({ clock: systemClock });
      cluster = await EmbeddedCluster.start({ dataDir: folder.path, https: {}, store });
      connection = await connect({ kubeconfig: cluster.kubeconfig ?? '' });
    });
    after(async () => {
      connection.transport.close();
      await cluster.stop();
      await store.close();
      folder[Symbol.dispose]();
    });
    define((name, run) => {
      const title = `${about} ${name} [Conformance]`;
      if (!inventory.has(title)) throw new Error(`no conformance test is called ${JSON.stringify(title)}`);
      it(title, async function () {
        const namespace = `case-${++cases}`;
        const k = new World(cluster, connection, { namespace, home: folder.path, store });
        await k.post('/api/v1/namespaces', { metadata: { name: namespace } });
        // Pods may be made once there is somebody for them to run as.
        await k.eventually(() => k.get(k.at('v1', 'serviceaccounts', 'default')));
        try {
          await run.call(this, k);
        } finally {
          await k.end();
          await k.ask('DELETE', `/api/v1/namespaces/${namespace}`);
        }
      });
    });
  });
}
