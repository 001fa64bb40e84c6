/** What is encrypted at rest is unreadable in the store, and as ever above it. */
import { expect } from 'chai';
import type { ApiResponse, Status, Transport } from 'gyre/api';
import {
  ApiServer,
  BadEncryptionConfiguration,
  type EncryptionConfiguration,
  type EncryptionProvider,
  readEncryptionConfiguration,
} from 'gyre/apiserver';
import { MemoryStore, type ObjectStore } from 'gyre/store';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { EncryptedStore } from '#src/apiserver/encryption/encrypted-store.js';
import { storeConformance } from '../../store/conformance.js';

const secretOf = (letter: string, bytes = 32): string => Buffer.from(letter.repeat(bytes)).toString('base64');
const aesgcm = (...letters: string[]): EncryptionProvider => ({
  aesgcm: { keys: letters.map((letter) => ({ name: `key-${letter}`, secret: secretOf(letter) })) },
});
const identity: EncryptionProvider = { identity: {} };
const secretsWith = (...providers: EncryptionProvider[]): EncryptionConfiguration => ({
  resources: [{ resources: ['secrets'], providers }],
});

let clockOfStore: VirtualClock;
storeConformance(
  'EncryptedStore',
  async () => {
    clockOfStore = new VirtualClock();
    return new EncryptedStore(
      new MemoryStore({ clock: clockOfStore }),
      { resources: [{ resources: ['*.*'], providers: [aesgcm('a')] }] },
      seededRandom(),
    );
  },
  () => clockOfStore.settle(),
);

const secrets = '/api/v1/namespaces/default/secrets';
const merge = { 'content-type': 'application/merge-patch+json' };

