/**
 * A whole control plane in this process, put together once: `gyre up`, tests and examples all start it
 * here.
 *
 * ```ts
 * await using cluster = await EmbeddedCluster.start();          // in memory, in process
 * const client = cluster.client();
 * ```
 *
 * With `https` it also listens on loopback and writes a kubeconfig that real `kubectl` takes.
 */
import { join, resolve } from 'node:path';
import type { Clock, Random, Transport, UserInfo } from '../api/index.js';
import { ApiServer, kubernetesVersion, type Listener, listen } from '../apiserver/index.js';
import { type Client, createClient } from '../client/index.js';
import { MemoryStore, type ObjectStore } from '../store/index.js';
import { systemClock, systemRandom } from '../system/index.js';
import { type Logger, silentLogger } from '../telemetry/index.js';
import { ControlPlane } from './control-plane.js';
import { ensureCredentials, writeKubeconfig } from './credentials.js';
import { simulatedNodes } from './simulated-nodes.js';

export interface HttpsOptions {
  /** 0 takes any free port. Default 0. */
  readonly port?: number;
  /** Default: `kubeconfig` in the data directory. */
  readonly kubeconfig?: string;
}

export interface NodesOptions {
  /**
   * `process`: a node `local` whose containers are processes of this machine; needs a `dataDir`. `simulated`: none
   * such. Default `simulated`.
   */
  readonly runtime?: 'process' | 'simulated';
  /**
   * Nodes named `sim-1`, `sim-2`, … on which nothing runs: pods only go through the motions. Beside a process node
   * they are tainted. Default 0 beside a process node, else 1.
   */
  readonly simulated?: number;
}

export interface EmbeddedClusterOptions {
  /** Default: a MemoryStore. The cluster closes what it made itself, not what it was given. */
  readonly store?: ObjectStore;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Logger;
  /** Static bearer tokens and whom they stand for. */
  readonly tokens?: ReadonlyMap<string, UserInfo>;
  /** Freezes what is read in process, to catch who mutates it: for tests. Default false. */
  readonly freeze?: boolean;
  /** Where everything that is kept on disk lives: certificates, kubeconfig. Needed for `https`. */
  readonly dataDir?: string;
  /**
   * Runs the controllers of Kubernetes, the scheduler and nodes. `false`: the API server alone, as test
   * environments have it. Default true.
   */
  readonly controllers?: boolean;
  /** Default: one simulated node. */
  readonly nodes?: NodesOptions;
  /** Listens on 127.0.0.1 as well. Default: in process only. */
  readonly https?: HttpsOptions;
}

/** Who `transport()` and `client()` are without saying otherwise. */
const admin: UserInfo = { username: 'admin', groups: ['system:masters'] };

export class EmbeddedCluster implements AsyncDisposable {
  readonly server: ApiServer;
  /** `https://127.0.0.1:PORT`; undefined without `https`. */
  readonly url: string | undefined;
  /** The file that was written; undefined without `https`. */
  readonly kubeconfig: string | undefined;
  readonly #listener: Listener | undefined;
  readonly #ownStore: ObjectStore | undefined;
  readonly #controlPlane: ControlPlane | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(
    server: ApiServer,
    parts: {
      readonly listener?: Listener | undefined;
      readonly kubeconfig?: string | undefined;
      readonly ownStore?: ObjectStore | undefined;
      readonly controlPlane?: ControlPlane | undefined;
    },
  ) {
    this.server = server;
    this.#listener = parts.listener;
    this.url = parts.listener?.url;
    this.kubeconfig = parts.kubeconfig;
    this.#ownStore = parts.ownStore;
    this.#controlPlane = parts.controlPlane;
  }

  /**
   * Resolves when the API answers.
   * @throws ForeignKubeconfig, or an Error with code EADDRINUSE or EACCES; TypeError without a `dataDir` where
   * one is needed
   */
  static async start(options: EmbeddedClusterOptions = {}): Promise<EmbeddedCluster> {
    const { clock = systemClock, random = systemRandom, log = silentLogger, https, dataDir } = options;
    if (https && dataDir === undefined) throw new TypeError('https needs a dataDir for its certificates');
    const ownStore = options.store ? undefined : new MemoryStore({ clock });
    const starting = ApiServer.start({
      store: options.store ?? (ownStore as MemoryStore),
      clock,
      random,
      log,
      ...(options.tokens ? { tokens: options.tokens } : {}),
      ...(options.freeze ? { freeze: true } : {}),
    });
    const server = await starting.catch(async (error: unknown) => {
      await ownStore?.close();
      throw error;
    });
    let listener: Listener | undefined;
    let controlPlane: ControlPlane | undefined;
    let kubeconfig: string | undefined;
    try {
      let rootCa: string | undefined;
      if (https && dataDir !== undefined) {
        const credentials = await ensureCredentials(dataDir, clock);
        rootCa = credentials.ca.cert;
        listener = await listen(server, {
          port: https.port ?? 0,
          cert: credentials.server.cert,
          key: credentials.server.key,
          clientCa: credentials.ca.cert,
          log: log.with({ component: 'https' }),
        });
        kubeconfig = resolve(https.kubeconfig ?? join(dataDir, 'kubeconfig'));
        writeKubeconfig(kubeconfig, listener.url, credentials);
      }
      if (options.controllers !== false) {
        controlPlane = new ControlPlane({
          target: (identity) => server.transport({ username: identity, groups: admin.groups ?? [] }),
          clock,
          random,
          log,
          nodes: simulatedNodes(options.nodes?.simulated ?? 1, clock, false),
          version: kubernetesVersion.gitVersion,
          volumes: undefined,
          rootCa,
          proxyOn: undefined,
        });
        await controlPlane.start();
      }
      return new EmbeddedCluster(server, { listener, kubeconfig, ownStore, controlPlane });
    } catch (error) {
      await controlPlane?.stop();
      await listener?.close();
      await server.stop();
      await ownStore?.close();
      throw error;
    }
  }

  /** The in-process way in; every check runs as for a request over HTTPS. Default: a cluster admin. */
  transport(user: UserInfo = admin): Transport {
    return this.server.transport(user);
  }

  /** For `Manager.create({ cluster: cluster.target })`: each controller is a user of its own, a cluster admin. */
  get target(): (identity: string) => Transport {
    return (identity) => this.transport({ username: identity, groups: admin.groups ?? [] });
  }

  client(user: UserInfo = admin): Client {
    return createClient(this.transport(user));
  }

  /** Ends watches, waits for requests under way, closes what was started here. Calling it twice is harmless. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      await this.#controlPlane?.stop();
      await this.#listener?.close();
      await this.server.stop();
      await this.#ownStore?.close();
    })();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
