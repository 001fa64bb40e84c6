/**
 * What runs for images of web servers: a program of its own that imports nothing of Gyre, so that one file can
 * be mounted into a container. Serves the image's document root when it has an index.html, else a page that
 * says who answers. Arguments: image name, reference, namespace, pod, port, then the container's args.
 */
import { createReadStream, existsSync, realpathSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';

const [name = '', image = '', namespace = '', pod = '', declaredPort = '80', ...args] = process.argv.slice(2);
const address = process.env.POD_IP ?? '127.0.0.1';
const podRoot = process.env.GYRE_POD_ROOT ?? '';
const documents = `${podRoot}${name === 'httpd' ? '/usr/local/apache2/htdocs' : '/usr/share/nginx/html'}`;

/** `-text=hello`, `--http-port 8080` */
function option(wanted: string): string | undefined {
  for (const [i, arg] of args.entries()) {
    const match = /^--?([\w-]+)(?:=(.*))?$/s.exec(arg);
    if (match?.[1] === wanted) return match[2] ?? args[i + 1];
  }
  return undefined;
}

function portOf(): number {
  const given = option('listen')?.split(':').at(-1) ?? option('http-port') ?? option('port');
  if (given !== undefined) return Number(given);
  // agnhost's own defaults, where the pod declares no port.
  if (name === 'agnhost' && declaredPort === '80') return args[0] === 'serve-hostname' ? 9376 : 8080;
  return Number(declaredPort);
}
const port = portOf();

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.txt': 'text/plain',
};

const escape = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const page = `<!DOCTYPE html>
<title>${escape(name)}</title>
<h1>Welcome to ${escape(name)}!</h1>
<p>A stand-in for the image ${escape(image)}, answering for pod ${escape(namespace)}/${escape(pod)} at ${escape(address)}:${port}.</p>
`;

/** The file a path names below the document root; links may not lead out of it. */
function fileFor(path: string): string | undefined {
  try {
    const root = realpathSync(documents);
    const wanted = realpathSync(join(root, path));
    if (wanted !== root && !wanted.startsWith(root + sep)) return undefined;
    if (!statSync(wanted).isDirectory()) return wanted;
    const index = join(wanted, 'index.html');
    return existsSync(index) ? index : undefined;
  } catch {
    return undefined;
  }
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const send = (status: number, type: string, body: string) => {
    response.statusCode = status;
    response.setHeader('content-type', type);
    response.setHeader('content-length', Buffer.byteLength(body));
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  let path: string;
  try {
    path = decodeURIComponent(new URL(request.url ?? '/', 'http://pod').pathname);
  } catch {
    return send(400, 'text/plain', 'Bad Request\n');
  }
  const host = process.env.HOSTNAME ?? pod;
  if (name === 'http-echo') return send(200, 'text/plain', `${option('text') ?? 'hello-world'}\n`);
  if (name === 'agnhost') {
    if (args[0] === 'serve-hostname' || path === '/hostname' || path === '/hostName')
      return send(200, 'text/plain', host);
    if (path === '/clientip')
      return send(200, 'text/plain', `${request.socket.remoteAddress}:${request.socket.remotePort}`);
    if (path === '/echo') {
      return send(200, 'text/plain', new URL(request.url ?? '/', 'http://pod').searchParams.get('msg') ?? '');
    }
    return path === '/healthz' || path === '/'
      ? send(200, 'text/plain', 'ok')
      : send(404, 'text/plain', 'Not Found\n');
  }
  if (name.startsWith('echo')) {
    const headers = Object.entries(request.headers).map(([key, value]) => `${key}: ${value}\n`);
    return send(
      200,
      'text/plain',
      `Hostname: ${host}\n\n${request.method} ${request.url}\n${headers.join('')}`,
    );
  }
  const serves = existsSync(join(documents, 'index.html'));
  if (!serves)
    return path === '/' ? send(200, 'text/html', page) : send(404, 'text/html', '<h1>404 Not Found</h1>\n');
  const file = fileFor(path);
  if (file === undefined) return send(404, 'text/html', '<h1>404 Not Found</h1>\n');
  response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
  response.setHeader('content-length', statSync(file).size);
  if (request.method === 'HEAD') response.end();
  else
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** `23/Nov/2026:15:00:20 +0000` */
function logTime(): string {
  // A program of its own: its time is the machine's, there is nobody to inject another.
  // oxlint-disable-next-line no-restricted-globals
  const time = new Date(performance.timeOrigin + process.uptime() * 1000).toISOString();
  return `${time.slice(8, 10)}/${months[Number(time.slice(5, 7)) - 1]}/${time.slice(0, 4)}:${time.slice(11, 19)} +0000`;
}

const server = createServer((request, response) => {
  const peer = request.socket.remoteAddress ?? '-';
  response.once('close', () => {
    const length = response.getHeader('content-length') ?? '-';
    const quoted = JSON.stringify(`${request.method} ${request.url} HTTP/${request.httpVersion}`);
    process.stdout.write(`${peer} - - [${logTime()}] ${quoted} ${response.statusCode} ${length}\n`);
  });
  answer(request, response);
});
server.once('error', (error: NodeJS.ErrnoException) => {
  const why =
    error.code === 'EACCES' && port < 1024
      ? `permission denied: ports below 1024 need root here; declare another containerPort, or lower net.ipv4.ip_unprivileged_port_start`
      : error.code === 'EADDRINUSE'
        ? 'address already in use'
        : error.message;
  process.stderr.write(`${name}: cannot listen on ${address}:${port}: ${why}\n`);
  process.exit(1);
});
server.listen(port, address, () => process.stderr.write(`${name}: listening on ${address}:${port}\n`));
for (const signal of ['SIGTERM', 'SIGQUIT', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
