/**
 * The life of one pod on a node: level-triggered, one sync at a time, told again by everything that happens.
 *
 * A sync lists what the runtime has, asks `podActions` what to do, begins it and writes the status. Whatever takes
 * time (pulling, starting, stopping, hooks, volumes) runs beside the syncs as an operation with a name, so that a
 * slow container holds nobody up; its end wakes the worker. What is true is listed, never remembered: a kubelet
 * that restarts adopts what runs.
 */
import { readFileSync } from 'node:fs';
import {
  type Cancel,
  compareResourceVersion,
  deepEqualJson,
  type JsonValue,
  isConflict,
  isNotFound,
  keyOf,
  type Key,
  type Shared,
} from '../../api/index.js';
import { Pod } from '../../api/kinds/core/v1.js';
import type { ContainerStatus } from '../container-runtime.js';
import type { PreparedVolume } from '../volume-manager.js';
import { CrashBackoff } from './backoff.js';
import { sandboxConfig } from './container-config.js';
import { StartFailure, startContainer } from './container-starter.js';
import type { WaitingReason } from './container-status.js';
import {
  allContainers,
  describePod,
  initContainers,
  isFinal,
  isSidecar,
  type PodContainer,
  regularContainers,
  restartPolicyOf,
  restarts,
} from './containers.js';
import { runHook } from './hooks.js';
import type { NodeContext } from './node-context.js';
import { currentRun, isAlive, observe, type ObservedPod } from './observed-pod.js';
import { type PodAction, podActions } from './pod-actions.js';
import { podStatus } from './pod-status.js';
import { Prober } from './prober.js';

const failedSyncRetryMs = 1_000;
/** A container whose configuration cannot be made is tried again after this. */
const configRetryMs = 5_000;
/** After this long a failed pull is called a back-off. */
const imageBackoffShownMs = 1_000;
const volumeRetry = { initialMs: 500, maxMs: 122_000 };
const volumeRefreshMs = 60_000;
/** However little of the grace period is left after preStop (KL-7). */
const minimumGraceMs = 2_000;
const terminationMessageBytes = 4096;

interface StartTrouble {
  waiting: WaitingReason;
  retryAt: number;
}

/** The end of all containers, under way or over. */
interface Ending {
  /** Monotonic; everything is killed then. */
  deadline: number;
  over: boolean;
}

export class PodWorker {
  readonly #node: NodeContext;
  readonly #uid: string;
  readonly #onGone: () => void;
  readonly #prober: Prober;
  readonly #backoff = new CrashBackoff();
  readonly #imageBackoff = new CrashBackoff();
  readonly #operations = new Map<string, Promise<void>>();
  readonly #trouble = new Map<string, StartTrouble>();
  /** Ids of containers whose postStart hook is done, or has none to do. */
  readonly #postStarted = new Set<string>();
  readonly #messages = new Map<string, string>();
  readonly #toldBackoff = new Map<string, string>();
  #pod: Shared<Pod>;
  #vanished = false;
  #volumes: ReadonlyMap<string, PreparedVolume> | undefined;
  #volumeRetryMs = volumeRetry.initialMs;
  #failure: { readonly reason: string; readonly message: string } | undefined;
  #ending: Ending | undefined;
  #adopted = false;
  #running = false;
  #again = false;
  #stopped = false;
  #timers = new Map<string, Cancel>();

  /** Resolves when the worker has looked once, and the API knows what it saw. */
  readonly lookedOnce: Promise<void>;
  #looked: () => void = () => {};

