/**
 * Other people's clients against `gyre up`: the programs beside this file use them as theirs do, and say what they saw. Of
 * kubernetes-fluent-client it is the last version for Node 20: the later ones want 22.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Client, connect, createClient } from 'gyre/client';
import { Pod } from 'gyre/kinds';
import { gyreUp, root, temporaryFolder } from '../../support/processes.js';

const programs = join(root, 'test/integration/clients');
/** That of the distribution, which has the packages of the distribution. */
const python = '/usr/bin/python3';

/** What the program has seen; an error with all it said when it fails. */
function outcomeOf(command: string, args: readonly string[]): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (more: string) => (out += more));
    child.stderr.setEncoding('utf8').on('data', (more: string) => (err += more));
    const late = setTimeout(() => child.kill('SIGKILL'), 80_000);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(late);
      if (code === 0) resolve(JSON.parse(out.trim().split('\n').at(-1) ?? '') as Record<string, unknown>);
      else reject(new Error(`ended with ${code}:\n${out}\n${err}`));
    });
  });
}

/** Skips with a line that says why, and fails where the real thing is a must. */
function need(context: Mocha.Context, there: boolean, reason: string): void {
  if (there) return;
  if (process.env.GYRE_REQUIRE_REAL === '1') throw new Error(reason);
  process.stdout.write(`    skipped: ${reason}\n`);
  context.skip();
}

describe("other people's clients", function () {
  this.timeout(90_000);
  const folder = temporaryFolder();
  const started: (() => unknown)[] = [() => folder[Symbol.dispose]()];
  let kubeconfig: string;
  let client: Client;

  before(async () => {
    const up = await gyreUp(folder.path);
    started.push(async () => {
      up.program.kill('SIGTERM');
      expect(await up.program.exited).to.equal(0);
    });
    ({ kubeconfig } = up);
    const { transport } = await connect({ kubeconfig });
    started.push(() => transport.close());
    client = createClient(transport);
    const pod = (name: string, container: object): Promise<Pod> =>
      client.create(Pod, {
        metadata: { namespace: 'default', name },
        spec: { containers: [{ name, image: 'busybox', ...container }] },
      });
    await pod('shell', { command: ['sh', '-c', 'echo ready; exec sleep 1000000'] });
    await pod('talker', {
      stdin: true,
      command: ['sh', '-c', 'while read line; do echo "heard $line"; done; exec sleep 1000000'],
    });
    await pod('web', { image: 'nginx', ports: [{ containerPort: 8080 }] });
    for (const name of ['shell', 'talker', 'web'])
      await client.waitFor(
        Pod,
        `default/${name}`,
        (found) => found?.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false,
        { timeout: '30s' },
      );
  });
  after(async () => {
    for (const stop of started.reverse()) await stop();
  });

  it('@kubernetes/client-node 1.4.0: informer, watch, patches, exec, attach, log, port-forward, cp', async function () {
    const installed = existsSync(join(root, 'bench/peers/node_modules/@kubernetes/client-node'));
    need(this, installed, '@kubernetes/client-node is not installed: npm ci --prefix bench/peers');
    const seen = await outcomeOf(process.execPath, [
      join(programs, 'client-node.mjs'),
      kubeconfig,
      folder.path,
    ]);
    expect(seen.informer).to.deep.equal({
      events: ['add before', 'add after', 'update after', 'delete after'],
      cached: { a: '1' },
    });
    expect(seen.watch).to.deep.equal(['ADDED watched', 'DELETED watched']);
    expect(seen.patches).to.deep.equal({
      json: { a: '3' },
      merged: { a: '3', b: '4' },
      applied: [{ c: '5' }, 'Apply'],
      refusal: { code: 422, reason: 'Invalid' },
    });
    expect(seen.deployment).to.deep.equal({ scale: { replicas: 0 }, created: true });
    expect(seen.exec).to.deep.equal({ out: 'typed\n', err: 'bad\n', code: '3' });
    expect(seen.attach).to.include('heard from node');
    expect(seen.log).to.include('heard from node');
    expect(seen.portForward).to.equal(200);
    expect(seen.cpTo).to.equal('copied\n');
  });

  it('kubernetes-fluent-client 3.11.6: get, apply, create, patch, watch, delete, custom kinds, scale, logs, proxy', async function () {
    const installed = existsSync(join(root, 'bench/peers/node_modules/kubernetes-fluent-client'));
    need(this, installed, 'kubernetes-fluent-client is not installed: npm ci --prefix bench/peers');
    const seen = await outcomeOf(process.execPath, [join(programs, 'fluent-client.mjs'), kubeconfig]);
    expect(seen.objects).to.deep.equal({
      applied: [{ a: '1' }, 'Apply'],
      again: { a: '2' },
      patched: { b: '2' },
      listed: ['fluent', 'other'],
      got: { a: '2' },
      byField: 1,
      taken: [409, 'AlreadyExists'],
      invalid: [422, 'Invalid'],
      gone: [404, 'NotFound'],
    });
    expect(seen.watch).to.deep.equal([
      'ADDED fluent',
      'ADDED watched',
      'MODIFIED watched',
      'DELETED watched',
    ]);
    expect(seen.custom).to.deep.equal({
      spec: { sails: 2 },
      status: { afloat: true },
      finalizers: ['fluent.example.com/moored'],
      unknown: [400, 'BadRequest'],
    });
    expect(seen.scaled).to.equal(1);
    expect(seen.logs).to.deep.equal(['[pod/shell] ready']);
    expect(seen.proxied).to.equal('string');
    expect(seen.version).to.match(/^v1\.32\.\d+\+gyre$/);
  });

  it('python3-kubernetes: pages, watch, errors, server-side apply, workloads, exec, log, port-forward', async function () {
    const { status } = spawnSync(python, ['-c', 'import kubernetes']);
    need(this, status === 0, 'python3-kubernetes is not installed');
    const seen = await outcomeOf(python, [join(programs, 'python.py'), kubeconfig]);
    expect(seen.list).to.deep.equal(['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6']);
    expect(seen.created).to.equal('datetime');
    expect(seen.watch).to.deep.equal(['MODIFIED p0', 'DELETED p1']);
    expect(seen.conflict).to.deep.equal([409, 'AlreadyExists']);
    expect(seen.invalid).to.deep.equal([422, 'metadata.name']);
    expect(seen.apply).to.deep.equal(['1', 'python', 'Apply']);
    expect(seen.available).to.equal(2);
    expect(seen.exec).to.deep.equal(['got typed\n', 'bad\n', 5]);
    expect(seen.log).to.equal('ready\n');
    expect(seen.portForward).to.equal('HTTP/1.1 200 OK');
  });
});
