/** A ProcessRuntime in a process of its own, as any user, that can be killed and started again. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type {
  ContainerConfig,
  ContainerStatus,
  ExecResult,
  PodSandboxConfig,
  PodSandboxStatus,
  RuntimeEvent,
} from 'gyre/runtime';

const program = fileURLToPath(new URL('./node-life.js', import.meta.url));
const nobody = 65534;

/** How the runtime is run: as who we are, as nobody in user namespaces, or without any isolation. */
export type Way = 'root' | 'userns' | 'none';
export const ways: readonly Way[] =
  process.getuid?.() === 0 ? ['root', 'userns', 'none'] : ['userns', 'none'];

/** Where this checkout, or node itself, lies in a place of somebody's own, nobody cannot run it. */
export function canRun(way: Way): boolean {
  if (way !== 'userns' || process.getuid?.() !== 0) return true;
  const look = `require('node:fs').accessSync(${JSON.stringify(program)})`;
  return spawnSync(process.execPath, ['-e', look], { uid: nobody, gid: nobody, cwd: '/' }).status === 0;
}

export class CallError extends Error {
  constructor(
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

export class RemoteRuntime implements AsyncDisposable {
  readonly folder: string;
  readonly events: RuntimeEvent[] = [];
  readonly #way: Way;
  readonly #images: string;
  readonly #pending = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #calls = 0;

  private constructor(way: Way, images: object) {
    this.#way = way;
    this.#images = JSON.stringify(images);
    this.folder = mkdtempSync(join(tmpdir(), 'gyre-process-'));
    if (this.#asNobody) chownSync(this.folder, nobody, nobody);
  }

  static async start(way: Way, images: object = {}): Promise<RemoteRuntime> {
    const runtime = new RemoteRuntime(way, images);
    await runtime.restart();
    return runtime;
  }

  get #asNobody(): boolean {
    return this.#way === 'userns' && process.getuid?.() === 0;
  }

  /** Starts a life on the same directory. */
  async restart(): Promise<void> {
    const args = [program, join(this.folder, 'node'), this.#way === 'none' ? 'none' : 'best', this.#images];
    const as = this.#asNobody ? { uid: nobody, gid: nobody } : {};
    const env = { PATH: process.env.PATH ?? '', HOME: '/', SECRET_OF_THE_HOST: 'leaked' };
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], env, cwd: '/', ...as });
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('close', () => resolve()));
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    await new Promise<void>((resolve, reject) => {
      child.once('close', (code) => reject(new Error(`the node ended with ${code}`)));
      lines.on('line', (line) => {
        const { started, event, id, result, error } = JSON.parse(line);
        if (started) resolve();
        else if (event) this.events.push(event);
        else if (error) this.#pending.get(id)?.reject(new CallError(error.reason, error.message));
        else this.#pending.get(id)?.resolve(result);
      });
    });
  }

  /** SIGKILL, as `kill -9` does. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  call<T = void>(method: string, ...args: readonly unknown[]): Promise<T> {
    const id = ++this.#calls;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child?.stdin?.write(`${JSON.stringify({ id, method, args })}\n`);
    });
  }

  sandbox(name = 'web', over: Partial<PodSandboxConfig> = {}): Promise<PodSandboxStatus> {
    return this.call('runPodSandbox', {
      pod: { namespace: 'default', name, uid: `uid-${name}` },
      attempt: 0,
      hostname: name,
      labels: {},
      annotations: {},
      hostNetwork: false,
      logDirectory: join(this.folder, 'logs', name),
      ...over,
    });
  }

  /** Creates and starts. */
  async run(sandbox: PodSandboxStatus, over: Partial<ContainerConfig>): Promise<string> {
    const id = await this.create(sandbox, over);
    await this.call('startContainer', id);
    return id;
  }

  create(sandbox: PodSandboxStatus, over: Partial<ContainerConfig>): Promise<string> {
    const name = over.name ?? 'main';
    return this.call('createContainer', sandbox.id, {
      name,
      attempt: 0,
      image: 'busybox',
      env: [],
      mounts: [],
      stdin: false,
      tty: false,
      ports: [],
      resources: {},
      securityContext: {},
      labels: {},
      annotations: {},
      specHash: '',
      logPath: `${name}/${over.attempt ?? 0}.log`,
      ...over,
    });
  }

  async status(id: string): Promise<ContainerStatus> {
    const found = (await this.call<ContainerStatus[]>('listContainers')).find(
      (container) => container.id === id,
    );
    if (!found) throw new Error(`no container ${id}`);
    return found;
  }

  async exited(id: string): Promise<ContainerStatus> {
    return await eventually(async () => {
      const status = await this.status(id);
      return status.state === 'exited' ? status : undefined;
    }, `container ${id} to exit`);
  }

  execSync(id: string, ...command: string[]): Promise<ExecResult> {
    return this.call('execSync', id, command, 5000);
  }

  /** What is in a container's log, without times. */
  log(sandbox: PodSandboxStatus, name = 'main', attempt = 0): string[] {
    const path = join(sandbox.config.logDirectory, name, `${attempt}.log`);
    if (!existsSync(path)) return [];
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.slice(line.indexOf(' ') + 1));
  }

  /** A pid of the host, from the record on disk. */
  pid(id: string, which: 'main' | 'init' | 'shim' = 'main'): number {
    const record = JSON.parse(readFileSync(this.recordPath(id), 'utf8'));
    return record[which].pid;
  }

  recordPath(id: string): string {
    return join(this.folder, 'node/containers', `${id}.json`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child?.exitCode !== null || this.#child.signalCode !== null) await this.restart();
    for (const { id } of await this.call<PodSandboxStatus[]>('listPodSandboxes'))
      await this.call('removePodSandbox', id);
    this.#child?.stdin?.end();
    await this.#exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Polls with a deadline. */
export async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  what: string,
): Promise<T> {
  for (let tries = 0; tries < 500; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain for ${what}`);
}

export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
