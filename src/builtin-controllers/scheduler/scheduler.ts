/**
 * The scheduler: finds a node for every pod that has none and names `default-scheduler`.
 *
 * ```
 *  informers ─▶ SchedulerCache (nodes, sums) ──┐
 *      │                                       ▼
 *      └─▶ SchedulingQueue ─ take ─▶ schedule(pod, cluster) ─ node ─▶ assume ─▶ bind ─▶ Scheduled
 *               ▲                              └ failure ─▶ preempt ─▶ condition, event
 *               └──────── wake: an event, if a plugin that rejected the pod sees hope ◀───┘
 * ```
 * It is no controller of one kind: what it decides depends on all pods and nodes at once, so it runs beside
 * the controllers of a Manager, as a Runnable. Decisions are made one at a time; bindings run beside them,
 * their pods counted as placed from the decision on (*assumed*).
 *
 * Guarantees: no node is promised more than it has, as far as the caches tell; a pod is never bound twice;
 * what was assumed is released when its binding fails or its pod goes.
 *
 * Implemented: SC-1 to SC-9 with the plugins NodeUnschedulable, NodeName, TaintToleration, NodeAffinity,
 * NodePorts, NodeResourcesFit (LeastAllocated), VolumeBinding, PodTopologySpread, InterPodAffinity and
 * NodeResourcesBalancedAllocation. Absent:
 * - claims that bind on the first consumer: their pods are refused, in words that say so (SC-7);
 * - VolumeRestrictions, NodeVolumeLimits and VolumeZone: such limits are not looked at;
 * - ImageLocality: images do not count where nodes are scored;
 * - PodDisruptionBudgets in preemption; resource claims (DRA); extenders, profiles, `addedAffinity`;
 * - requests of a pod as a whole (`spec.resources`) and resizing in place: containers' requests count.
 */
