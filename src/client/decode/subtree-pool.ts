/**
 * Subtrees that repeat, each with the bytes it was read from: equal bytes are an equal value, so a subtree that is
 * here is recognised without being read.
 *
 * Memory is bounded by two generations: when the younger one is full it becomes the older, whose entries live on
 * only if they are found again.
 */
export interface PoolEntry {
  readonly hash: number;
  readonly slab: Buffer;
  readonly start: number;
  readonly end: number;
  readonly value: object;
  /** Another of the same hash. */
  readonly next: PoolEntry | undefined;
}

const slabBytes = 64 * 1024;

class Generation {
  readonly byHash = new Map<number, PoolEntry>();
  readonly byValue = new Map<object, PoolEntry>();
  bytes = 0;
  #slab = Buffer.alloc(0);
  #used = 0;

  add(hash: number, source: Uint8Array, start: number, end: number, value: object): PoolEntry {
    const length = end - start;
    if (this.#used + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, length));
      this.#used = 0;
    }
    this.#slab.set(source.subarray(start, end), this.#used);
    const entry: PoolEntry = {
      hash,
      slab: this.#slab,
      start: this.#used,
      end: this.#used + length,
      value,
      next: this.byHash.get(hash),
    };
    this.#used += length;
    this.bytes += length;
    this.byHash.set(hash, entry);
    this.byValue.set(value, entry);
    return entry;
  }
}

export class SubtreePool {
  readonly #maxBytes: number;
  readonly #maxEntries: number;
  #young = new Generation();
  #old = new Generation();

  /** Holds at most so many bytes of JSON and so many subtrees in all. */
  constructor(limits: { readonly maxBytes: number; readonly maxEntries: number }) {
    this.#maxBytes = limits.maxBytes;
    this.#maxEntries = limits.maxEntries;
  }

  /** Entries and the bytes they were read from. */
  get size(): { readonly entries: number; readonly bytes: number } {
    return {
      entries: this.#young.byValue.size + this.#old.byValue.size,
      bytes: this.#young.bytes + this.#old.bytes,
    };
  }

  /** The subtree that stands at these bytes, if it is here. */
  find(hash: number, source: Buffer, start: number, end: number): PoolEntry | undefined {
    const young = equalOne(this.#young.byHash.get(hash), source, start, end);
    if (young) return young;
    const old = equalOne(this.#old.byHash.get(hash), source, start, end);
    return old && this.add(hash, source, start, end, old.value);
  }

  /** The entry this very object came from. */
  entryOf(value: object): PoolEntry | undefined {
    return this.#young.byValue.get(value) ?? this.#old.byValue.get(value);
  }

  add(hash: number, source: Uint8Array, start: number, end: number, value: object): PoolEntry {
    if (
      this.#young.bytes + (end - start) > this.#maxBytes / 2 ||
      this.#young.byValue.size >= this.#maxEntries / 2
    ) {
      this.#old = this.#young;
      this.#young = new Generation();
    }
    return this.#young.add(hash, source, start, end, value);
  }
}

function equalOne(
  first: PoolEntry | undefined,
  source: Buffer,
  start: number,
  end: number,
): PoolEntry | undefined {
  for (let entry = first; entry; entry = entry.next) {
    if (entry.end - entry.start === end - start && standsAt(entry, source, start)) return entry;
  }
  return undefined;
}

/**
 * Whether the entry's bytes stand here. An object or array ends with its own last byte, so nothing else can follow
 * within it: no need to know where the value ends.
 */
export function standsAt(entry: PoolEntry, source: Buffer, start: number): boolean {
  const { slab } = entry;
  const end = start + entry.end - entry.start;
  if (end > source.length || source[end - 1] !== slab[entry.end - 1]) return false;
  return source.compare(slab, entry.start, entry.end, start, end) === 0;
}
