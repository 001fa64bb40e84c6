/**
 * Histories of concurrent clients of a store, and a checker that says whether some order of the operations explains
 * them: each takes effect at one moment between its call and its answer, and all agree with one register per key.
 *
 * The search is that of Wing and Gong, with the states it has seen before remembered (Lowe). What one key was is no
 * matter of another key, so each key is checked alone.
 */
import { type Random, sleep, type Clock } from 'gyre/api';
import {
  KeyExists,
  type ObjectStore,
  RevisionMismatch,
  type StoreEntry,
  StoreUnavailable,
} from '#src/store/index.js';

/** What a key holds: the number that was written, each written once; undefined when the key is not there. */
type Held = number | undefined;

export interface Operation {
  readonly key: string;
  readonly client: number;
  /** A count that grows with each call and each answer. */
  readonly called: number;
  /** Infinity: no answer came; it may have happened since, may happen later, or never. */
  readonly answered: number;
  /** A write succeeds on `from` only. A read, and a write that was refused, has seen `seen`. */
  readonly does:
    | { readonly kind: 'write'; readonly from: Held; readonly to: Held }
    | { readonly kind: 'refused'; readonly from: Held; readonly seen: Held }
    | { readonly kind: 'read'; readonly seen: Held };
}

/** What the key holds afterwards; `impossible` when the operation cannot happen now. */
function step(held: Held, { does }: Operation): Held | 'impossible' {
  if (does.kind === 'write') return held === does.from ? does.to : 'impossible';
  if (does.kind === 'refused' && does.from === does.seen) return 'impossible';
  return held === does.seen ? held : 'impossible';
}

/** True when one register explains what all clients of one key saw; at first it is not there. */
export function isLinearizable(operations: readonly Operation[]): boolean {
  const sorted = [...operations].sort((a, b) => a.called - b.called);
  const done = sorted.map(() => false);
  const dead = new Set<string>();
  const search = (held: Held, left: number): boolean => {
    if (left === 0) return true;
    const state = `${done.map(Number).join('')} ${held}`;
    if (dead.has(state)) return false;
    // Whoever is next was called before any of those that are left was answered.
    let deadline = Number.POSITIVE_INFINITY;
    sorted.forEach((operation, i) => {
      if (!done[i]) deadline = Math.min(deadline, operation.answered);
    });
    // Those without an answer need not have happened.
    if (deadline === Number.POSITIVE_INFINITY) return true;
    for (const [i, operation] of sorted.entries()) {
      if (done[i]) continue;
      if (operation.called > deadline) break;
      const next = step(held, operation);
      if (next === 'impossible') continue;
      done[i] = true;
      if (search(next, left - 1)) return true;
      done[i] = false;
    }
    dead.add(state);
    return false;
  };
  return search(undefined, sorted.length);
}

/** The keys whose histories no register explains. */
export function violations(operations: readonly Operation[]): string[] {
  const keys = [...new Set(operations.map(({ key }) => key))];
  return keys.filter((key) => !isLinearizable(operations.filter((operation) => operation.key === key)));
}

const heldBy = (entry: StoreEntry | undefined): Held => (entry?.value as { n: number } | undefined)?.n;

/** Clients that read, create, swap and delete as they like, at the same time, and what they saw. */
export async function recordHistory(
  stores: readonly ObjectStore[],
  options: {
    readonly clients: number;
    readonly operations: number;
    readonly keys: readonly string[];
    readonly random: Random;
    readonly clock: Clock;
  },
): Promise<Operation[]> {
  const { random } = options;
  const history: Operation[] = [];
  let time = 0;
  let written = 0;
  const client = async (number: number): Promise<void> => {
    const store = stores[number % stores.length] as ObjectStore;
    /** What this client believes each key to hold: often wrong by the time it writes. */
    const believed = new Map<string, StoreEntry | undefined>();
    for (let i = 0; i < options.operations; i++) {
      const key = options.keys[Math.floor(random.next() * options.keys.length)] as string;
      const entry = believed.get(key);
      const choice = random.next();
      const called = ++time;
      const record = (does: Operation['does'], answered = ++time): void =>
        void history.push({ key, client: number, called, answered, does });
      if (choice < 0.4) {
        const found = await store.get(key).catch(unavailable);
        // A read without an answer has seen nothing.
        if (found === 'unavailable') continue;
        believed.set(key, found);
        record({ kind: 'read', seen: heldBy(found) });
      } else {
        const to = entry && choice > 0.9 ? undefined : ++written;
        const from = heldBy(entry);
        try {
          if (!entry) believed.set(key, await store.create(key, { n: to }));
          else if (to === undefined) {
            await store.delete(key, entry.revision);
            believed.delete(key);
          } else believed.set(key, await store.update(key, { n: to }, entry.revision));
          record({ kind: 'write', from, to });
        } catch (error) {
          if (error instanceof KeyExists || error instanceof RevisionMismatch) {
            believed.set(key, error.current);
            record({ kind: 'refused', from, seen: heldBy(error.current) });
          } else if (error instanceof StoreUnavailable) {
            believed.delete(key);
            if (error.outcome === 'unknown') record({ kind: 'write', from, to }, Number.POSITIVE_INFINITY);
          } else throw error;
        }
      }
      if (random.next() < 0.2) await sleep(options.clock, random.next() * 2);
    }
  };
  await Promise.all(Array.from({ length: options.clients }, (_, number) => client(number)));
  return history;
}

function unavailable(error: unknown): 'unavailable' {
  if (error instanceof StoreUnavailable) return 'unavailable';
  throw error;
}
