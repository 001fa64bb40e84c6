/** The log format of CRI (KL-19): `<RFC3339Nano> stdout|stderr F|P <text>`. */

/** Longer lines are split; all parts but the last are marked P. */
export const maxLineBytes = 16_384;

export type LogStream = 'stdout' | 'stderr';

const newline = 0x0a;

/**
 * Turns raw output into log lines. Without `final` an unfinished last line waits for its end.
 * @returns the lines, and how many bytes of `raw` they stand for
 */
export function encodeLog(
  raw: Buffer,
  stream: LogStream,
  nowMs: number,
  final: boolean,
): { readonly lines: Buffer; readonly consumed: number } {
  const stamp = new Date(nowMs).toISOString().replace('Z', '000000Z');
  const full = Buffer.from(`${stamp} ${stream} F `);
  const partial = Buffer.from(`${stamp} ${stream} P `);
  const end = Buffer.from('\n');
  const out: Buffer[] = [];
  let at = 0;
  while (at < raw.length) {
    const found = raw.indexOf(newline, at);
    const stop = found < 0 ? raw.length : found;
    if (stop - at > maxLineBytes) {
      out.push(partial, raw.subarray(at, at + maxLineBytes), end);
      at += maxLineBytes;
    } else if (found >= 0) {
      out.push(full, raw.subarray(at, found), end);
      at = found + 1;
    } else if (final) {
      out.push(partial, raw.subarray(at), end);
      at = raw.length;
    } else break;
  }
  return { lines: Buffer.concat(out), consumed: at };
}

/** How many raw bytes of each stream whole log lines stand for: the inverse of `encodeLog`. */
export function countLogged(log: Buffer): Readonly<Record<LogStream, number>> {
  const counts = { stdout: 0, stderr: 0 };
  for (let at = 0; at < log.length; ) {
    const end = log.indexOf(newline, at);
    if (end < 0) break;
    const first = log.indexOf(0x20, at);
    const head = log.toString('latin1', first + 1, first + 10);
    const stream = head.startsWith('stdout ') ? 'stdout' : head.startsWith('stderr ') ? 'stderr' : undefined;
    if (first > 0 && first + 10 <= end && stream) {
      counts[stream] += end - (first + 10) + (head.endsWith('F ') ? 1 : 0);
    }
    at = end + 1;
  }
  return counts;
}
