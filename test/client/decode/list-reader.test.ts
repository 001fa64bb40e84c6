/** Lists read in pieces: the same as JSON.parse of the whole, wherever the pieces end. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { ObjectDecoder } from 'gyre/api';
import { SharingDecoder } from 'gyre/client';
import { readList } from '#src/client/decode/list-reader.js';

async function* chunksOf(text: string, sizes: readonly number[]): AsyncIterable<Buffer> {
  const whole = Buffer.from(text);
  let at = 0;
  for (let i = 0; at < whole.length; i++) {
    const size = sizes[i % sizes.length] ?? whole.length;
    yield whole.subarray(at, at + size);
    at += size;
  }
}

const read = (text: string, sizes: readonly number[], decoder: ObjectDecoder = new SharingDecoder()) =>
  readList(chunksOf(text, sizes), decoder);

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const list = JSON.stringify({
  kind: 'PodList',
  apiVersion: 'v1',
  metadata: { resourceVersion: '5', continue: 'x"items":[\\' },
  items: [
    { metadata: { name: 'a', note: '}],"items":[{ "é' }, spec: { items: [[1], { a: ']' }] } },
    { metadata: { name: 'b' } },
    {},
  ],
  after: ['items', { items: [1] }],
});

describe('list reader', () => {
  it('gives what JSON.parse gives, wherever the pieces end', async () => {
    for (let size = 1; size <= list.length + 1; size += size < 8 ? 1 : 7) {
      expect(await read(list, [size]), `pieces of ${size}`).to.deep.equal(JSON.parse(list));
    }
  });

  it('gives what JSON.parse gives of any JSON (property)', async () => {
    const item = fc.jsonValue({ maxDepth: 3 });
    const value = fc.oneof(
      item,
      fc.record({ kind: fc.string(), items: fc.oneof(fc.array(item), item), metadata: item }),
      fc.record({ metadata: fc.record({ items: fc.array(item) }), items: fc.array(item) }),
    );
    await fc.assert(
      fc.asyncProperty(
        value,
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
        fc.constantFrom(0, 2),
        async (json, sizes, indent) => {
          const text = JSON.stringify(json, undefined, indent);
          const decoder = new SharingDecoder({ keepManagedFields: true });
          expect(await read(text, sizes, decoder)).to.deep.equal(JSON.parse(text));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('hands each item to the decoder as soon as it is complete', async () => {
    const seen: string[] = [];
    const decoder: ObjectDecoder = {
      decode: (bytes) => {
        seen.push(Buffer.from(bytes).toString());
        return JSON.parse(Buffer.from(bytes).toString()) as unknown;
      },
    };
    async function* pieces(): AsyncIterable<Buffer> {
      yield Buffer.from('{"items":[{"a":1},{"b"');
      expect(seen).to.deep.equal(['{"a":1}']);
      yield Buffer.from(':2},');
      expect(seen).to.deep.equal(['{"a":1}', '{"b":2}']);
      yield Buffer.from(']}'.replace(']', '{"c":3}]'));
    }
    expect(await readList(pieces(), decoder)).to.deep.equal({ items: [{ a: 1 }, { b: 2 }, { c: 3 }] });
  });

  it('reads the items that a decoder refuses in the usual way', async () => {
    const refuses: ObjectDecoder = {
      decode: () => {
        throw new SyntaxError('not this one');
      },
    };
    expect(await read(list, [10], refuses)).to.deep.equal(JSON.parse(list));
  });

  it('lets the last of two lists of items count', async () => {
    expect(await read('{"items":[1,2],"items":[3]}', [5])).to.deep.equal({ items: [3] });
  });

  it('throws a SyntaxError for a list that ends too early, wherever that is', async () => {
    const whole = Buffer.from(list);
    for (let end = 0; end < whole.length; end++) {
      const failure = await failureOf(read(whole.subarray(0, end).toString('latin1'), [16]));
      expect(failure, String(end)).to.be.instanceOf(SyntaxError);
    }
  });

  for (const text of [
    '{"items":[1,]}',
    '{"items":[,1]}',
    '{"items":[1 2]}',
    '{"items":[{"a":}]}',
    '{"items":[1}',
    '{"items":[1]]}',
    '{"items":[1]}x',
    '{"items":[1],}',
    '["items":[1]]',
  ])
    it(`refuses ${text}`, async () => {
      expect(() => JSON.parse(text) as unknown).to.throw(SyntaxError);
      for (const size of [1, 100]) expect(await failureOf(read(text, [size]))).to.be.instanceOf(SyntaxError);
    });
});
