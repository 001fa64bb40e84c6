/** Logs and exec over HTTPS, with a NodeConnector that the test plays. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { expect } from 'chai';
import type { ContainerTarget, ExecStreams, LogOptions, NodeConnector, Status } from 'gyre/api';
import { EmbeddedCluster } from 'gyre/cluster';
import { Pod } from 'gyre/kinds';
import { WebSocket } from 'ws';
import { parse } from 'yaml';
import { temporaryFolder } from '../../support/processes.js';

interface Call {
  readonly target: ContainerTarget;
  readonly command?: readonly string[];
  readonly tty?: boolean;
  readonly log?: LogOptions;
  readonly streams?: ExecStreams;
}

/** What a client heard, by channel. */
interface Heard {
  readonly protocol: string;
  readonly channels: Record<number, string>;
}

describe('logs and exec of pods', function () {
  this.timeout(20_000);
  const folder = temporaryFolder();
  let cluster: EmbeddedCluster;
  let client: { ca: string; cert: string; key: string };
  const calls: Call[] = [];
  let execute: (streams: ExecStreams, command: readonly string[]) => Promise<number> = async () => 0;
  let log: () => AsyncIterable<Uint8Array> = async function* () {};

  const connector: NodeConnector = {
    async logs(target, options) {
      calls.push({ target, log: options });
      return log();
    },
    exec(target, options, streams) {
      calls.push({ target, ...options, streams });
      return execute(streams, options.command);
    },
    async attach(target, options, streams) {
      calls.push({ target, ...options, streams });
    },
  };

  before(async () => {
    cluster = await EmbeddedCluster.start({ controllers: false, dataDir: folder.path, https: {} });
    cluster.server.connectNodes(connector);
    const config = parse(readFileSync(cluster.kubeconfig as string, 'utf8'));
    const text = (base64: string) => Buffer.from(base64, 'base64').toString('utf8');
    client = {
      ca: text(config.clusters[0].cluster['certificate-authority-data']),
      cert: text(config.users[0].user['client-certificate-data']),
      key: text(config.users[0].user['client-key-data']),
    };
    const container = (name: string) => ({ name, image: 'i' });
    const pod = (name: string, names: readonly string[], more: object = {}) =>
      cluster.client().create(Pod, {
        metadata: { namespace: 'default', name },
        spec: { nodeName: 'n', containers: names.map(container), ...more },
      });
    await pod('one', ['c']);
    await pod('two', ['a', 'b'], { initContainers: [container('i')] });
    await pod('nowhere', ['c'], { nodeName: undefined });
  });
  after(async () => {
    await cluster.stop();
    folder[Symbol.dispose]();
  });
  beforeEach(() => calls.splice(0));

  const path = (pod: string, what: string, query = '') =>
    `/api/v1/namespaces/default/pods/${pod}/${what}?${query}`;

  function fetchText(target: string, credentials: object = client): Promise<{ code: number; text: string }> {
    return new Promise((resolve, reject) => {
      const sent = request(
        cluster.url + target,
        { ...credentials, ca: client.ca, agent: false },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.once('end', () => resolve({ code: response.statusCode ?? 0, text }));
        },
      );
      sent.once('error', reject);
      sent.end();
    });
  }

  function open(target: string, protocols: readonly string[], credentials: object = client): WebSocket {
    const url = `${cluster.url?.replace('https', 'wss')}${target}`;
    return new WebSocket(url, [...protocols], { ...credentials, ca: client.ca });
  }

  /** The plain answer to an upgrade that was refused. */
  function refusal(target: string, protocols: readonly string[], credentials?: object): Promise<Status> {
    return new Promise((resolve, reject) => {
      const socket = open(target, protocols, credentials);
      socket.once('open', () => reject(new Error('it was let in')));
      socket.on('error', () => {});
      socket.once('unexpected-response', (_request, response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('end', () => resolve(JSON.parse(text) as Status));
      });
    });
  }

  /** Runs an exec to its end; `say` is called once it is open. */
  function exec(
    query: string,
    protocol = 'v5.channel.k8s.io',
    say: (socket: WebSocket) => void = () => {},
  ): Promise<Heard> {
    return new Promise((resolve, reject) => {
      const socket = open(path('one', 'exec', query), [protocol]);
      const channels: Record<number, string> = {};
      socket.on('message', (data: Buffer) => {
        const base64 = protocol.includes('base64');
        const channel = base64 ? Number(String.fromCharCode(data[0] ?? 0)) : (data[0] ?? 0);
        const rest = base64
          ? Buffer.from(data.subarray(1).toString('latin1'), 'base64').toString('utf8')
          : data.subarray(1).toString('utf8');
        channels[channel] = (channels[channel] ?? '') + rest;
      });
      socket.once('open', () => say(socket));
      socket.once('close', () => resolve({ protocol: socket.protocol, channels }));
      socket.once('error', reject);
    });
  }
  const all = 'command=run&command=it&stdin=true&stdout=true&stderr=true';
  const status = ({ channels }: Heard) => JSON.parse(channels[3] ?? '{}') as Status;

  describe('logs', () => {
    it('are what the node gives, with the options as asked', async () => {
      log = async function* () {
        yield Buffer.from('one\n');
        yield Buffer.from('two\n');
      };
      const query =
        'follow=true&previous=1&timestamps=true&tailLines=5&limitBytes=100&sinceTime=2026-01-01T00:00:00Z';
      expect(await fetchText(path('one', 'log', query))).to.deep.equal({ code: 200, text: 'one\ntwo\n' });
      expect(calls[0]?.target).to.deep.include({
        nodeName: 'n',
        namespace: 'default',
        pod: 'one',
        container: 'c',
      });
      expect(calls[0]?.log).to.deep.equal({
        follow: true,
        previous: true,
        timestamps: true,
        tailLines: 5,
        limitBytes: 100,
        sinceTime: Date.UTC(2026, 0, 1),
      });
    });

    const refused: readonly [title: string, target: string, code: number, message: string][] = [
      [
        'of a pod with several containers, none named',
        path('two', 'log'),
        400,
        'a container name must be specified for pod two, choose one of: [a b] or one of the init containers: [i]',
      ],
      [
        'of a container that is not there',
        path('one', 'log', 'container=x'),
        400,
        'container x is not valid for pod one',
      ],
      ['of a pod without a node', path('nowhere', 'log'), 400, 'pod nowhere does not have a host assigned'],
      ['of a pod that is not there', path('none', 'log'), 404, 'pods "none" not found'],
      [
        'with a negative tail',
        path('one', 'log', 'tailLines=-1'),
        422,
        'PodLogOptions "one" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
      ],
      [
        'since two times',
        path('one', 'log', 'sinceSeconds=5&sinceTime=2026-01-01T00:00:00Z'),
        422,
        'PodLogOptions "one" is invalid: sinceSeconds: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
      ],
    ];
    for (const [title, target, code, message] of refused) {
      it(`are refused ${title}`, async () => {
        const answer = await fetchText(target);
        expect(JSON.parse(answer.text)).to.include({ code, message });
        expect(calls).to.deep.equal([]);
      });
    }
  });

  describe('exec', () => {
    it('carries both outputs and the end, in v5', async () => {
      execute = async (streams, command) => {
        streams.stdout?.(Buffer.from(`out of ${command.join(' ')}`));
        streams.stderr?.(Buffer.from('err'));
        return 0;
      };
      const heard = await exec(all);
      expect(heard.protocol).to.equal('v5.channel.k8s.io');
      expect(heard.channels[1]).to.equal('out of run it');
      expect(heard.channels[2]).to.equal('err');
      expect(status(heard)).to.include({ status: 'Success' });
    });

    it('tells the exit code', async () => {
      execute = async () => 7;
      const failed = status(await exec(all));
      expect(failed).to.include({ status: 'Failure', reason: 'NonZeroExitCode' });
      expect(failed.details?.causes).to.deep.equal([{ reason: 'ExitCode', message: '7' }]);
    });

    it('carries what is typed, to its end', async () => {
      execute = async ({ stdin, stdout }) => {
        let typed = '';
        for await (const chunk of stdin ?? []) typed += Buffer.from(chunk).toString('utf8');
        stdout?.(Buffer.from(typed.toUpperCase()));
        return 0;
      };
      const heard = await exec(all, 'v5.channel.k8s.io', (socket) => {
        socket.send(Buffer.from('\0hel'));
        socket.send(Buffer.from('\0lo'));
        socket.send(Buffer.from([255, 0]));
      });
      expect(heard.channels[1]).to.equal('HELLO');
    });

    it('speaks v4 and base64 too', async () => {
      execute = async ({ stdout }) => {
        stdout?.(Buffer.from('é'));
        return 0;
      };
      for (const protocol of ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io']) {
        const heard = await exec(all, protocol);
        expect(heard.channels[1], protocol).to.equal('é');
        expect(status(heard), protocol).to.include({ status: 'Success' });
      }
    });

    it('passes terminal sizes on, and joins the outputs of a terminal', async () => {
      const sizes: object[] = [];
      execute = async ({ resize, stderr }) => {
        expect(stderr).to.equal(undefined);
        for await (const size of resize ?? []) {
          sizes.push(size);
          if (sizes.length === 2) return 0;
        }
        return 1;
      };
      await exec(`${all}&tty=true`, 'v5.channel.k8s.io', (socket) => {
        for (const text of ['{"Width":80,"Height":24}', 'no size', '{"Width":100,"Height":30}'])
          socket.send(Buffer.concat([Buffer.of(4), Buffer.from(text)]));
      });
      expect(sizes).to.deep.equal([
        { width: 80, height: 24 },
        { width: 100, height: 30 },
      ]);
    });

    it('ends at the node when the client leaves', async () => {
      const left = new Promise<void>((resolve) => {
        execute = ({ signal }) =>
          new Promise((done) => {
            signal.addEventListener('abort', () => {
              resolve();
              done(137);
            });
          });
      });
      await exec(all, 'v5.channel.k8s.io', (socket) => socket.terminate());
      await left;
    });

    it('tells what went wrong at the node', async () => {
      execute = async () => {
        throw new Error('no such program');
      };
      expect(status(await exec(all))).to.include({ status: 'Failure', reason: 'InternalError' });
    });

    it('is refused before the upgrade: nobody, a pod that is not there, no command, no stream, unknown words', async () => {
      const v5 = ['v5.channel.k8s.io'];
      expect(await refusal(path('one', 'exec', all), v5, { cert: undefined, key: undefined })).to.include({
        code: 403,
      });
      expect(await refusal(path('none', 'exec', all), v5)).to.include({ code: 404 });
      expect(await refusal(path('one', 'exec', 'stdout=true'), v5)).to.include({
        code: 400,
        message: 'you must specify at least 1 command',
      });
      expect(await refusal(path('one', 'exec', 'command=a'), v5)).to.include({
        code: 400,
        message: 'you must specify at least 1 of stdin, stdout, stderr',
      });
      const unknown = await refusal(path('one', 'exec', all), ['v9.channel.k8s.io']);
      expect(unknown.code).to.equal(400);
      expect(unknown.message).to.include('none of the subprotocols v9.channel.k8s.io is known');
      expect(calls).to.deep.equal([]);
    });

    it('without an upgrade says that one is needed', async () => {
      const { code, text } = await fetchText(path('one', 'exec', all));
      expect(code).to.equal(400);
      expect(JSON.parse(text)).to.include({ message: 'Upgrade request required' });
    });
  });
});
