/**
 * What became of one object: each of its versions that the server still knows, and what changed from one to the next.
 *
 * It is read by what every API server has: a watch from the oldest version that can be watched, and the state at that
 * version. How far back that goes is the server's to say: five minutes on most, as long as `gyre up --history` wants here.
 */
import {
  ApiError,
  isApiError,
  type Key,
  type KindOf,
  type KubernetesObject,
  parseKey,
  type Scope,
  type WatchEvent,
} from '../../api/index.js';
import type { Client, ListOptions } from '../../client/index.js';
import { type ChangedField, changedFields, describeFields, isSecret } from './changed-fields.js';

/** Who wrote a version, as its managed fields say. */
export interface WrittenBy {
  readonly manager: string;
  /** Absent for the object itself. */
  readonly subresource?: string;
  /** RFC 3339, to the second. */
  readonly time?: string;
}

export interface Revision<T> {
  /** `found`: it was like this at the oldest version that is known. */
  readonly what: 'found' | 'created' | 'changed' | 'deleted';
  readonly resourceVersion: string;
  /** Of a deleted one the last that was. */
  readonly object: T;
  /** From the version before it; all of them. Empty unless it was changed. */
  readonly changes: readonly ChangedField[];
  readonly by?: WrittenBy;
}

export interface ObjectHistory<T> {
  /** What was before this version is not known any more. */
  readonly since: string;
  /** Oldest first; empty where there was none. */
  readonly revisions: readonly Revision<T>[];
}

export interface HistoryOptions {
  readonly signal?: AbortSignal;
}

/** The server ends the watch when nothing more comes for so long. */
const watchSeconds = 1;
/** More fields than any object has. */
const allFields = 100_000;
/** The oldest version may be forgotten between two questions. */
const maxAttempts = 3;

type OneObject = Pick<ListOptions, 'namespace' | 'fieldSelector' | 'signal'>;
type Told<T> = Exclude<WatchEvent<T>, { readonly type: 'ERROR' }>;

/** @throws ApiError, TransportError */
export async function historyOf<T extends KubernetesObject, S extends Scope>(
  client: Client,
  kind: KindOf<T, S>,
  key: Key<S>,
  options: HistoryOptions = {},
): Promise<ObjectHistory<T>> {
  const { namespace, name } = parseKey(kind, key);
  const of: OneObject = {
    ...(namespace === '' ? {} : { namespace }),
    fieldSelector: `metadata.name=${name}`,
    ...(options.signal ? { signal: options.signal } : {}),
  };
  let since = '1';
  for (let attempt = 1; ; attempt++) {
    try {
      const first = since === '1' ? undefined : await stateAt(client, kind, of, since);
      const events = await told(client, kind, of, since);
      return { since, revisions: revisionsOf(first, events) };
    } catch (error) {
      const oldest = attempt > maxAttempts ? undefined : oldestVersion(error);
      if (oldest === undefined) throw error;
      since = oldest;
    }
  }
}

/** Of the answer to who asks for more than is known: `too old resource version: 1 (17)`. */
function oldestVersion(error: unknown): string | undefined {
  if (!isApiError(error, 'Expired') && !isApiError(error, 'Gone')) return undefined;
  return /\((\d+)\)$/.exec(error.message)?.[1];
}

/** What a watch tells until nothing more comes. @throws ApiError, also for one that came as an event */
async function told<T extends KubernetesObject>(
  client: Client,
  kind: KindOf<T>,
  of: OneObject,
  resourceVersion: string,
): Promise<readonly Told<T>[]> {
  const { events } = await client.watch(kind, { ...of, resourceVersion, timeoutSeconds: watchSeconds });
  const all: Told<T>[] = [];
  for await (const batch of events)
    for (const event of batch) {
      if (event.type === 'ERROR') throw new ApiError(event.object);
      all.push(event);
    }
  return all;
}

async function stateAt<T extends KubernetesObject>(
  client: Client,
  kind: KindOf<T>,
  of: OneObject,
  resourceVersion: string,
): Promise<T | undefined> {
  const { items } = await client.listPage(kind, { ...of, resourceVersion, resourceVersionMatch: 'Exact' });
  return items[0];
}

function revisionsOf<T extends KubernetesObject>(
  first: T | undefined,
  events: readonly Told<T>[],
): readonly Revision<T>[] {
  const revisions: Revision<T>[] = first ? [revisionOf('found', first, undefined)] : [];
  let last = first;
  for (const { type, object } of events) {
    if (type === 'BOOKMARK') continue;
    const what = type === 'ADDED' ? 'created' : type === 'DELETED' ? 'deleted' : 'changed';
    revisions.push(revisionOf(what, object, what === 'changed' ? last : undefined));
    last = what === 'deleted' ? undefined : object;
  }
  return revisions;
}

function revisionOf<T extends KubernetesObject>(
  what: Revision<T>['what'],
  object: T,
  before: T | undefined,
): Revision<T> {
  const { resourceVersion = '' } = object.metadata;
  const changes = before ? changedFields(before, object, allFields) : [];
  const by = what === 'deleted' ? undefined : writtenBy(object, before, changes);
  return { what, resourceVersion, object, changes, ...(by ? { by } : {}) };
}

/** Of those whose entry is new or has another time, who owns most of what changed, and wrote last. */
function writtenBy(
  object: KubernetesObject,
  before: KubernetesObject | undefined,
  changes: readonly ChangedField[],
): WrittenBy | undefined {
  const entries = object.metadata.managedFields ?? [];
  const known = new Set((before?.metadata.managedFields ?? []).map((entry) => JSON.stringify(entry)));
  const fresh = entries.filter((entry) => !known.has(JSON.stringify(entry)));
  // Who writes twice in a second leaves the second time no trace.
  const [last] = (fresh.length > 0 ? fresh : [...entries])
    .map((entry) => ({ entry, owned: changes.filter(({ path }) => owns(entry.fieldsV1, path)).length }))
    .sort((a, b) => b.owned - a.owned || (b.entry.time ?? '').localeCompare(a.entry.time ?? ''));
  if (last?.entry.manager === undefined) return undefined;
  const { manager, subresource, time } = last.entry;
  return {
    manager,
    ...(subresource ? { subresource } : {}),
    ...(time === undefined ? {} : { time }),
  };
}

/** By its first two fields: `spec.replicas`. */
function owns(fields: unknown, path: string): boolean {
  let at = fields as Record<string, unknown> | undefined;
  for (const field of path.split(/[.[]/, 2)) {
    at = at?.[`f:${field}`] as Record<string, unknown> | undefined;
    if (!at) return false;
  }
  return true;
}

/** For people: a line for each version, and one below it for each field that changed; values of Secrets are not shown. */
export function historyText<T extends KubernetesObject>({ revisions, since }: ObjectHistory<T>): string {
  const lines: string[] = [];
  for (const { what, resourceVersion, object, changes, by } of revisions) {
    const who = by ? `by ${by.manager}${by.subresource ? ` (${by.subresource})` : ''}` : '';
    const at = by?.time ?? '';
    lines.push(
      [resourceVersion, what, what === 'found' ? '' : at, what === 'found' ? '' : who]
        .filter(Boolean)
        .join('  '),
    );
    for (const line of describeFields(changes, isSecret(object as never))) lines.push(`    ${line}`);
  }
  if (lines.length === 0) return '';
  return `${lines.join('\n')}\n${since === '1' ? '' : `what was before version ${since} is not known any more\n`}`;
}
