/**
 * A list out of its bytes as they arrive: each item is decoded when it is complete, so that neither the body nor
 * its text is ever held as a whole. What stands around the items is small and read in the usual way.
 */
import type { ObjectDecoder } from '../../api/index.js';
import { ascii, isWhitespace } from './bytes.js';
import { inTurns } from './turns.js';

const itemsKey = Buffer.from('"items"');
const openBrackets = Buffer.from('[');

/** Where in the text the next byte stands. */
type Place =
  /** Around the items. */
  | 'envelope'
  /** Before an item or the end of the items. */
  | 'before-first'
  | 'before-item'
  | 'in-item'
  | 'after-item';

export class ListReader {
  readonly #decoder: ObjectDecoder;
  readonly #items: unknown[] = [];
  /** The text without its items. */
  readonly #envelope: Buffer[] = [];
  #place: Place = 'envelope';
  /** Of the envelope or of the item. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Pieces of an item that came in several chunks. */
  #pending: Buffer[] = [];
  /** The last string of the envelope's members, with its quotes, as far as it may be `"items"`. */
  #text: number[] = [];
  /** After `"items"`, then after its colon. */
  #awaiting: 'colon' | 'array' | undefined;
  #isList = false;

  constructor(decoder: ObjectDecoder) {
    this.#decoder = decoder;
  }

  /** @throws SyntaxError for what is no JSON */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      switch (this.#place) {
        case 'envelope':
          at = this.#readEnvelope(chunk, at);
          break;
        case 'in-item':
          at = this.#readItem(chunk, at);
          break;
        default:
          at = this.#readBetween(chunk, at);
      }
    }
  }

  /** The whole value. @throws SyntaxError for what is no JSON, or ended too early */
  end(): unknown {
    if (this.#place !== 'envelope') throw new SyntaxError('unexpected end of JSON');
    const body = JSON.parse(Buffer.concat(this.#envelope).toString('utf8')) as unknown;
    if (this.#isList) (body as { items: unknown }).items = this.#items;
    return body;
  }

  #readEnvelope(chunk: Buffer, from: number): number {
    let at = from;
    for (; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (this.#inString) {
        if (this.#depth === 1 && this.#text.length <= itemsKey.length) this.#text.push(byte);
        if (this.#escaped) this.#escaped = false;
        else if (byte === ascii.backslash) this.#escaped = true;
        else if (byte === ascii.quote) {
          this.#inString = false;
          this.#awaiting = this.#depth === 1 && this.#isItemsKey() ? 'colon' : undefined;
        }
        continue;
      }
      if (isWhitespace(byte)) continue;
      const awaited = this.#awaiting;
      this.#awaiting = undefined;
      if (awaited === 'colon' && byte === ascii.colon) this.#awaiting = 'array';
      if (byte === ascii.quote) {
        this.#inString = true;
        this.#text = [byte];
      } else if (byte === ascii.openBrace || byte === ascii.openBracket) {
        if (awaited === 'array' && byte === ascii.openBracket) {
          // Of two members of one name the last counts.
          this.#items.length = 0;
          this.#isList = true;
          this.#place = 'before-first';
          this.#depth = 0;
          this.#envelope.push(chunk.subarray(from, at), openBrackets);
          return at + 1;
        }
        this.#depth++;
      } else if (byte === ascii.closeBrace || byte === ascii.closeBracket) this.#depth--;
    }
    this.#envelope.push(chunk.subarray(from, at));
    return at;
  }

  #isItemsKey(): boolean {
    const text = this.#text;
    return text.length === itemsKey.length && itemsKey.every((byte, i) => text[i] === byte);
  }

  #readBetween(chunk: Buffer, from: number): number {
    const byte = chunk[from] as number;
    if (isWhitespace(byte)) return from + 1;
    if (this.#place === 'after-item') {
      if (byte === ascii.comma) {
        this.#place = 'before-item';
        return from + 1;
      }
    } else if (byte !== ascii.closeBracket && byte !== ascii.comma) {
      this.#place = 'in-item';
      this.#depth = 0;
      return from;
    }
    if (byte !== ascii.closeBracket || this.#place === 'before-item') {
      throw new SyntaxError(`unexpected '${String.fromCharCode(byte)}' between the items of a list`);
    }
    this.#place = 'envelope';
    this.#depth = 1;
    // The bracket that closes them belongs to the envelope.
    this.#envelope.push(chunk.subarray(from, from + 1));
    return from + 1;
  }

  #readItem(chunk: Buffer, from: number): number {
    const end = this.#endOfItem(chunk, from);
    if (end < 0) {
      this.#pending.push(chunk.subarray(from));
      return chunk.length;
    }
    const last = chunk.subarray(from, end);
    const item = this.#pending.length === 0 ? last : Buffer.concat([...this.#pending, last]);
    this.#pending = [];
    this.#items.push(this.#decode(item));
    this.#place = 'after-item';
    return end;
  }

  #decode(item: Buffer): unknown {
    try {
      return this.#decoder.decode(item);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      // A decoder may be stricter than JSON, about depth for one.
      return JSON.parse(item.toString('utf8'));
    }
  }

  /** After the item's last byte, or -1 when it goes on in the next chunk. */
  #endOfItem(chunk: Buffer, from: number): number {
    const { length } = chunk;
    let depth = this.#depth;
    let inString = this.#inString;
    let escaped = this.#escaped;
    let at = from;
    let end = -1;
    while (at < length) {
      let byte = chunk[at++] as number;
      if (inString) {
        if (escaped) {
          escaped = false;
          continue;
        }
        // Most bytes are within strings.
        while (byte !== ascii.quote && byte !== ascii.backslash && at < length) byte = chunk[at++] as number;
        if (byte === ascii.backslash) escaped = true;
        else if (byte === ascii.quote) {
          inString = false;
          if (depth === 0) {
            end = at;
            break;
          }
        }
        continue;
      }
      if (byte === ascii.quote) {
        inString = true;
        continue;
      }
      const bracket = byte | 0x20;
      if (bracket === ascii.openBrace) depth++;
      else if (bracket === ascii.closeBrace) {
        // The end of the items ends a number or a literal.
        if (depth === 0) {
          end = at - 1;
          break;
        }
        if (--depth === 0) {
          end = at;
          break;
        }
      } else if (depth === 0 && (byte === ascii.comma || isWhitespace(byte))) {
        end = at - 1;
        break;
      }
    }
    this.#depth = depth;
    this.#inString = inString;
    this.#escaped = escaped;
    return end;
  }
}

/** @throws SyntaxError for what is no JSON, and what the chunks throw */
export async function readList(chunks: AsyncIterable<Buffer>, decoder: ObjectDecoder): Promise<unknown> {
  const reader = new ListReader(decoder);
  for await (const chunk of inTurns(chunks)) reader.push(chunk);
  return reader.end();
}
