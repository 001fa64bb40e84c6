/** Programs as a user starts them, for tests: started, watched, and always ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));

export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly exited: Promise<number | null>;
  stdout = '';
  stderr = '';
  #listeners: (() => void)[] = [];

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      for (const listener of this.#listeners) listener();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      for (const listener of this.#listeners) listener();
    });
    this.exited = new Promise((resolve) => {
      // Not 'exit': what it printed last may still be on its way then.
      this.#child.once('close', (code) => {
        resolve(code);
        for (const listener of this.#listeners) listener();
      });
    });
  }

  /** The first match in what the program has printed; rejects when it ends without. */
  waitFor(pattern: RegExp, stream: 'stdout' | 'stderr' = 'stdout'): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this[stream]);
        if (match) resolve(match);
        else if (this.#child.exitCode !== null)
          reject(
            new Error(
              `ended with ${this.#child.exitCode} before ${pattern}:\n${this.stdout}\n${this.stderr}`,
            ),
          );
        else return;
        this.#listeners = this.#listeners.filter((l) => l !== look);
      };
      this.#listeners.push(look);
      look();
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.exited;
  }
}

/** A folder of its own, removed at the end. */
export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'gyre-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** `gyre up` on a free port, ready. */
export async function gyreUp(
  dataDir: string,
  args: readonly string[] = [],
): Promise<{ program: Program; url: string; kubeconfig: string }> {
  const program = new Program([
    join(root, 'dist/cli/main.js'),
    'up',
    '--data-dir',
    dataDir,
    '--port',
    '0',
    ...args,
  ]);
  const [, url = ''] = await program.waitFor(/^ready (https:\S+)$/m);
  return { program, url, kubeconfig: join(dataDir, 'kubeconfig') };
}
