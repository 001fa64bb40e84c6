/**
 * Calls to etcd over gRPC: one member after another when one fails, a bounded wait for every answer, and a token where
 * users have to say who they are.
 *
 * A read, and a write that has certainly not been sent, is tried again until the time is up. A write that may have been
 * sent never is: its outcome is unknown, and the error says so.
 */
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type * as Grpc from '@grpc/grpc-js';
import type { MethodDefinition, ServiceDefinition } from '@grpc/proto-loader';
import { type Cancel, type Clock, sleep } from '../../api/index.js';
import { StoreClosed, StoreUnavailable } from '../store.js';
import { type Calls, descriptor, serviceOf, type WatchRequest, type WatchResponse } from './messages.js';

export interface EtcdTls {
  /** Who is believed, PEM. Default: what the system believes. */
  readonly ca?: string;
  /** The client's own certificate, PEM, with its key. */
  readonly cert?: string;
  readonly key?: string;
}

export interface ConnectionOptions {
  readonly endpoints: readonly string[];
  readonly tls?: EtcdTls;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
  /** Resolves for all who wait for it at once, at the end of a turn of the event loop. */
  readonly turn?: (() => Promise<void>) | undefined;
}

export type WatchStream = Grpc.ClientDuplexStream<WatchRequest, WatchResponse>;

/** The refusals that are part of the protocol, by what etcd says. */
export const refusals = {
  compacted: 'etcdserver: mvcc: required revision has been compacted',
  future: 'etcdserver: mvcc: required revision is a future revision',
  leaseExists: 'etcdserver: lease already exists',
  leaseGone: 'etcdserver: requested lease not found',
} as const;

/** etcd has refused a call; nothing was changed. */
export class EtcdRefusal extends Error {
  override readonly name = 'EtcdRefusal';
}

/** Of gRPC's status codes those that decide something here. */
const codes = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unauthenticated: 16,
} as const;

/** Codes with which etcd says that it has looked at the call and done nothing. */
const refused = new Set<number>([
  codes.invalidArgument,
  codes.notFound,
  codes.permissionDenied,
  codes.resourceExhausted,
  codes.failedPrecondition,
  codes.outOfRange,
  codes.unauthenticated,
]);

const tokenTrouble = /invalid auth token|user name is empty|revision (?:of auth store|in header) is old/;
const unsent = /^(?:No connection established|Name resolution failed)/;

const retryPauseMs = 50;
const channelOptions = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  // Whether a write was sent is ours to know.
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  // A member that hangs is noticed by a watch within these; etcd allows a ping every five seconds.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5000,
  // Clients of one process share nothing: what hangs must not hang others.
  'grpc.use_local_subchannel_pool': 1,
} as const;

const shortestReconnectPauseMs = 100;
const longestReconnectPauseMs = 1000;

/** A member that is back is tried, and more than once, within the time of one call: no call fails for a pause alone. */
const reconnectPauses = (requestTimeoutMs: number) => ({
  'grpc.initial_reconnect_backoff_ms': shortestReconnectPauseMs,
  'grpc.min_reconnect_backoff_ms': shortestReconnectPauseMs,
  'grpc.max_reconnect_backoff_ms': Math.max(
    shortestReconnectPauseMs,
    Math.min(longestReconnectPauseMs, requestTimeoutMs / 4),
  ),
});

type AnyMethod = MethodDefinition<object, object>;

/** @throws Error that names the package that is missing; TypeError for endpoints that are none */
export async function connectEtcd(options: ConnectionOptions): Promise<EtcdConnection> {
  const missing = (error: unknown): never => {
    throw new Error(
      'the etcd store needs the optional packages @grpc/grpc-js and @grpc/proto-loader, which are not installed: npm install @grpc/grpc-js @grpc/proto-loader',
      { cause: error },
    );
  };
  const grpc = await import('@grpc/grpc-js').catch(missing);
  const { fromJSON } = await import('@grpc/proto-loader').catch(missing);
  const definition = fromJSON(descriptor, { keepCase: true, longs: Number, arrays: true });
  const methodOf = (service: string, name: string): AnyMethod =>
    (definition[service] as ServiceDefinition)[name] as AnyMethod;
  return new EtcdConnection(grpc, methodOf, options);
}

