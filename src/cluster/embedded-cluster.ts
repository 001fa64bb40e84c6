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
import {
  type Clock,
  type Duration,
  durationMs,
  type Random,
  type Transport,
  type UserInfo,
  type WebhookDialer,
} from '../api/index.js';
import {
  ApiServer,
  type AuditOptions,
  type EncryptionConfiguration,
  type InProcessWebhooks,
  kubernetesVersion,
  lifetimeOf,
  type Listener,
  listen,
  type RuntimeConfig,
} from '../apiserver/index.js';
import { type Client, createClient } from '../client/index.js';
import type { ImageMapping, ProcessRuntime, SimulatedState } from '../runtime/index.js';
import {
  MemoryStore,
  type ObjectStore,
  openLmdbStore,
  restoreSnapshot,
  type StoreSnapshot,
  takeSnapshot,
} from '../store/index.js';
import { processMetrics, systemClock, systemRandom, turnGate } from '../system/index.js';
import { type Logger, Registry, silentLogger } from '../telemetry/index.js';
import { ControlPlane } from './control-plane.js';
import { ensureCredentials, writeKubeconfig } from './credentials.js';
import { LocalVolumeDirectories } from './local-volumes.js';
import { processNode, processNodeName } from './process-node.js';
import { type SimulatedNode, simulatedNodes } from './simulated-nodes.js';
import { restoreEmbedded, storePath } from './restore.js';
import { ensureStorageClass } from './storage-class.js';

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
  /** What images run, by reference or parts of it, beyond those that are known. */
  readonly images?: Readonly<Record<string, ImageMapping>>;
}

/** A whole cluster at one moment, in memory: what others begin with. It shares its objects with the cluster it is of. */
export interface ClusterSnapshot extends StoreSnapshot {
  /** What runs on simulated nodes, by name. */
  readonly simulated: ReadonlyMap<string, SimulatedState>;
}

export interface EmbeddedClusterOptions {
  /**
   * Begins with what another cluster was, or with what a backup holds (`readArchive` of `gyre/store`); the store has to be
   * empty. In memory all versions are those of the snapshot. What ran on simulated nodes goes on; processes do not.
   * Default: an empty cluster.
   */
  readonly from?: ClusterSnapshot | StoreSnapshot;
  /**
   * `memory`: nothing survives. `embedded`: on disk below `dataDir`, survives. Or a store of the caller's, which the
   * cluster does not close. Default `memory`.
   */
  readonly store?: 'memory' | 'embedded' | ObjectStore;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Logger;
  /** Static bearer tokens and whom they stand for. */
  readonly tokens?: ReadonlyMap<string, UserInfo>;
  /** Requests that are served at a time, but for those of cluster admins; 0: as many as come. Default 600. */
  readonly maxRequestsInFlight?: number;
  /** For how long every version can be read and watched from: `24h`. Default `5m`. */
  readonly history?: Duration;
  /** What is encrypted at rest, and with which keys. Default: nothing is. */
  readonly encryption?: EncryptionConfiguration;
  /** What is written of which request, and where to. Default: nothing is. */
  readonly audit?: AuditOptions;
  /**
   * Group versions that are served or not, where that differs from the default, which is all stable ones:
   * `{ 'api/alpha': true }`, `{ 'admissionregistration.k8s.io/v1alpha1': true }`.
   */
  readonly runtimeConfig?: RuntimeConfig;
  /** Freezes what is read in process, to catch who mutates it: for tests. Default false. */
  readonly freeze?: boolean;
  /** Calls webhooks that are not registered in this process. Default: over HTTPS. */
  readonly webhooks?: WebhookDialer;
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
  /** How processes are kept apart on the process node, in a sentence; undefined without one. */
  readonly isolation: string | undefined;
  readonly #listener: Listener | undefined;
  readonly #ownStore: ObjectStore | undefined;
  readonly #controlPlane: ControlPlane | undefined;
  readonly #store: ObjectStore;
  readonly #simulated: readonly SimulatedNode[];
  readonly #time: { readonly clock: Clock; readonly random: Random };
  #stopping: Promise<void> | undefined;

  private constructor(
    server: ApiServer,
    parts: {
      readonly listener?: Listener | undefined;
      readonly kubeconfig?: string | undefined;
      readonly store: ObjectStore;
      readonly ownStore?: ObjectStore | undefined;
      readonly simulated: readonly SimulatedNode[];
      readonly controlPlane?: ControlPlane | undefined;
      readonly runtime?: ProcessRuntime | undefined;
      readonly time: { readonly clock: Clock; readonly random: Random };
    },
  ) {
    this.server = server;
    this.#time = parts.time;
    this.#listener = parts.listener;
    this.url = parts.listener?.url;
    this.kubeconfig = parts.kubeconfig;
    this.#store = parts.store;
    this.#ownStore = parts.ownStore;
    this.#simulated = parts.simulated;
    this.#controlPlane = parts.controlPlane;
    this.isolation = parts.runtime?.isolationNote;
  }

