/**
 * A server behind an APIService: requests to a group version that somebody else serves are passed on to it, with who asks in
 * headers that it believes because of our certificate
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/).
 */
import type { IncomingMessage } from 'node:http';
import type { Agent, RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { UserInfo } from '../../api/index.js';
import { unavailable } from '../rest/proxy.js';
import type { ServerRequest } from '../rest/request.js';
import type { ServerResponse } from '../response.js';
import { goReason } from '../webhooks/go-reason.js';
import type { ServiceAddress, ServiceReference } from '../webhooks/https-dialer.js';
import type { GroupVersion } from './objects.js';

/** How the server shows who it is to the servers behind it; PEM. */
export interface FrontProxy {
  readonly cert: string;
  readonly key: string;
  /** Who signed `cert`: published, so that those servers can check it. */
  readonly ca: string;
}

export interface BackendSpec extends GroupVersion {
  readonly service: ServiceReference;
  /** Base64 of PEM; absent: the authorities that Node believes. */
  readonly caBundle: string | undefined;
  readonly insecure: boolean;
}

export interface BackendDeps {
  /** @throws Error saying why nobody answers for the service */
  readonly resolve: (service: ServiceReference) => ServiceAddress;
  readonly frontProxy: FrontProxy | undefined;
  readonly agent: () => Agent;
}

/** Headers of one connection, and those that say who asks: nobody but us says that. */
const ours =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|host|content-length|authorization|impersonate-.*|x-remote-.*)$/;

export function serverNameOf({ service: { name, namespace } }: BackendSpec): string {
  return `${name}.${namespace}.svc`;
}

/** What the backend has answered, its body as it comes. @throws ApiError ServiceUnavailable when nobody answers */
export async function forward(
  spec: BackendSpec,
  request: Pick<ServerRequest, 'method' | 'path' | 'query' | 'headers' | 'body' | 'signal'>,
  user: UserInfo,
  deps: BackendDeps,
): Promise<Extract<ServerResponse, { stream: unknown }>> {
  const { request: httpsRequest } = await import('node:https');
  const search = request.query.toString();
  const body = bodyOf(request);
  const headers: Record<string, string | string[]> = {
    ...passedOn(request.headers),
    ...identityHeaders(user),
    host: serverNameOf(spec),
    ...(body ? { 'content-length': String(body.length) } : {}),
  };
  const options: RequestOptions = {
    ...tlsOptions(spec, deps),
    ...addressOf(spec, deps),
    agent: deps.agent(),
    method: request.method,
    path: search === '' ? request.path : `${request.path}?${search}`,
    headers,
    ...(request.signal ? { signal: request.signal } : {}),
  };
  const send = (): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const outgoing = httpsRequest(options, resolve);
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // A kept connection that the other side has closed: nothing of this request was looked at.
        if (outgoing.reusedSocket && error.code === 'ECONNRESET') resolve(send());
        else reject(error);
      });
      outgoing.end(body);
    });
  const answer = await send().catch((error: NodeJS.ErrnoException) => {
    throw unreachable(spec, error);
  });
  return { code: answer.statusCode ?? 502, headers: answered(answer), stream: answer };
}

/** A connection to the backend, with TLS, for what is to be upgraded. @throws ApiError ServiceUnavailable */
export async function dialBackend(
  spec: BackendSpec,
  deps: BackendDeps,
  signal: AbortSignal,
): Promise<Duplex> {
  const { connect } = await import('node:tls');
  const { hostname, port, ...tls } = { ...tlsOptions(spec, deps), ...addressOf(spec, deps) };
  signal.throwIfAborted();
  const socket = connect({ ...tls, host: hostname, port });
  const giveUp = (): void => void socket.destroy(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
  } catch (error) {
    throw unreachable(spec, error as Error);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
  return socket;
}

/** Who asks, as the backend is told. */
export function identityHeaders({
  username,
  groups = [],
  extra = {},
}: UserInfo): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'x-remote-user': username };
  if (groups.length > 0) headers['x-remote-group'] = [...groups];
  for (const [key, values] of Object.entries(extra))
    headers[`x-remote-extra-${encodeURIComponent(key.toLowerCase())}`] = [...values];
  return headers;
}

function addressOf({ service }: BackendSpec, { resolve }: BackendDeps): { hostname: string; port: number } {
  try {
    const { host, port } = resolve(service);
    return { hostname: host, port };
  } catch {
    throw unavailable('service unavailable');
  }
}

function tlsOptions(spec: BackendSpec, { frontProxy }: BackendDeps) {
  const { caBundle, insecure } = spec;
  return {
    servername: serverNameOf(spec),
    ...(insecure ? { rejectUnauthorized: false } : {}),
    ...(caBundle ? { ca: Buffer.from(caBundle, 'base64'), allowPartialTrustChain: true } : {}),
    ...(frontProxy ? { cert: frontProxy.cert, key: frontProxy.key } : {}),
  };
}

function unreachable(spec: BackendSpec, error: NodeJS.ErrnoException): Error {
  return unavailable(`error trying to reach service: ${goReason(error, serverNameOf(spec))}`);
}

function passedOn(headers: ServerRequest['headers']): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !ours.test(name)) passed[name] = value;
  return passed;
}

function answered({ headers }: IncomingMessage): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !ours.test(name))
      passed[name] = Array.isArray(value) ? value.join(', ') : value;
  return passed;
}

function bodyOf({ body }: Pick<ServerRequest, 'body'>): Buffer | undefined {
  if (!body) return undefined;
  return 'bytes' in body ? Buffer.from(body.bytes) : Buffer.from(JSON.stringify(body.value));
}
