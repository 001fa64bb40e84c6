/** Probes over the network, with the outcomes and the words of a kubelet (KL-9). */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Clock } from '../../api/index.js';
import type { ProbeAction, ProbeResult } from '../container-runtime.js';

type HttpGet = Extract<ProbeAction, { type: 'httpGet' }>;
type TcpSocket = Extract<ProbeAction, { type: 'tcpSocket' }>;

const maxRedirects = 10;
/** More of an answer is not read. */
const maxBodyBytes = 10 * 1024;

const failure = (message: string): ProbeResult => ({ outcome: 'failure', message });

/** Go's words for what went wrong with a connection. */
function dialProblem(error: NodeJS.ErrnoException, host: string, port: number): string {
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    EHOSTUNREACH: 'no route to host',
    ENETUNREACH: 'network is unreachable',
    ECONNRESET: 'connection reset by peer',
    EADDRNOTAVAIL: 'cannot assign requested address',
  };
  if (error.code === 'ECONNRESET') return `read tcp ${host}:${port}: read: connection reset by peer`;
  if (error.code === 'ENOTFOUND') return `dial tcp: lookup ${host}: no such host`;
  return `dial tcp ${host}:${port}: connect: ${words[error.code ?? ''] ?? error.message}`;
}

const bracket = (host: string) => (host.includes(':') ? `[${host}]` : host);

/** Connects; what is said does not matter. */
export function probeTcp(action: TcpSocket, timeoutMs: number, clock: Clock): Promise<ProbeResult> {
  const { host, port } = action;
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (result: ProbeResult) => {
      cancel();
      socket.destroy();
      resolve(result);
    };
    const cancel = clock.setTimer(timeoutMs, () =>
      settle(failure(`dial tcp ${bracket(host)}:${port}: i/o timeout`)),
    );
    socket.once('connect', () => settle({ outcome: 'success', message: '' }));
    socket.once('error', (error) => settle(failure(dialProblem(error, bracket(host), port))));
  });
}

/** 200 to 399 is success. Redirects are followed on the same host; to another one counts as success. */
export async function probeHttp(action: HttpGet, timeoutMs: number, clock: Clock): Promise<ProbeResult> {
  let url: URL;
  try {
    url = new URL(
      `${action.scheme}://${bracket(action.host)}:${action.port}/${action.path.replace(/^\//, '')}`,
    );
  } catch {
    return { outcome: 'error', message: `invalid URL for probe: ${action.path}` };
  }
  const until = clock.monotonic() + timeoutMs;
  const text = urlText(url, action.port);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const answer = await get(url, action, until - clock.monotonic(), clock);
    if ('problem' in answer) return failure(`Get ${JSON.stringify(text)}: ${answer.problem}`);
    const { status, location, body } = answer;
    if (status >= 300 && status < 400 && location !== undefined) {
      const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
      if (!next || !['http:', 'https:'].includes(next.protocol)) {
        return failure(
          `Get ${JSON.stringify(text)}: failed to parse Location header ${JSON.stringify(location)}`,
        );
      }
      if (next.hostname !== url.hostname) {
        return { outcome: 'success', message: `Probe terminated redirects, Response body: ${body}` };
      }
      url = next;
      continue;
    }
    if (status >= 200 && status < 400) return { outcome: 'success', message: body };
    return failure(`HTTP probe failed with statuscode: ${status}`);
  }
  return failure(`Get ${JSON.stringify(text)}: stopped after ${maxRedirects} redirects`);
}

/** With the port, even where it is the scheme's own: as the probe was written. */
function urlText(url: URL, port: number): string {
  return `${url.protocol}//${url.hostname}:${port}${url.pathname}${url.search}`;
}

type Answer =
  | { readonly status: number; readonly location: string | undefined; readonly body: string }
  | { readonly problem: string };

function get(url: URL, action: HttpGet, leftMs: number, clock: Clock): Promise<Answer> {
  const headers: Record<string, string | string[]> = Object.create(null);
  headers['user-agent'] = 'kube-probe/1.32';
  headers['accept'] = '*/*';
  headers['connection'] = 'close';
  const given = new Map<string, string[]>();
  for (const [name, value] of action.headers) {
    const key = name.toLowerCase();
    given.set(key, [...(given.get(key) ?? []), value]);
  }
  for (const [key, values] of given) headers[key] = values.length === 1 ? (values[0] ?? '') : values;
  return new Promise((resolve) => {
    const settle = (answer: Answer) => {
      cancel();
      request?.destroy();
      resolve(answer);
    };
    const cancel = clock.setTimer(Math.max(0, leftMs), () =>
      settle({ problem: 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)' }),
    );
    let request: ReturnType<typeof httpRequest> | undefined;
    try {
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      request = send(url, { headers, agent: false, rejectUnauthorized: false });
    } catch (error) {
      settle({ problem: (error as Error).message });
      return;
    }
    request.once('error', (error: NodeJS.ErrnoException) => {
      const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
      const hungUp = error.message === 'socket hang up';
      settle({ problem: hungUp ? 'EOF' : dialProblem(error, url.hostname, port) });
    });
    request.once('response', (response) => {
      let body = '';
      const done = () =>
        settle({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          body: body.slice(0, maxBodyBytes),
        });
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > maxBodyBytes) done();
      });
      response.once('end', done);
      response.once('close', done);
      response.once('error', done);
    });
    request.end();
  });
}
