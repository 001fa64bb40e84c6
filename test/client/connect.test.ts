/** What `connect()` puts around a transport by default. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { mockHttp, nock, unmockHttp } from '../support/nock.js';
import { type ConnectDeps, connect } from 'gyre/client';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { createLogger, type LogRecord } from '#src/telemetry/index.js';

describe('connect', () => {
  let dir: string;
  let clock: VirtualClock;
  const opened: { close(): void }[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'gyre-connect-'));
    clock = new VirtualClock();
    mockHttp();
  });
  afterEach(() => {
    for (const transport of opened.splice(0)) transport.close();
    rmSync(dir, { recursive: true });
    unmockHttp();
  });
  const open = async (deps: ConnectDeps = {}) => {
    const kubeconfig = join(dir, 'config');
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c' } }],
        clusters: [{ name: 'c', cluster: { server: 'http://one.test' } }],
      }),
    );
    const { transport } = await connect({ kubeconfig }, { clock, random: seededRandom(), env: {}, ...deps });
    opened.push(transport);
    return transport;
  };
  const realTime = () => new Promise((resolve) => setTimeout(resolve, 5));

  it('tries again what may be tried again, by the clock that is given; not when told not to', async () => {
    nock('http://one.test')
      .get('/x')
      .reply(503, {}, { 'retry-after': '20' })
      .get('/x')
      .reply(200, { ok: true });
    const answer = (await open()).request({ method: 'GET', path: '/x' });
    while (clock.pending === 0) await realTime();
    await clock.advance('20s');
    expect((await answer).body).to.deep.equal({ ok: true });

    nock('http://one.test').get('/x').reply(503, {});
    expect(await (await open({ retry: false })).request({ method: 'GET', path: '/x' })).to.include({
      status: 503,
    });
  });

  it('limits requests only when asked to', async () => {
    nock('http://one.test').get('/x').times(4).reply(200, {});
    const free = await open();
    for (let i = 0; i < 2; i++) await free.request({ method: 'GET', path: '/x' });
    const limited = await open({ qps: 1, burst: 1 });
    await limited.request({ method: 'GET', path: '/x' });
    const second = limited.request({ method: 'GET', path: '/x' });
    while (clock.pending === 0) await realTime();
    expect(nock.pendingMocks()).to.have.length(1);
    await clock.advance('1s');
    expect(await second).to.include({ status: 200 });
  });

  it('logs each warning of the server once, unless somebody else listens', async () => {
    const records: LogRecord[] = [];
    const log = createLogger((record) => records.push(record));
    const warn = (...texts: string[]) =>
      nock('http://one.test')
        .get('/x')
        .reply(200, {}, { Warning: texts.map((text) => `299 - "${text}"`) });
    warn('old');
    warn('old', 'older');
    const transport = await open({ log });
    await transport.request({ method: 'GET', path: '/x' });
    await transport.request({ method: 'GET', path: '/x' });
    expect(records.map(({ level, fields }) => [level, fields.warning])).to.deep.equal([
      ['warn', 'old'],
      ['warn', 'older'],
    ]);
    warn('oldest');
    const heard: string[] = [];
    await (await open({ log, onWarning: (text) => heard.push(text) })).request({ method: 'GET', path: '/x' });
    expect([heard, records.length]).to.deep.equal([['oldest'], 2]);
  });
});