  /** @param onGone called when nothing of the pod is left anywhere */
  constructor(pod: Shared<Pod>, node: NodeContext, onGone: () => void) {
    this.#pod = pod;
    this.#uid = pod.metadata.uid;
    this.#node = node;
    this.#onGone = onGone;
    this.lookedOnce = new Promise((resolve) => {
      this.#looked = resolve;
    });
    this.#prober = new Prober({
      runtime: node.runtime,
      clock: node.clock,
      wake: () => this.wake(),
      onFailure: (container, type, { message }) => {
        const name = `${type.charAt(0).toUpperCase()}${type.slice(1)}`;
        node.event(this.#pod, container, 'Warning', 'Unhealthy', `${name} probe failed: ${message}`);
      },
    });
  }

  /** The API has a (newer) version. */
  update(pod: Shared<Pod>): void {
    this.#take(pod);
    this.wake();
  }

  /** The API has it no more: whatever still runs is ended. */
  vanish(): void {
    this.#vanished = true;
    this.wake();
  }

  wake(): void {
    if (this.#stopped) return;
    if (this.#running) this.#again = true;
    else void this.#loop();
  }

  /** Ends the containers without the API having asked: the node stops. Resolves when they have ended. */
  async drain(graceMs: number): Promise<void> {
    this.stop();
    await Promise.allSettled(this.#operations.values());
    const { runtime } = this.#node;
    const containers = await runtime.listContainers(this.#uid);
    await Promise.allSettled(
      containers
        .filter(isAlive)
        .map(({ id }) => runtime.stopContainer(id, Math.min(graceMs, this.#graceMs()))),
    );
    for (const { id } of await runtime.listPodSandboxes(this.#uid)) await runtime.stopPodSandbox(id);
  }

  /** Lets go: timers and probes end, containers go on. */
  stop(): void {
    this.#stopped = true;
    this.#prober.stop();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  async #loop(): Promise<void> {
    this.#running = true;
    do {
      this.#again = false;
      try {
        await this.#sync();
      } catch (error) {
        this.#node.log.error('pod not synced', {
          pod: keyOf(this.#pod),
          error: String((error as Error).stack ?? error),
        });
        this.#later('retry', failedSyncRetryMs);
      }
      this.#looked();
    } while (this.#again && !this.#stopped);
    this.#running = false;
  }

  async #sync(): Promise<void> {
    // Asked first: what is observed then is how everything has ended.
    const ended = this.#ending?.over ?? false;
    const observed = await this.#observe();
    if (!this.#adopted) {
      // What runs already when the worker begins had its hooks in a former life.
      for (const { id, state } of observed.containers) if (state === 'running') this.#postStarted.add(id);
      this.#adopted = true;
    }
    if (this.#vanished) {
      await this.#endVanished();
      return;
    }
    const pod = this.#pod;
    this.#checkDeadline(pod);
    const over = pod.metadata.deletionTimestamp !== undefined || isFinal(pod) || this.#failure !== undefined;
    if (over || this.#ending) this.#end(observed);
    else if (this.#volumesReady()) this.#act(observed);
    if (!this.#ending) this.#prober.follow(pod, observed, (name) => this.#hookDone(observed, name));
    const told = await this.#writeStatus(observed, ended);
    // The last status is in the API before the object goes: it may stay, for a finalizer's sake.
    if (ended && told && this.#pod.metadata.deletionTimestamp !== undefined) await this.#delete();
  }

  async #observe(): Promise<ObservedPod> {
    const { runtime } = this.#node;
    const sandboxes = await runtime.listPodSandboxes(this.#uid);
    const containers = await runtime.listContainers(this.#uid);
    return observe(
      sandboxes,
      containers.map((container) => this.#withMessage(container)),
    );
  }

  /** What a container left in its termination message file (KL-11), read once. */
  #withMessage(container: ContainerStatus): ContainerStatus {
    const file = container.config.terminationMessage?.hostPath;
    if (container.state !== 'exited' || file === undefined || container.message) return container;
    let message = this.#messages.get(container.id);
    if (message === undefined) {
      message = readMessage(file) || this.#logTail(container);
      this.#messages.set(container.id, message);
    }
    return message === '' ? container : { ...container, message };
  }

  #logTail(run: ContainerStatus): string {
    const spec = allContainers(this.#pod).find(({ name }) => name === run.config.name);
    if (spec?.terminationMessagePolicy !== 'FallbackToLogsOnError' || run.exitCode === 0) return '';
    const { logRoot } = this.#node;
    const { namespace, name, uid } = this.#pod.metadata;
    const text = readMessage(`${logRoot}/${namespace}_${name}_${uid}/${run.config.logPath}`, 65_536);
    const lines = text.split('\n').map((line) => line.split(' ').slice(3).join(' '));
    return lines.slice(-81).join('\n').slice(-2048);
  }

  #act(observed: ObservedPod): void {
    const { clock } = this.#node;
    const pod = this.#pod;
    const now = clock.now();
    if (this.#operations.has('sandbox')) return;
    const plan = podActions({
      pod,
      observed,
      busy: new Set(this.#operations.keys()),
      failed: (name) => this.#prober.failed(name),
      started: (name) => this.#started(observed, name),
      backoff: (container, since) => this.#backoff.waiting(backoffKey(container), since, now)?.until,
      retryAt: (name) => this.#trouble.get(name)?.retryAt,
      now,
    });
    for (const action of plan.actions) this.#begin(action, observed);
    if (plan.wakeAt !== undefined) this.#later('backoff', plan.wakeAt - now);
  }

  #begin(action: PodAction, observed: ObservedPod): void {
    const { runtime, logRoot } = this.#node;
    switch (action.type) {
      case 'createSandbox':
        this.#operate('sandbox', async () => {
          await runtime.runPodSandbox(sandboxConfig(this.#pod, action.attempt, logRoot));
        });
        return;
      case 'removeSandbox':
        this.#operate('sandbox', async () => {
          this.#event(
            undefined,
            'Normal',
            'SandboxChanged',
            'Pod sandbox changed, it will be killed and re-created.',
          );
          await runtime.stopPodSandbox(action.id);
          await runtime.removePodSandbox(action.id);
        });
        return;
      case 'start':
        this.#start(action.container, action.attempt, observed);
        return;
      case 'stop':
        this.#operate(action.container.name, () => this.#restart(action, observed));
        return;
      case 'finish':
        this.#end(observed);
    }
  }

  #start(container: PodContainer, attempt: number, observed: ObservedPod): void {
    const { clock, runtime } = this.#node;
    const { name } = container;
    const sandbox = observed.sandbox;
    if (!sandbox) return;
    const [before] = observed.runs(name);
    if (before?.state === 'exited')
      this.#backoff.next(backoffKey(container), before.finishedAt ?? before.createdAt, clock.now());
    this.#operate(name, async () => {
      if (before?.state === 'created') await runtime.removeContainer(before.id);
      try {
        const id = await startContainer(
          {
            pod: this.#pod,
            container,
            attempt,
            sandbox,
            volumes: this.#volumes ?? new Map(),
            abandoned: () => this.#ending !== undefined || this.#vanished || this.#stopped,
          },
          this.#node,
        );
        this.#trouble.delete(name);
        if (id !== undefined) this.#postStart(container, id, sandbox.ips[0] ?? '');
        await this.#forgetOldRuns(name);
      } catch (error) {
        if (!(error instanceof StartFailure)) throw error;
        this.#troubled(container, error);
      }
    });
  }

  /** The run before the present one is kept for its status and log; older ones go. */
  async #forgetOldRuns(name: string): Promise<void> {
    const { runtime } = this.#node;
    const { containers } = await this.#observe();
    const runs = containers.filter(({ config }) => config.name === name);
    runs.sort((a, b) => b.config.attempt - a.config.attempt);
    for (const { id } of runs.slice(2)) {
      this.#postStarted.delete(id);
      this.#messages.delete(id);
      await runtime.removeContainer(id);
    }
  }

  #troubled(container: PodContainer, failure: StartFailure): void {
    const { clock } = this.#node;
    const { name, image = '' } = container;
    const now = clock.now();
    if (!failure.image) {
      this.#trouble.set(name, { waiting: failure.waiting, retryAt: now + configRetryMs });
      return;
    }
    this.#imageBackoff.next(image, now, now);
    const until = this.#imageBackoff.waiting(image, now, now)?.until ?? now;
    const trouble: StartTrouble = { waiting: failure.waiting, retryAt: until };
    this.#trouble.set(name, trouble);
    if (failure.waiting.reason !== 'ErrImagePull') return;
    this.#later(`image ${name}`, imageBackoffShownMs, () => {
      if (this.#trouble.get(name) !== trouble) return;
      const message = `Back-off pulling image "${image}"`;
      trouble.waiting = { reason: 'ImagePullBackOff', message: `${message}: ${failure.waiting.message}` };
      this.#event(name, 'Normal', 'BackOff', message);
      this.#event(name, 'Warning', 'Failed', 'Error: ImagePullBackOff');
    });
  }

  /** The hook runs beside the container; until it is done the container does not count as started (KL-8). */
  #postStart(container: PodContainer, id: string, podIP: string): void {
    const hook = container.lifecycle?.postStart;
    if (!hook) {
      this.#postStarted.add(id);
      return;
    }
    const { runtime, clock } = this.#node;
    this.#operate(`postStart ${container.name}`, async () => {
      try {
        await runHook(hook, container, id, hookBudgetMs, { runtime, clock, pod: this.#pod, podIP });
        this.#postStarted.add(id);
      } catch (error) {
        this.#event(container.name, 'Warning', 'FailedPostStartHook', (error as Error).message);
        this.#event(container.name, 'Normal', 'Killing', 'FailedPostStartHook');
        await runtime.stopContainer(id, this.#graceMs());
      }
    });
  }

  async #restart(action: Extract<PodAction, { type: 'stop' }>, observed: ObservedPod): Promise<void> {
    const { container, cause, id, message } = action;
    this.#event(container.name, 'Normal', 'Killing', message);
    const probe = cause === 'liveness' ? container.livenessProbe : container.startupProbe;
    const seconds = cause === 'changed' ? undefined : probe?.terminationGracePeriodSeconds;
    await this.#stopContainer(
      container,
      id,
      seconds === undefined ? this.#graceMs() : seconds * 1000,
      observed,
    );
  }

  /** preStop first, its time counted (KL-7). */
  async #stopContainer(
    container: PodContainer,
    id: string,
    graceMs: number,
    observed: ObservedPod,
  ): Promise<void> {
    const { runtime, clock } = this.#node;
    const hook = container.lifecycle?.preStop;
    const began = clock.monotonic();
    if (hook && graceMs > 0) {
      const podIP = observed.sandbox?.ips[0] ?? '';
      try {
        await this.#within(
          graceMs,
          runHook(hook, container, id, graceMs, { runtime, clock, pod: this.#pod, podIP }),
        );
      } catch (error) {
        this.#event(container.name, 'Warning', 'FailedPreStopHook', (error as Error).message);
      }
    }
    const left = graceMs - (clock.monotonic() - began);
    await runtime.stopContainer(id, hook ? Math.max(left, minimumGraceMs) : Math.max(left, 0));
  }

  /** Settles like the promise, or resolves when the time is up. */
  #within(ms: number, promise: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#node.clock.setTimer(ms, resolve);
      promise.then(resolve, reject).finally(cancel);
    });
  }

  /** Begins the end of everything; asked again with less grace it hurries (API-7). */
  #end(observed: ObservedPod): void {
    const { runtime, clock } = this.#node;
    const deadline = clock.monotonic() + this.#graceMs();
    if (!this.#ending) {
      this.#ending = { deadline, over: false };
      this.#prober.stop();
    }
    if (this.#ending.over) return;
    // Repeated when it has failed.
    this.#operate('end', () => this.#endAll());
    if (deadline >= this.#ending.deadline) return;
    this.#ending.deadline = deadline;
    for (const container of observed.containers) {
      if (isAlive(container)) void runtime.stopContainer(container.id, this.#graceMs()).catch(() => {});
    }
  }

  async #endAll(): Promise<void> {
    const { runtime, clock, volumes } = this.#node;
    const pod = this.#pod;
    const ending = this.#ending as Ending;
    // A container that is just being started is ended too, not overlooked.
    const starting = ['sandbox', 'volumes', 'volume refresh', ...allContainers(pod).map(({ name }) => name)];
    await Promise.allSettled(starting.map((key) => this.#operations.get(key)));
    const observed = await this.#observe();
    const end = async (container: PodContainer): Promise<void> => {
      const [run] = observed.runs(container.name);
      if (!run || !isAlive(run)) return;
      this.#event(container.name, 'Normal', 'Killing', `Stopping container ${container.name}`);
      await this.#stopContainer(
        container,
        run.id,
        Math.max(0, ending.deadline - clock.monotonic()),
        observed,
      );
    };
    const init = initContainers(pod);
    await Promise.all([...regularContainers(pod), ...init.filter((c) => !isSidecar(c))].map(end));
    // Sidecars outlive what they serve, the last one started going first (KL-4).
    for (const sidecar of init.filter(isSidecar).reverse()) await end(sidecar);
    for (const { id } of observed.sandboxes) await runtime.stopPodSandbox(id);
    await volumes?.tearDown(this.#uid);
    this.#volumes = undefined;
    ending.over = true;
  }

  /** Removes what the runtime keeps of it, then the object itself (KL-8). */
  async #delete(): Promise<void> {
    const { client } = this.#node;
    await this.#removeAll();
    try {
      await client.delete(Pod, keyOf(this.#pod) as Key<'Namespaced'>, {
        gracePeriodSeconds: 0,
        preconditions: { uid: this.#uid },
      });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
      const live = await client.find(Pod, keyOf(this.#pod) as Key<'Namespaced'>);
      if (live?.metadata.uid === this.#uid) throw error;
    }
    this.#gone();
  }

  async #endVanished(): Promise<void> {
    const { runtime, volumes } = this.#node;
    const kill = async (): Promise<void> => {
      const alive = (await this.#observe()).containers.filter(isAlive);
      await Promise.all(alive.map(({ id }) => runtime.stopContainer(id, 0)));
    };
    // Once to cut short what is being waited for, and again for what was just being started.
    await kill();
    await Promise.allSettled(this.#operations.values());
    await kill();
    for (const { id } of await runtime.listPodSandboxes(this.#uid)) await runtime.stopPodSandbox(id);
    await volumes?.tearDown(this.#uid);
    await this.#removeAll();
    this.#gone();
  }

  async #removeAll(): Promise<void> {
    const { runtime } = this.#node;
    for (const { id } of await runtime.listContainers(this.#uid)) await runtime.removeContainer(id);
    for (const { id } of await runtime.listPodSandboxes(this.#uid)) await runtime.removePodSandbox(id);
  }

  #gone(): void {
    this.stop();
    this.#onGone();
  }

  /** KL-12 */
  #checkDeadline(pod: Shared<Pod>): void {
    const seconds = pod.spec?.activeDeadlineSeconds;
    const since = pod.status?.startTime;
    if (seconds === undefined || since === undefined || this.#failure || isFinal(pod)) return;
    const leftMs = Date.parse(since) + seconds * 1000 - this.#node.clock.now();
    if (leftMs > 0) {
      this.#later('deadline', leftMs);
      return;
    }
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#failure = { reason: 'DeadlineExceeded', message };
    this.#event(undefined, 'Normal', 'DeadlineExceeded', message);
  }

  /** True when the volumes are in place; otherwise they are being seen to. */
  #volumesReady(): boolean {
    const { volumes } = this.#node;
    if (!volumes || this.#volumes) return true;
    if (this.#operations.has('volumes') || this.#timers.has('volumes')) return false;
    this.#operate('volumes', () => this.#setUpVolumes());
    return false;
  }

  async #setUpVolumes(): Promise<void> {
    const { volumes, sources } = this.#node;
    if (!volumes) return;
    try {
      this.#volumes = await volumes.setUp(this.#pod, sources);
      this.#volumeRetryMs = volumeRetry.initialMs;
    } catch (error) {
      this.#event(undefined, 'Warning', 'FailedMount', (error as Error).message);
      if (!this.#volumes) {
        this.#later('volumes', this.#volumeRetryMs);
        this.#volumeRetryMs = Math.min(volumeRetry.maxMs, this.#volumeRetryMs * 2);
        return;
      }
    }
    if (hasChangingContent(this.#pod))
      this.#later('volume refresh', volumeRefreshMs, () => this.#refreshVolumes());
  }

  /** Content follows its ConfigMaps and Secrets (KL-15), for as long as there are containers to see it. */
  #refreshVolumes(): void {
    if (this.#ending || this.#vanished) return;
    this.#operate('volume refresh', () => this.#setUpVolumes());
  }

  #hookDone(observed: ObservedPod, name: string): boolean {
    const run = currentRun(observed, name);
    return run !== undefined && this.#postStarted.has(run.id);
  }

  #started(observed: ObservedPod, name: string): boolean {
    if (!this.#hookDone(observed, name)) return false;
    const startup = this.#prober.outcome(name, 'startup');
    return startup === undefined ? !this.#hasProbe(name, 'startupProbe') : startup === 'success';
  }

  #ready(name: string): boolean {
    const readiness = this.#prober.outcome(name, 'readiness');
    return readiness === undefined ? !this.#hasProbe(name, 'readinessProbe') : readiness === 'success';
  }

  #hasProbe(name: string, probe: 'startupProbe' | 'readinessProbe'): boolean {
    return allContainers(this.#pod).find((container) => container.name === name)?.[probe] !== undefined;
  }

  /** Why a container that should run does not. */
  #waiting(observed: ObservedPod, name: string): WaitingReason | undefined {
    const trouble = this.#trouble.get(name);
    if (trouble) return trouble.waiting;
    if (this.#ending) return undefined;
    const container = allContainers(this.#pod).find((c) => c.name === name);
    const run = currentRun(observed, name);
    if (!container || run?.state !== 'exited') return undefined;
    const init = initContainers(this.#pod).includes(container);
    const own = restartPolicyOf(this.#pod);
    const policy = !init ? own : isSidecar(container) ? 'Always' : own === 'Never' ? 'Never' : 'OnFailure';
    if (!restarts(policy, run.exitCode ?? 0)) return undefined;
    const since = run.finishedAt ?? run.createdAt;
    const wait = this.#backoff.waiting(backoffKey(container), since, this.#node.clock.now());
    if (!wait) return undefined;
    const where = describePod(this.#pod);
    if (this.#toldBackoff.get(name) !== run.id) {
      this.#toldBackoff.set(name, run.id);
      const told = `Back-off restarting failed container ${name} in pod ${where}`;
      this.#event(name, 'Warning', 'BackOff', told);
    }
    return {
      reason: 'CrashLoopBackOff',
      message: `back-off ${backoffText(wait.delayMs)} restarting failed container=${name} pod=${where}`,
    };
  }

  /** False when somebody else was faster: then the next sync decides anew. */
  async #writeStatus(observed: ObservedPod, ended: boolean): Promise<boolean> {
    const { client, clock, hostIP, runtime } = this.#node;
    const pod = this.#pod;
    const status = podStatus({
      pod,
      observed,
      runtimeName: runtime.name,
      hostIP,
      now: clock.now(),
      failure: this.#failure,
      ended,
      waiting: (name) => this.#waiting(observed, name),
      started: (name) => this.#started(observed, name),
      ready: (name) => this.#ready(name),
    });
    if (deepEqualJson(status as unknown as JsonValue, (pod.status ?? {}) as unknown as JsonValue))
      return true;
    try {
      const written = await client.patch(
        Pod,
        pod as Pod,
        (draft) => {
          draft.status = status as typeof draft.status;
        },
        { subresource: 'status' },
      );
      this.#take(written);
      // What follows from the new status, e.g. that it is final, is decided with it in hand.
      if (isFinal(written) !== isFinal(pod)) this.#again = true;
      return true;
    } catch (error) {
      await this.#afterLostWrite(error);
      return false;
    }
  }

  /** Somebody else wrote, or deleted: the newest version is taken in hand. */
  async #afterLostWrite(error: unknown): Promise<void> {
    if (!isConflict(error) && !isNotFound(error)) throw error;
    const live = await this.#node.client.find(Pod, keyOf(this.#pod) as Key<'Namespaced'>);
    if (live?.metadata.uid === this.#uid) this.#take(live);
    else this.#vanished = true;
    this.#again = true;
  }

  /** Own writes come back late through the cache: the newer version counts. */
  #take(pod: Shared<Pod>): void {
    const [known, given] = [this.#pod.metadata.resourceVersion, pod.metadata.resourceVersion];
    if (compareResourceVersion(given, known) !== -1) this.#pod = pod;
  }

  #operate(key: string, work: () => Promise<void>): void {
    if (this.#operations.has(key) || this.#timers.has(`retry ${key}`) || this.#stopped) return;
    const operation = work()
      .catch((error: unknown) => {
        this.#node.log.warn('pod operation failed', {
          pod: keyOf(this.#pod),
          operation: key,
          error: String((error as Error).message ?? error),
        });
        if (key === 'sandbox') {
          const text = `Failed to create pod sandbox: ${(error as Error).message}`;
          this.#event(undefined, 'Warning', 'FailedCreatePodSandBox', text);
        }
        // Tried again in a while, not at once.
        this.#later(`retry ${key}`, failedSyncRetryMs);
      })
      .then(() => {
        this.#operations.delete(key);
        this.wake();
      });
    this.#operations.set(key, operation);
  }

  #later(key: string, ms: number, then: () => void = () => {}): void {
    this.#timers.get(key)?.();
    if (this.#stopped) return;
    const cancel = this.#node.clock.setTimer(Math.max(0, ms), () => {
      this.#timers.delete(key);
      then();
      this.wake();
    });
    this.#timers.set(key, cancel);
  }

  #graceMs(): number {
    const { deletionGracePeriodSeconds } = this.#pod.metadata;
    const seconds = deletionGracePeriodSeconds ?? this.#pod.spec?.terminationGracePeriodSeconds ?? 30;
    return Math.max(0, seconds) * 1000;
  }

  #event(container: string | undefined, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#node.event(this.#pod, container, type, reason, message);
  }
}

/** Hooks after a start have no budget of their own; this bounds a runaway. */
const hookBudgetMs = 600_000;

function backoffKey(container: PodContainer): string {
  return `${container.name} ${container.image}`;
}

/** `10s`, `2m40s`: as messages of the kubelet print durations. */
function backoffText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}

function hasChangingContent(pod: Shared<Pod>): boolean {
  return (pod.spec?.volumes ?? []).some(
    ({ configMap, secret, projected, downwardAPI }) => configMap ?? secret ?? projected ?? downwardAPI,
  );
}

function readMessage(file: string, bytes = terminationMessageBytes): string {
  try {
    return readFileSync(file).subarray(-bytes).toString('utf8');
  } catch {
    return '';
  }
}
