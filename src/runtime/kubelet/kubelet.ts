/**
 * The kubelet: makes what is true on its nodes what the API says about their pods. One serves any number of
 * nodes of this process, each with a runtime of its own, from one pod informer.
 *
 * Guarantees: one worker per pod UID; what runs already is adopted, what nobody knows is ended; a pod leaves the
 * API only when its containers have ended (KL-8). Stopping lets containers run; `drain` ends them.
 */
import {
  type Cancel,
  type Clock,
  keyOf,
  type NodeConnector,
  type Random,
  type Shared,
} from '../../api/index.js';
import { ConfigMap, PersistentVolume, PersistentVolumeClaim, Pod, Secret } from '../../api/kinds/core/v1.js';
import type { Client } from '../../client/index.js';
import { EventRecorder } from '../../core/index.js';
import type { CacheEvent, InformerSet } from '../../informers/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { ContainerRuntime } from '../container-runtime.js';
import type { VolumeManager, VolumeSources } from '../volume-manager.js';
import { kubeletConnector } from './connector.js';
import { NodeAgent, type NodeFacts } from './node-agent.js';
import type { NodeContext } from './node-context.js';
import { PodWorker } from './pod-worker.js';

export interface NodeConfig extends Omit<NodeFacts, 'runtimeVersion' | 'kubeletVersion'> {
  readonly runtime: ContainerRuntime;
  /** Needed where `runtime.hasFilesystem`. */
  readonly volumes?: VolumeManager;
  /** Below it each pod has a directory for its logs. */
  readonly logRoot: string;
}

export interface KubeletOptions {
  readonly nodes: readonly NodeConfig[];
  /** `v1.32.0` */
  readonly version: string;
}

export interface KubeletContext {
  readonly client: Client;
  readonly informers: Pick<InformerSet, 'acquire'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Runtimes are asked again what they have this often, in case a nudge was lost. */
const relistMs = 60_000;

interface ServedNode {
  readonly context: NodeContext;
  readonly agent: NodeAgent;
  readonly events: EventRecorder;
}

export class Kubelet {
  readonly name = 'kubelet';
  /** Logs and exec for the API server. */
  readonly connector: NodeConnector;
  readonly #options: KubeletOptions;
  readonly #nodes = new Map<string, ServedNode>();
  readonly #workers = new Map<string, { readonly worker: PodWorker; readonly key: string }>();
  readonly #undo: (() => void)[] = [];
  #cancelRelist: Cancel = () => {};

