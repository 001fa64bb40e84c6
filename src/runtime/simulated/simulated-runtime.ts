/**
 * A runtime in which nothing runs: containers are entries with a script (see behaviour.ts), time is the injected
 * clock. For tests under virtual time and for nodes by the thousand.
 *
 * It does no I/O and keeps nothing beyond the process: after a restart its pods run anew, and their restart
 * counts say so. One that begins with the `state()` of another goes on where that one was.
 */
import { Subject } from 'rxjs';
import { type Cancel, type Clock, type PortConnection, sleep } from '../../api/index.js';
import {
  type ContainerConfig,
  type ContainerRuntime,
  type ContainerStatus,
  type ExecOptions,
  type ExecResult,
  type PodSandboxConfig,
  type PodSandboxStatus,
  type ProbeAction,
  type ProbeResult,
  RuntimeError,
  type RuntimeEvent,
} from '../container-runtime.js';
import { type Behaviour, behaviourOf, ofRun, probeFails } from './behaviour.js';

export interface SimulatedRuntimeOptions {
  readonly clock: Clock;
  /** Names its address range 10.64.0.0/10 + network * 256; up to 16,000 nodes. Default 0. */
  readonly network?: number;
  /** Which images there are. Default: all. */
  readonly hasImage?: (image: string) => boolean;
  /** What another one, of the same network, had. Default: nothing. */
  readonly from?: SimulatedState;
}

/** All that a runtime has at one moment. */
export interface SimulatedState {
  readonly sandboxes: readonly { readonly status: PodSandboxStatus; readonly address: number }[];
  readonly containers: readonly {
    readonly status: ContainerStatus;
    readonly behaviour: Behaviour;
    /** Milliseconds from now; absent while it runs for ever. */
    readonly ends?: { readonly inMs: number; readonly exitCode: number };
    /** Milliseconds from now; absent unless it is being stopped. */
    readonly killInMs?: number;
  }[];
  readonly nextAddress: number;
  readonly nextId: number;
}

interface Sandbox {
  status: PodSandboxStatus;
  readonly address: number;
}

interface Container {
  status: ContainerStatus;
  readonly behaviour: Behaviour;
  /** Its end, where that comes by itself. */
  ends?: { readonly at: number; readonly exitCode: number; readonly cancel: Cancel };
  /** While it is being stopped: when it is killed, monotonic. */
  killAt?: number;
  stopped: (() => void)[];
}

const terminated = 143;
const killed = 137;

export class SimulatedRuntime implements ContainerRuntime {
  readonly name = 'simulated';
  readonly version = '1';
  readonly hasFilesystem = false;
  readonly events$ = new Subject<RuntimeEvent>();
  readonly #clock: Clock;
  readonly #network: number;
  readonly #hasImage: (image: string) => boolean;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #containers = new Map<string, Container>();
  /** By pod UID, so that asking about one pod costs nothing on a node with many. */
  readonly #byPod = new Map<string, { readonly sandboxes: Set<string>; readonly containers: Set<string> }>();
  readonly #addresses = new Set<number>();
  #nextAddress = 2;
  #nextId = 1;

  constructor({ clock, network = 0, hasImage = () => true, from }: SimulatedRuntimeOptions) {
    this.#clock = clock;
    this.#network = network;
    this.#hasImage = hasImage;
    if (from) this.#takeUp(from);
  }

