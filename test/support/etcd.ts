/** A real etcd for tests: of its own directory and port, started, stopped, and always ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { temporaryFolder } from './processes.js';

/** The etcd on PATH; undefined when there is none. */
export function findEtcd(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return (env.PATH ?? '')
    .split(delimiter)
    .map((dir) => join(dir, 'etcd'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * The etcd to test with. Without one the suite is skipped with one line that says so, and fails where the real thing
 * is a must: `GYRE_REQUIRE_REAL=1` or `CI=true`.
 */
export function etcdOrSkip(context: Mocha.Context, env: NodeJS.ProcessEnv = process.env): string {
  const found = findEtcd(env);
  if (found !== undefined) return found;
  const reason = 'no etcd on PATH';
  if (env.GYRE_REQUIRE_REAL === '1' || env.CI === 'true') throw new Error(reason);
  process.stdout.write(`    skipped: ${reason}\n`);
  return context.skip();
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface EtcdOptions {
  /** More flags: `--cert-file=…`. */
  readonly flags?: readonly string[];
  /** `https` with flags that say so. Default `http`. */
  readonly scheme?: 'http' | 'https';
  /** Syncs to the disk before it answers. Default false. */
  readonly synced?: boolean;
}

/** One member that is a whole cluster. What it has written survives the end of its process, not of the machine. */
export class Etcd implements AsyncDisposable {
  readonly #binary: string;
  readonly #folder = temporaryFolder();
  readonly #flags: readonly string[];
  readonly #port: number;
  readonly endpoint: string;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #log = '';

  private constructor(binary: string, ports: readonly [number, number], options: EtcdOptions) {
    this.#binary = binary;
    const [port, peer] = ports;
    this.#port = port;
    this.endpoint = `${options.scheme ?? 'http'}://127.0.0.1:${port}`;
    const peers = `http://127.0.0.1:${peer}`;
    this.#flags = [
      `--data-dir=${this.#folder.path}`,
      `--listen-client-urls=${this.endpoint}`,
      `--advertise-client-urls=${this.endpoint}`,
      `--listen-peer-urls=${peers}`,
      `--initial-advertise-peer-urls=${peers}`,
      `--initial-cluster=default=${peers}`,
      ...(options.synced ? [] : ['--unsafe-no-fsync']),
      '--log-level=error',
      ...(options.flags ?? []),
    ];
  }

  static async start(binary: string, options: EtcdOptions = {}): Promise<Etcd> {
    const etcd = new Etcd(binary, [await freePort(), await freePort()], options);
    await etcd.start();
    return etcd;
  }

  /** Again, with the state it had. Resolves when it listens. */
  async start(): Promise<void> {
    const child = spawn(this.#binary, this.#flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    this.#exited = new Promise((resolve) => child.once('close', resolve));
    while (!(await this.#listens())) {
      if (child.exitCode !== null) throw new Error(`etcd has ended:\n${this.#log}`);
      await pause(10);
    }
  }

  #listens(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.#port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  }

  /** Stops answering, and keeps its connections. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }
  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Ended without warning. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#folder[Symbol.dispose]();
  }
}
