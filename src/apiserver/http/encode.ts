/**
 * JSON bytes of what is sent, made once per object: N watchers and readers of one revision share them.
 */
import { apiVersionOf } from '../../api/index.js';
import { builtinResources } from '../../api/facts/index.js';

const encoded = new WeakMap<object, Buffer>();

/** The object's JSON. Remembered for as long as the object lives: only for objects nobody changes. */
export function sharedBytes(object: object): Buffer {
  let bytes = encoded.get(object);
  if (!bytes) {
    bytes = Buffer.from(JSON.stringify(object));
    encoded.set(object, bytes);
  }
  return bytes;
}

interface ListLike {
  readonly items: readonly object[];
}

function isList(body: object): body is ListLike {
  return (
    Array.isArray((body as Partial<ListLike>).items) &&
    'kind' in body &&
    String((body as { kind: unknown }).kind).endsWith('List')
  );
}

/** How many bytes of a list are handed on at a time. */
const chunkBytes = 256 * 1024;

/**
 * An answer's JSON, in pieces when it is a long list: that is never held as one string, and its items' bytes are shared with
 * everybody else who reads them.
 * @param read others will read the same: what was written is not remembered, unless somebody watches it
 */
export function jsonOf(body: object, read: boolean): Buffer | Iterable<Buffer> {
  if (isList(body)) {
    const pieces = listPieces(body);
    const [first, second] = [pieces.next().value as Buffer, pieces.next()];
    return second.done ? first : continued([first, second.value], pieces);
  }
  return read ? sharedBytes(body) : (encoded.get(body) ?? Buffer.from(JSON.stringify(body)));
}

function* continued(begun: readonly Buffer[], rest: Iterable<Buffer>): Iterable<Buffer> {
  yield* begun;
  yield* rest;
}

function* listPieces({ items, ...head }: ListLike): Generator<Buffer, undefined> {
  const bare = bareItems(head);
  let pieces: Buffer[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)];
  let size = 0;
  for (const [i, item] of items.entries()) {
    if (i > 0) pieces.push(comma);
    for (const bytes of bare?.(item) ?? [sharedBytes(item)]) {
      pieces.push(bytes);
      size += bytes.length;
    }
    if (size >= chunkBytes) {
      yield Buffer.concat(pieces);
      pieces = [];
      size = 0;
    }
  }
  pieces.push(closing);
  yield Buffer.concat(pieces);
}

/**
 * The items of a list of a built-in kind do not say what they are, as the list does: clients that compare what they
 * read with what they made count on it. Items of custom kinds do. Undefined when the items stay as they are.
 */
function bareItems({ apiVersion, kind }: { readonly apiVersion?: unknown; readonly kind?: unknown }) {
  if (!builtinVersions.has(String(apiVersion))) return undefined;
  const type = [`"apiVersion":"${apiVersion}"`, `"kind":"${String(kind).slice(0, -'List'.length)}"`];
  // In whichever order its creator wrote them, they nearly always come first.
  const heads = [type, [...type].reverse()].map((both) => Buffer.from(`{${both.join()},`));
  return (item: object): readonly Buffer[] => {
    const bytes = sharedBytes(item);
    for (const head of heads)
      if (bytes.length > head.length && bytes.compare(head, 0, head.length, 0, head.length) === 0)
        return [brace, bytes.subarray(head.length)];
    const {
      apiVersion: _,
      kind: __,
      ...rest
    } = item as { readonly apiVersion?: string; readonly kind?: string };
    return [Buffer.from(JSON.stringify(rest))];
  };
}

const builtinVersions = new Set(builtinResources.map(apiVersionOf));
const brace = Buffer.from('{');
const comma = Buffer.from(',');
const closing = Buffer.from(']}');
const frameEnd = Buffer.from('}\n');
const frameStart: Readonly<Record<string, Buffer>> = Object.fromEntries(
  ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'].map((type) => [
    type,
    Buffer.from(`{"type":"${type}","object":`),
  ]),
);

/** A batch of watch events as newline-delimited JSON. */
export function watchFrames(events: readonly { readonly type: string; readonly object: unknown }[]): Buffer {
  const pieces: Buffer[] = [];
  for (const { type, object } of events) {
    pieces.push(frameStart[type] as Buffer, sharedBytes(object as object), frameEnd);
  }
  return Buffer.concat(pieces);
}
