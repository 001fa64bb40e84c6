import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { HttpsCluster } from './https-cluster.js';

describe('compressed answers', function () {
  this.timeout(20_000);
  let https: HttpsCluster;
  const gzip = { 'accept-encoding': 'gzip' };
  const list = '/api/v1/namespaces/default/configmaps';

  before(async () => {
    https = await HttpsCluster.start();
    for (let i = 0; i < 30; i++)
      await https.ask(list, {
        method: 'POST',
        body: { metadata: { name: `large-${i}` }, data: { text: `${i}`.repeat(20_000) } },
      });
  });
  after(() => https[Symbol.asyncDispose]());

  it('a long list is the same with gzip as without, and shorter', async () => {
    const plain = await https.ask(list);
    const packed = await https.ask(list, { headers: gzip });
    expect(plain.headers['content-encoding']).to.equal(undefined);
    expect(packed.headers).to.include({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(packed.bytes.length).to.be.lessThan(plain.bytes.length / 10);
    expect(JSON.parse(gunzipSync(packed.bytes).toString())).to.deep.equal(JSON.parse(plain.bytes.toString()));
  });

  it('a document keeps what it varies with', async () => {
    const { headers, bytes } = await https.ask('/openapi/v2', { headers: gzip });
    expect(headers).to.include({ 'content-encoding': 'gzip', vary: 'Accept, Accept-Encoding' });
    expect(JSON.parse(gunzipSync(bytes).toString())).to.have.property('swagger', '2.0');
    const again = await https.ask('/openapi/v2', {
      headers: { ...gzip, 'if-none-match': String(headers.etag) },
    });
    expect([again.code, again.bytes.length]).to.deep.equal([304, 0]);
  });

  for (const encodings of ['identity', 'br', 'gzip;q=0', 'gzip; q=0.0'])
    it(`nothing is compressed for ${encodings}`, async () => {
      const { headers } = await https.ask(list, { headers: { 'accept-encoding': encodings } });
      expect(headers['content-encoding']).to.equal(undefined);
    });

  it('a short answer is not compressed', async () => {
    const { headers } = await https.ask(`${list}/large-1`, { headers: gzip });
    expect(headers['content-encoding']).to.equal(undefined);
    expect(headers['content-length']).to.match(/^\d+$/);
  });

  it('a client that leaves in the middle leaves a server that goes on', async () => {
    const asking = request(`${https.url}${list}`, { headers: gzip, ...https.admin }).end();
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    await once(response, 'data');
    asking.destroy();
    await once(asking, 'close');
    const { bytes } = await https.ask(list, { headers: gzip });
    expect(JSON.parse(gunzipSync(bytes).toString()).items).to.have.length(30);
    expect((await https.ask('/readyz')).bytes.toString()).to.equal('ok');
  });
});
