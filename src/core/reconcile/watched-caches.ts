/**
 * What a controller reads synchronously: the caches of the kinds it watches, each with the controller's own
 * writes laid over it. It learns of those writes as an observer of the requests its runs send.
 */
import {
  type ApiResponse,
  apiVersionOf,
  groupKind,
  type Key,
  type KindFacts,
  type KindOf,
  parseKey,
  type Scope,
} from '../../api/index.js';
import type { RequestAttributes, RequestObserver } from '../../client/index.js';
import type { Cache, CacheEvent, CacheObject, IndexFn } from '../../informers/index.js';
import type { CacheRead } from '../controller/observer.js';
import type { CacheReader } from './context.js';
import { type CacheScope, OwnWrites } from './own-writes.js';

/** The cache was asked for a kind that this controller does not watch. */
export class UnwatchedKind extends Error {
  override readonly name = 'UnwatchedKind';
  constructor(kind: KindFacts, controller: string, cluster?: string) {
    const remedy = cluster
      ? ` in cluster ${cluster}: add @Watches(${kind.kind}, { cluster: '${cluster}', … }), or read it live through ctx.cluster('${cluster}').client`
      : `: add @Owns(${kind.kind}) or @Watches(${kind.kind}, …), or read it live through ctx.client`;
    super(`controller ${controller} does not watch ${groupKind(kind)}${remedy}`);
  }
}

const writes: ReadonlySet<string> = new Set(['create', 'update', 'patch']);

/** One watched selection of a kind, as its controller sees it. */
export interface WatchedCache<T extends CacheObject = CacheObject> {
  readonly cache: Cache<T>;
  addIndex(name: string, fn: IndexFn<T>): void;
  /** To be told of every event of the cache; calls `deliver` unless it is the echo of an own write. */
  onEvent(event: CacheEvent<T>, deliver: () => void): void;
}

interface Watched {
  readonly kind: KindFacts;
  readonly scope: CacheScope;
  readonly writes: OwnWrites<CacheObject>;
}

export class WatchedCaches implements CacheReader {
  /** By group and kind: the widest selection first, which is the one that is read. */
  readonly #watched = new Map<string, Watched[]>();
  /** By group and plural, as requests name them. */
  readonly #byResource = new Map<string, Watched[]>();

  constructor(
    private readonly controller: string,
    /** Absent: the one the controller is in. */
    private readonly cluster?: string,
  ) {}

  add(kind: KindFacts, cache: Cache<unknown>, scope: CacheScope = {}): WatchedCache {
    const writes = new OwnWrites(cache as Cache<CacheObject>, scope);
    const watched: Watched = { kind, scope, writes };
    const same = this.#watched.get(groupKind(kind)) ?? [];
    same.push(watched);
    same.sort((a, b) => narrowness(a.scope) - narrowness(b.scope));
    this.#watched.set(groupKind(kind), same);
    const resource = `${kind.group}/${kind.plural}`;
    this.#byResource.set(resource, [...(this.#byResource.get(resource) ?? []), watched]);
    return {
      cache: writes,
      addIndex: (name, fn) => writes.addIndex(name, fn),
      onEvent: (event, deliver) => writes.onEvent(event, deliver),
    };
  }

  /** Takes the answers to this controller's writes into what it reads. */
  readonly requests: RequestObserver = {
    begin: (_request, attributes) => {
      if (attributes.dryRun) return undefined;
      const isWrite = writes.has(attributes.verb);
      if (!isWrite && attributes.verb !== 'delete') return undefined;
      const watched = this.#byResource.get(`${attributes.group}/${attributes.resource}`);
      if (!watched) return undefined;
      const { namespace, name } = attributes;
      const key = namespace && name ? `${namespace}/${name}` : name;
      const gone = isWrite ? [] : watched.map((one) => one.writes.deleting(String(key)));
      const sent = isWrite ? watched.map((one) => one.writes.sending(key)) : [];
      return {
        end: (result) => {
          if ('response' in result)
            for (const [i, one] of watched.entries()) take(one, attributes, result.response, gone[i]);
          for (const answered of sent) answered();
        },
      };
    },
  };

  find(kind: KindFacts): Cache<unknown> | undefined {
    return this.#watched.get(groupKind(kind))?.[0]?.writes;
  }
  get<T, S extends Scope>(kind: KindOf<T, S>, key: Key<S>): T | undefined {
    const { namespace, name } = parseKey(kind, key);
    return this.#of(kind).get(namespace === '' ? name : `${namespace}/${name}`) as T | undefined;
  }
  list<T>(
    kind: KindOf<T>,
    options?: { readonly namespace?: string; readonly labelSelector?: string },
  ): readonly T[] {
    return this.#of(kind).list(options) as readonly T[];
  }
  by<T>(kind: KindOf<T>, index: string, value: string): readonly T[] {
    return this.#of(kind).by(index, value) as readonly T[];
  }
  resourceVersion(kind: KindFacts): string {
    return this.#of(kind).resourceVersion;
  }

  #of(kind: KindFacts): Cache<unknown> {
    const cache = this.find(kind);
    if (!cache) throw new UnwatchedKind(kind, this.controller, this.cluster);
    return cache;
  }
}

/** A reader that tells of every read. */
export function observedReader(
  caches: CacheReader,
  onRead: (read: CacheRead) => void,
  cluster?: string,
): CacheReader {
  const told = (kind: KindFacts, verb: CacheRead['verb'], what: string): void =>
    onRead({ group: kind.group, kind: kind.kind, ...(cluster ? { cluster } : {}), verb, what });
  return {
    get: (kind, key) => {
      const { namespace, name } = parseKey(kind, key);
      told(kind, 'get', namespace === '' ? name : `${namespace}/${name}`);
      return caches.get(kind, key);
    },
    list: (kind, options = {}) => {
      told(kind, 'list', [options.namespace ?? '*', options.labelSelector ?? ''].join(' ').trim());
      return caches.list(kind, options);
    },
    by: (kind, index, value) => {
      told(kind, 'by', `${index}=${value}`);
      return caches.by(kind, index, value);
    },
    resourceVersion: (kind) => caches.resourceVersion(kind),
  };
}

function narrowness({ namespaces, labelSelector, fieldSelector }: CacheScope): number {
  return [namespaces, labelSelector, fieldSelector].filter((narrowing) => narrowing !== undefined).length;
}

function take(
  { kind, writes: own }: Watched,
  { version }: RequestAttributes,
  { status, body }: ApiResponse,
  gone: ((uid: string | undefined) => void) | undefined,
): void {
  if (status < 200 || status >= 300 || typeof body !== 'object' || body === null) return;
  const answer = body as Answer;
  if (answer.kind === kind.kind && answer.apiVersion === apiVersionOf({ ...kind, version })) {
    // Of another version it has another shape than what is read.
    if (version === kind.version && isObject(answer)) own.wrote(answer);
  } else if (answer.kind === 'Status') gone?.(answer.details?.uid);
}

interface Answer {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: Partial<CacheObject['metadata']>;
  readonly details?: { readonly uid?: string };
}

/** What a subresource answers may be of another kind, or say less than a cached object must. */
function isObject(answer: Answer): answer is CacheObject {
  const { name, uid, resourceVersion } = answer.metadata ?? {};
  return Boolean(name && uid && resourceVersion);
}
