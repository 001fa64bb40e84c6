/**
 * JSON into objects for somebody who keeps a hundred thousand alike: it reads bytes, and shares what repeats.
 *
 * - The values are those of JSON.parse on the same text, in the same order of members. Everything given is frozen,
 *   as parts of it belong to other objects too.
 * - A subtree whose bytes were read before is found by them and not read again; a short string that was seen
 *   before is not made again. Which places of a kind are worth looking is learned while reading (`Habit`).
 * - Where the reader tells what it holds (`known`), what did not change since is the very same object: whether the
 *   spec changed is one comparison.
 * - `metadata.managedFields` is left out, unless told otherwise: half of an object, of use to nobody who reads a
 *   cache. Of what is left out only strings and brackets are checked.
 */
import type { ObjectDecoder } from '../../api/index.js';
import {
  ascii,
  hashBasis,
  hashPrime,
  isWhitespace,
  type SliceableBytes,
  sliceable,
  standsForItself,
} from './bytes.js';
import { endOfComposite } from './end-of-composite.js';
import { Member, Place } from './place.js';
import { StringPool } from './string-pool.js';
import { type PoolEntry, standsAt, SubtreePool } from './subtree-pool.js';

export interface SharingDecoderOptions {
  /** Keeps `metadata.managedFields`. Default false. */
  readonly keepManagedFields?: boolean;
  /** What the reader holds under this name; parts that did not change are taken from it. Must be frozen. */
  readonly known?: (namespace: string | undefined, name: string) => unknown;
  /** Bytes of JSON that the pool of subtrees keeps. Default 8 MiB. */
  readonly maxPoolBytes?: number;
  /** Deeper nesting is a SyntaxError; what is in the pool already needs no stack and passes. Default 512. */
  readonly maxDepth?: number;
}

const noBytes = new Uint8Array();
const nothing = sliceable(noBytes);
const emptyObject: object = Object.freeze({});
const emptyArray: readonly unknown[] = Object.freeze([]);

const maxPoolEntries = 32_768;
/** Larger subtrees seldom repeat as a whole, and looking costs; their parts are looked for. */
const maxSubtreeBytes = 1024;
const internedStrings = 8192;
const maxInternedBytes = 160;
/** What is learned is bounded too: keys may be anything. */
const maxMembersOfPlace = 128;
const maxMembers = 8192;
/** So many digits always fit a double. */
const safeDigits = 15;

export class SharingDecoder implements ObjectDecoder {
  readonly #pool: SubtreePool;
  readonly #strings = new StringPool(internedStrings);
  readonly #known: SharingDecoderOptions['known'];
  readonly #skipManagedFields: boolean;
  readonly #maxDepth: number;
  readonly #root = new Place('root');
  /** For keys beyond what is learned. */
  readonly #unlearned = new Place('other');
  /** For keys that are met for the first time. */
  readonly #keys = new Place('other');
  #members = 0;
  /** Items of the arrays that are being read. */
  readonly #items: unknown[] = [];

  #bytes: SliceableBytes = nothing;
  #at = 0;
  #skimmedTo = 0;
  /** What the reader holds of the object that is being read. */
  #previous: Record<string, unknown> | undefined;
  #askedName: unknown;
  #askedNamespace: unknown;

