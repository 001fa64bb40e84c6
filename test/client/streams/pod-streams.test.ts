/** Logs, exec and attach: the same over HTTPS and in process, against a node of the test's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { expect } from 'chai';
import {
  badRequest,
  type ContainerTarget,
  type ExecStreams,
  isApiError,
  isOutcomeUnknown,
  type LogOptions,
  type NodeConnector,
  type PodTarget,
  type PortConnection,
  type TerminalSize,
} from 'gyre/api';
import { type Client, connect, createClient } from 'gyre/client';
import { EmbeddedCluster } from 'gyre/cluster';
import { Pod } from 'gyre/kinds';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

/** A node whose commands are few and whose logs are what the test says. */
class FakeNode implements NodeConnector {
  asked: { target: ContainerTarget; options: object }[] = [];
  log: Iterable<Uint8Array> = [];
  sizes: TerminalSize[] = [];
  gone = 0;

  /** Port 7 says everything back; at the others nothing listens. */
  async dial(_target: PodTarget, port: number): Promise<PortConnection> {
    if (port !== 7) throw new Error(`dial tcp 10.0.0.1:${port}: connect: connection refused`);
    const echo = new PassThrough();
    return {
      received: echo,
      write: async (chunk) => void echo.write(chunk),
      end: () => void echo.end(),
      destroy: () => void echo.destroy(),
    };
  }

  async logs(
    target: ContainerTarget,
    options: LogOptions,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    this.asked.push({ target, options });
    const { log } = this;
    const gone = (): void => {
      this.gone++;
    };
    return (async function* () {
      try {
        yield* log;
        if (options.follow && !signal.aborted)
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      } finally {
        gone();
      }
    })();
  }

  async exec(
    target: ContainerTarget,
    options: { readonly command: readonly string[]; readonly tty: boolean },
    streams: ExecStreams,
  ): Promise<number> {
    this.asked.push({ target, options });
    const [program, argument = ''] = options.command;
    switch (program) {
      case 'echo':
        streams.stdout?.(bytes(argument));
        streams.stderr?.(bytes('done'));
        return 0;
      case 'exit':
        return Number(argument);
      case 'upper':
        for await (const chunk of streams.stdin ?? []) streams.stdout?.(bytes(text(chunk).toUpperCase()));
        return 0;
      case 'size':
        for await (const size of streams.resize ?? []) {
          this.sizes.push(size);
          return 0;
        }
        return 1;
      case 'flood':
        for (let i = 0; i < 400; i++) streams.stdout?.(new Uint8Array(10_000).fill(i % 256));
        return 0;
      case 'wait':
        streams.stdout?.(bytes('begun'));
        await new Promise<void>((resolve) => streams.signal.addEventListener('abort', () => resolve()));
        this.gone++;
        return 0;
      default:
        throw badRequest(`no such program: ${program}`);
    }
  }

  async attach(_: ContainerTarget, __: object, streams: ExecStreams): Promise<void> {
    streams.stdout?.(bytes('attached'));
  }
}

