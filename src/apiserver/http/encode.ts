/**
 * JSON bytes of what is sent, made once per object: N watchers and readers of one revision share them.
 */
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
 * An answer's JSON in pieces; a list is never held as one string, and its items' bytes are shared with
 * everybody else who reads them.
 */
export function* jsonChunks(body: object): Iterable<Buffer> {
  if (!isList(body)) {
    yield Buffer.from(JSON.stringify(body));
    return;
  }
  const { items, ...head } = body;
  const opening = JSON.stringify(head);
  let pieces: Buffer[] = [Buffer.from(`${opening.slice(0, -1)},"items":[`)];
  let size = 0;
  for (const [i, item] of items.entries()) {
    if (i > 0) pieces.push(comma);
    const bytes = sharedBytes(item);
    pieces.push(bytes);
    size += bytes.length;
    if (size >= chunkBytes) {
      yield Buffer.concat(pieces);
      pieces = [];
      size = 0;
    }
  }
  pieces.push(closing);
  yield Buffer.concat(pieces);
}

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
