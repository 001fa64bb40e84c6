/** A server of ConfigMaps as a model: a log of changes, streams that can be broken, a log that can be cut. */
import {
  type ApiRequest,
  type ApiResponse,
  badRequest,
  expired,
  tooLargeVersion,
  type Transport,
  TransportError,
  type WatchEvent,
  type WatchResponse,
} from 'gyre/api';
import type { ConfigMap } from 'gyre/kinds';

type Event = WatchEvent<ConfigMap>;

/** One open watch: events wait in it until they are asked for. */
class Stream implements AsyncIterable<readonly Event[]> {
  #waiting: Event[] = [];
  #end: { readonly error?: unknown } | undefined;
  #wake = () => {};

  push(...events: Event[]): void {
    this.#waiting.push(...events);
    this.#wake();
  }
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake();
  }
  async *[Symbol.asyncIterator](): AsyncIterator<readonly Event[]> {
    for (;;) {
      const batch = this.#waiting;
      this.#waiting = [];
      if (batch.length > 0) yield batch;
      else if (this.#end) {
        if ('error' in this.#end) throw this.#end.error;
        return;
      } else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

const objectOf = (name: string, uid: string, version: number, value: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name,
    namespace: 'default',
    uid,
    resourceVersion: String(version),
    creationTimestamp: '2026-01-01T00:00:00Z',
    managedFields: [{ manager: 'model' }],
  },
  data: { value },
});

const bookmark = (version: number, ends: boolean): Event => ({
  type: 'BOOKMARK',
  object: {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      resourceVersion: String(version),
      ...(ends ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    },
  } as ConfigMap,
});

export class ModelServer implements Transport {
  readonly requests: ApiRequest[] = [];
  objects = new Map<string, ConfigMap>();
  /** What requests are refused with, one after the other. */
  readonly refusals: unknown[] = [];
  /** Requests that get no answer at all. */
  isSilent: (request: ApiRequest) => boolean = () => false;
  /** Objects per page of a list. */
  pageSize = 2;
  #version = 10;
  #compacted = 10;
  #log: { readonly version: number; readonly event: Event }[] = [];
  readonly #streams = new Set<Stream>();
  #uids = 0;

  constructor(private readonly streams = true) {}

  get openWatches(): number {
    return this.#streams.size;
  }

  put(name: string, value: string): void {
    const before = this.objects.get(name);
    const object = objectOf(name, before?.metadata.uid ?? `uid-${++this.#uids}`, ++this.#version, value);
    this.objects.set(name, object);
    this.#tell({ type: before ? 'MODIFIED' : 'ADDED', object });
  }

  delete(name: string): void {
    const before = this.objects.get(name);
    if (!before) return;
    this.objects.delete(name);
    const metadata = { ...before.metadata, resourceVersion: String(++this.#version) };
    this.#tell({ type: 'DELETED', object: { ...before, metadata } });
  }

  /** Forgets the history: whoever is behind must list anew. */
  compact(): void {
    this.#compacted = this.#version;
    this.#log = [];
  }

  bookmark(): void {
    for (const stream of this.#streams) stream.push(bookmark(this.#version, false));
  }

  /** An ERROR event that says 410, and then the end. */
  expire(): void {
    for (const stream of this.#streams) stream.push({ type: 'ERROR', object: expired('too old').status });
    this.end();
  }

  /** Ends all watches, in order or with an error. */
  end(error?: unknown): void {
    for (const stream of this.#streams) stream.end(error);
    this.#streams.clear();
  }

  /** Gives a function that brings back the present state and version, as restoring a backup does. */
  backup(): () => void {
    const objects = new Map(this.objects);
    const version = this.#version;
    return () => {
      this.objects = new Map(objects);
      this.#version = version;
      this.compact();
      this.end(new TransportError('the server went away'));
    };
  }

  #tell(event: Event): void {
    this.#log.push({ version: this.#version, event });
    for (const stream of this.#streams) stream.push(event);
  }

  async #admit(request: ApiRequest): Promise<void> {
    this.requests.push(request);
    if (this.isSilent(request))
      await new Promise((_, reject) => {
        request.signal?.addEventListener('abort', () => reject(request.signal?.reason as Error));
      });
    if (this.refusals.length > 0) throw this.refusals.shift();
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    await this.#admit(request);
    const from = Number(request.query?.continue ?? 0);
    const all = [...this.objects.values()];
    const more = from + this.pageSize < all.length ? { continue: String(from + this.pageSize) } : {};
    return {
      status: 200,
      headers: {},
      body: {
        apiVersion: 'v1',
        kind: 'ConfigMapList',
        metadata: { resourceVersion: String(this.#version), ...more },
        items: all.slice(from, from + this.pageSize),
      },
    };
  }

  async watch<T>(request: ApiRequest): Promise<WatchResponse<T>> {
    await this.#admit(request);
    const { sendInitialEvents, resourceVersion } = request.query ?? {};
    const stream = new Stream();
    if (sendInitialEvents === 'true') {
      if (!this.streams) throw badRequest('sendInitialEvents is forbidden for watch');
      for (const object of this.objects.values()) stream.push({ type: 'ADDED', object });
      stream.push(bookmark(this.#version, true));
    } else {
      const from = Number(resourceVersion);
      if (from < this.#compacted) throw expired(`too old resource version: ${from} (${this.#compacted})`);
      if (from > this.#version) throw tooLargeVersion(String(from), this.#version);
      for (const { version, event } of this.#log) if (version > from) stream.push(event);
    }
    this.#streams.add(stream);
    request.signal?.addEventListener('abort', () => {
      this.#streams.delete(stream);
      stream.end(request.signal?.reason);
    });
    return { headers: {}, events: stream as unknown as WatchResponse<T>['events'] };
  }

  close(): void {
    this.end(new TransportError('closed'));
  }
}
