/** The log of a container, as text. */
import type { ByteResponse } from '../../api/index.js';
import type { RequestOptions } from '../client.js';

/** `PodLogOptions`. */
export interface LogOptions extends RequestOptions {
  /** Default: the pod's only container. */
  readonly container?: string;
  /** Goes on as the container writes, until it ends. Default false. */
  readonly follow?: boolean;
  /** Only so many lines from the end. */
  readonly tailLines?: number;
  /** Only what is younger; not together with `sinceTime`. */
  readonly sinceSeconds?: number;
  /** An RFC 3339 time: only what is younger. */
  readonly sinceTime?: string;
  /** The run of the container before this one. Default false. */
  readonly previous?: boolean;
  /** Each line begins with its time. Default false. */
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
}

/**
 * A log that is asked for when it is read, each time anew. Iterated, it gives pieces of text as they come, which
 * may end anywhere but inside a character. Leaving the loop ends the request.
 */
export interface LogStream extends AsyncIterable<string> {
  /** Line by line, without their ends; the last one too if it does not end. */
  lines(): AsyncIterable<string>;
  /** All of it; not for a log that is followed. */
  text(): Promise<string>;
}

export function logQuery(options: LogOptions): Record<string, string | undefined> {
  const flag = (value: boolean | undefined): string | undefined => (value ? 'true' : undefined);
  const number = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : String(value);
  return {
    container: options.container,
    follow: flag(options.follow),
    previous: flag(options.previous),
    timestamps: flag(options.timestamps),
    tailLines: number(options.tailLines),
    sinceSeconds: number(options.sinceSeconds),
    sinceTime: options.sinceTime,
    limitBytes: number(options.limitBytes),
  };
}

export class PodLog implements LogStream {
  readonly #open: () => Promise<ByteResponse>;

  constructor(open: () => Promise<ByteResponse>) {
    this.#open = open;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    const { bytes } = await this.#open();
    const decoder = new TextDecoder();
    for await (const chunk of bytes) {
      const text = decoder.decode(chunk, { stream: true });
      if (text !== '') yield text;
    }
    const rest = decoder.decode();
    if (rest !== '') yield rest;
  }

  async *lines(): AsyncGenerator<string> {
    let rest = '';
    for await (const text of this) {
      const lines = text.split('\n');
      lines[0] = rest + (lines[0] ?? '');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    if (rest !== '') yield rest;
  }

  async text(): Promise<string> {
    let all = '';
    for await (const text of this) all += text;
    return all;
  }
}