/**
 * TLS has no server names that are addresses, and Node refuses to send them (RFC 6066): a name that means nothing is sent, and the
 * certificate has to be for the address all the same.
 */
function identityOf(ip: string) {
  return {
    options: { 'grpc.ssl_target_name_override': 'etcd' },
    verify: { checkServerIdentity: (_: string, cert: PeerCertificate) => checkServerIdentity(ip, cert) },
  };
}

interface Address {
  readonly target: string;
  readonly secure: boolean;
  /** The host, where it is no name. */
  readonly ip: string | undefined;
}

function address(endpoint: string): Address {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.host && (url.protocol === 'http:' || url.protocol === 'https:')) {
    const ip = url.hostname.replace(/^\[|\]$/g, '');
    return {
      target: `${url.hostname}:${url.port || '2379'}`,
      secure: url.protocol === 'https:',
      ip: isIP(ip) === 0 ? undefined : ip,
    };
  }
  throw new TypeError(
    `not an endpoint of etcd: ${JSON.stringify(endpoint)}; write http://HOST:PORT or https://HOST:PORT`,
  );
}

export class EtcdConnection {
  readonly #grpc: typeof Grpc;
  readonly #methods: Readonly<Record<keyof Calls, AnyMethod>>;
  readonly #watchMethod: AnyMethod;
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #members: readonly Grpc.Client[];
  /** The member asked. */
  #at = 0;
  #token: Promise<string> | undefined;
  #metadata: Grpc.Metadata;
  #closed = false;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(
    grpc: typeof Grpc,
    methodOf: (service: string, name: string) => AnyMethod,
    options: ConnectionOptions,
  ) {
    this.#grpc = grpc;
    this.#options = options;
    this.#clock = options.clock;
    this.#methods = Object.fromEntries(
      Object.entries(serviceOf).map(([name, service]) => [name, methodOf(service, name)]),
    ) as Record<keyof Calls, AnyMethod>;
    this.#watchMethod = methodOf('etcdserverpb.Watch', 'Watch');
    this.#metadata = new grpc.Metadata();
    if (options.endpoints.length === 0) throw new TypeError('the etcd store needs at least one endpoint');
    const { ca, cert, key } = options.tls ?? {};
    const bytes = (pem: string | undefined) => (pem === undefined ? null : Buffer.from(pem));
    this.#members = options.endpoints.map(address).map(({ target, secure, ip }) => {
      const known = ip === undefined ? undefined : identityOf(ip);
      const credentials = secure
        ? grpc.credentials.createSsl(bytes(ca), bytes(key), bytes(cert), known?.verify)
        : grpc.credentials.createInsecure();
      return new grpc.Client(target, credentials, {
        ...channelOptions,
        ...reconnectPauses(options.requestTimeoutMs),
        ...known?.options,
      });
    });
  }

  /**
   * @param kind whether asking twice may do harm
   * @throws EtcdRefusal, StoreUnavailable, StoreClosed
   */
  call<K extends keyof Calls>(name: K, request: Calls[K][0], kind: 'read' | 'write'): Promise<Calls[K][1]> {
    const answer = this.#attempts(name, request, kind);
    this.#underWay.add(answer);
    answer.finally(() => this.#underWay.delete(answer)).catch(() => {});
    return answer;
  }

  async #attempts<K extends keyof Calls>(
    name: K,
    request: Calls[K][0],
    kind: 'read' | 'write',
  ): Promise<Calls[K][1]> {
    const until = this.#clock.monotonic() + this.#options.requestTimeoutMs;
    // Who calls alone has nobody to go on with.
    if (this.#underWay.size > 0) await this.#options.turn?.();
    let freshToken = false;
    for (;;) {
      const at = this.#at;
      try {
        const metadata = name === 'Authenticate' ? new this.#grpc.Metadata() : await this.#identified();
        return await this.#attempt(name, request, metadata, until - this.#clock.monotonic());
      } catch (error) {
        if (this.#closed) throw new StoreClosed('the store is closed');
        if (error instanceof StoreUnavailable) throw error;
        const { code = 2, details = String(error) } = error as Partial<Grpc.ServiceError>;
        if (this.#options.credentials && tokenTrouble.test(details) && !freshToken) {
          freshToken = true;
          this.#token = undefined;
          continue;
        }
        if (refused.has(code)) {
          if (Object.values<string>(refusals).includes(details)) throw new EtcdRefusal(details);
          throw new StoreUnavailable(`etcd refuses: ${details}`, 'unchanged', { cause: error });
        }
        this.failOver(at);
        const timedOut = code === codes.deadlineExceeded;
        const outcome = kind === 'write' && !unsent.test(details) ? 'unknown' : 'unchanged';
        if (timedOut || outcome === 'unknown' || this.#clock.monotonic() + retryPauseMs >= until) {
          const what = timedOut ? 'gave no answer in time' : `cannot be reached: ${details}`;
          throw new StoreUnavailable(`etcd ${what}${unknownText[outcome]}`, outcome, { cause: error });
        }
        await sleep(this.#clock, retryPauseMs);
      }
    }
  }

  #attempt<K extends keyof Calls>(
    name: K,
    request: Calls[K][0],
    metadata: Grpc.Metadata,
    timeoutMs: number,
  ): Promise<Calls[K][1]> {
    if (this.#closed) return Promise.reject(new StoreClosed('the store is closed'));
    const { path, requestSerialize, responseDeserialize } = this.#methods[name];
    return new Promise((resolve, reject) => {
      let call: Grpc.ClientUnaryCall | undefined;
      const cancel: Cancel = this.#clock.setTimer(timeoutMs, () => {
        reject({ code: codes.deadlineExceeded, details: 'no answer in time' });
        call?.cancel();
      });
      call = this.#member().makeUnaryRequest<object, object>(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        (error, value) => {
          cancel();
          if (error) reject(error);
          else resolve(value as Calls[K][1]);
        },
      );
    });
  }

  /** Where the next call goes. */
  get member(): number {
    return this.#at;
  }

  /** Asks another member from now on, unless somebody has moved on from this one already. */
  failOver(from: number): void {
    if (this.#at === from) this.#at = (from + 1) % this.#members.length;
  }

  /** @throws StoreUnavailable, StoreClosed */
  async openWatch(): Promise<WatchStream> {
    const metadata = (await this.#identified()).clone();
    // A member that has lost its leader ends the stream instead of falling silent.
    metadata.set('hasleader', 'true');
    if (this.#closed) throw new StoreClosed('the store is closed');
    const { path, requestSerialize, responseDeserialize } = this.#watchMethod;
    return this.#member().makeBidiStreamRequest<WatchRequest, WatchResponse>(
      path,
      requestSerialize as (value: WatchRequest) => Buffer,
      responseDeserialize as (value: Buffer) => WatchResponse,
      metadata,
    );
  }

  /** The next call asks for a token anew: this one is not taken any more. */
  forgetToken(): void {
    this.#token = undefined;
  }

  /** Waits for the calls under way, then lets go. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
    for (const member of this.#members) member.close();
  }

  #member(): Grpc.Client {
    return this.#members[this.#at] as Grpc.Client;
  }

  async #identified(): Promise<Grpc.Metadata> {
    const { credentials } = this.#options;
    if (!credentials) return this.#metadata;
    if (!this.#token) {
      const { username: name, password } = credentials;
      const asked = this.call('Authenticate', { name, password }, 'read').then(({ token = '' }) => {
        this.#metadata = new this.#grpc.Metadata();
        this.#metadata.set('token', token);
        return token;
      });
      this.#token = asked;
      asked.catch(() => {
        if (this.#token === asked) this.#token = undefined;
      });
    }
    await this.#token;
    return this.#metadata;
  }
}

const unknownText = {
  unchanged: '',
  unknown: '; the write may or may not have happened',
} as const;