  constructor(options: KubeletOptions) {
    this.#options = options;
    this.connector = kubeletConnector((name) => this.#nodes.get(name)?.context);
  }

  /** Resolves when every node is registered, and of every pod of theirs the API knows how it is now. */
  async start(context: KubeletContext): Promise<void> {
    for (const node of this.#options.nodes) {
      await node.runtime.start();
      this.#nodes.set(node.name, this.#serve(node, context));
    }
    await Promise.all([...this.#nodes.values()].map(({ agent }) => agent.start()));
    const pods = context.informers.acquire(Pod);
    this.#undo.push(() => pods.release());
    await pods.informer.ready;
    const events = pods.informer.events$.subscribe((event) => this.#onPod(event));
    this.#undo.push(() => events.unsubscribe());
    for (const pod of pods.informer.cache.list()) this.#follow(pod);
    for (const { context: node } of this.#nodes.values()) {
      const nudges = node.runtime.events$.subscribe(({ podUid }) => this.#workers.get(podUid)?.worker.wake());
      this.#undo.push(() => nudges.unsubscribe());
      await this.#endUnknown(node);
    }
    await Promise.all([...this.#workers.values()].map(({ worker }) => worker.lookedOnce));
    this.#relist(context.clock);
  }

  /** Lets go of everything; containers go on. */
  async stop(): Promise<void> {
    this.#cancelRelist();
    for (const undo of this.#undo.splice(0)) undo();
    for (const { worker } of this.#workers.values()) worker.stop();
    this.#workers.clear();
    for (const { agent, events, context } of this.#nodes.values()) {
      agent.stop();
      await events.flush();
      await context.runtime.close();
    }
  }

  /** Ends every container, each within its own grace period and `graceMs`; the kubelet is of no use afterwards. */
  async drain(graceMs: number): Promise<void> {
    for (const undo of this.#undo.splice(0)) undo();
    await Promise.all([...this.#workers.values()].map(({ worker }) => worker.drain(graceMs)));
  }

  #serve(node: NodeConfig, { client, clock, random, log }: KubeletContext): ServedNode {
    const { name, runtime, volumes, logRoot, capacity } = node;
    const { version } = this.#options;
    const events = new EventRecorder({ client, component: this.name, host: name, clock, log });
    const context: NodeContext = {
      nodeName: name,
      hostIP: node.address,
      runtime,
      volumes: runtime.hasFilesystem ? volumes : undefined,
      sources: volumeSources(client),
      logRoot,
      allocatable: capacity,
      client,
      clock,
      random,
      log: log.with({ node: name }),
      event: (pod, container, type, reason, message) => {
        events.record(pod, Pod, type, reason, message, container && fieldPath(pod, container));
      },
    };
    const agent = new NodeAgent(
      { ...node, runtimeVersion: `${runtime.name}://${runtime.version}`, kubeletVersion: version },
      { client, clock, random, log },
    );
    return { context, agent, events };
  }

  #onPod(event: CacheEvent<Pod>): void {
    const { uid } = event.object.metadata;
    if (event.type === 'Delete') {
      this.#workers.get(uid)?.worker.vanish();
      return;
    }
    // Deleted and made anew between two looks.
    const former = event.previous?.metadata.uid;
    if (former !== undefined && former !== uid) this.#workers.get(former)?.worker.vanish();
    this.#follow(event.object);
  }

  #follow(pod: Shared<Pod>): void {
    const { uid } = pod.metadata;
    const known = this.#workers.get(uid);
    if (known) {
      known.worker.update(pod);
      return;
    }
    const node = this.#nodes.get(pod.spec?.nodeName ?? '');
    if (!node) return;
    const worker = new PodWorker(pod, node.context, () => this.#workers.delete(uid));
    this.#workers.set(uid, { worker, key: keyOf(pod) });
    worker.wake();
  }

  /** What the runtime has of pods that the API does not know: they went while nobody watched. */
  async #endUnknown({ runtime, volumes, log }: NodeContext): Promise<void> {
    const sandboxes = await runtime.listPodSandboxes();
    for (const { id, config } of sandboxes) {
      if (this.#workers.has(config.pod.uid)) continue;
      log.info('ending a pod that is not in the API', { pod: `${config.pod.namespace}/${config.pod.name}` });
      await runtime.stopPodSandbox(id);
      await runtime.removePodSandbox(id);
    }
    for (const uid of (await volumes?.podUids()) ?? []) {
      if (!this.#workers.has(uid)) await volumes?.tearDown(uid);
    }
  }

  #relist(clock: Clock): void {
    this.#cancelRelist = clock.setTimer(relistMs, () => {
      for (const { worker } of this.#workers.values()) worker.wake();
      this.#relist(clock);
    });
  }
}

function fieldPath(pod: Shared<Pod>, container: string): string {
  const init = pod.spec?.initContainers?.some(({ name }) => name === container);
  return `spec.${init ? 'initContainers' : 'containers'}{${container}}`;
}

/** Live reads: what a volume shows must not be older than what the pod's author has just written. */
function volumeSources(client: Client): VolumeSources {
  return {
    configMap: (namespace, name) => client.find(ConfigMap, { namespace, name }),
    secret: (namespace, name) => client.find(Secret, { namespace, name }),
    persistentVolumeClaim: (namespace, name) => client.find(PersistentVolumeClaim, { namespace, name }),
    persistentVolume: (name) => client.find(PersistentVolume, name),
    serviceAccountToken: async (pod, { audience, expirationSeconds }) => {
      const { namespace, name, uid } = pod.metadata;
      const account = pod.spec?.serviceAccountName ?? 'default';
      const response = await client.transport.request({
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: {
            audiences: audience === undefined ? [] : [audience],
            expirationSeconds,
            boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
          },
        },
      });
      const { status } = response.body as { readonly status?: { readonly token?: string } };
      if (response.status >= 400 || status?.token === undefined)
        throw new Error(`failed to fetch token: ${JSON.stringify(response.body)}`);
      return status.token;
    },
  };
}
