/** SPDY/3.1 on its own: frames, headers, and a connection over a pair of streams. */
import { Duplex } from 'node:stream';
import { deflateSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { SpdyConnection, type SpdyStream } from '#src/apiserver/streams/spdy-connection.js';
import { spdyDictionary } from '#src/apiserver/streams/spdy-dictionary.js';
import { SpdyError, type SpdyFrame, SpdyFrameReader } from '#src/apiserver/streams/spdy-frames.js';
import { HeaderDecoder, HeaderEncoder } from '#src/apiserver/streams/spdy-headers.js';
import { control, data, HeaderBlocks, inflateFirst, SpdyClient, uint32 } from './spdy-client.js';

/** Both ends of a connection without a network. */
function duplexPair(): [Duplex, Duplex] {
  const waiting: (() => void)[] = [() => {}, () => {}];
  const ends: Duplex[] = [0, 1].map(
    (own) =>
      new Duplex({
        allowHalfOpen: true,
        read() {
          // Whoever is let on may write at once, and wait again.
          const next = waiting[own];
          waiting[own] = () => {};
          next?.();
        },
        write(chunk, _encoding, written) {
          const other = ends[1 - own] as Duplex;
          if (other.destroyed || other.push(chunk)) written();
          else waiting[1 - own] = () => written();
        },
        final(ended) {
          ends[1 - own]?.push(null);
          ended();
        },
        destroy(error, destroyed) {
          const other = ends[1 - own];
          if (other && !other.destroyed) other.destroy();
          destroyed(error);
        },
      }),
  );
  return ends as [Duplex, Duplex];
}

function frames(bytes: Buffer, cuts: readonly number[] = []): SpdyFrame[] {
  const reader = new SpdyFrameReader();
  const at = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  return at.slice(1).flatMap((end, i) => [...reader.read(bytes.subarray(at[i], end))]);
}

describe('SPDY frames', () => {
  it('the dictionary is that of SPDY/3', () => {
    // zlib writes the Adler-32 of the dictionary after its two bytes.
    const compressed = deflateSync(Buffer.from('x'), { dictionary: spdyDictionary });
    expect(compressed.subarray(2, 6).toString('hex')).to.equal('e3c6a7c2');
    expect(spdyDictionary).to.have.length(1423);
  });

  it('are the same, however the bytes come', () => {
    const all = Buffer.concat([
      control(1, 0, Buffer.concat([uint32(1, 0), Buffer.of(0, 0), Buffer.from('block')])),
      control(4, 0, uint32(1, 7, 1000)),
      data(1, 'hello', false),
      control(6, 0, uint32(1)),
      control(9, 0, uint32(0, 5)),
      control(77, 0, Buffer.from('of no meaning')),
      data(1, '', true),
      control(3, 0, uint32(1, 5)),
    ]);
    const types = (list: readonly SpdyFrame[]) =>
      list.filter((frame) => frame.type !== 'data').map((frame) => ({ ...frame, block: undefined }));
    const said = (list: readonly SpdyFrame[]) =>
      Buffer.concat(list.map((frame) => (frame.type === 'data' ? frame.data : Buffer.alloc(0)))).toString();
    const whole = frames(all);
    expect(whole.map(({ type }) => type)).to.deep.equal([
      'synStream',
      'settings',
      'data',
      'ping',
      'windowUpdate',
      'data',
      'rstStream',
    ]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: all.length })), (cuts) => {
        const parts = frames(all, cuts);
        expect(types(parts)).to.deep.equal(types(whole));
        expect(said(parts)).to.equal('hello');
        const fins = parts.filter((frame) => frame.type === 'data' && frame.fin);
        expect(fins).to.have.length(1);
      }),
    );
  });

  it('never throw anything but a SpdyError, whatever comes', () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .tuple(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 40 }))
        .map(([type, body]) => control(type, 1, Buffer.from(body))),
    );
    fc.assert(
      fc.property(fc.array(hostile), (chunks) => {
        const reader = new SpdyFrameReader();
        try {
          for (const chunk of chunks) for (const _frame of reader.read(Buffer.from(chunk)));
        } catch (error) {
          expect(error).to.be.instanceOf(SpdyError);
        }
      }),
    );
  });

  it('of control are bounded', () => {
    const head = control(1, 0, Buffer.alloc(0));
    head.writeUIntBE(17_000, 5, 3);
    expect(() => frames(head)).to.throw(SpdyError, 'a control frame of 17000 bytes');
  });
});

