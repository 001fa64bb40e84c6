/**
 * Serves pods as fast as a socket takes them: lists (paged or not), streaming lists and watches, from bytes made
 * beforehand. A watch is silent until `GET /blast`: then so many pods are modified, in no order. A process of its
 * own, so that its work is not measured.
 */
import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { podJson, type PodShape } from './pods.js';

const [count = '1000', shape = 'plain', changes = '0'] = process.argv.slice(2);
const pods = Array.from({ length: Number(count) }, (_, i) => Buffer.from(podJson(i, shape as PodShape)));
const resourceVersion = String(1000 + pods.length);
const watches = new Set<ServerResponse>();

/** Modifications of all pods alike, in the pieces they are sent in. */
const blast: Buffer[] = [];
for (let from = 0; from < Number(changes); from += 100) {
  const lines: string[] = [];
  for (let i = from; i < Math.min(from + 100, Number(changes)); i++) {
    const pod = podJson((i * 7919) % pods.length, shape as PodShape, {
      resourceVersion: 1_000_000 + i,
      restarts: 1 + Math.floor(i / pods.length),
    });
    lines.push(`{"type":"MODIFIED","object":${pod}}\n`);
  }
  blast.push(Buffer.from(lines.join('')));
}

async function send(response: ServerResponse, pieces: Iterable<Buffer | string>): Promise<void> {
  let batch: Buffer[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    if (!response.destroyed && !response.write(Buffer.concat(batch))) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          response.off('drain', go).off('close', go);
          resolve();
        };
        response.once('drain', go).once('close', go);
      });
    }
    batch = [];
    size = 0;
  };
  for (const piece of pieces) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    batch.push(bytes);
    size += bytes.length;
    if (size > 256 * 1024) await flush();
  }
  await flush();
}

function* listPieces(from: number, to: number): Iterable<Buffer | string> {
  const next = to < pods.length ? `,"continue":"${to}"` : '';
  yield `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"${resourceVersion}"${next}},"items":[`;
  for (let i = from; i < to; i++) {
    if (i > from) yield ',';
    yield pods[i] as Buffer;
  }
  yield ']}';
}

function* initialEvents(): Iterable<Buffer | string> {
  for (const pod of pods) {
    yield '{"type":"ADDED","object":';
    yield pod;
    yield '}\n';
  }
  const metadata = `{"resourceVersion":"${resourceVersion}","creationTimestamp":null,"annotations":{"k8s.io/initial-events-end":"true"}}`;
  yield `{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":${metadata}}}\n`;
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/blast') {
    for (const watch of watches) void send(watch, blast);
    response.end();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  if (searchParams.get('watch') === 'true') {
    if (searchParams.get('sendInitialEvents') === 'true') void send(response, initialEvents());
    else response.flushHeaders();
    watches.add(response);
    response.once('close', () => watches.delete(response));
    return;
  }
  const from = Number(searchParams.get('continue') ?? 0);
  const limit = Number(searchParams.get('limit') ?? 0) || pods.length;
  void send(response, listPieces(from, Math.min(pods.length, from + limit))).then(() => response.end());
});

/** One list and one streaming list for nobody: what this process has yet to compile must not be measured. */
async function warmUp(url: string): Promise<void> {
  for (const query of ['limit=0', 'watch=true&sendInitialEvents=true']) {
    await new Promise<void>((resolve) => {
      const request = get(`${url}/api/v1/pods?${query}`, (response) => {
        let left = pods.reduce((sum, pod) => sum + pod.length, 0);
        response.on('data', (chunk: Buffer) => {
          left -= chunk.length;
          if (left <= 0) request.destroy();
        });
      });
      request.on('error', () => {});
      request.once('close', resolve);
    });
  }
}

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  void warmUp(`http://127.0.0.1:${port}`).then(() => process.stdout.write(`${port}\n`));
});
process.once('disconnect', () => process.exit());
