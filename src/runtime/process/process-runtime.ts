/**
 * The process runtime: a child process per container, on this machine, without a daemon.
 *
 * Guarantees
 * - Containers outlive us. Each is held by a small shell (`shell-scripts.ts`); a new life finds by pid and start
 *   time what still runs, goes on with its log where that ended, and learns the exit code of what has ended
 *   meanwhile. Nothing is run twice.
 * - What stop and remove have ended, leaves no process behind: a PID namespace per container where the system
 *   allows it; else the container's session is killed (a process that makes a session of its own gets away).
 * - Nothing is ever created on the host's own root (`private-root.ts`).
 *
 * Caveats
 * - Network, users and resources are the host's: limits are not enforced, ports are shared but for the
 *   loopback address each pod has. It keeps programs apart, it does not lock them in.
 * - A container's own `tty` is not given: its output is a pipe. `exec` with a terminal works.
 */
import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import { join, resolve } from 'node:path';
import { filter, type Observable, Subject } from 'rxjs';
import type { Cancel, Clock, PortConnection, Random } from '../../api/index.js';
import type { Logger } from '../../telemetry/index.js';
import {
  type AttachOptions,
  type ContainerConfig,
  type ContainerRuntime,
  type ContainerStatus,
  type ExecOptions,
  type ExecResult,
  type ImageUse,
  type PodSandboxConfig,
  type PodSandboxStatus,
  type ProbeAction,
  type ProbeResult,
  RuntimeError,
  type RuntimeEvent,
} from '../container-runtime.js';
import { attachToContainer } from './attach.js';
import { Container, type ContainerHome } from './container.js';
import { asUser, type ContainerSpec, environmentOf, scriptFor, workingDirOf } from './container-spec.js';
import { dialTcp } from './dial.js';
import { DeadlineExceeded, deadline, type ExecTarget, execInContainer } from './exec.js';
import { commandLine, type ImageMapping, Images, type ImageContext, type ResolvedImage } from './images.js';
import { detectIsolation, type Isolation } from './isolation.js';
import { probeHttp, probeTcp } from './network-probes.js';
import { PodAddresses } from './pod-addresses.js';
import { type ContainerRecord, Records, type SandboxRecord, writeAtomically } from './records.js';
import { shimScript } from './shell-scripts.js';

/** What a watch has missed is found at the latest after this. */
const pollMs = 2_000;
/** Output of `execSync` that is kept, per stream. */
const maxExecBytes = 16 * 1024 * 1024;

export interface ProcessRuntimeOptions {
  /** A directory of this node's own, made when missing. */
  readonly root: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Images besides those built in, by reference or parts of it: `example.com/team/web`, `web`. */
  readonly images?: Readonly<Record<string, ImageMapping>>;
  /** Where pods get their addresses from. Default `127.64.0.0/12`. */
  readonly podCidr?: string;
  /** Instead of the best that works here. */
  readonly isolation?: Isolation;
  /** Gyre's version. */
  readonly version?: string;
}

export class ProcessRuntime implements ContainerRuntime {
  readonly name = 'process';
  readonly version: string;
  readonly hasFilesystem = true;
  readonly #events = new Subject<RuntimeEvent>();
  /** Ids of containers that may have something to say: for those who are attached. */
  readonly #news = new Subject<string>();
  readonly events$: Observable<RuntimeEvent> = this.#events.asObservable();
  readonly #options: ProcessRuntimeOptions;
  readonly #images: Images;
  readonly #addresses: PodAddresses;
  readonly #sandboxes = new Map<string, SandboxRecord>();
  readonly #containers = new Map<string, Container>();
  #sandboxRecords: Records<SandboxRecord> | undefined;
  #containerRecords: Records<ContainerRecord> | undefined;
  #watcher: FSWatcher | undefined;
  #cancelPoll: Cancel = () => {};
  #isolation: Isolation = 'none';
  #isolationNote = '';
  #closed = false;

  constructor(options: ProcessRuntimeOptions) {
    this.#options = { ...options, root: resolve(options.root) };
    this.version = options.version ?? '0.1.0';
    this.#images = new Images(options.images ?? {});
    this.#addresses = new PodAddresses(options.podCidr ?? '127.64.0.0/12');
  }

  /** Known once started. */
  get isolation(): Isolation {
    return this.#isolation;
  }

  /** What start-up says about it: one sentence. */
  get isolationNote(): string {
    return this.#isolationNote;
  }

