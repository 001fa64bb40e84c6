/** Backups as files: whole or refused. */
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { type Archive, BadArchive, readArchive, writeArchive } from '#src/store/index.js';

async function bytesOf(archive: Archive): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeArchive(archive)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
const read = (bytes: Uint8Array): Promise<Archive> => readArchive(Readable.from([bytes]));

const archive = (values: readonly object[], files: Readonly<Record<string, string>> = {}): Archive => ({
  snapshot: {
    revision: 1_764_500_000_999,
    time: Date.UTC(2026, 10, 30),
    entries: values.map((value, i) => ({
      key: `/core/things/${i}`,
      value,
      revision: 1_764_500_000_000 + i,
      createRevision: 1_764_500_000_000,
    })),
  },
  files,
});

async function refusal(bytes: Uint8Array): Promise<string> {
  const error = await read(bytes).catch((thrown: unknown) => thrown);
  expect(error, String(error)).to.be.instanceOf(BadArchive);
  return (error as Error).message;
}

describe('backup archive', () => {
  it('reads what it wrote, whatever that is (property)', async () => {
    const values = fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(values, fc.string(), async (objects, text) => {
        const written = JSON.parse(JSON.stringify(archive(objects, { 'pki/ca.crt': text }))) as Archive;
        const found = await read(await bytesOf(written));
        expect(JSON.parse(JSON.stringify(found))).to.deep.equal(written);
      }),
      { numRuns: 50 },
    );
  });

  it('is refused when it is cut off anywhere', async () => {
    const bytes = await bytesOf(archive([{ a: 1 }, { b: 'x'.repeat(5000) }], { 'pki/ca.crt': 'PEM' }));
    for (let length = 0; length < bytes.length; length++)
      expect(await refusal(bytes.subarray(0, length)), `${length} of ${bytes.length} bytes`).to.match(
        /cut off|damaged/,
      );
  });

  it('is refused when one byte of it is another', async () => {
    const text = gunzipSync(await bytesOf(archive([{ a: 1 }, { b: 2 }], { 'pki/ca.crt': 'PEM' })));
    for (let at = 0; at < text.length; at++) {
      const damaged = Buffer.from(text);
      damaged[at] = (damaged[at] as number) ^ 1;
      await refusal(gzipSync(damaged, { level: 0 }));
    }
  });

  it('is refused when lines are missing, doubled or follow its end', async () => {
    const lines = gunzipSync(await bytesOf(archive([{ a: 1 }, { b: 2 }])))
      .toString()
      .split('\n')
      .slice(0, -1);
    const [head, first, second, end] = lines as [string, string, string, string];
    for (const wrong of [
      [head, first, end],
      [head, first, first, second, end],
      [head, second, first, end],
      [first, second, end],
      [head, first, second],
      [head, first, second, end, first],
    ])
      await refusal(gzipSync(`${wrong.join('\n')}\n`));
  });

  it('says what it is not', async () => {
    expect(await refusal(Buffer.from('hello'))).to.equal('it is no backup of gyre, or damaged');
    expect(await refusal(gzipSync('{"kind":"List"}\n'))).to.equal('it is no backup of gyre');
    const later = { gyre: 'backup', format: 2, revision: 1, time: '2026-01-01T00:00:00Z' };
    expect(await refusal(gzipSync(`${JSON.stringify(later)}\n`))).to.equal(
      'it has format 2; this version of gyre reads format 1',
    );
    expect(await refusal(Buffer.alloc(0))).to.equal('it has been cut off');
  });

  it('fills no memory with a line that never ends', async () => {
    expect(await refusal(gzipSync(Buffer.alloc(80 * 2 ** 20, 97)))).to.equal(
      'it has a line that is longer than any object',
    );
  });
});