describe('SPDY headers', () => {
  it('of one connection are read one after the other', async () => {
    const blocks = new HeaderBlocks();
    const decoder = new HeaderDecoder();
    const all: Record<string, string>[] = [{ streamtype: 'error', port: '80' }, {}, { port: '80' }];
    for (const headers of all)
      expect(Object.fromEntries(await decoder.decode(await blocks.encode(headers)))).to.deep.equal(headers);
    decoder.close();
  });

  it('that we send, any zlib reads', () => {
    const encoder = new HeaderEncoder();
    const first = encoder.encode([['name', 'value']]);
    const second = encoder.encode([]);
    expect(inflateFirst(Buffer.concat([first, second])).toString('hex')).to.equal(
      Buffer.concat([uint32(1, 4), Buffer.from('name'), uint32(5), Buffer.from('value'), uint32(0)]).toString(
        'hex',
      ),
    );
  });

  for (const [what, block] of [
    ['are no zlib', Buffer.from('hello')],
    ['end too early', deflateSync(uint32(3), { dictionary: spdyDictionary })],
    ['claim lengths beyond their end', deflateSync(uint32(1, 0xffff_ffff), { dictionary: spdyDictionary })],
    ['inflate beyond all measure', deflateSync(Buffer.alloc(1024 * 1024), { dictionary: spdyDictionary })],
  ] as const) {
    it(`that ${what} are a SpdyError`, async () => {
      const decoder = new HeaderDecoder();
      const error = await decoder.decode(block).catch((caught: unknown) => caught);
      expect(error).to.be.instanceOf(SpdyError);
      decoder.close();
    });
  }
});