import {
  type Clock,
  deepEqualJson,
  isNotFound,
  type KindOf,
  type Runnable,
  type RunnableContext,
  sleep,
} from 'gyre';
import type { CacheEvent, Informer, InformerLease } from 'gyre/informers';
import { Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from 'gyre/kinds';
import { bind } from './binder.js';
import { failureMessage } from './failure-message.js';
import { type ClusterEvent, type ClusterView, isTerminal } from './framework.js';
import type { NodeInfo } from './node-info.js';
import { Nominations } from './nominations.js';
import { defaultPlugins } from './plugins/default-plugins.js';
import { PodInfo } from './pod-info.js';
import { component, PodReporter } from './pod-reporter.js';
import { preempt } from './preemption.js';
import { type Failure, schedule } from './schedule.js';
import { SchedulerCache } from './scheduler-cache.js';
import type { SchedulingCycle } from './scheduling-cycle.js';
import { SchedulingQueue } from './scheduling-queue.js';

/** Bindings under way at once. */
const maxBindings = 32;
/** How long decisions may keep the event loop, ms. */
const sliceMs = 10;

export class Scheduler implements Runnable {
  readonly name = 'kube-scheduler';
  #running: Running | undefined;

  async start(context: RunnableContext): Promise<void> {
    this.#running = new Running(context);
    await this.#running.start();
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
  }
}

class Running {
  readonly #context: RunnableContext;
  readonly #clock: Clock;
  readonly #cache = new SchedulerCache();
  readonly #nominations = new Nominations();
  readonly #queue: SchedulingQueue;
  readonly #reporter: PodReporter;
  readonly #view: ClusterView;
  readonly #leases: InformerLease<unknown>[] = [];
  readonly #subscriptions: { unsubscribe(): void }[] = [];
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  /** What wakes pods and is nothing more. */
  readonly #others: readonly (readonly [Pick<Informer<unknown>, 'events$'>, (key: string) => ClusterEvent])[];
  /** Requests under way, for `stop` to wait for. */
  readonly #writes = new Set<Promise<void>>();
  #bindings = 0;
  #onSlot: (() => void) | undefined;
  #deciding = false;
  #stopped = false;
  /** Where the next search for nodes begins. */
  #next = 0;

  constructor(context: RunnableContext) {
    this.#context = context;
    this.#clock = context.clock;
    this.#queue = new SchedulingQueue(context.clock, () => this.#decide());
    this.#reporter = new PodReporter(context);
    this.#pods = this.#acquire(Pod);
    this.#nodes = this.#acquire(Node);
    const claims = this.#acquire(PersistentVolumeClaim);
    const volumes = this.#acquire(PersistentVolume);
    const classes = this.#acquire(StorageClass);
    const namespaces = this.#acquire(Namespace);
    const cache = this.#cache;
    this.#view = {
      nodes: cache.nodes,
      node: (name) => cache.node(name),
      nodesWithAffinity: cache.nodesWithAffinity,
      nodesWithAntiAffinity: cache.nodesWithAntiAffinity,
      nominated: (node) => this.#nominations.on(node),
      nominatedNode: (uid) => this.#nominations.nodeOf(uid),
      claim: (key) => claims.cache.get(key),
      volume: (name) => volumes.cache.get(name),
      storageClass: (name) => classes.cache.get(name),
      namespaceLabels: (name) => namespaces.cache.get(name)?.metadata.labels,
    };
    this.#others = [
      [claims, (key) => ({ type: 'ClaimChanged', key })],
      [volumes, (name) => ({ type: 'VolumeChanged', name })],
      [classes, (name) => ({ type: 'StorageClassChanged', name })],
      [namespaces, (name) => ({ type: 'NamespaceChanged', name })],
    ];
  }

  async start(): Promise<void> {
    await Promise.all(this.#leases.map(({ informer }) => informer.ready));
    if (this.#stopped) return;
    // The present state and the changes that follow it: nothing falls between, both are synchronous.
    for (const node of this.#nodes.cache.list()) this.#cache.setNode(node);
    for (const pod of this.#pods.cache.list()) this.#podApplied(pod, undefined);
    this.#subscribe(this.#nodes, (event) => this.#onNode(event));
    this.#subscribe(this.#pods, (event) => this.#onPod(event));
    for (const [informer, eventOf] of this.#others) {
      this.#subscribe(informer, ({ key }) => this.#wake(eventOf(key)));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#queue.stop();
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    for (const lease of this.#leases.splice(0)) lease.release();
    this.#onSlot?.();
    await Promise.allSettled(this.#writes);
    await this.#reporter.flush();
  }

  #acquire<T>(kind: KindOf<T>): Informer<T> {
    const lease = this.#context.informers.acquire(kind);
    this.#leases.push(lease as InformerLease<unknown>);
    return lease.informer;
  }

  #subscribe<T>(informer: Pick<Informer<T>, 'events$'>, heard: (event: CacheEvent<T>) => void): void {
    this.#subscriptions.push(informer.events$.subscribe(heard));
  }

  // What the world tells.

  #onNode(event: CacheEvent<Node>): void {
    if (event.type === 'Delete') {
      if (this.#cache.removeNode(event.key)) this.#wake({ type: 'NodeDeleted', name: event.key });
      return;
    }
    const changed = this.#cache.setNode(event.object);
    if (changed) this.#wake({ type: changed.added ? 'NodeAdded' : 'NodeChanged', node: changed.node });
  }

  #onPod(event: CacheEvent<Pod>): void {
    if (event.type === 'Delete') this.#podGone(event.object);
    else this.#podApplied(event.object, event.previous);
  }

  #podApplied(pod: Pod, before: Pod | undefined): void {
    // The same name with another UID is another pod, however alike they are.
    const previous = before?.metadata.uid === pod.metadata.uid ? before : undefined;
    if (before && !previous) this.#podGone(before);
    if (isTerminal(pod)) {
      this.#podGone(pod);
      return;
    }
    const { uid } = pod.metadata;
    const changed = !previous || matters(previous, pod);
    if (pod.spec.nodeName) {
      const isNew = this.#cache.isAssumed(uid) || !previous?.spec.nodeName;
      if (!isNew && !changed) return;
      this.#unqueue(uid);
      const info = this.#read(pod);
      if (!info) return;
      this.#cache.setPod(info);
      this.#wake({ type: isNew ? 'PodAdded' : 'PodChanged', pod: info });
      return;
    }
    if (pod.spec.schedulerName !== component || pod.metadata.deletionTimestamp) {
      // One that is assumed keeps its place until its binding has been refused.
      this.#unqueue(uid);
      return;
    }
    // News of a pod that has been decided on comes late: only what will be needed if its binding fails counts.
    if (this.#cache.isAssumed(uid) && !this.#queue.has(uid)) return;
    const info = this.#read(pod);
    if (!info) return;
    const promised = pod.status?.nominatedNodeName;
    if (promised && !previous) this.#nominations.set(info, promised);
    this.#queue.set(info, changed);
  }

  #podGone(pod: Pod): void {
    const { uid } = pod.metadata;
    this.#unqueue(uid);
    if (!this.#cache.removePod(uid)) return;
    const info = this.#read(pod);
    if (info) this.#wake({ type: 'PodDeleted', pod: info });
  }

  #unqueue(uid: string): void {
    this.#queue.delete(uid);
    this.#nominations.delete(uid);
    this.#reporter.forget(uid);
  }

  /** Undefined for a pod that no API server should have let through. */
  #read(pod: Pod): PodInfo | undefined {
    try {
      return new PodInfo(pod);
    } catch (error) {
      const { namespace, name } = pod.metadata;
      this.#context.log.error('a pod cannot be read', { pod: `${namespace}/${name}`, error: String(error) });
      return undefined;
    }
  }

  #wake(event: ClusterEvent): void {
    this.#queue.wake((pod, rejectedBy) =>
      defaultPlugins.some((plugin) => rejectedBy.has(plugin.name) && plugin.wakesOn(event, pod, this.#view)),
    );
  }

  // Decisions, one at a time.

  #decide(): void {
    if (this.#deciding || this.#stopped) return;
    this.#deciding = true;
    void this.#decideAll();
  }

  async #decideAll(): Promise<void> {
    // Pods that come at once are queued first, so that the most important of them is taken first.
    await Promise.resolve();
    let until = this.#clock.monotonic() + sliceMs;
    while (!this.#stopped) {
      if (this.#bindings >= maxBindings) {
        await new Promise<void>((resolve) => {
          this.#onSlot = resolve;
        });
        continue;
      }
      if (this.#clock.monotonic() >= until) {
        await sleep(this.#clock, 0);
        until = this.#clock.monotonic() + sliceMs;
        continue;
      }
      const pod = this.#queue.take();
      if (!pod) break;
      this.#scheduleOne(pod);
    }
    this.#deciding = false;
  }

  #scheduleOne(pod: PodInfo): void {
    try {
      const decision = schedule(pod, this.#view, {
        plugins: defaultPlugins,
        random: this.#context.random,
        start: this.#next,
      });
      this.#next = decision.next;
      if ('node' in decision) this.#place(pod, decision.node);
      else this.#refuse(pod, decision.failure, decision.cycle);
    } catch (error) {
      this.#context.log.error('a pod could not be decided on', { pod: pod.key, error: String(error) });
      this.#queue.failWithError(pod.uid);
      this.#report(pod, 'SchedulerError', String(error));
    }
  }

  #place(pod: PodInfo, node: NodeInfo): void {
    this.#cache.assume(pod, node.name);
    this.#nominations.delete(pod.uid);
    this.#bindings++;
    this.#write(async () => {
      try {
        await this.#bind(pod, node.name);
      } finally {
        this.#bindings--;
        this.#onSlot?.();
        this.#onSlot = undefined;
      }
    });
  }

  async #bind(pod: PodInfo, node: string): Promise<void> {
    const outcome = await bind(this.#context, pod.pod, node);
    if (outcome.bound) {
      this.#queue.delete(pod.uid);
      this.#reporter.forget(pod.uid);
      this.#reporter.scheduled(pod.pod, node);
      return;
    }
    // Its room is free again, unless it was seen bound after all, or is gone already.
    if (this.#cache.isAssumed(pod.uid)) {
      this.#cache.forget(pod.uid);
      this.#wake({ type: 'PodDeleted', pod });
    }
    this.#queue.failWithError(pod.uid);
    if (!outcome.gone) this.#report(pod, 'SchedulerError', `binding rejected: ${outcome.error.message}`);
  }

  #refuse(pod: PodInfo, failure: Failure, cycle: SchedulingCycle): void {
    const preemption = failure.nodes === 0 ? undefined : preempt(cycle, failure, this.#context.random);
    this.#queue.failUnschedulable(pod.uid, failure.rejectedBy);
    let message = failureMessage(failure);
    if (preemption && 'node' in preemption) {
      this.#makeRoom(pod, preemption.node, preemption.victims);
    } else if (preemption) {
      message += ` ${preemption.message}`;
      if (!preemption.keepNomination) this.#nominations.delete(pod.uid);
    }
    this.#report(pod, 'Unschedulable', message);
  }

  #makeRoom(pod: PodInfo, node: NodeInfo, victims: readonly PodInfo[]): void {
    const lesser = this.#nominations.on(node.name).filter(({ priority }) => priority < pod.priority);
    for (const { uid } of lesser) this.#nominations.delete(uid);
    this.#nominations.set(pod, node.name);
    const { client, log } = this.#context;
    this.#write(async () => {
      try {
        for (const { pod: victim, terminating } of victims) {
          if (terminating) continue;
          const { namespace = '', name, uid } = victim.metadata;
          await unlessGone(async () => {
            await this.#reporter.disrupt(victim);
            await client.delete(Pod, { namespace, name }, { preconditions: { uid } });
            this.#reporter.preempted(victim, pod.pod, node.name);
          });
        }
        for (const { pod: other } of lesser) await unlessGone(() => this.#reporter.unpromise(other));
      } catch (error) {
        // Whatever is left to do is decided anew.
        log.debug('preemption not finished', { pod: pod.key, error: String(error) });
        this.#nominations.delete(pod.uid);
        this.#queue.retry(pod.uid);
      }
    });
  }

  #report(pod: PodInfo, reason: 'Unschedulable' | 'SchedulerError', message: string): void {
    const newest = this.#pods.cache.get(pod.key);
    if (newest?.metadata.uid !== pod.uid) return;
    const nominatedNode = this.#nominations.nodeOf(pod.uid);
    this.#write(() => this.#reporter.failed(newest, { reason, message, nominatedNode }));
  }

  /** Runs a request beside everything else; only an abort ends it with an error. */
  #write(request: () => Promise<void>): void {
    const running: Promise<void> = request()
      .catch((error: unknown) => {
        if (!this.#stopped && !this.#context.signal.aborted) {
          this.#context.log.error('a request of the scheduler failed', { error: String(error) });
        }
      })
      .finally(() => this.#writes.delete(running));
    this.#writes.add(running);
  }
}

/** A pod that went by itself needs no more telling. */
async function unlessGone(request: () => Promise<void>): Promise<void> {
  try {
    await request();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Whether the pod now asks for something else, or is something else to others. */
function matters(previous: Pod, pod: Pod): boolean {
  const { metadata: before } = previous;
  const { metadata: now } = pod;
  return (
    before.deletionTimestamp !== now.deletionTimestamp ||
    !deepEqualJson(before.labels, now.labels) ||
    !deepEqualJson(before.annotations, now.annotations) ||
    !deepEqualJson(previous.spec, pod.spec)
  );
}
