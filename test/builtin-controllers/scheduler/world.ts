/** Pods and nodes as the scheduler's tests need them, and a cluster with a scheduler in it. */
import { isAlreadyExists, Manager, type Random, silentLogger } from 'gyre';
import type { ApiRequest, Transport } from 'gyre/api';
import type { Client } from 'gyre/client';
import { EmbeddedCluster } from 'gyre/cluster';
import { Scheduler } from 'gyre/controllers';
import { Event, Node, Pod, PriorityClass } from 'gyre/kinds';
import { seededRandom, VirtualClock } from 'gyre/testing';
import type { ClusterView, Lookups } from '#src/builtin-controllers/scheduler/framework.js';
import { Nominations } from '#src/builtin-controllers/scheduler/nominations.js';
import { defaultPlugins } from '#src/builtin-controllers/scheduler/plugins/default-plugins.js';
import { PodInfo } from '#src/builtin-controllers/scheduler/pod-info.js';
import { type Decision, schedule } from '#src/builtin-controllers/scheduler/schedule.js';
import { SchedulerCache } from '#src/builtin-controllers/scheduler/scheduler-cache.js';
import { failureMessage } from '#src/builtin-controllers/scheduler/failure-message.js';

type Labels = Readonly<Record<string, string>>;
type Spec = Partial<Pod['spec']>;

export interface NodeFacts {
  readonly labels?: Labels;
  readonly taints?: NonNullable<Node['spec']>['taints'];
  readonly unschedulable?: boolean;
  readonly allocatable?: Readonly<Record<string, string>>;
}

const roomy = { cpu: '4', memory: '8Gi', pods: '110' };

export function node(name: string, facts: NodeFacts = {}): Node {
  const { labels, taints, unschedulable, allocatable } = facts;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'kubernetes.io/hostname': name, ...labels },
    },
    spec: { ...(taints ? { taints } : {}), ...(unschedulable ? { unschedulable } : {}) },
    status: { allocatable: { ...roomy, ...allocatable }, capacity: { ...roomy, ...allocatable } },
  } as Node;
}

export interface PodFacts {
  readonly labels?: Labels;
  readonly cpu?: string;
  readonly memory?: string;
  readonly requests?: Readonly<Record<string, string>>;
  readonly hostPort?: number;
  readonly owner?: string;
  readonly namespace?: string;
  readonly spec?: Spec;
}

export function pod(name: string, facts: PodFacts = {}): Pod {
  const { labels, cpu, memory, requests, hostPort, owner, namespace = 'default', spec } = facts;
  const asked = { ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}), ...requests };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(labels ? { labels } : {}),
      ...(owner
        ? {
            ownerReferences: [
              { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true },
            ],
          }
        : {}),
    },
    spec: {
      containers: [
        {
          name: 'main',
          image: 'pause',
          resources: { requests: asked },
          ...(hostPort ? { ports: [{ containerPort: hostPort, hostPort, protocol: 'TCP' }] } : {}),
        },
      ],
      schedulerName: 'default-scheduler',
      ...spec,
    },
  } as Pod;
}

/** The pure side: a cache filled by hand. */
export class Stage implements ClusterView {
  readonly cache = new SchedulerCache();
  readonly promised = new Nominations();
  readonly #lookups: Partial<Lookups>;
  readonly #random: Random = seededRandom(7);

  constructor(nodes: readonly Node[], lookups: Partial<Lookups> = {}) {
    for (const each of nodes) this.cache.setNode(each);
    this.#lookups = lookups;
  }

  get nodes() {
    return this.cache.nodes;
  }
  get nodesWithAffinity() {
    return this.cache.nodesWithAffinity;
  }
  get nodesWithAntiAffinity() {
    return this.cache.nodesWithAntiAffinity;
  }
  readonly node = (name: string) => this.cache.node(name);
  readonly nominated = (name: string) => this.promised.on(name);
  readonly nominatedNode = (uid: string) => this.promised.nodeOf(uid);
  readonly claim = (key: string) => this.#lookups.claim?.(key);
  readonly volume = (name: string) => this.#lookups.volume?.(name);
  readonly storageClass = (name: string) => this.#lookups.storageClass?.(name);
  readonly namespaceLabels = (name: string) => this.#lookups.namespaceLabels?.(name);

  /** Puts a pod on a node, as if it had been there all along. */
  run(it: Pod, on: string): PodInfo {
    const info = new PodInfo({ ...it, spec: { ...it.spec, nodeName: on } });
    this.cache.setPod(info);
    return info;
  }

