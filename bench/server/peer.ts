/**
 * What node:https can do at all, with the certificates of a data directory: a process of its own.
 * `echo`: parses what is posted and sends it back. `pods N SHAPE`: one pod by any name, all pods as a list. `fanout`: what is
 * posted goes, encoded once, to whoever watches.
 */
import { createServer } from 'node:https';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ensureCredentials } from '#src/cluster/credentials.js';
import { systemClock } from '#src/system/index.js';
import { podJson, type PodShape } from '../pods.js';

const [dataDir = '', mode = 'echo', count = '0', shape = 'plain'] = process.argv.slice(2);
const { ca, server } = await ensureCredentials(dataDir, systemClock);
const watches = new Set<ServerResponse>();
const json = { 'content-type': 'application/json' };
const pod = Buffer.from(podJson(1, 'plain'));
const list = Buffer.from(
  `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[${Array.from({ length: Number(count) }, (_, i) => podJson(i, shape as PodShape)).join()}]}`,
);

let version = 1_764_500_000_000;
/** With what an API server adds: what is compared is the sending of as many bytes. */
function stamped(object: unknown): object {
  const { metadata, ...rest } = object as { readonly metadata: object };
  return {
    ...rest,
    metadata: {
      ...metadata,
      uid: 'b1f7c3a0-0000-4000-8000-000000000000',
      resourceVersion: String(version++),
      creationTimestamp: '2026-01-01T00:00:00Z',
      managedFields: [
        {
          manager: 'node',
          operation: 'Update',
          apiVersion: 'v1',
          time: '2026-01-01T00:00:00Z',
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:data': { '.': {}, 'f:filler': {} } },
        },
      ],
    },
  };
}

const peer = createServer(
  { ca: ca.cert, cert: server.cert, key: server.key, requestCert: true },
  (request, response) => {
    if (request.method === 'GET') {
      if (request.url?.includes('watch=')) {
        response.writeHead(200, json).flushHeaders();
        watches.add(response);
        response.once('close', () => watches.delete(response));
      } else response.writeHead(200, json).end(request.url?.endsWith('/pods') ? list : pod);
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const object: unknown = JSON.parse(Buffer.concat(chunks).toString());
      if (mode === 'fanout') {
        const event = Buffer.from(`${JSON.stringify({ type: 'ADDED', object: stamped(object) })}\n`);
        for (const watch of watches) watch.write(event);
      }
      response.writeHead(201, json).end(JSON.stringify(object));
    });
  },
);
peer.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on ${(peer.address() as AddressInfo).port}\nready \n`);
});
process.once('SIGTERM', () => process.exit(0));
