/**
 * A small API server of one kind on a real socket, which misbehaves when told to. It keeps a log, so that a watch from a
 * version gives every later change; it streams lists, and gives them in pages.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Thing {
  readonly apiVersion: 'v1';
  readonly kind: 'ConfigMap';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly data?: Readonly<Record<string, string>>;
}

interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Thing;
}

/** True: the request was answered, well or badly. */
export type Fault = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => boolean;

export class World {
  readonly objects = new Map<string, Thing>();
  /** Requests for the kind, whatever became of them: `performance.now()`. */
  readonly attempts: number[] = [];
  fault: Fault | undefined;
  /** Pages instead of streaming lists. */
  refusesStreaming = false;
  #log: Change[] = [];
  #version = 100;
  #watchers = new Map<ServerResponse, number>();
  #sockets = new Set<Socket>();
  #server: Server;
  #port = 0;

  constructor() {
    this.#server = this.#listener();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }
  get port(): number {
    return this.#port;
  }
  get version(): number {
    return this.#version;
  }
  get watchers(): readonly ServerResponse[] {
    return [...this.#watchers.keys()];
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** As a process that ends: every connection is reset. */
  async down(): Promise<void> {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#watchers.clear();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#server = this.#listener();
  }

  put(name: string, data: Readonly<Record<string, string>> = {}): Thing {
    const before = this.objects.get(name);
    const version = ++this.#version;
    const object: Thing = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name,
        namespace: 'default',
        uid: before?.metadata.uid ?? `uid-${version}`,
        resourceVersion: String(version),
      },
      data,
    };
    this.objects.set(name, object);
    this.#publish({ version, type: before ? 'MODIFIED' : 'ADDED', object });
    return object;
  }

  remove(name: string): void {
    const before = this.objects.get(name);
    if (!before) return;
    this.objects.delete(name);
    const version = ++this.#version;
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } };
    this.#publish({ version, type: 'DELETED', object });
  }

  /** Forgets the log: older versions are gone. */
  compact(): void {
    this.#log = [];
  }

  bookmark(): void {
    for (const watcher of this.#watchers.keys()) watcher.write(bookmarkLine(this.#version, false));
  }

  refuse(response: ServerResponse, code: number, reason: string, headers: Record<string, string> = {}): void {
    response.writeHead(code, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(statusOf(code, reason)));
  }

  #listener(): Server {
    const server = createServer((request, response) => this.#handle(request, response));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    return server;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    this.attempts.push(performance.now());
    response.on('error', () => {});
    const { searchParams } = new URL(request.url ?? '/', 'http://x');
    if (this.fault?.(request, response, searchParams)) return;
    if (searchParams.get('watch')) this.#watch(response, searchParams);
    else this.#list(response, searchParams);
  }

  #list(response: ServerResponse, query: URLSearchParams): void {
    const all = [...this.objects.values()];
    const from = Number(query.get('continue') ?? 0);
    const limit = Number(query.get('limit') ?? 0) || all.length;
    const next = from + limit < all.length ? String(from + limit) : undefined;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMapList',
        metadata: { resourceVersion: String(this.#version), ...(next ? { continue: next } : {}) },
        items: all.slice(from, from + limit),
      }),
    );
  }

  #watch(response: ServerResponse, query: URLSearchParams): void {
    const initial = query.get('sendInitialEvents') === 'true';
    if (initial && this.refusesStreaming) {
      this.refuse(response, 400, 'BadRequest');
      return;
    }
    const from = Number(query.get('resourceVersion') ?? this.#version);
    const oldest = (this.#log[0]?.version ?? this.#version + 1) - 1;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.once('close', () => this.#watchers.delete(response));
    if (initial) {
      for (const object of this.objects.values()) response.write(eventLine('ADDED', object));
      response.write(bookmarkLine(this.#version, true));
    } else if (from < oldest) {
      response.end(eventLine('ERROR', statusOf(410, 'Expired')));
      return;
    } else {
      response.flushHeaders();
      for (const { type, object, version } of this.#log)
        if (version > from) response.write(eventLine(type, object));
    }
    this.#watchers.set(response, this.#version);
  }

  #publish(change: Change): void {
    this.#log.push(change);
    for (const watcher of this.#watchers.keys()) watcher.write(eventLine(change.type, change.object));
  }
}

export function eventLine(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

export function bookmarkLine(version: number, ends: boolean): string {
  const annotations = ends ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  return eventLine('BOOKMARK', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { resourceVersion: String(version), ...annotations },
  });
}

function statusOf(code: number, reason: string) {
  return {
    apiVersion: 'v1',
    kind: 'Status',
    status: 'Failure',
    code,
    reason,
    message: `${reason}, as told`,
    metadata: {},
  };
}