  async start(): Promise<void> {
    const { clock, log, isolation } = this.#options;
    for (const dir of ['run', 'containers', 'sandboxes', 'probe']) {
      mkdirSync(this.#path(dir), { recursive: true, mode: 0o700 });
    }
    // Replaced, never rewritten: running shims still read the old one.
    writeAtomically(this.#path('shim.sh'), shimScript);
    if (isolation === undefined) {
      const found = await detectIsolation(this.#path('probe'), clock);
      this.#isolation = found.isolation;
      this.#isolationNote = found.note;
    } else {
      this.#isolation = isolation;
      this.#isolationNote = `containers run with isolation ${isolation}`;
    }
    this.#sandboxRecords = new Records(this.#path('sandboxes'));
    this.#containerRecords = new Records(this.#path('containers'));
    const unreadable = (file: string, error: unknown) => log.warn('cannot read a record', { file, error });
    for (const record of this.#sandboxRecords.load(unreadable)) {
      this.#sandboxes.set(record.id, record);
      for (const ip of record.config.hostNetwork ? [] : record.ips) this.#addresses.reserve(ip);
    }
    this.#watch();
    for (const record of this.#containerRecords.load(unreadable)) {
      const sandbox = this.#sandboxes.get(record.sandboxId);
      const container = this.#container(record, sandbox);
      this.#containers.set(record.id, container);
      container.adopt();
      if (!sandbox) await this.removeContainer(record.id);
    }
    this.#poll();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelPoll();
    this.#watcher?.close();
    await Promise.all([...this.#containers.values()].map((container) => container.close()));
    for (const id of this.#containers.keys()) this.#news.next(id);
    this.#events.complete();
  }

  async runPodSandbox(config: PodSandboxConfig): Promise<PodSandboxStatus> {
    for (const other of this.#sandboxes.values()) {
      if (other.config.pod.uid === config.pod.uid && other.config.attempt === config.attempt) {
        throw new RuntimeError(
          'CreatePodSandboxError',
          `failed to reserve sandbox name "${config.pod.name}_${config.pod.namespace}_${config.pod.uid}_${config.attempt}": it is reserved for "${other.id}"`,
        );
      }
    }
    const ip = config.hostNetwork ? '127.0.0.1' : this.#addresses.allocate();
    if (ip === undefined) {
      const range = this.#options.podCidr ?? '127.64.0.0/12';
      throw new RuntimeError('CreatePodSandboxError', `no IP addresses available in range ${range}`);
    }
    const createdAt = this.#options.clock.now();
    const record: SandboxRecord = { id: this.#newId(), config, state: 'ready', createdAt, ips: [ip] };
    this.#saveSandbox(record);
    return record;
  }

  async stopPodSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    await Promise.all(this.#containersOf(id).map((container) => container.stop(0)));
    if (sandbox.state === 'notReady') return;
    this.#saveSandbox({ ...sandbox, state: 'notReady' });
    this.#events.next({ podUid: sandbox.config.pod.uid, type: 'sandboxChanged' });
  }

  async removePodSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    await this.stopPodSandbox(id);
    await Promise.all(this.#containersOf(id).map(({ record }) => this.removeContainer(record.id)));
    this.#sandboxRecords?.remove(id);
    this.#sandboxes.delete(id);
    for (const ip of sandbox.config.hostNetwork ? [] : sandbox.ips) this.#addresses.release(ip);
  }

  async listPodSandboxes(podUid?: string): Promise<readonly PodSandboxStatus[]> {
    const all = [...this.#sandboxes.values()];
    return podUid === undefined ? all : all.filter(({ config }) => config.pod.uid === podUid);
  }

  /** Nothing is pulled: an image is known or it is not; with a command of the container's own any will do. */
  async pullImage(image: string, use: ImageUse = { hasCommand: false }): Promise<string> {
    return this.#resolveImage(image, use.hasCommand).reference;
  }

  async imageStatus(image: string, use: ImageUse = { hasCommand: false }): Promise<string | undefined> {
    try {
      return this.#resolveImage(image, use.hasCommand).reference;
    } catch (error) {
      if (error instanceof RuntimeError && error.reason === 'ErrImagePull') return undefined;
      throw error;
    }
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (sandbox?.state !== 'ready') {
      throw new RuntimeError('CreateContainerError', `sandbox ${sandboxId} is not running`);
    }
    for (const { record } of this.#containersOf(sandboxId)) {
      if (record.config.name === config.name && record.config.attempt === config.attempt) {
        const { pod } = sandbox.config;
        throw new RuntimeError(
          'CreateContainerError',
          `failed to reserve container name "${config.name}_${pod.name}_${pod.namespace}_${pod.uid}_${config.attempt}": it is reserved for "${record.id}"`,
        );
      }
    }
    const image = this.#imageFor(config, sandbox);
    const argv = commandLine(image, config.command, config.args);
    if (argv.length === 0) throw new RuntimeError('CreateContainerError', 'no command specified');
    const record: ContainerRecord = {
      id: this.#newId(),
      sandboxId,
      podUid: sandbox.config.pod.uid,
      config,
      image,
      isolation: this.#isolation,
      argv,
      state: 'created',
      createdAt: this.#options.clock.now(),
    };
    this.#containerRecords?.save(record);
    this.#containers.set(record.id, this.#container(record, sandbox));
    return record.id;
  }

  async startContainer(id: string): Promise<void> {
    const container = this.#get(id);
    await container.start(() => scriptFor(this.#spec(container)));
  }

  async stopContainer(id: string, graceMs: number): Promise<void> {
    await this.#containers.get(id)?.stop(graceMs);
  }

  async removeContainer(id: string): Promise<void> {
    const container = this.#containers.get(id);
    if (!container) return;
    await container.remove();
    this.#containers.delete(id);
  }

  async listContainers(podUid?: string): Promise<readonly ContainerStatus[]> {
    const all = [...this.#containers.values()];
    return all
      .filter(({ record }) => podUid === undefined || record.podUid === podUid)
      .map((container) => container.status());
  }

  /** @throws RuntimeError also StartError; DeadlineExceeded when the time is up */
  async execSync(id: string, command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    const target = this.#execTarget(id);
    const collected = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
    const size = { stdout: 0, stderr: 0 };
    const collect = (stream: 'stdout' | 'stderr') => (chunk: Uint8Array) => {
      if ((size[stream] += chunk.length) <= maxExecBytes) collected[stream].push(chunk);
    };
    const { signal, cancel } = deadline(this.#options.clock, timeoutMs);
    try {
      const options = { command, tty: false, stdout: collect('stdout'), stderr: collect('stderr'), signal };
      const exitCode = await execInContainer(target, options, this.#endOf(id), this.#options.clock);
      const text = (chunks: readonly Uint8Array[]) => Buffer.concat(chunks).toString('utf8');
      return { exitCode, stdout: text(collected.stdout), stderr: text(collected.stderr) };
    } finally {
      cancel();
    }
  }

  async exec(id: string, options: ExecOptions): Promise<number> {
    return await execInContainer(this.#execTarget(id), options, this.#endOf(id), this.#options.clock);
  }

  async attach(id: string, options: AttachOptions): Promise<void> {
    const container = this.#get(id);
    const { record, home } = container;
    if (record.state !== 'running')
      throw new RuntimeError('NotRunning', `container ${record.config.name} is not running`);
    const target = {
      ...home,
      stdinOnce: record.config.stdinOnce ?? false,
      over: () => this.#closed || container.saidAll,
      onNews: (look: () => void) => {
        const news = this.#news.pipe(filter((of) => of === id)).subscribe(look);
        return () => news.unsubscribe();
      },
    };
    await attachToContainer(target, options);
  }

  /**
   * At the pod's own address alone: what listens on 127.0.0.1 is the whole machine's, and may be the very one who
   * forwards the port.
   */
  async dial(sandboxId: string, port: number, signal: AbortSignal): Promise<PortConnection> {
    const sandbox = this.#sandboxes.get(sandboxId);
    const [address] = sandbox?.ips ?? [];
    if (sandbox === undefined || address === undefined)
      throw new RuntimeError('NotFound', `sandbox ${sandboxId} not found`);
    if (sandbox.state !== 'ready')
      throw new RuntimeError('NotRunning', `sandbox ${sandboxId} is not running`);
    return await dialTcp(address, port, signal);
  }

  async probe(id: string, action: ProbeAction, timeoutMs: number): Promise<ProbeResult> {
    const { clock } = this.#options;
    switch (action.type) {
      case 'httpGet':
        return await probeHttp(action, timeoutMs, clock);
      case 'tcpSocket':
        return await probeTcp(action, timeoutMs, clock);
      case 'grpc':
        return { outcome: 'error', message: 'grpc probes are not supported by the process runtime' };
      case 'exec':
        return await this.#probeExec(id, action.command, timeoutMs);
    }
  }

  async #probeExec(id: string, command: readonly string[], timeoutMs: number): Promise<ProbeResult> {
    try {
      const { exitCode, stdout, stderr } = await this.execSync(id, command, timeoutMs);
      return { outcome: exitCode === 0 ? 'success' : 'failure', message: `${stdout}${stderr}` };
    } catch (error) {
      if (error instanceof DeadlineExceeded) {
        const shown = JSON.stringify(command.join(' '));
        return {
          outcome: 'failure',
          message: `command timed out: ${shown} timed out after ${timeoutMs / 1000}s`,
        };
      }
      return { outcome: 'error', message: (error as Error).message };
    }
  }

  #execTarget(id: string): ExecTarget {
    const container = this.#get(id);
    const { record } = container;
    if (record.state !== 'running' || !record.main) {
      throw new RuntimeError('NotRunning', `container ${record.config.name} is not running`);
    }
    const spec = this.#spec(container);
    return {
      isolation: record.isolation,
      main: record.main,
      env: environmentOf(spec),
      workingDir: workingDirOf(spec),
      asUser: asUser(spec),
    };
  }

  #endOf(id: string): Observable<RuntimeEvent> {
    return this.events$.pipe(
      filter(({ type, containerId }) => type === 'containerStopped' && containerId === id),
    );
  }

  #spec({ record, home }: Container): ContainerSpec {
    return { record, sandbox: this.#sandboxOf(record), own: home.own };
  }

  #imageFor(config: ContainerConfig, sandbox: SandboxRecord): ResolvedImage {
    const { namespace, name } = sandbox.config.pod;
    const port = config.ports.find(({ protocol }) => protocol === 'TCP' || protocol === '')?.containerPort;
    return this.#resolveImage(config.image, (config.command ?? []).length > 0, {
      namespace,
      pod: name,
      hasMounts: this.#isolation !== 'none',
      ...(port === undefined ? {} : { port }),
    });
  }

  #resolveImage(
    image: string,
    hasCommand: boolean,
    user: ImageContext = { namespace: '', pod: '', hasMounts: false },
  ): ResolvedImage {
    return this.#images.resolve(image, hasCommand, user);
  }

  #container(record: ContainerRecord, sandbox: SandboxRecord | undefined): Container {
    const records = this.#containerRecords;
    if (!records) throw new Error('the process runtime has not been started');
    const home: ContainerHome = {
      own: this.#path('containers', record.id),
      run: this.#path('run', record.id),
      shim: this.#path('shim.sh'),
      log: join(sandbox?.config.logDirectory ?? this.#path('containers', record.id), record.config.logPath),
    };
    return new Container(record, home, {
      clock: this.#options.clock,
      log: this.#options.log,
      records,
      changed: ({ podUid, id }, type) => {
        this.#events.next({ podUid, type, containerId: id });
        this.#news.next(id);
      },
    });
  }

  #watch(): void {
    const { log } = this.#options;
    try {
      this.#watcher = watch(this.#path('run'), (_event, file) => this.#onFile(file));
      this.#watcher.on('error', (error) => log.warn('cannot watch containers any more', { error }));
    } catch (error) {
      log.warn('cannot watch containers; what they do is seen late', { error });
    }
  }

  /** `<id>.<kind>` in the run directory has changed. */
  #onFile(file: string | null): void {
    const [id = '', kind = ''] = file?.split('.') ?? [];
    const container = this.#containers.get(id);
    if (kind === 'stdout' || kind === 'stderr') container?.pokeLog();
    else container?.look();
    this.#news.next(id);
  }

  #poll(): void {
    this.#cancelPoll = this.#options.clock.setTimer(pollMs, () => {
      if (this.#closed) return;
      for (const container of this.#containers.values()) {
        container.look();
        container.pokeLog();
        this.#news.next(container.record.id);
      }
      this.#poll();
    });
  }

  #saveSandbox(record: SandboxRecord): void {
    if (!this.#sandboxRecords) throw new Error('the process runtime has not been started');
    this.#sandboxRecords.save(record);
    this.#sandboxes.set(record.id, record);
  }

  #containersOf(sandboxId: string): Container[] {
    return [...this.#containers.values()].filter(({ record }) => record.sandboxId === sandboxId);
  }

  #get(id: string): Container {
    const container = this.#containers.get(id);
    if (!container) throw new RuntimeError('NotFound', `container ${id} not found`);
    return container;
  }

  #sandboxOf(record: ContainerRecord): SandboxRecord {
    const sandbox = this.#sandboxes.get(record.sandboxId);
    if (!sandbox) throw new RuntimeError('NotFound', `sandbox ${record.sandboxId} not found`);
    return sandbox;
  }

  #newId(): string {
    const { random } = this.#options;
    return `${random.uuid()}${random.uuid()}`.replaceAll('-', '');
  }

  #path(...parts: readonly string[]): string {
    return join(this.#options.root, ...parts);
  }
}
