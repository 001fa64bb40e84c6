/** The log format of CRI (KL-19): `<RFC 3339 time> <stdout|stderr> <F|P> <text>`. Pure. */

export interface LogLine {
  /** As written. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** Without an end of line; a line that goes on has its continuation in the next one. */
  readonly text: string;
  readonly partial: boolean;
}

/** Undefined for what is no line of a log. */
export function parseLogLine(line: string): LogLine | undefined {
  const [, time, stream, tag, text] = /^(\S+) (stdout|stderr) ([FP])(?: (.*))?$/s.exec(line) ?? [];
  if (time === undefined || tag === undefined) return undefined;
  return { time, stream: stream as LogLine['stream'], text: text ?? '', partial: tag === 'P' };
}

export function formatLogLine({ time, stream, text, partial }: LogLine): string {
  return `${time} ${stream} ${partial ? 'P' : 'F'} ${text}\n`;
}

export interface LogView {
  readonly timestamps: boolean;
  /** Milliseconds since the epoch: what is older is left out. */
  readonly sinceTime?: number;
  readonly limitBytes?: number;
}

/** Turns lines of the file into what `kubectl logs` prints, until the limit is reached. */
export class LogPrinter {
  #printed = 0;
  /** The next text goes on with the line before. */
  #continues = false;

  constructor(private readonly view: LogView) {}

  get full(): boolean {
    return this.view.limitBytes !== undefined && this.#printed >= this.view.limitBytes;
  }

  /** The bytes to print for one line; empty when it is not to be seen. */
  print(line: LogLine): Uint8Array {
    const { timestamps, sinceTime, limitBytes } = this.view;
    if (sinceTime !== undefined && Date.parse(line.time) < sinceTime) return new Uint8Array();
    const stamp = timestamps && !this.#continues ? `${line.time} ` : '';
    const end = line.partial ? '' : '\n';
    this.#continues = line.partial;
    const bytes = Buffer.from(stamp + line.text + end);
    const left = limitBytes === undefined ? bytes.length : Math.max(0, limitBytes - this.#printed);
    this.#printed += Math.min(bytes.length, left);
    return bytes.subarray(0, left);
  }
}

/** Where in the text the last `count` whole lines begin; parts of one line count as one. */
export function tailStart(lines: readonly LogLine[], count: number): number {
  let whole = 0;
  for (let i = lines.length - 1; i >= 0; i--) {
    const endsLine = lines[i]?.partial === false || i === lines.length - 1;
    if (endsLine && ++whole > count) return i + 1;
  }
  return 0;
}
