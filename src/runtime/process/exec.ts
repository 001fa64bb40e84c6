/** Runs further commands in a running container: in its namespaces, with its environment. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Observable } from 'rxjs';
import type { Cancel, Clock } from '../../api/index.js';
import { type ExecOptions, RuntimeError } from '../container-runtime.js';
import { findProgram, type Isolation, searchPath } from './isolation.js';
import { descendants, identify, killTree, type ProcessIdentity, signalProcess } from './process-table.js';
import { checkProgram, quote } from './shell-scripts.js';

export interface ExecTarget {
  readonly isolation: Isolation;
  /** The container's command. */
  readonly main: ProcessIdentity;
  readonly env: ReadonlyMap<string, string>;
  readonly workingDir: string;
  /** Prefix of the command that changes the user. */
  readonly asUser: readonly string[];
}

const killAgainMs = 50;

/** Descriptor 3 tells us why a command cannot be run, and the terminal's name. */
const enter = `fail() {
  printf 'error %s\\n' "$1" >&3
  exit 126
}
${checkProgram}
search=$PATH
cd "$1" || fail "chdir to cwd (\\"$1\\") failed: no such file or directory"
check_program "$2"
shift 2
unset OLDPWD
`;
const plain = `${enter}exec 3>&-\nexec "$@"`;
/** Run by script(1), which gives it a terminal: sizes it, then becomes the command. */
const onTerminal = `printf 'tty %s\\n' "$(tty)" >&3; exec 3>&-; exec "$@"`;

function namespaces({ isolation, main }: ExecTarget): string[] {
  if (isolation === 'none') return [];
  const user = isolation === 'userns' ? ['--user', '--preserve-credentials'] : [];
  return ['nsenter', '--target', String(main.pid), ...user, '--mount', '--pid', '--uts', '--'];
}

function commandFor(target: ExecTarget, options: ExecOptions): readonly string[] {
  // A shell does not hand on variables whose names it could not use itself.
  const odd = [...target.env]
    .filter(([name]) => !/^[A-Za-z_]\w*$/.test(name))
    .map(([name, value]) => `${name}=${value}`);
  const command = [...target.asUser, ...(odd.length > 0 ? ['env', ...odd] : []), ...options.command];
  const [program = ''] = options.command;
  if (!options.tty) return ['/bin/sh', '-c', plain, 'sh', target.workingDir, program, ...command];
  if (!findProgram('script')) {
    throw new RuntimeError(
      'StartError',
      'no terminal: script(1) of util-linux is not installed; try without -t',
    );
  }
  const inner = ['/bin/sh', '-c', onTerminal, 'sh', ...command].map(quote).join(' ');
  const script = `${enter}exec script -qefc ${quote(inner)} /dev/null`;
  return ['/bin/sh', '-c', script, 'sh', target.workingDir, program];
}

/**
 * Resolves with the exit code once the command and its output have ended; an aborted one is killed, and so is one
 * whose container has ended.
 * @throws RuntimeError StartError for a command that cannot be run; the signal's reason when aborted
 */