describe('pod streams', () => {
  let dataDir: string;
  let cluster: EmbeddedCluster;
  let node: FakeNode;
  const clients = new Map<string, Client>();
  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'gyre-streams-'));
    cluster = await EmbeddedCluster.start({ dataDir, store: 'memory', controllers: false, https: {} });
    await cluster.client().create(Pod, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { nodeName: 'n', containers: [{ name: 'app', image: 'a' }] },
    });
    await cluster.client().create(Pod, {
      metadata: { name: 'two', namespace: 'default' },
      spec: {
        nodeName: 'n',
        containers: [
          { name: 'a', image: 'a' },
          { name: 'b', image: 'b' },
        ],
      },
    });
    clients.set('in process', cluster.client());
    const { transport } = await connect({ kubeconfig: cluster.kubeconfig as string });
    clients.set('over HTTPS', createClient(transport));
  });
  beforeEach(() => {
    node = new FakeNode();
    cluster.server.connectNodes(node);
  });
  after(async () => {
    for (const client of clients.values()) client.transport.close();
    await cluster.stop();
    rmSync(dataDir, { recursive: true });
  });

  for (const way of ['in process', 'over HTTPS']) {
    const client = () => clients.get(way) as Client;
    const failureOf = async (promise: Promise<unknown>): Promise<unknown> => {
      try {
        await promise;
      } catch (error) {
        return error;
      }
      throw new Error('it did not fail');
    };

    describe(way, () => {
      it('API-14 a log is text, or lines, however it comes in pieces', async () => {
        const whole = bytes('héllo\nwörld\n\nend');
        node.log = [whole.subarray(0, 2), whole.subarray(2, 9), whole.subarray(9)];
        const log = client().logs('default/web');
        expect(await log.text()).to.equal('héllo\nwörld\n\nend');
        const lines: string[] = [];
        for await (const line of log.lines()) lines.push(line);
        expect(lines).to.deep.equal(['héllo', 'wörld', '', 'end']);
      });

      it('API-14 a log is asked for as the options say', async () => {
        await client()
          .logs('default/two', {
            container: 'b',
            tailLines: 0,
            sinceTime: '2026-01-01T00:00:00Z',
            previous: true,
            timestamps: true,
            limitBytes: 9,
          })
          .text();
        expect(node.asked[0]?.target).to.include({ nodeName: 'n', pod: 'two', container: 'b' });
        expect(node.asked[0]?.options).to.deep.equal({
          follow: false,
          tailLines: 0,
          sinceTime: Date.UTC(2026, 0, 1),
          previous: true,
          timestamps: true,
          limitBytes: 9,
        });
      });

      it('a log that is refused says so when it is read', async () => {
        const log = client().logs('default/two');
        expect(isApiError(await failureOf(log.text()), 'BadRequest')).to.equal(true);
        expect(isApiError(await failureOf(client().logs('default/none').text()), 'NotFound')).to.equal(true);
        expect(node.asked).to.deep.equal([]);
      });

      it('a log that is followed gives what comes, until it is aborted', async () => {
        node.log = [bytes('first\n')];
        const stopped = new AbortController();
        const reason = new Error('enough');
        const following = (async () => {
          const log = client().logs('default/web', { follow: true, signal: stopped.signal });
          for await (const line of log.lines()) expect(line).to.equal('first');
        })();
        while (node.asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
        stopped.abort(reason);
        expect(await failureOf(following)).to.equal(reason);
        while (node.gone < 1) await new Promise((resolve) => setImmediate(resolve));
      });

      it('a command gives its output, its errors and its exit code', async () => {
        const session = await client().exec('default/web', { command: ['echo', 'hello'] });
        expect(await session.collect()).to.deep.equal({ stdout: 'hello', stderr: 'done', exitCode: 0 });
        expect(node.asked[0]).to.deep.include({ options: { command: ['echo', 'hello'], tty: false } });
        const failing = await client().exec('default/web', { command: ['exit', '42'] });
        expect(await failing.exitCode).to.equal(42);
      });

      it('a terminal has one output', async () => {
        const session = await client().exec('default/web', { command: ['echo', 'hello'], tty: true });
        expect(await session.collect()).to.deep.equal({ stdout: 'hello', stderr: '', exitCode: 0 });
      });

      it('a command reads what is written to it, and its end', async () => {
        await using session = await client().exec('default/web', { command: ['upper'], stdin: true });
        await session.stdin.write('hello ');
        await session.stdin.write(bytes('world'));
        await session.stdin.end();
        expect((await session.collect()).stdout).to.equal('HELLO WORLD');
      });

      it('stdin that was not asked for is not there', async () => {
        const session = await client().exec('default/web', { command: ['exit', '0'] });
        expect(await failureOf(session.stdin.write('x'))).to.be.instanceOf(TypeError);
      });

      it('much that is written arrives whole, also when it is written at once', async () => {
        const session = await client().exec('default/web', { command: ['upper'], stdin: true });
        const piece = 'abcdefgh'.repeat(20_000);
        await Promise.all([session.stdin.write(piece), session.stdin.write('!'), session.stdin.write(piece)]);
        await session.stdin.end();
        const { stdout } = await session.collect();
        expect(stdout === `${piece}!${piece}`.toUpperCase()).to.equal(true);
      });

      it('much that is printed arrives whole at a reader who takes his time', async () => {
        const session = await client().exec('default/web', { command: ['flood'] });
        let total = 0;
        for await (const chunk of session.stdout) {
          if (total === 0) await new Promise((resolve) => setTimeout(resolve, 20));
          total += chunk.length;
        }
        expect(total).to.equal(4_000_000);
        expect(await session.exitCode).to.equal(0);
      });

      it('a terminal is told its size', async () => {
        const session = await client().exec('default/web', { command: ['size'], tty: true });
        await session.resize({ width: 80, height: 24 });
        expect(await session.exitCode).to.equal(0);
        expect(node.sizes).to.deep.equal([{ width: 80, height: 24 }]);
      });

      it('a command that cannot be run is an ApiError of its exit code', async () => {
        const session = await client().exec('default/web', { command: ['nothing'] });
        const error = await failureOf(session.exitCode);
        expect(isApiError(error, 'BadRequest')).to.equal(true);
        expect(error).to.include({ message: 'no such program: nothing' });
        expect(await failureOf(session.collect())).to.equal(error);
      });

      it('a command that is refused is an ApiError at once', async () => {
        const exec = (pod: `${string}/${string}`, container?: string) =>
          client().exec(pod, { command: ['exit', '0'], ...(container ? { container } : {}) });
        expect(isApiError(await failureOf(exec('default/none')), 'NotFound')).to.equal(true);
        expect(isApiError(await failureOf(exec('default/web', 'x')), 'BadRequest')).to.equal(true);
        expect(
          isApiError(await failureOf(client().exec('default/web', { command: [] })), 'BadRequest'),
        ).to.equal(true);
      });

      it('an abort ends it with the reason; closing it leaves its outcome unknown', async () => {
        const stopped = new AbortController();
        const reason = new Error('enough');
        const aborted = await client().exec('default/web', { command: ['wait'], signal: stopped.signal });
        for await (const chunk of aborted.stdout) {
          expect(text(chunk)).to.equal('begun');
          break;
        }
        stopped.abort(reason);
        expect(await failureOf(aborted.exitCode)).to.equal(reason);
        const closed = await client().exec('default/web', { command: ['wait'] });
        closed.close();
        expect(isOutcomeUnknown(await failureOf(closed.exitCode))).to.equal(true);
        // The node hears of both.
        while (node.gone < 2) await new Promise((resolve) => setImmediate(resolve));
      });

      it('attaching gives the streams of the container until it ends', async () => {
        const session = await client().attach('default/web');
        expect(await session.collect()).to.deep.equal({ stdout: 'attached', stderr: '', exitCode: 0 });
      });

      it('a guard refuses commands as it refuses writes', async () => {
        const guarded = client().with({
          beforeWrite: () => {
            throw new Error('not the leader');
          },
        });
        const error = await failureOf(guarded.exec('default/web', { command: ['exit', '0'] }));
        expect(error).to.include({ message: 'not the leader' });
        expect(node.asked).to.deep.equal([]);
      });

      it('forwarding a port connects to it', async () => {
        const connection = await client().portForward('default/web', 7);
        const parts = ['hello ', 'x'.repeat(300_000), ' bye'];
        for (const part of parts) connection.write(part);
        let heard = '';
        for await (const chunk of connection) {
          heard += chunk;
          if (heard.length === parts.join('').length) break;
        }
        expect(heard === parts.join('')).to.equal(true);
      });

      it('forwarding a port at which nothing listens says so', async () => {
        const connection = await client().portForward('default/web', 80);
        const error = await failureOf(finished(connection.resume()));
        expect((error as Error).message).to.match(
          /error forwarding port 80 to pod web, uid \S+: dial tcp 10\.0\.0\.1:80: connect: connection refused/,
        );
      });

      it('an observer hears of streams as of requests', async () => {
        const heard: string[] = [];
        const observed = client().with({
          observer: {
            begin: (_, { verb, resource, subresource }) => ({
              end: (result) =>
                heard.push(`${verb} ${resource}/${subresource} ${'error' in result ? 'failed' : 'opened'}`),
            }),
          },
        });
        await (await observed.exec('default/web', { command: ['exit', '0'] })).exitCode;
        await observed.logs('default/web').text();
        await failureOf(observed.attach('default/none'));
        expect(heard).to.deep.equal([
          'get pods/exec opened',
          'get pods/log opened',
          'get pods/attach failed',
        ]);
      });
    });
  }
});