  constructor(options: SharingDecoderOptions = {}) {
    this.#pool = new SubtreePool({
      maxBytes: options.maxPoolBytes ?? 8 * 1024 * 1024,
      maxEntries: maxPoolEntries,
    });
    this.#known = options.known;
    this.#skipManagedFields = !options.keepManagedFields;
    this.#maxDepth = options.maxDepth ?? 512;
  }

  /** What is kept for sharing: subtrees, and the bytes they were read from. */
  get pooled(): { readonly entries: number; readonly bytes: number } {
    return this.#pool.size;
  }

  /** @throws SyntaxError for what is no JSON, or nested deeper than `maxDepth` */
  decode(bytes: Uint8Array): unknown {
    this.#bytes = sliceable(bytes);
    this.#at = 0;
    try {
      this.#skipWhitespace();
      const value = this.#value(this.#root, undefined, 0);
      this.#skipWhitespace();
      if (this.#at < bytes.length) throw this.#unexpected();
      return value;
    } finally {
      this.#items.length = 0;
      this.#previous = undefined;
      this.#askedName = undefined;
      this.#bytes = nothing;
    }
  }

  #value(place: Place, previous: unknown, depth: number): unknown {
    const byte = this.#bytes[this.#at];
    switch (byte) {
      case ascii.quote:
        return this.#string(place, previous);
      case ascii.openBrace:
      case ascii.openBracket:
        return this.#composite(place, previous, byte, depth);
      case 0x74:
        return this.#literal('true', true);
      case 0x66:
        return this.#literal('false', false);
      case 0x6e:
        return this.#literal('null', null);
      case ascii.space:
      case ascii.lineFeed:
      case ascii.carriageReturn:
      case ascii.tab:
        this.#skipWhitespace();
        return this.#value(place, previous, depth);
      default:
        return this.#number();
    }
  }

  /** An object or array: found in the pool, or read. */
  #composite(place: Place, previous: unknown, open: number, depth: number): unknown {
    const bytes = this.#bytes;
    const start = this.#at;
    // `{` and `}` are two apart, and so are `[` and `]`.
    if (bytes[start + 1] === open + 2) {
      this.#at += 2;
      return open === ascii.openBrace ? emptyObject : emptyArray;
    }
    if (depth >= this.#maxDepth) throw new SyntaxError(`JSON is nested deeper than ${this.#maxDepth} levels`);
    const before =
      typeof previous === 'object' &&
      previous !== null &&
      Array.isArray(previous) === (open === ascii.openBracket)
        ? previous
        : undefined;
    // Whole objects and their metadata never repeat, and what is left out there depends on the place.
    if (place.role !== 'other' || !place.sharing.shouldTry()) {
      return open === ascii.openBrace
        ? this.#object(place, before as Record<string, unknown> | undefined, depth + 1)
        : this.#array(place, before as readonly unknown[] | undefined, depth + 1);
    }
    const expected = this.#expected(place, before);
    if (expected) {
      this.#at = start + expected.end - expected.start;
      place.sharing.report(true);
      place.last = expected;
      return expected.value;
    }
    const hash = this.#skim(start + maxSubtreeBytes);
    const end = this.#skimmedTo;
    const poolable = end > 0;
    const found = poolable ? this.#pool.find(hash, bytes, start, end) : undefined;
    place.sharing.report(found !== undefined);
    if (found) {
      this.#at = end;
      place.last = found;
      return found.value;
    }
    const value =
      open === ascii.openBrace
        ? this.#object(place, before as Record<string, unknown> | undefined, depth + 1)
        : this.#array(place, before as readonly unknown[] | undefined, depth + 1);
    if (poolable) place.last = this.#pool.add(hash, bytes, start, this.#at, value);
    return value;
  }

  /** The subtree that stood here last, or that the reader holds here, if it stands here again. */
  #expected(place: Place, previous: object | undefined): PoolEntry | undefined {
    const { last } = place;
    if (last && standsAt(last, this.#bytes, this.#at)) return last;
    if (!previous || last?.value === previous) return undefined;
    const held = this.#pool.entryOf(previous);
    return held && standsAt(held, this.#bytes, this.#at) ? held : undefined;
  }

  #object(place: Place, previous: Record<string, unknown> | undefined, depth: number): object {
    const bytes = this.#bytes;
    const object: Record<string, unknown> = {};
    let before = previous;
    let same = previous !== undefined;
    let last: Member | undefined;
    let member = place.first;
    if (bytes[++this.#at] !== ascii.quote) {
      this.#skipWhitespace();
      if (bytes[this.#at] === ascii.closeBrace) {
        this.#at++;
        return emptyObject;
      }
    }
    for (;;) {
      if (member && this.#stands(member.bytes)) this.#at += member.bytes.length;
      else {
        member = this.#member(place);
        if (last) last.next = member;
        else place.first = member;
      }
      const { key } = member;
      if (member.skipped) this.#skip();
      else {
        if (place.role === 'metadata' && before === undefined && this.#isComposite()) {
          before = membersOf(this.#identify(object)?.metadata);
        }
        const held = before === undefined || member.isProto ? undefined : before[key];
        const value = this.#value(member.place, held, depth);
        if (same && !isSame(value, held)) same = false;
        if (member.isProto) define(object, key, value);
        else object[key] = value;
        if (member.place.role === 'metadata') before = this.#identify(value);
      }
      let byte = bytes[this.#at];
      if (byte !== ascii.comma && byte !== ascii.closeBrace) {
        this.#skipWhitespace();
        byte = bytes[this.#at];
      }
      if (byte === ascii.closeBrace) break;
      if (byte !== ascii.comma) throw this.#unexpected();
      this.#at++;
      last = member;
      member = member.next;
    }
    this.#at++;
    if (same && previous !== undefined && canStandFor(previous, object)) return previous;
    return Object.freeze(object);
  }

  #array(place: Place, previous: readonly unknown[] | undefined, depth: number): readonly unknown[] {
    const bytes = this.#bytes;
    const items = this.#items;
    const from = items.length;
    const itemPlace = (place.items ??= new Place('other'));
    let same = previous !== undefined;
    this.#at++;
    this.#skipWhitespace();
    if (bytes[this.#at] === ascii.closeBracket) {
      this.#at++;
      return emptyArray;
    }
    for (let i = 0; ; i++) {
      const held = previous?.[i];
      const value = this.#value(itemPlace, held, depth);
      if (same && !isSame(value, held)) same = false;
      items.push(value);
      this.#skipWhitespace();
      const byte = bytes[this.#at++];
      if (byte === ascii.closeBracket) break;
      if (byte !== ascii.comma) {
        this.#at--;
        throw this.#unexpected();
      }
      this.#skipWhitespace();
    }
    // A slice has room for exactly what is in it; an array that grows does not.
    const array = items.slice(from);
    items.length = from;
    if (same && previous?.length === array.length && Object.isFrozen(previous)) return previous;
    return Object.freeze(array);
  }

  /** What the reader holds under the name in this metadata, which may not be complete yet. */
  #identify(metadata: unknown): Record<string, unknown> | undefined {
    if (this.#previous || !this.#known) return this.#previous;
    const { namespace, name } = (membersOf(metadata) ?? {}) as { namespace?: unknown; name?: unknown };
    if (typeof name !== 'string') return undefined;
    if (name === this.#askedName && namespace === this.#askedNamespace) return undefined;
    this.#askedName = name;
    this.#askedNamespace = namespace;
    this.#previous = membersOf(this.#known(typeof namespace === 'string' ? namespace : undefined, name));
    return this.#previous;
  }

  /** The key that stands here, read up to its value. */
  #member(place: Place): Member {
    this.#skipWhitespace();
    const bytes = this.#bytes;
    const start = this.#at;
    if (bytes[start] !== ascii.quote) throw this.#unexpected();
    const key = this.#string(this.#keys, undefined);
    const end = this.#at;
    this.#skipWhitespace();
    if (bytes[this.#at] !== ascii.colon) throw this.#unexpected();
    this.#at++;
    return place.members.get(key) ?? this.#learn(place, key, start, end);
  }

  #learn(place: Place, key: string, start: number, end: number): Member {
    const skipped = this.#skipManagedFields && place.role === 'metadata' && key === 'managedFields';
    if (place === this.#unlearned || this.#members >= maxMembers || place.members.size >= maxMembersOfPlace) {
      const role = place.role === 'root' && key === 'metadata' ? 'metadata' : 'other';
      return new Member(key, noBytes, role === 'other' ? this.#unlearned : new Place(role), skipped);
    }
    const bytes = Buffer.allocUnsafeSlow(end - start + 1);
    bytes.set(this.#bytes.subarray(start, end));
    bytes[end - start] = ascii.colon;
    const below = new Place(place.role === 'root' && key === 'metadata' ? 'metadata' : 'other');
    const member = new Member(key, bytes, below, skipped);
    this.#members++;
    place.members.set(key, member);
    return member;
  }

  #stands(expected: Uint8Array): boolean {
    const { length } = expected;
    if (length === 0) return false;
    const bytes = this.#bytes;
    for (let i = 0, at = this.#at; i < length; i++, at++) if (bytes[at] !== expected[i]) return false;
    return true;
  }

  #isComposite(): boolean {
    const byte = this.#bytes[this.#at];
    return byte === ascii.openBrace || byte === ascii.openBracket;
  }

  #string(place: Place, previous: unknown): string {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    if (typeof previous === 'string') {
      const end = start + previous.length;
      let at = start;
      for (let i = 0; at < end; at++, i++) {
        const byte = bytes[at] as number;
        if (byte !== previous.charCodeAt(i) || standsForItself[byte] !== 1) break;
      }
      if (at === end && bytes[at] === ascii.quote) {
        this.#at = at + 1;
        return previous;
      }
    }
    let at = start;
    if (!place.interning.shouldTry()) {
      while (standsForItself[bytes[at] as number] === 1) at++;
      if (bytes[at] !== ascii.quote) return this.#difficultString(at);
      this.#at = at + 1;
      return bytes.latin1Slice(start, at);
    }
    let hash = hashBasis;
    for (let byte = bytes[at] as number; standsForItself[byte] === 1; byte = bytes[++at] as number) {
      hash = Math.imul(hash ^ byte, hashPrime);
    }
    if (bytes[at] !== ascii.quote) return this.#difficultString(at);
    this.#at = at + 1;
    if (at - start > maxInternedBytes) {
      place.interning.report(false);
      return bytes.latin1Slice(start, at);
    }
    const text = this.#strings.get(hash, bytes, start, at);
    place.interning.report(this.#strings.found);
    return text;
  }

  /** A string with escapes, or characters beyond ASCII, from `at` on. */
  #difficultString(from: number): string {
    const bytes = this.#bytes;
    const start = this.#at;
    let at = from;
    for (;;) {
      const byte = bytes[at];
      if (byte === ascii.quote) break;
      if (byte === ascii.backslash) at++;
      if (byte === undefined || at >= bytes.length) {
        this.#at = bytes.length;
        throw this.#unexpected();
      }
      at++;
    }
    this.#at = at + 1;
    // The one place where the rules of escapes and of broken UTF-8 are V8's own.
    return JSON.parse(bytes.utf8Slice(start, this.#at)) as string;
  }

  #number(): number {
    const bytes = this.#bytes;
    const start = this.#at;
    let at = start;
    const negative = bytes[at] === ascii.minus;
    if (negative) at++;
    const digits = at;
    let value = 0;
    let byte = bytes[at] as number;
    while (byte >= ascii.zero && byte <= ascii.nine) {
      value = value * 10 + byte - ascii.zero;
      byte = bytes[++at] as number;
    }
    if (at === digits) throw this.#unexpected(at);
    if (bytes[digits] === ascii.zero && at > digits + 1) throw this.#unexpected(digits + 1);
    const isPlain = byte !== ascii.dot && byte !== ascii.lowerE && byte !== ascii.upperE;
    if (isPlain && at - digits <= safeDigits) {
      this.#at = at;
      return negative ? -value : value;
    }
    if (byte === ascii.dot) at = this.#digits(at + 1);
    byte = bytes[at] as number;
    if (byte === ascii.lowerE || byte === ascii.upperE) {
      const sign = bytes[at + 1];
      at = this.#digits(sign === ascii.plus || sign === ascii.minus ? at + 2 : at + 1);
    }
    this.#at = at;
    return Number(bytes.latin1Slice(start, at));
  }

  /** The end of the digits that must begin here. */
  #digits(from: number): number {
    const bytes = this.#bytes;
    let at = from;
    while ((bytes[at] as number) >= ascii.zero && (bytes[at] as number) <= ascii.nine) at++;
    if (at === from) throw this.#unexpected(at);
    return at;
  }

  #literal<T>(text: string, value: T): T {
    const bytes = this.#bytes;
    for (let i = 1; i < text.length; i++) {
      if (bytes[this.#at + i] !== text.charCodeAt(i)) throw this.#unexpected(this.#at + i);
    }
    this.#at += text.length;
    return value;
  }

  /**
   * Goes over the object or array that stands here; gives the hash of its bytes and sets where it ends: 0 when that
   * is beyond the limit, or it does not end.
   */
  #skim(limit: number): number {
    const bytes = this.#bytes;
    const end = Math.min(bytes.length, limit);
    let hash = hashBasis;
    let depth = 0;
    let at = this.#at;
    while (at < end) {
      let byte = bytes[at++] as number;
      hash = Math.imul(hash ^ byte, hashPrime);
      if (byte === ascii.quote) {
        while (at < end && (byte = bytes[at++] as number) !== ascii.quote) {
          hash = Math.imul(hash ^ byte, hashPrime);
          if (byte === ascii.backslash && at < end)
            hash = Math.imul(hash ^ (bytes[at++] as number), hashPrime);
        }
        continue;
      }
      // The brackets of one kind differ in one bit from those of the other.
      const bracket = byte | 0x20;
      if (bracket === ascii.openBrace) depth++;
      else if (bracket === ascii.closeBrace && --depth === 0) {
        this.#skimmedTo = at;
        return hash;
      }
    }
    this.#skimmedTo = 0;
    return hash;
  }

  #skip(): void {
    this.#skipWhitespace();
    if (this.#isComposite()) {
      this.#at = endOfComposite(this.#bytes, this.#at);
      if (this.#at === 0) {
        this.#at = this.#bytes.length;
        throw this.#unexpected();
      }
    } else this.#value(this.#unlearned, undefined, 0);
  }

  #skipWhitespace(): void {
    while (isWhitespace(this.#bytes[this.#at])) this.#at++;
  }

  #unexpected(at: number = this.#at): SyntaxError {
    const byte = this.#bytes[at];
    if (byte === undefined) return new SyntaxError('unexpected end of JSON');
    const what = byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte ${byte}`;
    return new SyntaxError(`unexpected ${what} at position ${at} of JSON`);
  }
}

function membersOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

/** Not Object.is, which is slow where the types differ; but 0 and -0 are two. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b && (a !== 0 || Object.is(a, b));
}

/** Whether the older object, which has all values of the newer, has no others, in the same order. */
function canStandFor(older: object, newer: object): boolean {
  const keys = Object.keys(older);
  const wanted = Object.keys(newer);
  if (keys.length !== wanted.length || !Object.isFrozen(older)) return false;
  for (let i = 0; i < keys.length; i++) if (keys[i] !== wanted[i]) return false;
  return true;
}

function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}