describe('encryption at rest', () => {
  let clock: VirtualClock;
  let store: ObjectStore;
  let servers: ApiServer[];
  beforeEach(() => {
    clock = new VirtualClock();
    store = new MemoryStore({ clock });
    servers = [];
  });
  afterEach(async () => {
    for (const server of servers) await server.stop();
  });

  /** A server on the same store, as after a restart with another configuration. */
  async function serve(encryption?: EncryptionConfiguration): Promise<Transport> {
    await servers.pop()?.stop();
    const server = await ApiServer.start({
      store,
      clock,
      random: seededRandom(),
      freeze: true,
      ...(encryption ? { encryption } : {}),
    });
    servers.push(server);
    return server.transport({ username: 'root', groups: ['system:masters'] });
  }
  const put = (k: Transport, name: string, password = 'hunter2') =>
    k.request({
      method: 'POST',
      path: secrets,
      body: { metadata: { name }, data: { password: Buffer.from(password).toString('base64') } },
    });
  const get = (k: Transport, name: string) => k.request({ method: 'GET', path: `${secrets}/${name}` });
  const passwordIn = ({ status, body }: ApiResponse): string => {
    expect(status, JSON.stringify(body)).to.equal(200);
    return Buffer.from((body as { data: { password: string } }).data.password, 'base64').toString();
  };
  const stored = async (name: string): Promise<string> =>
    JSON.stringify((await store.get(`/core/secrets/default/${name}`))?.value);
  /** The name of the key it was written with. */
  const keyOf = async (name: string): Promise<string | undefined> =>
    /^\{"k8s:enc:aesgcm:v1:([^"]+)":"[A-Za-z0-9+/=]+"\}$/.exec(await stored(name))?.[1];

  it('a secret is unreadable in the store and as ever through the API: read, list, watch, patch, after a restart', async () => {
    const configuration = secretsWith(aesgcm('a'), identity);
    const k = await serve(configuration);
    expect((await put(k, 's')).status).to.equal(201);
    expect(await keyOf('s')).to.equal('key-a');
    expect(await stored('s')).not.to.match(/hunter2|aHVudGVyMg|password|Secret/);
    expect(passwordIn(await get(k, 's'))).to.equal('hunter2');
    const stop = new AbortController();
    const { events } = await k.watch({
      method: 'GET',
      path: secrets,
      query: { watch: 'true' },
      signal: stop.signal,
    });
    const seen: unknown[] = [];
    const watching = (async () => {
      for await (const batch of events) seen.push(...batch);
    })();
    const { status } = await k.request({
      method: 'PATCH',
      path: `${secrets}/s`,
      headers: merge,
      body: { data: { password: 'bmV3' } },
    });
    expect(status).to.equal(200);
    expect(await stored('s')).not.to.include('bmV3');
    await clock.settle();
    stop.abort();
    await watching;
    expect(JSON.stringify(seen)).to.include('aHVudGVyMg').and.include('bmV3');
    const again = await serve(configuration);
    expect(passwordIn(await get(again, 's'))).to.equal('new');
    const { body } = await again.request({ method: 'GET', path: secrets });
    expect((body as { items: unknown[] }).items).to.have.length(1);
    expect((await again.request({ method: 'DELETE', path: `${secrets}/s` })).status).to.equal(200);
    expect(await stored('s')).to.equal(undefined);
  });

  it('what is not named is stored plain', async () => {
    const k = await serve(secretsWith(aesgcm('a')));
    await k.request({
      method: 'POST',
      path: '/api/v1/namespaces/default/configmaps',
      body: { metadata: { name: 'm' }, data: { a: 'in the open' } },
    });
    const entry = await store.get('/core/configmaps/default/m');
    expect(JSON.stringify(entry?.value)).to.include('in the open');
  });

  for (const name of ['secrets', '*.', '*.*'])
    it(`${name} names secrets, and the first entry that names them counts`, async () => {
      const k = await serve({
        resources: [
          { resources: ['deployments.apps', '*.batch'], providers: [identity] },
          { resources: [name], providers: [aesgcm('a'), identity] },
          { resources: ['secrets'], providers: [aesgcm('b'), identity] },
        ],
      });
      await put(k, 's');
      expect(await keyOf('s')).to.equal('key-a');
    });

  it('two secrets alike are not alike in the store', async () => {
    const k = await serve(secretsWith(aesgcm('a')));
    await put(k, 's');
    await put(k, 't');
    expect((await stored('s')).slice(0, 60)).not.to.equal((await stored('t')).slice(0, 60));
  });

  it('a new first key writes, the old one still reads, and a replace of what is there moves it to the new one', async () => {
    await put(await serve(secretsWith(aesgcm('a'))), 's');
    const k = await serve(secretsWith(aesgcm('b', 'a')));
    expect(passwordIn(await get(k, 's'))).to.equal('hunter2');
    expect(await keyOf('s')).to.equal('key-a');
    await put(k, 't');
    expect(await keyOf('t')).to.equal('key-b');
    const { body } = await get(k, 's');
    const replaced = await k.request({ method: 'PUT', path: `${secrets}/s`, body: structuredClone(body) });
    expect(replaced.status).to.equal(200);
    expect(await keyOf('s')).to.equal('key-b');
    const before = await store.revision();
    await k.request({ method: 'PUT', path: `${secrets}/s`, body: structuredClone(replaced.body) });
    expect(await store.revision(), 'the second time there is nothing to do').to.equal(before);
    expect(passwordIn(await get(await serve(secretsWith(aesgcm('b'))), 's'))).to.equal('hunter2');
  });

  it('what was plain is encrypted when it is replaced, and what was encrypted becomes plain again', async () => {
    await put(await serve(), 's');
    const k = await serve(secretsWith(aesgcm('a'), identity));
    expect(await keyOf('s')).to.equal(undefined);
    const { body } = await get(k, 's');
    await k.request({ method: 'PUT', path: `${secrets}/s`, body: structuredClone(body) });
    expect(await keyOf('s')).to.equal('key-a');
    const back = await serve(secretsWith(identity, aesgcm('a')));
    const { body: now } = await get(back, 's');
    await back.request({ method: 'PUT', path: `${secrets}/s`, body: structuredClone(now) });
    expect(passwordIn(await get(await serve(), 's'))).to.equal('hunter2');
  });

  const broken: readonly [string, EncryptionConfiguration | undefined, RegExp][] = [
    ['a key that is gone', secretsWith(aesgcm('b')), /no matching key was found for the provided AES-GCM/],
    [
      'a key of that name that is another',
      secretsWith({ aesgcm: { keys: [{ name: 'key-a', secret: secretOf('x') }] } }),
      /message authentication failed/,
    ],
    ['no configuration', undefined, /identity transformer tried to read encrypted data/],
    ['no provider but identity', secretsWith(identity), /identity transformer tried to read encrypted data/],
  ];
  for (const [what, configuration, why] of broken)
    it(`with ${what}, a secret is a 500 that says why, and the rest goes on`, async () => {
      await put(await serve(secretsWith(aesgcm('a'))), 's');
      const k = await serve(configuration);
      const stop = new AbortController();
      const { events } = await k.watch({
        method: 'GET',
        path: secrets,
        query: { watch: 'true', resourceVersion: String(await store.oldestRevision()) },
        signal: stop.signal,
      });
      const asked: readonly [Parameters<Transport['request']>[0], string][] = [
        [{ method: 'GET', path: `${secrets}/s` }, 'get'],
        [{ method: 'GET', path: secrets }, 'list'],
        [{ method: 'GET', path: '/api/v1/secrets', query: { labelSelector: 'a=b' } }, 'select'],
        [{ method: 'PATCH', path: `${secrets}/s`, headers: merge, body: { data: { a: 'YQ==' } } }, 'patch'],
        [{ method: 'PUT', path: `${secrets}/s`, body: { metadata: { name: 's' } } }, 'put'],
        [{ method: 'DELETE', path: `${secrets}/s` }, 'delete'],
      ];
      for (const [request, verb] of asked) {
        const { status, body } = await k.request(request);
        expect(status, verb).to.equal(500);
        expect((body as Status).reason).to.equal('InternalError');
        expect((body as Status).message, verb)
          .to.match(/^Internal error occurred: unable to transform key "\/core\/secrets\/default\/s": /)
          .and.match(why);
      }
      const [first] = await collected(events);
      expect(first).to.deep.include({ type: 'ERROR' });
      stop.abort();
      expect((await put(k, 's')).status, 'the name is taken').to.equal(409);
      expect((await k.request({ method: 'GET', path: '/api/v1/namespaces' })).status).to.equal(200);
      expect((await k.request({ method: 'GET', path: '/readyz' })).status).to.equal(200);
    });

  it('a value that was copied to another place in the store is not believed', async () => {
    await put(await serve(secretsWith(aesgcm('a'))), 's');
    const entry = await store.get('/core/secrets/default/s');
    await store.create('/core/secrets/default/copy', entry?.value as object);
    const k = await serve(secretsWith(aesgcm('a')));
    expect((await get(k, 'copy')).status).to.equal(500);
    expect(passwordIn(await get(k, 's'))).to.equal('hunter2');
  });

  it('a plain value is not believed where only encrypted ones are', async () => {
    await put(await serve(), 's');
    const { status, body } = await get(await serve(secretsWith(aesgcm('a'))), 's');
    expect(status).to.equal(500);
    expect((body as Status).message).to.include('no matching prefix found');
  });

  describe('its configuration', () => {
    it('is read as YAML, and as JSON', async () => {
      const text = `
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - aesgcm: {keys: [{name: key-a, secret: ${secretOf('a', 16)}}]}
  - identity: {}
`;
      const read = await readEncryptionConfiguration(text);
      expect(read.resources).to.deep.equal([
        {
          resources: ['secrets'],
          providers: [{ aesgcm: { keys: [{ name: 'key-a', secret: secretOf('a', 16) }] } }, identity],
        },
      ]);
      expect(await readEncryptionConfiguration(JSON.stringify(read))).to.deep.equal(read);
    });

    const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n';
    const provider = (text: string): string =>
      `${head}resources: [{resources: [secrets], providers: [${text}]}]`;
    const refused: readonly [string, string][] = [
      ['kind: Pod', 'must be of kind EncryptionConfiguration'],
      [head, 'resources: must be a list that is not empty'],
      [provider(''), 'resources[0].providers: must be a list that is not empty'],
      [provider('{aescbc: {}}'), 'resources[0].providers[0].aescbc: not supported by this server'],
      [provider('{rot13: {}}'), 'resources[0].providers[0].rot13: no such provider'],
      [
        provider('{aesgcm: {keys: [{name: a, secret: c2hvcnQ=}]}}'),
        'resources[0].providers[0].aesgcm.keys[0].secret: secret is not of the expected length, got 5, expected one of [16 24 32]',
      ],
      [provider('{aesgcm: {keys: [{name: a, secret: "my secret!"}]}}'), 'keys[0].secret: must be base64'],
      [provider(`{aesgcm: {keys: [{secret: ${secretOf('a')}}]}}`), 'keys[0].name: must be set'],
      [`${head}resources: [{resources: ['*'], providers: [{identity: {}}]}]`, "use '*.*' for all resources"],
      ['{my secret: [', 'is neither YAML nor JSON'],
    ];
    for (const [text, why] of refused)
      it(`is refused: ${why}`, async () => {
        const error = await readEncryptionConfiguration(text).then(
          () => undefined,
          (reason: unknown) => reason as Error,
        );
        expect(error).to.be.instanceOf(BadEncryptionConfiguration);
        expect(error?.message).to.include(why).and.not.include('my secret').and.not.include('c2hvcnQ');
      });
  });
});

/** Everything until the watch ends by itself. */
async function collected(events: AsyncIterable<readonly unknown[]>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const batch of events) all.push(...batch);
  return all;
}