  /**
   * Resolves when the API answers.
   * @throws ForeignKubeconfig, BadRuntimeConfig, or an Error with code EADDRINUSE or EACCES; StoreNotEmpty where it is to
   * begin with a snapshot; TypeError without a `dataDir` where one is needed
   */
  static async start(options: EmbeddedClusterOptions = {}): Promise<EmbeddedCluster> {
    const { clock = systemClock, random = systemRandom, log = silentLogger, https } = options;
    const dataDir = options.dataDir === undefined ? undefined : resolve(options.dataDir);
    if (https && dataDir === undefined) throw new TypeError('https needs a dataDir for its certificates');
    const credentials = https && dataDir !== undefined ? await ensureCredentials(dataDir, clock) : undefined;
    const ownStore = await openStore(options, dataDir, clock);
    const store = ownStore ?? (options.store as ObjectStore);
    // Who is not reached from outside is not scraped: the controllers of a test count nothing.
    const metrics = https ? new Registry() : undefined;
    if (metrics) processMetrics(metrics);
    const starting = ApiServer.start({
      store,
      clock,
      random,
      log,
      ...(options.tokens ? { tokens: options.tokens } : {}),
      ...(options.encryption ? { encryption: options.encryption } : {}),
      ...(options.maxRequestsInFlight === undefined
        ? {}
        : { maxRequestsInFlight: options.maxRequestsInFlight }),
      ...(options.history === undefined ? {} : { historyMs: durationMs(options.history) }),
      ...(options.audit ? { audit: options.audit } : {}),
      ...(metrics ? { metrics } : {}),
      ...(options.runtimeConfig ? { runtimeConfig: options.runtimeConfig } : {}),
      ...(options.freeze ? { freeze: true } : {}),
      ...(options.webhooks ? { webhooks: options.webhooks } : {}),
      // Without controllers nobody makes service accounts, and nobody finds nodes ready; without HTTPS no pod has use for a
      // token.
      ...(options.controllers === false
        ? { disableAdmissionPlugins: ['ServiceAccount', 'TaintNodesByCondition'] }
        : {}),
      mountServiceAccountTokens: https !== undefined,
      ...(credentials
        ? {
            serviceAccountKey: credentials.serviceAccountKey,
            frontProxy: credentials.frontProxy,
            clientCa: credentials.ca.cert,
          }
        : {}),
    });
    const server = await starting.catch(async (error: unknown) => {
      await ownStore?.close();
      throw error;
    });
    let listener: Listener | undefined;
    let controlPlane: ControlPlane | undefined;
    let kubeconfig: string | undefined;
    let runtime: ProcessRuntime | undefined;
    let simulated: readonly SimulatedNode[] = [];
    try {
      const rootCa = credentials?.ca.cert;
      if (https && dataDir !== undefined && credentials) {
        listener = await listen(server, {
          port: https.port ?? 0,
          cert: credentials.server.cert,
          key: credentials.server.key,
          clientCa: credentials.ca.cert,
          log: log.with({ component: 'https' }),
          turn: turnGate(2),
        });
        await server.advertise({ address: '127.0.0.1', port: listener.port });
        kubeconfig = resolve(https.kubeconfig ?? join(dataDir, 'kubeconfig'));
        writeKubeconfig(kubeconfig, listener.url, credentials);
      }
      if (options.controllers !== false) {
        const { runtime: kind = 'simulated', images = {}, simulated: count } = options.nodes ?? {};
        const local =
          kind === 'process'
            ? processNode({ dataDir: needed(dataDir), clock, random, log, images })
            : undefined;
        runtime = local?.runtime;
        const states = options.from && 'simulated' in options.from ? options.from.simulated : undefined;
        simulated = simulatedNodes(count ?? (local ? 0 : 1), clock, local !== undefined, states);
        controlPlane = new ControlPlane({
          target: (identity) => server.transport({ username: identity, groups: admin.groups ?? [] }),
          clock,
          random,
          log,
          nodes: [...(local ? [local.config] : []), ...simulated],
          version: kubernetesVersion.gitVersion,
          volumes: dataDir === undefined ? undefined : new LocalVolumeDirectories(join(dataDir, 'volumes')),
          rootCa,
          metrics,
          proxyOn: local && processNodeName,
        });
        await controlPlane.start();
        server.connectNodes(controlPlane.kubelet.connector);
        if (dataDir !== undefined) await ensureStorageClass(createClient(server.transport(admin)));
      }
      return new EmbeddedCluster(server, {
        listener,
        kubeconfig,
        store,
        ownStore,
        simulated,
        controlPlane,
        runtime,
        time: { clock, random },
      });
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

  /** Where webhooks of this process are registered, so that the API server calls them without a socket. */
  get webhooks(): InProcessWebhooks {
    return this.server.webhooks;
  }

  client(user: UserInfo = admin): Client {
    return createClient(this.transport(user), this.#time);
  }

  /**
   * All of it as it is now; takes no copies. Others begin with it, by `from`, and go ways of their own.
   * @throws StoreUnavailable, StoreClosed
   */
  async snapshot(): Promise<ClusterSnapshot> {
    const simulated = new Map(this.#simulated.map(({ name, runtime }) => [name, runtime.state()]));
    return { ...(await takeSnapshot(this.#store, this.#time.clock)), simulated };
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

function needed(dataDir: string | undefined): string {
  if (dataDir === undefined) throw new TypeError('the process runtime needs a dataDir');
  return dataDir;
}

/** Undefined when the store is the caller's own. @throws StoreNotEmpty */
async function openStore(
  { store = 'memory', from }: EmbeddedClusterOptions,
  dataDir: string | undefined,
  clock: Clock,
): Promise<ObjectStore | undefined> {
  if (typeof store === 'object') {
    if (from) await restoreSnapshot(store, from, lifetimeOf);
    return undefined;
  }
  if (store === 'memory')
    return new MemoryStore({ clock, ...(from ? { from: { snapshot: from, lifetimeOf } } : {}) });
  if (dataDir === undefined) throw new TypeError('the embedded store needs a dataDir');
  if (from) await restoreEmbedded(dataDir, from, clock);
  return openLmdbStore({ path: storePath(dataDir), clock });
}
