import { once } from 'node:events';
import { connect } from 'node:tls';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { HttpsCluster } from './https-cluster.js';

interface Event {
  readonly type: string;
  readonly object: { readonly metadata: { readonly name: string; readonly resourceVersion: string } };
}

describe('a watch over a WebSocket', function () {
  this.timeout(20_000);
  let https: HttpsCluster;
  const path = '/api/v1/namespaces/default/configmaps';

  before(async () => {
    https = await HttpsCluster.start({
      tokens: new Map([['secret-token', { username: 'browser', groups: ['system:masters'] }]]),
    });
  });
  after(() => https[Symbol.asyncDispose]());

  const open = (query: string, protocols: string[] = [], credentials: object = https.admin): WebSocket =>
    new WebSocket(`${https.url.replace('https', 'wss')}${path}?watch=true&${query}`, protocols, {
      ...credentials,
      ca: https.admin.ca,
    });
  const create = (name: string) => https.ask(path, { method: 'POST', body: { metadata: { name } } });

  /** Messages until there are so many. */
  async function events(socket: WebSocket, count: number): Promise<Event[]> {
    const heard: Event[] = [];
    for await (const [data, isBinary] of on(socket)) {
      expect(isBinary).to.equal(false);
      heard.push(JSON.parse(data.toString()));
      if (heard.length === count) break;
    }
    return heard;
  }

  async function* on(socket: WebSocket): AsyncGenerator<[Buffer, boolean]> {
    for (;;) yield (await once(socket, 'message')) as [Buffer, boolean];
  }

  it('each event is a message of text', async () => {
    const socket = open('');
    const first = events(socket, 1);
    await once(socket, 'open');
    await create('a');
    expect((await first).map(({ type, object }) => [type, object.metadata.name])).to.deep.include([
      'ADDED',
      'a',
    ]);
    socket.close();
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).to.equal(1005);
  });

  it('goes on where the client was, and ends in time', async () => {
    const { bytes } = await create('b');
    const since = JSON.parse(bytes.toString()).metadata.resourceVersion as string;
    const socket = open(`resourceVersion=${since}&timeoutSeconds=1`);
    const one = events(socket, 1);
    await once(socket, 'open');
    await create('c');
    expect((await one).map(({ object }) => object.metadata.name)).to.deep.equal(['c']);
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).to.equal(1000);
  });

  it('a browser shows its token as a subprotocol, beside the one it speaks', async () => {
    const token = `base64url.bearer.authorization.k8s.io.${Buffer.from('secret-token').toString('base64url')}`;
    const socket = open('', [token, 'base64.binary.k8s.io'], {});
    await once(socket, 'open');
    expect(socket.protocol).to.equal('base64.binary.k8s.io');
    socket.terminate();
  });

  it('a token that is wrong, or all that is offered, is refused', async () => {
    const wrong = `base64url.bearer.authorization.k8s.io.${Buffer.from('wrong').toString('base64url')}`;
    const right = `base64url.bearer.authorization.k8s.io.${Buffer.from('secret-token').toString('base64url')}`;
    for (const protocols of [[wrong, 'x'], [right]]) {
      const socket = open('', protocols, {});
      const [error] = (await once(socket, 'error')) as [Error];
      expect(error.message).to.include('401');
    }
  });

  it('what is refused is a plain answer', async () => {
    const socket = open('resourceVersion=nonsense');
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).to.include('400');
  });

  describe('that the client does not really want', () => {
    /** Sends an upgrade and something after it; what came back once there is `pattern` in it. */
    async function raw(lines: readonly string[], pattern: RegExp): Promise<string> {
      const { hostname, port } = new URL(https.url);
      const socket = connect({ host: hostname, port: Number(port), ...https.admin });
      let text = '';
      const closed = once(socket, 'close');
      const found = new Promise<void>((resolve) =>
        socket.setEncoding('utf8').on('data', (more: string) => {
          text += more;
          if (pattern.test(text)) resolve();
        }),
      );
      const [target = '', ...headers] = lines;
      const head = [`GET ${target} HTTP/1.1`, 'Host: x', 'Connection: Upgrade', ...headers];
      socket.write(`${head.join('\r\n')}\r\n\r\nand more`);
      await Promise.race([found, closed]);
      expect(text).to.match(pattern);
      if (!/^transfer-encoding: chunked/im.test(text)) await closed;
      socket.destroy();
      return text;
    }
    const watches = async (): Promise<number> => {
      const { bytes } = await https.ask('/metrics');
      const [, count] = /^apiserver_longrunning_requests\{verb="WATCH".*"configmaps".* (\d+)$/m.exec(
        bytes.toString(),
      ) ?? ['', '0'];
      return Number(count);
    };
    afterEach('nothing is left of it', async () => {
      for (let i = 0; i < 100 && (await watches()) > 0; i++) await new Promise((go) => setTimeout(go, 10));
      expect(await watches()).to.equal(0);
    });

    it('is refused with a Status where the handshake is none, and the connection ends', async () => {
      const text = await raw(
        [`${path}?watch=true`, 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
        /\r\n\r\n.*\}$/,
      );
      expect(text).to.match(/^HTTP\/1\.1 400 /);
      expect(JSON.parse(text.split('\r\n\r\n')[1] ?? '')).to.include({
        kind: 'Status',
        code: 400,
        message: 'unable to upgrade: Missing or invalid Sec-WebSocket-Key header',
      });
    });

    it('is a plain watch to who wants another protocol', async () => {
      const { bytes } = await https.ask(path);
      const since = JSON.parse(bytes.toString()).metadata.resourceVersion as string;
      const heard = raw(
        [`${path}?watch=true&resourceVersion=${since}`, 'Upgrade: h2c', 'HTTP2-Settings: AAA'],
        /"name":"plainly"/,
      );
      await create('plainly');
      expect(await heard).to.match(/^HTTP\/1\.1 200 /);
    });

    it('ends where its frames are none, and the server goes on', async () => {
      const key = 'Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==';
      const headers = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', key];
      // The last frame says why, in bytes that are no text.
      const text = await raw([`${path}?watch=true`, ...headers], /^HTTP\/1\.1 101 [^]*\ufffd/);
      expect(text).to.include('Sec-WebSocket-Accept');
      expect((await https.ask('/readyz')).bytes.toString()).to.equal('ok');
    });

    it('ends with the answer, whatever else was sent', async () => {
      const text = await raw(['/readyz', 'Upgrade: websocket'], /\r\n\r\nok$/);
      expect(text).to.match(/^HTTP\/1\.1 200 /);
    });
  });
});
