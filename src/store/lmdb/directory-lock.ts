/**
 * One process at a time per directory. The lock is a file that names its holder; a holder that was killed does not
 * keep anybody out.
 */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Another living process has the store open. */
export class StoreLocked extends Error {
  override readonly name = 'StoreLocked';
  constructor(
    readonly path: string,
    readonly pid: number,
  ) {
    super(`the store in ${path} is in use by process ${pid}`);
  }
}

interface Holder {
  readonly pid: number;
  /** When the process was started, so that a number given anew is not mistaken for it. */
  readonly started: string;
}

/** Gives the function that lets go. @throws StoreLocked */
export function lockDirectory(path: string): () => void {
  const file = join(path, 'lock');
  const mine: Holder = { pid: process.pid, started: startOf(process.pid) ?? '' };
  for (let attempt = 1; ; attempt++) {
    try {
      const descriptor = openSync(file, 'wx', 0o600);
      writeSync(descriptor, JSON.stringify(mine));
      closeSync(descriptor);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 3) throw error;
      const holder = read(file);
      if (holder && isAlive(holder)) throw new StoreLocked(path, holder.pid);
      rmSync(file, { force: true });
    }
  }
}

function read(file: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder>;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    // Cut off while it was being written: nobody holds it.
    return undefined;
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const now = startOf(pid);
  return now === undefined || started === '' || now === started;
}

/** Where the system tells: ticks since boot. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program may hold blanks and parentheses: what follows it does not.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
