/** Through a proxy: a connection to the server that the proxy opened for us with CONNECT (RFC 9110, 9.3.6). */
// Through the module objects: a named import would bind node's own functions before a test can put others there.
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';

/** The port of a URL, said or not. */
export function portOf(url: URL): number {
  return Number(url.port || (url.protocol === 'https:' ? 443 : 80));
}

/** What a proxy that wants to know who we are is told, from the user and password of its URL. */
export function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {};
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(user, 'utf8').toString('base64')}` };
}

/**
 * A connection to the server of `target` through `proxy`; TLS is the caller's to put on top.
 * @param opening holds the request while it is under way, so that it can be ended
 * @throws Error naming the proxy, without its password
 */
export function openTunnel(proxy: URL, target: URL, opening: Set<http.ClientRequest>): Promise<Duplex> {
  const authority = `${target.hostname}:${portOf(target)}`;
  const options: http.RequestOptions = {
    method: 'CONNECT',
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: portOf(proxy),
    path: authority,
    headers: { host: authority, ...proxyAuthorization(proxy) },
    agent: false,
  };
  return new Promise((resolve, reject) => {
    const request = proxy.protocol === 'https:' ? https.request(options) : http.request(options);
    const fail = (why: string, cause?: unknown): void =>
      reject(new Error(`the proxy ${proxy.host}: ${why}`, cause === undefined ? {} : { cause }));
    opening.add(request);
    request.once('close', () => opening.delete(request));
    request.once('connect', (response, socket) => {
      if (response.statusCode === 200) resolve(socket);
      else {
        socket.destroy();
        fail(`it answered ${response.statusCode} to CONNECT ${authority}`);
      }
    });
    request.once('response', (response) => {
      response.destroy();
      fail(`it answered ${response.statusCode} to CONNECT ${authority}`);
    });
    request.on('error', (error) => fail(error.message, error));
    request.end();
  });
}
