/**
 * Processes of this machine, told apart by pid and start time: a pid alone is reused, so nothing here ever
 * signals a process that is not the very one meant.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot on Linux, `ps` text elsewhere; only ever compared. */
  readonly startTime: string;
}

interface ProcessEntry extends ProcessIdentity {
  readonly parent: number;
  /** The session; where that is not told, the process group. */
  readonly session: number;
  readonly zombie: boolean;
}

const hasProc = process.platform === 'linux';

/** Reads a line of `/proc/<pid>/stat`; the name in parentheses may hold anything. */
export function parseStat(line: string): ProcessEntry | undefined {
  const close = line.lastIndexOf(')');
  const pid = Number.parseInt(line, 10);
  const fields = line.slice(close + 2).split(' ');
  const startTime = fields[19];
  if (close < 0 || !(pid > 0) || startTime === undefined) return undefined;
  return {
    pid,
    parent: Number(fields[1]),
    session: Number(fields[3]),
    zombie: fields[0] === 'Z' || fields[0] === 'X',
    startTime,
  };
}

function parsePs(line: string): ProcessEntry | undefined {
  const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line);
  if (!match) return undefined;
  const [, pid, parent, session, state = '', startTime = ''] = match;
  return {
    pid: Number(pid),
    parent: Number(parent),
    session: Number(session),
    zombie: state.startsWith('Z'),
    startTime,
  };
}

function ps(...selection: string[]): ProcessEntry[] {
  const { stdout } = spawnSync('ps', [...selection, '-o', 'pid=,ppid=,pgid=,stat=,lstart='], {
    encoding: 'utf8',
  });
  return (stdout ?? '').split('\n').flatMap((line) => parsePs(line) ?? []);
}

function entryOf(pid: number): ProcessEntry | undefined {
  if (!hasProc) return ps('-p', String(pid))[0];
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Who has this pid now; undefined when nobody does, or only a zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  const entry = entryOf(pid);
  return entry && !entry.zombie ? { pid: entry.pid, startTime: entry.startTime } : undefined;
}

/** The identity a shell wrote: its line of `/proc/self/stat`, or a bare pid where there is none. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  if (!text.includes(')')) return identify(Number(text));
  const entry = parseStat(text);
  return entry && { pid: entry.pid, startTime: entry.startTime };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTime === identity.startTime;
}

/** Sends a signal; false when that process is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

function allProcesses(): ProcessEntry[] {
  if (!hasProc) return ps('-A');
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (entryOf(Number(name)) ?? []) : []));
}

/** Who is in the session of a leader without being it or below it: what its children have left behind. */
export function strayInSession(leader: ProcessIdentity): ProcessIdentity[] {
  const below = new Set(descendants(leader.pid).map(({ pid }) => pid));
  return allProcesses()
    .filter(
      ({ pid, session, zombie }) =>
        session === leader.pid && pid !== leader.pid && !below.has(pid) && !zombie,
    )
    .map(({ pid, startTime }) => ({ pid, startTime }));
}

/** Children, their children and so on, as of now. */
export function descendants(pid: number): ProcessIdentity[] {
  const all = allProcesses();
  const found = new Map<number, ProcessIdentity>();
  const parents = [pid];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const entry of all) {
      if (entry.parent !== parent || found.has(entry.pid)) continue;
      found.set(entry.pid, { pid: entry.pid, startTime: entry.startTime });
      parents.push(entry.pid);
    }
  }
  return [...found.values()];
}

/** Kills a process and everything below it, children that are born meanwhile included. */
export function killTree(root: ProcessIdentity): void {
  signalProcess(root, 'SIGSTOP');
  for (let round = 0; round < 10; round++) {
    const below = descendants(root.pid).filter((identity) => isAlive(identity));
    if (below.length === 0) break;
    for (const identity of below) signalProcess(identity, 'SIGKILL');
  }
  signalProcess(root, 'SIGKILL');
}
