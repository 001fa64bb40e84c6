/** HTTP/1.1: node's own client over our pools, so that client certificates work and tests can intercept it. */
// Through the module objects: a named import would bind node's own functions before a test can put others there.
import http, { type RequestOptions } from 'node:http';
import https from 'node:https';
import type { ApiRequest } from '../../api/index.js';
import { Agents } from './agents.js';
import { type Answer, type Exchange, lost, type Outgoing, type Route, unsent } from './exchange.js';
import { portOf, proxyAuthorization } from './proxy-tunnel.js';

export class Http1Exchange implements Exchange {
  readonly agents: Agents;
  readonly #route: Route;

  constructor(route: Route) {
    this.#route = route;
    this.agents = new Agents(route);
  }

  send(outgoing: Outgoing): Promise<Answer> {
    const { request, url, headers, payload, tls } = outgoing;
    const init: RequestOptions = {
      method: request.method,
      agent: this.agents.for(tls),
      headers: {
        ...headers,
        ...(payload === undefined ? {} : { 'content-length': String(payload.length) }),
      },
      ...(request.signal ? { signal: request.signal } : {}),
    };
    return new Promise((resolve, reject) => {
      let sent = false;
      const message = url.protocol === 'https:' ? https.request(url, init) : this.#plain(url, init);
      message.once('response', resolve);
      message.once('finish', () => {
        sent = true;
      });
      // Not once: a broken connection may say so twice, and nobody must be surprised by the second.
      message.on('error', (error: NodeJS.ErrnoException) => {
        if (message.reusedSocket && error.code === 'ECONNRESET' && isRepeatable(request)) {
          // The server closed an idle connection just as we took it. Ends at the latest with a fresh one.
          resolve(this.send(outgoing));
          return;
        }
        reject(sent ? lost(request, error) : unsent(request, error));
      });
      message.end(payload);
    });
  }

  close(): void {
    this.agents.close();
  }

  /** What is not encrypted is the proxy's to send on: it is asked for the whole URL. */
  #plain(url: URL, init: RequestOptions): http.ClientRequest {
    const { proxy } = this.#route;
    if (!proxy) return http.request(url, init);
    const { request } = proxy.protocol === 'https:' ? https : http;
    return request({
      ...init,
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: portOf(proxy),
      path: url.href,
      headers: {
        host: url.host,
        ...proxyAuthorization(proxy),
        ...(init.headers as http.OutgoingHttpHeaders),
      },
    });
  }
}

function isRepeatable(request: ApiRequest): boolean {
  return request.method === 'GET' && !request.signal?.aborted;
}
