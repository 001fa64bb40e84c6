#!/usr/bin/env node
/**
 * The `etcd` of the test environments of kubebuilder projects: Gyre's kube-apiserver keeps its state itself, so there is
 * nothing to store here. It answers the questions of a harness, and stops when told to.
 */
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { helpText, parseFlags } from './flags.js';
import { untilStopped } from './until-stopped.js';

const flags = {
  'listen-client-urls': 'where to answer, comma-separated (default http://localhost:2379)',
  'advertise-client-urls': 'accepted',
  'listen-peer-urls': 'accepted',
  'initial-advertise-peer-urls': 'accepted',
  'data-dir': 'made, and left empty',
  'unsafe-no-fsync': 'accepted',
  name: 'accepted',
};

const answers: Readonly<Record<string, object>> = {
  '/health': { health: 'true', reason: '' },
  '/version': { etcdserver: '3.5.0+gyre', etcdcluster: '3.5.0' },
};

function listen(url: URL): Promise<Server> {
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(
        answer ?? { error: 'this etcd stores nothing: the kube-apiserver of gyre keeps its state itself' },
      ),
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(url.port || 2379), url.hostname.replace(/^\[|\]$/g, ''), () => resolve(server));
  });
}

async function run(args: readonly string[]): Promise<number> {
  const given = parseFlags(args, Object.keys(flags));
  if (given.help) {
    process.stdout.write(
      helpText('etcd', 'Stands in for etcd beside the kube-apiserver of gyre, for tests.', flags),
    );
    return 0;
  }
  for (const name of given.unknown) process.stderr.write(`etcd: ${name} is passed over\n`);
  const dataDir = given.value('data-dir');
  if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
  const urls = (given.value('listen-client-urls') ?? 'http://localhost:2379').split(',');
  const servers: Server[] = [];
  try {
    for (const url of urls) servers.push(await listen(new URL(url)));
    process.stderr.write(`etcd: ready at ${urls.join(', ')}\n`);
    await untilStopped();
  } finally {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  }
  return 0;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`etcd: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