  /** What there is now. */
  state(): SimulatedState {
    const now = this.#clock.monotonic();
    return {
      sandboxes: [...this.#sandboxes.values()].map((sandbox) => ({ ...sandbox })),
      containers: [...this.#containers.values()].map(({ status, behaviour, ends, killAt }) => ({
        status,
        behaviour,
        ...(ends ? { ends: { inMs: ends.at - now, exitCode: ends.exitCode } } : {}),
        ...(killAt === undefined ? {} : { killInMs: killAt - now }),
      })),
      nextAddress: this.#nextAddress,
      nextId: this.#nextId,
    };
  }

  #takeUp({ sandboxes, containers, nextAddress, nextId }: SimulatedState): void {
    this.#nextAddress = nextAddress;
    this.#nextId = nextId;
    for (const { status, address } of sandboxes) {
      this.#sandboxes.set(status.id, { status, address });
      this.#pod(status.config.pod.uid).sandboxes.add(status.id);
      if (status.state === 'ready') this.#addresses.add(address);
    }
    for (const { status, behaviour, ends, killInMs } of containers) {
      const container: Container = { status, behaviour, stopped: [] };
      if (killInMs !== undefined) container.killAt = this.#clock.monotonic() + killInMs;
      this.#containers.set(status.id, container);
      const sandbox = this.#sandboxes.get(status.sandboxId);
      if (sandbox) this.#pod(sandbox.status.config.pod.uid).containers.add(status.id);
      if (ends) this.#endIn(container, ends.inMs, ends.exitCode);
    }
  }

  async start(): Promise<void> {}

  async close(): Promise<void> {
    for (const { ends } of this.#containers.values()) ends?.cancel();
  }

  async runPodSandbox(config: PodSandboxConfig): Promise<PodSandboxStatus> {
    const id = `s${this.#network}-${this.#nextId++}`;
    const address = this.#allocate();
    const status: PodSandboxStatus = {
      id,
      config,
      state: 'ready',
      createdAt: this.#clock.now(),
      ips: [this.#ip(address)],
    };
    this.#sandboxes.set(id, { status, address });
    this.#pod(config.pod.uid).sandboxes.add(id);
    return status;
  }

  async stopPodSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    for (const container of this.#containersOf(sandbox)) this.#end(container, killed);
    if (sandbox.status.state === 'notReady') return;
    sandbox.status = { ...sandbox.status, state: 'notReady' };
    this.#addresses.delete(sandbox.address);
  }

  async removePodSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    await this.stopPodSandbox(id);
    for (const { status } of this.#containersOf(sandbox)) await this.removeContainer(status.id);
    this.#sandboxes.delete(id);
    const { uid } = sandbox.status.config.pod;
    const pod = this.#byPod.get(uid);
    pod?.sandboxes.delete(id);
    if (pod?.sandboxes.size === 0 && pod.containers.size === 0) this.#byPod.delete(uid);
  }

  async listPodSandboxes(podUid?: string): Promise<readonly PodSandboxStatus[]> {
    if (podUid === undefined) return [...this.#sandboxes.values()].map(({ status }) => status);
    return this.#listed(this.#byPod.get(podUid)?.sandboxes, this.#sandboxes);
  }

  async pullImage(image: string): Promise<string> {
    if (this.#hasImage(image)) return image;
    throw new RuntimeError('ErrImagePull', `failed to pull and unpack image "${image}": not found`);
  }

  async imageStatus(image: string): Promise<string | undefined> {
    return this.#hasImage(image) ? image : undefined;
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (sandbox?.status.state !== 'ready')
      throw new RuntimeError('CreateContainerError', `sandbox ${sandboxId} is not ready`);
    const twin = this.#containersOf(sandbox).find(
      ({ status }) => status.config.name === config.name && status.config.attempt === config.attempt,
    );
    if (twin)
      throw new RuntimeError('CreateContainerError', `name ${config.name} is reserved for ${twin.status.id}`);
    const id = `c${this.#network}-${this.#nextId++}`;
    const status: ContainerStatus = {
      id,
      sandboxId,
      config,
      state: 'created',
      createdAt: this.#clock.now(),
      imageRef: config.image,
    };
    const behaviour = behaviourOf(sandbox.status.config.annotations, config.name);
    this.#containers.set(id, { status, behaviour, stopped: [] });
    this.#pod(sandbox.status.config.pod.uid).containers.add(id);
    return id;
  }

  async startContainer(id: string): Promise<void> {
    const container = this.#get(id);
    const { behaviour } = container;
    if (behaviour.startMs) await sleep(this.#clock, behaviour.startMs);
    if (container.status.state !== 'created') return;
    if (behaviour.startError !== undefined) {
      this.#end(container, 128, { reason: 'StartError', message: behaviour.startError });
      throw new RuntimeError('StartError', behaviour.startError);
    }
    container.status = { ...container.status, state: 'running', startedAt: this.#clock.now() };
    const { attempt } = container.status.config;
    const runMs = ofRun<number | null>(behaviour.runMs, attempt);
    if (runMs !== undefined && runMs !== null) {
      this.#endIn(container, runMs, ofRun(behaviour.exitCode, attempt) ?? 0);
    }
    this.#tell(container, 'containerStarted');
  }

  stopContainer(id: string, graceMs: number): Promise<void> {
    const container = this.#containers.get(id);
    if (!container || container.status.state === 'exited') return Promise.resolve();
    if (container.status.state === 'created') {
      this.#end(container, killed);
      return Promise.resolve();
    }
    const now = this.#clock.monotonic();
    const { stopMs = 0 } = container.behaviour;
    const first = container.killAt === undefined;
    const killAt = now + graceMs;
    const done = new Promise<void>((resolve) => container.stopped.push(resolve));
    // Asked again it can only go faster.
    if (first || killAt < (container.killAt ?? 0)) {
      container.killAt = killAt;
      const yields = first && stopMs <= graceMs;
      if (yields && stopMs === 0) this.#end(container, terminated);
      else this.#endIn(container, yields ? stopMs : graceMs, yields ? terminated : killed);
    }
    return done;
  }

  async removeContainer(id: string): Promise<void> {
    const container = this.#containers.get(id);
    if (!container) return;
    this.#end(container, killed);
    this.#containers.delete(id);
    const sandbox = this.#sandboxes.get(container.status.sandboxId);
    if (sandbox) this.#byPod.get(sandbox.status.config.pod.uid)?.containers.delete(id);
  }

  async listContainers(podUid?: string): Promise<readonly ContainerStatus[]> {
    if (podUid === undefined) return [...this.#containers.values()].map(({ status }) => status);
    return this.#listed(this.#byPod.get(podUid)?.containers, this.#containers);
  }

  async execSync(id: string, _command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    const container = this.#running(id);
    const { execMs = 0, execExitCode = 0 } = container.behaviour;
    if (execMs > 0) await sleep(this.#clock, Math.min(execMs, timeoutMs));
    return { exitCode: execMs > timeoutMs ? killed : execExitCode, stdout: '', stderr: '' };
  }

  async exec(id: string, _options: ExecOptions): Promise<number> {
    this.#running(id);
    throw new RuntimeError('NotRunning', 'simulated containers run no commands');
  }

  async attach(id: string): Promise<void> {
    this.#running(id);
    throw new RuntimeError('NotRunning', 'simulated containers run nothing one could be attached to');
  }

  async dial(): Promise<PortConnection> {
    throw new RuntimeError('NotRunning', 'simulated containers run nothing, so nothing listens in them');
  }

  async probe(id: string, action: ProbeAction, timeoutMs: number): Promise<ProbeResult> {
    const container = this.#containers.get(id);
    if (container?.status.state !== 'running')
      return { outcome: 'error', message: 'container is not running' };
    const { behaviour, status } = container;
    if (behaviour.execMs && action.type === 'exec')
      await sleep(this.#clock, Math.min(behaviour.execMs, timeoutMs));
    const failing = probeFails(behaviour, this.#clock.now() - (status.startedAt ?? 0));
    const failed = failing || (action.type === 'exec' && (behaviour.execExitCode ?? 0) !== 0);
    if (!failed) return { outcome: 'success', message: '' };
    return { outcome: 'failure', message: failureText(action) };
  }

  /** In place of any end it had before it. */
  #endIn(container: Container, ms: number, exitCode: number): void {
    container.ends?.cancel();
    const cancel = this.#clock.setTimer(ms, () => this.#end(container, exitCode));
    container.ends = { at: this.#clock.monotonic() + ms, exitCode, cancel };
  }

  #end(container: Container, exitCode: number, why: { reason?: string; message?: string } = {}): void {
    if (container.status.state === 'exited') return;
    container.ends?.cancel();
    delete container.ends;
    const now = this.#clock.now();
    container.status = {
      ...container.status,
      startedAt: container.status.startedAt ?? now,
      state: 'exited',
      exitCode,
      finishedAt: now,
      reason: why.reason ?? (exitCode === 0 ? 'Completed' : 'Error'),
      ...(why.message === undefined ? {} : { message: why.message }),
    };
    for (const resolve of container.stopped.splice(0)) resolve();
    this.#tell(container, 'containerStopped');
  }

  #tell({ status }: Container, type: RuntimeEvent['type']): void {
    const sandbox = this.#sandboxes.get(status.sandboxId);
    if (sandbox) this.events$.next({ podUid: sandbox.status.config.pod.uid, type, containerId: status.id });
  }

  #containersOf(sandbox: Sandbox): Container[] {
    const ids = this.#byPod.get(sandbox.status.config.pod.uid)?.containers ?? [];
    return [...ids].map((id) => this.#get(id)).filter(({ status }) => status.sandboxId === sandbox.status.id);
  }

  #listed<S>(ids: Iterable<string> | undefined, from: ReadonlyMap<string, { readonly status: S }>): S[] {
    const listed: S[] = [];
    for (const id of ids ?? []) {
      const found = from.get(id);
      if (found) listed.push(found.status);
    }
    return listed;
  }

  #pod(uid: string): { readonly sandboxes: Set<string>; readonly containers: Set<string> } {
    const known = this.#byPod.get(uid) ?? { sandboxes: new Set(), containers: new Set() };
    this.#byPod.set(uid, known);
    return known;
  }

  #get(id: string): Container {
    const container = this.#containers.get(id);
    if (!container) throw new RuntimeError('NotFound', `no container ${id}`);
    return container;
  }

  #running(id: string): Container {
    const container = this.#get(id);
    if (container.status.state !== 'running')
      throw new RuntimeError('NotRunning', `container ${id} is not running`);
    return container;
  }

  #allocate(): number {
    for (let tried = 0; tried < 253; tried++) {
      const address = this.#nextAddress;
      this.#nextAddress = address === 254 ? 2 : address + 1;
      if (!this.#addresses.has(address)) {
        this.#addresses.add(address);
        return address;
      }
    }
    throw new RuntimeError('CreatePodSandboxError', 'no addresses left on this node');
  }

  #ip(address: number): string {
    return `10.${64 + Math.floor(this.#network / 256)}.${this.#network % 256}.${address}`;
  }
}

function failureText(action: ProbeAction): string {
  switch (action.type) {
    case 'httpGet':
      return 'HTTP probe failed with statuscode: 500';
    case 'tcpSocket':
      return `dial tcp ${action.host}:${action.port}: connect: connection refused`;
    case 'grpc':
      return `service unhealthy (responded with "NOT_SERVING")`;
    case 'exec':
      return '';
  }
}