  decide(it: Pod, start = 0): Decision {
    return schedule(new PodInfo(it), this, { plugins: defaultPlugins, random: this.#random, start });
  }

  /** The name of the node, or why there is none. */
  answer(it: Pod): string {
    const decision = this.decide(it);
    return 'node' in decision ? decision.node.name : failureMessage(decision.failure);
  }

  /** Decides and counts the pod there. */
  place(it: Pod): string {
    const decision = this.decide(it);
    if (!('node' in decision)) return failureMessage(decision.failure);
    this.cache.assume(new PodInfo(it), decision.node.name);
    return decision.node.name;
  }
}

/** A whole cluster with a scheduler, under virtual time. */
export class World implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly client: Client;
  readonly #cluster: EmbeddedCluster;
  readonly #manager: Manager;

  private constructor(clock: VirtualClock, cluster: EmbeddedCluster, manager: Manager) {
    this.clock = clock;
    this.#cluster = cluster;
    this.client = cluster.client();
    this.#manager = manager;
  }

  /** `wrap` stands between the scheduler and the server. */
  static async start(
    options: {
      readonly before?: (client: Client) => Promise<void>;
      readonly wrap?: (transport: Transport) => Transport;
      readonly seed?: number;
    } = {},
  ): Promise<World> {
    const clock = new VirtualClock();
    const random = seededRandom(options.seed ?? 1);
    const cluster = await EmbeddedCluster.start({ controllers: false, clock, random, freeze: true });
    await options.before?.(cluster.client());
    const wrap = options.wrap ?? ((transport: Transport) => transport);
    const manager = Manager.create({
      cluster: (identity) => wrap(cluster.target(identity)),
      clock,
      random,
      log: silentLogger,
    }).add(new Scheduler());
    await Manager.preload();
    const starting = manager.start();
    await clock.advance('1s');
    await starting;
    return new World(clock, cluster, manager);
  }

  /** A node as a kubelet registers it: the object, then its status. */
  async addNode(name: string, facts: NodeFacts = {}): Promise<void> {
    await addNode(this.client, name, facts);
    await this.clock.settle();
  }

  async create(it: Pod): Promise<void> {
    await createPod(this.client, it);
    await this.clock.settle();
  }

  /** Somebody else's binding. */
  async bindAs(username: string, request: ApiRequest): Promise<void> {
    await this.#cluster.transport({ username, groups: ['system:masters'] }).request(request);
  }

  async pod(name: string, namespace = 'default'): Promise<Pod | undefined> {
    return this.client.find(Pod, { namespace, name });
  }

  async nodeOf(name: string): Promise<string | undefined> {
    return (await this.pod(name))?.spec.nodeName;
  }

  /** The condition PodScheduled as `status reason message`. */
  async scheduled(name: string): Promise<string> {
    const found = (await this.pod(name))?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    return [found?.status, found?.reason, found?.message].filter(Boolean).join(' ');
  }

  /** Events about a pod as `component: type reason message`, in the order of their making. */
  async events(name: string): Promise<string[]> {
    const found: string[] = [];
    for await (const event of this.client.list(Event)) {
      const { involvedObject, type, reason, message, source } = event;
      if (involvedObject.name === name) found.push(`${source?.component}: ${type} ${reason} ${message}`);
    }
    return found;
  }

  /** How often the scheduler tried a pod in vain. */
  async failures(name: string): Promise<number> {
    let count = 0;
    for await (const event of this.client.list(Event)) {
      if (event.involvedObject.name === name && event.reason === 'FailedScheduling')
        count += event.count ?? 0;
    }
    return count;
  }

  async stop(): Promise<void> {
    const stopping = this.#manager.stop();
    await this.clock.advance('1m');
    await stopping;
    await this.#cluster.stop();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export async function addNode(client: Client, name: string, facts: NodeFacts = {}): Promise<void> {
  const { metadata, spec, status } = node(name, facts);
  await client.create(Node, { metadata: { name, labels: metadata.labels }, spec } as never);
  await client.patchRaw(Node, name, { type: 'merge', patch: { status } }, { subresource: 'status' });
}

export async function createPod(client: Client, it: Pod): Promise<void> {
  const { uid: _, resourceVersion: __, creationTimestamp: ___, ...metadata } = it.metadata;
  const { priority = 0, preemptionPolicy, ...spec } = it.spec;
  await client.create(Pod, {
    metadata,
    spec: {
      ...spec,
      ...(priority === 0 && !preemptionPolicy
        ? {}
        : { priorityClassName: await priorityClass(client, priority, preemptionPolicy) }),
    },
  } as never);
}

/** Nobody gives a pod a number: a class of this priority. */
async function priorityClass(
  client: Client,
  value: number,
  preemptionPolicy = 'PreemptLowerPriority',
): Promise<string> {
  const name = `p${value}-${preemptionPolicy.toLowerCase()}`;
  await client
    .create(PriorityClass, { metadata: { name }, value, preemptionPolicy } as never)
    .catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
  return name;
}
