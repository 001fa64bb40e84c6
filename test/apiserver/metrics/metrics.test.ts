import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { HttpsCluster } from '../http/https-cluster.js';

/** Values by series, as the text has them. */
type Scrape = ReadonlyMap<string, number>;

describe('/metrics of the API server', function () {
  this.timeout(20_000);
  let https: HttpsCluster;
  const secrets = '/api/v1/namespaces/default/secrets';

  beforeEach(async () => {
    https = await HttpsCluster.start({
      controllers: true,
      tokens: new Map([['t', { username: 'nobody-special', groups: [] }]]),
      maxRequestsInFlight: 100,
    });
  });
  afterEach(() => https[Symbol.asyncDispose]());

  async function scrape(headers: Record<string, string> = {}): Promise<Scrape> {
    const { bytes } = await https.ask('/metrics', { headers });
    const lines = bytes.toString().split('\n');
    return new Map(
      lines
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => {
          const space = line.lastIndexOf(' ');
          return [line.slice(0, space), Number(line.slice(space + 1))];
        }),
    );
  }

  const requests = (verb: string, scope: string, code: number, more = ''): string =>
    `apiserver_request_total{verb="${verb}",dry_run="${more}",group="",version="v1",resource="secrets",subresource="",scope="${scope}",component="apiserver",code="${code}"}`;

  it('counts requests by what they are and how they were answered, with the labels of kube-apiserver', async () => {
    await https.ask(secrets, { method: 'POST', body: { metadata: { name: 'a' } } });
    await https.ask(secrets, { method: 'POST', body: { metadata: { name: 'a' } } });
    await https.ask(`${secrets}?dryRun=All`, { method: 'POST', body: { metadata: { name: 'b' } } });
    await https.ask(`${secrets}/a`);
    await https.ask(`${secrets}/missing`);
    await https.ask(secrets);
    await https.ask('/api/v1/secrets');
    await https.ask(`${secrets}/a?fieldManager=m`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } },
    });
    const seen = await scrape();
    const own = (key: string): number | undefined => seen.get(key);
    expect(own(requests('POST', 'resource', 201))).to.equal(1);
    expect(own(requests('POST', 'resource', 409))).to.equal(1);
    expect(own(requests('POST', 'resource', 201, 'All'))).to.equal(1);
    expect(own(requests('GET', 'resource', 404))).to.be.at.least(1);
    expect(own(requests('LIST', 'namespace', 200))).to.be.at.least(1);
    expect(own(requests('LIST', 'cluster', 200))).to.be.at.least(1);
    expect(own(requests('APPLY', 'resource', 200))).to.equal(1);
    const seconds = requests('POST', 'resource', 0)
      .replace('_total', '_duration_seconds_count')
      .replace(',code="0"', '');
    expect(own(seconds)).to.equal(2);
    expect(own('apiserver_current_inflight_requests{request_kind="readOnly"}')).to.equal(1);
    expect(own('apiserver_current_inflight_requests{request_kind="mutating"}')).to.be.at.least(0);
  });

  it('a watch is open until somebody ends it, and is counted then', async () => {
    const running =
      'apiserver_longrunning_requests{verb="WATCH",group="",version="v1",resource="secrets",subresource="",scope="namespace",component="apiserver"}';
    const before = (await scrape()).get(running) ?? 0;
    const socket = new WebSocket(
      `${https.url.replace('https', 'wss')}/api/v1/namespaces/kube-public/secrets?watch=1`,
      https.admin,
    );
    await once(socket, 'open');
    expect((await scrape()).get(running)).to.equal(before + 1);
    socket.close();
    await once(socket, 'close');
    // The server hears of it with the next packet it reads.
    while ((await scrape()).get(running) !== before);
  });

  it('names that clients make up are no labels', async () => {
    for (let i = 0; i < 20; i++) await https.ask(`/apis/made.up/v1/namespaces/default/names${i}/x`);
    await https.ask(`${secrets}/a/made-up`);
    const series = [...(await scrape()).keys()].join('\n');
    expect(series).to.not.include('made');
    expect(series).to.include('code="404"');
  });

  it('says how much is stored, who is kept waiting, what serves, and what its controllers do', async () => {
    await https.ask(secrets, { method: 'POST', body: { metadata: { name: 'a' } } });
    const one = await scrape();
    await https.ask(secrets, {
      method: 'POST',
      headers: { authorization: 'Bearer t' },
      body: { metadata: { name: 'forbidden' } },
    });
    const seen = await scrape();
    const stored = 'apiserver_storage_objects{resource="secrets"}';
    expect(seen.get(stored)).to.equal(one.get(stored));
    expect(
      seen.get('apiserver_storage_objects{resource="clusterroles.rbac.authorization.k8s.io"}'),
    ).to.be.above(20);
    const dispatched =
      'apiserver_flowcontrol_dispatched_requests_total{priority_level="exempt",flow_schema="exempt"}';
    expect(seen.get(dispatched)).to.be.above(one.get(dispatched) as number);
    expect(seen.get('apiserver_flowcontrol_nominal_limit_seats{priority_level="catch-all"}')).to.be.above(0);
    expect(seen.get('kubernetes_build_info{major="1",minor="32",git_version="v1.32.0+gyre"}')).to.equal(1);
    expect(seen.get('process_resident_memory_bytes')).to.be.above(1e7);
    expect(
      seen.get('workqueue_adds_total{name="replicaset-controller",controller="replicaset-controller"}'),
    ).to.not.equal(undefined);
  });

  it('are for those who may read them', async () => {
    const { code } = await https.ask('/metrics', { headers: { authorization: 'Bearer t' } });
    expect(code).to.equal(403);
    const { headers, bytes } = await https.ask('/metrics', {
      headers: { accept: 'application/openmetrics-text;version=1.0.0' },
    });
    expect(headers['content-type']).to.include('openmetrics');
    expect(bytes.toString()).to.match(/# EOF\n$/);
  });
});
