/** What of a pod goes on after the answer: its logs, commands in it, connections to it. */
import type { Duplex } from 'node:stream';
import {
  type ApiRequest,
  type Key,
  type KindFacts,
  type MessageConnection,
  parseKey,
  type Transport,
  TransportError,
} from '../../api/index.js';
import type { RequestOptions } from '../client.js';
import type { Place } from '../observed-request.js';
import { pathOf, type Query } from '../request-parts.js';
import {
  type AttachOptions,
  ChannelSession,
  type ExecOptions,
  execProtocols,
  execQuery,
  type ExecSession,
} from './exec-session.js';
import { type LogOptions, logQuery, type LogStream, PodLog } from './log-stream.js';
import { PortForwardConnection, portForwardProtocols } from './port-forward.js';

/** Named here: the table of all kinds would be loaded for one of them. */
export const podKind: KindFacts<'Namespaced'> = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  scope: 'Namespaced',
};

/** How the client whose streams these are sends. */
export interface StreamSender {
  readonly transport: Transport;
  readonly guards: readonly (() => void)[];
  /** Sends as the client's own requests are sent: bound, observed, within its time. */
  readonly open: <A extends object>(
    place: Place,
    request: ApiRequest,
    options: RequestOptions,
    send: (request: ApiRequest) => Promise<A>,
  ) => Promise<A>;
}

export class PodStreams {
  readonly #sender: StreamSender;

  constructor(sender: StreamSender) {
    this.#sender = sender;
  }

  logs(pod: Key<'Namespaced'>, options: LogOptions = {}): LogStream {
    const { transport, open } = this.#sender;
    const place = { ...parseKey(podKind, pod), subresource: 'log' };
    const request: ApiRequest = { method: 'GET', path: pathOf(podKind, place), query: logQuery(options) };
    return new PodLog(() =>
      open(place, request, options, async (opening) => {
        if (!transport.open) throw new TransportError('this transport cannot follow a log');
        return transport.open(opening);
      }),
    );
  }

  async exec(pod: Key<'Namespaced'>, options: ExecOptions): Promise<ExecSession> {
    const connection = await this.#channels(pod, 'exec', execQuery(options), execProtocols, options);
    return new ChannelSession(connection, options);
  }

  async attach(pod: Key<'Namespaced'>, options: AttachOptions = {}): Promise<ExecSession> {
    const connection = await this.#channels(pod, 'attach', execQuery(options), execProtocols, options);
    return new ChannelSession(connection, options);
  }

  async portForward(pod: Key<'Namespaced'>, port: number, options: RequestOptions = {}): Promise<Duplex> {
    const query = { ports: String(port) };
    const connection = await this.#channels(pod, 'portforward', query, portForwardProtocols, options);
    return new PortForwardConnection(connection);
  }

  /** What goes on in a container may change anything: it is guarded as a write is. */
  async #channels(
    pod: Key<'Namespaced'>,
    subresource: string,
    query: Query,
    protocols: readonly string[],
    options: RequestOptions,
  ): Promise<MessageConnection> {
    const { transport, guards, open } = this.#sender;
    const place = { ...parseKey(podKind, pod), subresource };
    for (const guard of guards) guard();
    const request: ApiRequest = { method: 'GET', path: pathOf(podKind, place), query };
    return open(place, request, options, async (opening) => {
      if (!transport.connect) throw new TransportError('this transport cannot open streams to a pod');
      return transport.connect(opening, protocols);
    });
  }
}