describe('a SPDY connection', () => {
  interface Opened {
    readonly client: SpdyClient;
    readonly streams: SpdyStream[];
    readonly over: Promise<unknown>;
    readonly connection: SpdyConnection;
    /** Resolves when so many streams have been opened. */
    readonly count: (n: number) => Promise<void>;
  }
  function connected(): Opened {
    const [near, far] = duplexPair();
    const streams: SpdyStream[] = [];
    const waiting: (() => void)[] = [];
    const connection = new SpdyConnection(near, (stream) => {
      streams.push(stream);
      for (const wake of waiting.splice(0)) wake();
    });
    const over = connection.run().catch((error: unknown) => error);
    const count = async (n: number): Promise<void> => {
      while (streams.length < n) await new Promise<void>((wake) => waiting.push(wake));
    };
    return { client: new SpdyClient(far), streams, over, connection, count };
  }

  it('opens streams with their headers and answers each', async () => {
    const { client, streams, count } = connected();
    const id = await client.open({ streamtype: 'data', port: '80' });
    await count(1);
    expect(client.has(2, id)).to.equal(true);
    expect(Object.fromEntries(streams[0]?.headers ?? [])).to.deep.equal({ streamtype: 'data', port: '80' });
    client.transport.destroy();
  });

  it('carries data both ways, each with an end of its own', async () => {
    const { client, streams, count } = connected();
    const id = await client.open({});
    client.send(data(id, 'hello'));
    client.send(data(id, '', true));
    await count(1);
    let heard = '';
    for await (const chunk of streams[0]?.iterator({ destroyOnReturn: false }) ?? []) heard += chunk;
    expect(heard).to.equal('hello');
    streams[0]?.end('and back');
    await client.until(() => client.ended(id));
    expect(client.text(id)).to.equal('and back');
    client.transport.destroy();
  });

  it('answers pings', async () => {
    const { client } = connected();
    client.send(control(6, 0, uint32(7)));
    await client.until(() => client.has(6, 7));
    client.transport.destroy();
  });

  it('sends a client that knows windows no more than it takes', async () => {
    const { client, streams, count } = connected();
    client.send(control(4, 0, uint32(1, 7, 10)));
    const id = await client.open({});
    await count(1);
    streams[0]?.write('a text of more than ten bytes');
    await client.until(() => client.text(id).length === 10);
    client.send(control(9, 0, uint32(id, 5)));
    await client.until(() => client.text(id).length === 15);
    client.send(control(9, 0, uint32(id, 1000)));
    await client.until(() => client.text(id) === 'a text of more than ten bytes');
    client.transport.destroy();
  });

  it('sends a client that knows no windows all there is', async () => {
    const { client, streams, count } = connected();
    const id = await client.open({});
    await count(1);
    streams[0]?.end(Buffer.alloc(300_000, 'x'));
    await client.until(() => client.ended(id));
    expect(client.text(id)).to.have.length(300_000);
    client.transport.destroy();
  });

  it('opens windows again for what was read', async () => {
    const { client, streams, count } = connected();
    const id = await client.open({});
    await count(1);
    streams[0]?.resume();
    client.send(data(id, Buffer.alloc(40_000)));
    await client.until(() => client.has(9, id) && client.has(9, 0));
    const opened = client.replies.filter(({ type, streamId }) => type === 9 && streamId === id);
    expect(opened.reduce((sum, { body }) => sum + body.readUInt32BE(4), 0)).to.be.within(16_384, 40_000);
    client.transport.destroy();
  });

  it('is not read from while a stream is full, and goes on when it is read', async () => {
    const { client, streams, count } = connected();
    const id = await client.open({});
    await count(1);
    const piece = Buffer.alloc(100_000);
    let taken = 0;
    for (let i = 0; i < 50; i++) client.transport.write(data(id, piece), () => void taken++);
    client.send(data(id, '', true));
    await new Promise((resolve) => streams[0]?.once('readable', resolve));
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    expect(streams[0]?.readableLength).to.be.lessThan(500_000);
    expect(taken).to.be.lessThan(20);
    let size = 0;
    for await (const chunk of streams[0] ?? []) size += (chunk as Buffer).length;
    expect(size).to.equal(5_000_000);
    client.transport.destroy();
  });

  it('a stream that the client resets is closed; the others are not', async () => {
    const { client, streams, count } = connected();
    const first = await client.open({});
    const second = await client.open({});
    client.send(control(3, 0, uint32(first, 5)));
    client.send(data(second, 'still here'));
    await count(2);
    const chunk = await new Promise((resolve) => streams[1]?.once('data', resolve));
    expect(String(chunk)).to.equal('still here');
    expect(streams[0]?.destroyed).to.equal(true);
    client.transport.destroy();
  });

  it('says good-bye when it is closed', async () => {
    const { client, connection, over } = connected();
    const id = await client.open({});
    await client.until(() => client.has(2, id));
    client.transport.once('end', () => client.transport.end());
    await connection.close();
    expect(client.has(7)).to.equal(true);
    expect(await over).to.equal(undefined);
  });

  for (const [what, break_] of [
    ['a stream of an even number', async (client) => client.openAs(2, {})],
    [
      'a stream number that was there before',
      async (client) => {
        await client.openAs(3, {});
        await client.openAs(1, {});
      },
    ],
    [
      'headers that cannot be read',
      async (client) =>
        client.send(control(1, 0, Buffer.concat([uint32(1, 0), Buffer.of(0, 0), Buffer.from('nonsense')]))),
    ],
    [
      'a frame of another version',
      async (client) => client.send(Buffer.of(0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1)),
    ],
    [
      'a window beyond 2^31',
      async (client) => {
        client.send(control(9, 0, uint32(0, 0x7fff_ffff)));
        client.send(control(9, 0, uint32(0, 0x7fff_ffff)));
      },
    ],
  ] as readonly (readonly [string, (client: SpdyClient) => Promise<void>])[]) {
    it(`ends with ${what}`, async () => {
      const { client, over } = connected();
      await break_(client);
      expect(await over).to.be.instanceOf(SpdyError);
      await client.untilClosed();
      expect(client.has(7)).to.equal(true);
    });
  }

  it('refuses more streams than anybody needs', async () => {
    const { client, streams } = connected();
    for (let i = 0; i < 2001; i++) await client.open({});
    await client.until(() => client.has(3));
    expect(streams).to.have.length(2000);
    expect(client.replies.find(({ type }) => type === 3)?.body.readUInt32BE(4)).to.equal(3);
    client.transport.destroy();
  });
});