export async function execInContainer(
  target: ExecTarget,
  options: ExecOptions,
  containerEnded: Observable<unknown>,
  clock: Clock,
): Promise<number> {
  options.signal?.throwIfAborted();
  const [program = '', ...args] = [...namespaces(target), ...commandFor(target, options)];
  const env = {
    ...Object.fromEntries(target.env),
    ...(options.tty ? { TERM: target.env.get('TERM') ?? 'xterm' } : {}),
    // Root of a user namespace knows no owner but itself: the tar of `kubectl cp` is not to look for others.
    ...(target.isolation === 'userns'
      ? { TAR_OPTIONS: target.env.get('TAR_OPTIONS') ?? '--no-same-owner' }
      : {}),
  };
  const child = spawn(findProgram(program) ?? program, args, {
    detached: true,
    cwd: '/',
    env,
    stdio: [options.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  let said = '';
  let terminal: string | undefined;
  let size: { readonly width: number; readonly height: number } | undefined;
  const resize = () => {
    if (terminal && size) {
      // As the container sees it: its terminals are its own.
      const path = target.isolation === 'none' ? terminal : `/proc/${target.main.pid}/root${terminal}`;
      const stty = ['-F', path, 'rows', String(size.height), 'cols', String(size.width)];
      spawn('stty', stty, { stdio: 'ignore', env: { PATH: searchPath() } }).once('error', () => {});
    }
  };
  (child.stdio[3] as Readable | null)?.on('data', (chunk: Buffer) => {
    said += chunk;
    terminal ??= /^tty (\/dev\/\S+)$/m.exec(said)?.[1];
    resize();
  });
  if (child.stdout) give(child.stdout, options.stdout);
  if (child.stderr) give(child.stderr, options.stderr);

  const ended = new AbortController();
  let again: Cancel = () => {};
  /** Until it is over: nsenter may have seen that its child was stopped, and stop too, after it was told to go on. */
  const kill = (): void => {
    if (!identity) return;
    killExec(identity);
    again = clock.setTimer(killAgainMs, kill);
  };
  const abort = () => {
    kill();
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  options.signal?.addEventListener('abort', abort, { once: true });
  // A namespace takes its commands with it; without one that is up to us.
  const watch = containerEnded.subscribe(kill);
  const inputs = [
    options.stdin && child.stdin ? feed(options.stdin, child.stdin, ended.signal) : undefined,
    options.resize
      ? each(options.resize, ended.signal, (next) => {
          size = next;
          resize();
        })
      : undefined,
  ];
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode, signal) => resolve(exitCode ?? (signal === 'SIGKILL' ? 137 : 143)));
    });
    options.signal?.throwIfAborted();
    const problem = /^error (.*)$/m.exec(said)?.[1];
    if (problem !== undefined) throw new RuntimeError('StartError', problem);
    return code;
  } finally {
    again();
    options.signal?.removeEventListener('abort', abort);
    watch.unsubscribe();
    ended.abort();
    for (const input of inputs) input?.catch(() => {});
  }
}

/**
 * Kills what is below nsenter, also what is born meanwhile: everybody is stopped before the first one dies, as a child whose
 * parent is gone is found by nobody. nsenter itself is left to reap its child where there is one: a PID namespace does not end
 * before all who died in it are reaped, and the machine's own init may take its time.
 */
function killExec(root: ProcessIdentity): void {
  signalProcess(root, 'SIGSTOP');
  const below = new Map<number, ProcessIdentity>();
  for (;;) {
    const born = descendants(root.pid).filter(({ pid }) => !below.has(pid));
    if (born.length === 0) break;
    for (const identity of born) {
      below.set(identity.pid, identity);
      signalProcess(identity, 'SIGSTOP');
    }
  }
  for (const identity of below.values()) signalProcess(identity, 'SIGKILL');
  if (below.size === 0) killTree(root);
  else signalProcess(root, 'SIGCONT');
}

/** Passes on what comes, no faster than it is taken. */
function give(source: Readable, take: ((chunk: Uint8Array) => void | Promise<void>) | undefined): void {
  source.on('data', (chunk: Buffer) => {
    const busy = take?.(chunk);
    if (!busy) return;
    source.pause();
    void busy.finally(() => source.resume());
  });
}

/** Takes what comes until `stop`, then gives the source up. */
async function each<T>(
  source: AsyncIterable<T>,
  stop: AbortSignal,
  take: (value: T) => unknown,
): Promise<void> {
  const iterator = source[Symbol.asyncIterator]();
  stop.addEventListener('abort', () => void iterator.return?.().catch(() => {}), { once: true });
  while (!stop.aborted) {
    const next = await iterator.next();
    if (next.done || stop.aborted) return;
    await take(next.value);
  }
}

async function feed(
  source: AsyncIterable<Uint8Array>,
  sink: NodeJS.WritableStream,
  stop: AbortSignal,
): Promise<void> {
  // A command that does not read its input is no failure.
  sink.on('error', () => {});
  try {
    await each(source, stop, (chunk) => {
      if (sink.write(chunk)) return undefined;
      return new Promise<void>((resolve) => {
        sink.once('drain', resolve);
        sink.once('close', resolve);
      });
    });
  } finally {
    sink.end();
  }
}

/** An abort after `ms`; `cancel` it when it is not needed any more. */
export function deadline(
  clock: Clock,
  ms: number,
): { readonly signal: AbortSignal; readonly cancel: () => void } {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    cancel: clock.setTimer(ms, () => controller.abort(new DeadlineExceeded(`timed out after ${ms / 1000}s`))),
  };
}

/** A command took longer than it may. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';
}
