/** What is mounted on this machine, as we see it. */
import { readFileSync } from 'node:fs';

export interface HostMount {
  readonly path: string;
  readonly type: string;
  /** Per-mount options: `ro`, `nosuid`, … */
  readonly options: readonly string[];
}

/** `/proc/self/mountinfo` in the order of mounting. */
export function parseMountInfo(text: string): HostMount[] {
  const unescape = (word: string) =>
    word.replace(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
  return text.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , , path, options = ''] = left.split(' ');
    if (path === undefined) return [];
    return [{ path: unescape(path), type: right.split(' ')[0] ?? '', options: options.split(',') }];
  });
}

/** In the order of mounting; nothing where the system does not tell. */
export function hostMounts(): HostMount[] {
  try {
    return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return [];
  }
}

/** True for a path inside a directory, itself left out. Both normal and absolute. */
export function isBelow(path: string, dir: string): boolean {
  return dir === '/' ? path !== '/' : path.startsWith(`${dir}/`);
}
