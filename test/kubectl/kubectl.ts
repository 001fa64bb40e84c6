/**
 * Real kubectl as a child process, with a HOME of its own: it caches discovery there, and what one server
 * said must never answer for another.
 *
 * The binary is `$KUBECTL`; else `kubectl.1.32` beside the file that the `kubectl` on PATH links to (some
 * distributions put a dispatcher there that picks a minor version by the server's); else that `kubectl`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

export interface Outcome {
  /** The exit code; null after a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Invocation {
  /** Text for standard input; an object goes as JSON. */
  readonly stdin?: string | object;
  readonly env?: Readonly<Record<string, string>>;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The kubectl to test with; undefined when there is none. */
export function findKubectl(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env.KUBECTL) return env.KUBECTL;
  const onPath = (env.PATH ?? '')
    .split(delimiter)
    .map((dir) => join(dir, 'kubectl'))
    .find(isExecutable);
  if (onPath === undefined) return undefined;
  const pinned = join(dirname(realpathSync(onPath)), 'kubectl.1.32');
  return isExecutable(pinned) ? pinned : onPath;
}

/** A kubectl of a minor version: 32 of 1.32. */
export interface KubectlMinor {
  readonly minor: number;
  readonly binary: string;
}

/** Every `kubectl.1.N` beside the kubectl on PATH, the oldest first. */
export function kubectlMinors(env: NodeJS.ProcessEnv = process.env): KubectlMinor[] {
  const found = findKubectl({ PATH: env.PATH });
  if (found === undefined) return [];
  const folder = dirname(realpathSync(found));
  return readdirSync(folder)
    .flatMap((name) => {
      const minor = /^kubectl\.1\.(\d+)$/.exec(name)?.[1];
      return minor === undefined ? [] : [{ minor: Number(minor), binary: join(folder, name) }];
    })
    .sort((a, b) => a.minor - b.minor);
}

/**
 * The kubectl to test with. Without one the suite is skipped with one line that says so, and fails where
 * the real thing is a must: `GYRE_REQUIRE_REAL=1` or `CI=true`.
 */
export function kubectlOrSkip(
  context: Mocha.Context,
  env: NodeJS.ProcessEnv = process.env,
  print: (line: string) => void = (line) => void process.stdout.write(line),
): string {
  const found = findKubectl(env);
  if (found !== undefined) return found;
  const reason = 'no kubectl on PATH and none in $KUBECTL';
  if (env.GYRE_REQUIRE_REAL === '1' || env.CI === 'true') throw new Error(reason);
  print(`    skipped: ${reason}\n`);
  return context.skip();
}

/** Milliseconds after which a kubectl that waits in vain is ended. */
const limit = 100_000;

export class Kubectl {
  readonly home: string;
  readonly #binary: string;
  readonly #env: NodeJS.ProcessEnv;

  /** @param home where kubectl keeps its caches: one per server */
  constructor(binary: string, kubeconfig: string, home: string) {
    this.home = home;
    this.#binary = binary;
    this.#env = {
      PATH: process.env.PATH,
      HOME: home,
      TMPDIR: home,
      KUBECONFIG: kubeconfig,
      // It ends before collecting garbage pays: a sixth of its time.
      GOGC: 'off',
    };
  }

  /** Runs one command to its end. */
  run(args: readonly string[], { stdin, env }: Invocation = {}): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const child = this.#spawn(args, env);
      let stdout = '';
      let stderr = '';
      child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, stdout, stderr }));
      // A command that refuses its arguments does not read what it is sent.
      child.stdin?.on('error', () => {});
      child.stdin?.end(typeof stdin === 'object' ? JSON.stringify(stdin) : (stdin ?? ''));
    });
  }

  /** Starts a command that runs until it is ended. */
  start(args: readonly string[], { env }: Pick<Invocation, 'env'> = {}): RunningKubectl {
    return new RunningKubectl(this.#spawn(args, env));
  }

  #spawn(args: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess {
    return spawn(this.#binary, args, { env: { ...this.#env, ...env }, stdio: 'pipe', timeout: limit });
  }
}

/** A kubectl that follows something: what it has printed can be waited for. */
export class RunningKubectl implements AsyncDisposable {
  stdout = '';
  stderr = '';
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  #ended = false;
  #wake: () => void = () => {};

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#wake();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#wake();
    });
    child.stdin?.on('error', () => {});
    this.exited = new Promise((resolve) => {
      child.once('close', (code) => {
        this.#ended = true;
        resolve(code);
        this.#wake();
      });
    });
  }

  /** To its standard input, which stays open. */
  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Resolves once the output matches; rejects when kubectl ends before. */
  async waitFor(pattern: RegExp, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    while (!pattern.test(this[stream])) {
      if (this.#ended) throw new Error(`kubectl ended before ${pattern}:\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  kill(): void {
    if (!this.#ended) this.#child.kill('SIGTERM');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.exited;
  }
}
