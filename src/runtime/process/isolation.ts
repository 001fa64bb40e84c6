/**
 * How far containers can be kept apart here, found out by trying: as root, in user namespaces, or not at all.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock } from '../../api/index.js';
import { privateRoot } from './private-root.js';
import { runScript } from './shell-scripts.js';

/** `root` and `userns`: a private root and PID namespace per container. `none`: plain processes. */
export type Isolation = 'root' | 'userns' | 'none';

const systemPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The host's PATH, with the system's directories behind it. */
export function searchPath(): string {
  const own = (process.env.PATH ?? '').split(delimiter).filter((dir) => dir.startsWith('/'));
  return [...new Set([...own, ...systemPath])].join(':');
}

/** The absolute path of a program of the host. */
export function findProgram(name: string): string | undefined {
  return searchPath()
    .split(':')
    .map((dir) => join(dir, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** What runs a run script under this isolation: words to put before its path. */
export function launcher(isolation: Isolation): readonly string[] {
  const namespaces = ['--mount', '--pid', '--uts', '--fork', '--kill-child'];
  if (isolation === 'none') return ['/bin/sh'];
  return [
    'unshare',
    ...(isolation === 'userns' ? ['--user', '--map-root-user'] : []),
    ...namespaces,
    '/bin/sh',
  ];
}

/** Tries one isolation with a container that does nothing; resolves with what went wrong. */
function attempt(mode: 'root' | 'userns', scratch: string, clock: Clock): Promise<string | undefined> {
  const script = join(scratch, 'run.sh');
  const mnt = join(scratch, 'mnt');
  mkdirSync(mnt, { recursive: true });
  writeFileSync(
    script,
    runScript({
      argv: ['true'],
      env: new Map([['PATH', searchPath()]]),
      workingDir: '/',
      hostname: 'probe',
      setUp: privateRoot({ mode, scratch: mnt, mounts: [], readOnly: false }),
      asUser: [],
    }),
  );
  return new Promise((resolve) => {
    const [command = '', ...args] = launcher(mode);
    const child = spawn(command, [...args, script], {
      stdio: ['ignore', 'ignore', 'pipe', 'ignore', 'ignore', 'pipe'],
      env: { PATH: searchPath() },
      cwd: '/',
    });
    let said = '';
    let complaint = '';
    child.stderr?.on('data', (chunk) => {
      complaint += chunk;
    });
    (child.stdio as readonly unknown[] as readonly (Readable | null)[])[5]?.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    const cancel = clock.setTimer(10_000, () => child.kill('SIGKILL'));
    child.once('error', (error) => {
      cancel();
      resolve(error.message);
    });
    child.once('close', (code) => {
      cancel();
      if (code === 0 && said.endsWith('exec\n')) resolve(undefined);
      else
        resolve(
          /^error (.*)$/m.exec(said)?.[1] ?? (complaint.trim().split('\n').at(-1) || `exit code ${code}`),
        );
    });
  });
}

/** Finds the best isolation. `scratch` is a directory of ours. `note` is a sentence for start-up output. */
export async function detectIsolation(
  scratch: string,
  clock: Clock,
): Promise<{ isolation: Isolation; note: string }> {
  const without = (why: string) => ({
    isolation: 'none' as const,
    note: `containers run without a private root (${why}): volumes are below $GYRE_POD_ROOT, not at their mount paths`,
  });
  if (process.platform !== 'linux') return without('that needs Linux');
  if (!findProgram('unshare') || !findProgram('nsenter'))
    return without('unshare and nsenter of util-linux are missing');
  let why = '';
  if (process.getuid?.() === 0) {
    const problem = await attempt('root', scratch, clock);
    if (problem === undefined) return { isolation: 'root', note: 'containers have a private root' };
    why = problem;
  }
  const problem = await attempt('userns', scratch, clock);
  if (problem !== undefined) return without(why || problem);
  return { isolation: 'userns', note: 'containers have a private root, in a user namespace' };
}
