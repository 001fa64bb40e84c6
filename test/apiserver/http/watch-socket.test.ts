import { once } from 'node:events';
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
});
