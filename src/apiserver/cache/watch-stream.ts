/**
 * One watch: a position in a resource's log, a filter, and a shape for what is sent (API-2, API-3).
 */
import type { Clock, JsonObject, Status, WatchEvent } from '../../api/index.js';
import { expired, isApiError } from '../../api/index.js';
import type { Interest } from './dispatch.js';
import type { LogEvent, ResourceCache, StampedObject } from './resource-cache.js';

const bookmarkIntervalMs = 60_000;
const maxBatch = 500;

export interface WatchStreamOptions {
  readonly cache: ResourceCache;
  /** Position in the log to continue from. */
  readonly position: number;
  /** Sent first, as ADDED: the state at the start. */
  readonly initial?: readonly StampedObject[];
  /** After `initial`, a bookmark with the initial-events-end annotation (API-2). */
  readonly endBookmark: boolean;
  readonly matches: (object: StampedObject) => boolean;
  /** What all that matches has in common: changes of other objects are not even looked at. */
  readonly interest?: Interest;
  /** Makes ready what `shape` needs for these objects; undefined when it has all. The watch ends when it fails. */
  readonly prepare?: (objects: readonly StampedObject[]) => Promise<unknown> | undefined;
  /** Turns an object into what is sent, stamped with another version where one is given. */
  readonly shape: (object: StampedObject, resourceVersion?: string) => object;
  readonly bookmarks: boolean;
  /** Makes a bookmark object of this version. */
  readonly bookmark: (resourceVersion: string, initialEventsEnd: boolean) => JsonObject;
  /** The latest revision the cache has seen. */
  readonly revision: () => number;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** An event whose object has not got its shape yet. */
interface Unshaped {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly unshaped: StampedObject;
  readonly resourceVersion?: string;
}

/** Ends a watch whose place in the log is gone. */
function tooOld(position: LogEvent | undefined): WatchEvent {
  const status: Status = expired(`too old resource version: ${position?.revision ?? 0} (compacted)`).status;
  return { type: 'ERROR', object: status };
}

export class WatchStream implements AsyncIterable<readonly WatchEvent[]> {
  readonly #options: WatchStreamOptions;
  #position: number;
  /** Up to here the log is read; after it, with an interest, the positions that were told. */
  readonly #scanEnd: number;
  #told: number[] = [];
  #toldRead = 0;
  #initial: readonly StampedObject[] | undefined;
  #initialSent = 0;
  #bookmarkDue = false;
  #ended = false;
  #wakeUp: (() => void) | undefined;
  readonly #cleanups: (() => void)[] = [];

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.#position = options.position;
    this.#initial = options.initial;
    const { cache, interest } = options;
    this.#scanEnd = interest ? cache.end : Number.POSITIVE_INFINITY;
    const wake = () => this.#wake();
    const tell = (position: number): void => {
      // Whoever has missed one that is gone ends anyway: nothing more is kept for it.
      const oldest = this.#told[this.#toldRead];
      if (oldest === undefined || cache.holds(oldest)) this.#told.push(position);
      this.#wake();
    };
    this.#cleanups.push(cache.onAppend(interest ? tell : wake, interest));
    this.#cleanups.push(
      options.clock.setTimer(options.timeoutMs, () => {
        this.#bookmarkDue = options.bookmarks;
        this.#finish();
      }),
    );
    if (options.bookmarks) this.#armBookmark();
    if (options.signal) {
      const { signal } = options;
      const onAbort = () => this.close();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#cleanups.push(() => signal.removeEventListener('abort', onAbort));
      if (signal.aborted) this.close();
    }
  }

  /** Stops the watch at once; what is not yet read is dropped. */
  close(): void {
    this.#initial = undefined;
    this.#bookmarkDue = false;
    this.#position = this.#options.cache.end;
    this.#told = [];
    this.#finish();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<readonly WatchEvent[]> {
    try {
      for (;;) {
        const batch = this.#readable();
        if (batch.length > 0) {
          const failure = this.#options.prepare && (await this.#prepare(batch));
          yield failure ? [failure] : this.#shaped(batch);
          if (failure || batch.at(-1)?.type === 'ERROR') return;
        } else if (this.#ended) return;
        else {
          await new Promise<void>((resolve) => {
            this.#wakeUp = resolve;
          });
        }
      }
    } finally {
      this.close();
    }
  }

  #finish(): void {
    this.#ended = true;
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    this.#wake();
  }

  #wake(): void {
    const wakeUp = this.#wakeUp;
    this.#wakeUp = undefined;
    wakeUp?.();
  }

  #armBookmark(): void {
    const cancel = this.#options.clock.setTimer(bookmarkIntervalMs, () => {
      this.#bookmarkDue = true;
      this.#cleanups.splice(this.#cleanups.indexOf(cancel), 1);
      this.#armBookmark();
      this.#wake();
    });
    this.#cleanups.push(cancel);
  }

  /** Undefined, or the event that ends a watch whose objects cannot be had in their shape. */
  async #prepare(batch: readonly (WatchEvent | Unshaped)[]): Promise<WatchEvent | undefined> {
    try {
      await this.#options.prepare?.(batch.flatMap((event) => ('unshaped' in event ? [event.unshaped] : [])));
      return undefined;
    } catch (error) {
      if (!isApiError(error)) throw error;
      return { type: 'ERROR', object: error.status };
    }
  }

  #shaped(batch: readonly (WatchEvent | Unshaped)[]): readonly WatchEvent[] {
    const { shape } = this.#options;
    return batch.map((event) =>
      'unshaped' in event
        ? { type: event.type, object: shape(event.unshaped, event.resourceVersion) }
        : event,
    );
  }

  /** What cannot be read ends the watch with an error that says so. */
  #readable(): (WatchEvent | Unshaped)[] {
    try {
      return this.#collect();
    } catch (error) {
      if (!isApiError(error)) throw error;
      return [{ type: 'ERROR', object: error.status }];
    }
  }

  #collect(): (WatchEvent | Unshaped)[] {
    const { cache, bookmark, revision } = this.#options;
    const batch: (WatchEvent | Unshaped)[] = [];
    if (this.#initial) {
      const upTo = Math.min(this.#initial.length, this.#initialSent + maxBatch);
      for (; this.#initialSent < upTo; this.#initialSent++) {
        batch.push({ type: 'ADDED', unshaped: this.#initial[this.#initialSent] as StampedObject });
      }
      if (upTo < this.#initial.length) return batch;
      this.#initial = undefined;
      if (this.#options.endBookmark) {
        // Everything up to the log position taken at the start has been sent, and nothing after it.
        const version = String((cache.at(this.#position)?.revision ?? revision() + 1) - 1);
        batch.push({ type: 'BOOKMARK', object: bookmark(version, true) });
      }
      if (batch.length > 0) return batch;
    }
    while (batch.length < maxBatch) {
      const position = this.#next();
      if (position === undefined) break;
      if (!cache.holds(position)) return [tooOld(cache.at(cache.end - 1))];
      const sent = this.#translate(cache.at(position) as LogEvent);
      if (sent) batch.push(sent);
    }
    if (this.#bookmarkDue && batch.length < maxBatch) {
      this.#bookmarkDue = false;
      batch.push({ type: 'BOOKMARK', object: bookmark(String(revision()), false) });
    }
    return batch;
  }

  /** The position of the next event to look at; undefined when all were. */
  #next(): number | undefined {
    if (this.#position < Math.min(this.#scanEnd, this.#options.cache.end)) return this.#position++;
    const told = this.#told[this.#toldRead];
    if (told === undefined) {
      this.#told = [];
      this.#toldRead = 0;
      return undefined;
    }
    this.#toldRead++;
    return told;
  }

  /** API-3: an object that leaves the selector is deleted for this watcher, one that enters is added. */
  #translate(event: LogEvent): Unshaped | undefined {
    const { matches } = this.#options;
    const before = event.previous !== undefined && matches(event.previous);
    if (event.type === 'DELETED') return before ? { type: 'DELETED', unshaped: event.object } : undefined;
    const now = matches(event.object);
    if (now) return { type: before ? 'MODIFIED' : 'ADDED', unshaped: event.object };
    if (!before) return undefined;
    const last = event.previous as StampedObject;
    return {
      type: 'DELETED',
      unshaped: last,
      resourceVersion: event.object.metadata.resourceVersion,
    };
  }
}
