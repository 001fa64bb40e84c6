/** Events of a watch out of its bytes: a batch per chunk, so that none is long. */
import { BadLine, type ObjectDecoder, TransportError, type WatchEvent } from '../../api/index.js';
import { inTurns } from './turns.js';
import { LineSplitter } from '../line-splitter.js';

const eventTypes = ['ADDED', 'MODIFIED', 'DELETED'] as const;
/** How API servers put the events that carry an object to keep. */
const beginnings = eventTypes.map((type) => ({
  type,
  bytes: Buffer.from(`{"type":"${type}","object":`),
}));
const closeBrace = 0x7d;

/**
 * @throws BadLine for a line that is no event, or is longer than `maxLineBytes`; TransportError for one that is cut
 *   short; what came before is given first
 */
export async function* readWatch<T>(
  chunks: AsyncIterable<Buffer>,
  maxLineBytes: number,
  decoder: ObjectDecoder | undefined,
): AsyncIterable<readonly WatchEvent<T>[]> {
  const splitter = new LineSplitter(maxLineBytes);
  for await (const chunk of inTurns(chunks)) {
    const events: WatchEvent<T>[] = [];
    let failure: unknown;
    try {
      for (const line of splitter.push(chunk)) {
        events.push((decoder && decodeEvent<T>(line, decoder)) ?? parseEvent<T>(line));
      }
    } catch (error) {
      failure = error instanceof RangeError ? new BadLine(error.message, { cause: error }) : error;
    }
    if (events.length > 0) yield events;
    if (failure) throw failure;
  }
  if (splitter.pendingBytes > 0) throw new TransportError('the watch ended in the middle of a line');
}

/** Undefined for what looks otherwise than expected: JSON has many spellings. */
function decodeEvent<T>(line: Buffer, decoder: ObjectDecoder): WatchEvent<T> | undefined {
  if (line[line.length - 1] !== closeBrace) return undefined;
  for (const { type, bytes } of beginnings) {
    if (line.length <= bytes.length || line.compare(bytes, 0, bytes.length, 0, bytes.length) !== 0) continue;
    try {
      const object = decoder.decode(line.subarray(bytes.length, -1));
      return typeof object === 'object' && object !== null ? { type, object: object as T } : undefined;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }
  return undefined;
}

/** @throws BadLine */
function parseEvent<T>(line: Buffer): WatchEvent<T> {
  let event: unknown;
  try {
    event = JSON.parse(line.toString('utf8'));
  } catch (error) {
    throw new BadLine(`a line of the watch is not JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const { type, object } = (event ?? {}) as { type?: unknown; object?: unknown };
  if (typeof type !== 'string' || typeof object !== 'object' || object === null) {
    throw new BadLine('a line of the watch is not an event');
  }
  return event as WatchEvent<T>;
}
