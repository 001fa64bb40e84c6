/** No more requests than allowed: by the virtual clock. */
import { expect } from 'chai';
import { isOutcomeUnknown, isTransportError } from 'gyre/api';
import { createClient, type RateLimitOptions, rateLimitedTransport } from 'gyre/client';
import { ConfigMap } from 'gyre/kinds';
import { VirtualClock } from 'gyre/testing';
import { ScriptedTransport } from './scripted-transport.js';

describe('rate-limited transport', () => {
  let clock: VirtualClock;
  let inner: ScriptedTransport;
  beforeEach(() => {
    clock = new VirtualClock();
    inner = new ScriptedTransport({});
  });
  const limited = (options: Omit<RateLimitOptions, 'clock'>) =>
    rateLimitedTransport(inner, { clock, ...options });
  const paths = () => inner.requests.map(({ path }) => path).join('');

  it('lets a burst through, then one after the other in order, watches among them', async () => {
    const transport = limited({ qps: 2, burst: 3 });
    for (const path of ['a', 'b', 'c', 'd']) void transport.request({ method: 'GET', path });
    void transport.watch({ method: 'GET', path: 'w' });
    void transport.request({ method: 'GET', path: 'e' });
    await clock.settle();
    expect(paths()).to.equal('abc');
    for (const expected of ['abcd', 'abcdw', 'abcdwe']) {
      await clock.advance(499);
      expect(paths()).to.equal(expected.slice(0, -1));
      await clock.advance(1);
      expect(paths()).to.equal(expected);
    }
  });

  it('fills up while nothing is sent, but not past the burst', async () => {
    const transport = limited({ qps: 1, burst: 2 });
    await clock.advance('1h');
    for (const path of ['a', 'b', 'c']) void transport.request({ method: 'GET', path });
    await clock.settle();
    expect(paths()).to.equal('ab');
  });

  it('one that is aborted while it waits was not sent, at once, and those behind go on', async () => {
    const transport = limited({ qps: 1, burst: 1 });
    const stopped = new AbortController();
    const reason = new Error('enough');
    void transport.request({ method: 'GET', path: 'a' });
    void transport.request({ method: 'GET', path: 'b' });
    const aborted = transport
      .request({ method: 'POST', path: 'c', signal: stopped.signal })
      .catch((error: unknown) => error);
    void transport.request({ method: 'GET', path: 'd' });
    await clock.settle();
    stopped.abort(reason);
    expect(await aborted).to.equal(reason);
    await clock.advance('2s');
    expect(paths()).to.equal('abd');
  });

  it('a write that times out while it waits was not sent', async () => {
    const client = createClient(limited({ qps: 0.01, burst: 1 }), { clock });
    const create = () =>
      client
        .create(ConfigMap, { metadata: { name: 'a', namespace: 'b' } }, { timeout: '5s' })
        .catch((error: unknown) => error);
    await create();
    const second = create();
    await clock.advance('6s');
    expect(await second).to.satisfy((error: unknown) => isTransportError(error) && !isOutcomeUnknown(error));
    expect(inner.requests).to.have.length(1);
  });

  it('refuses limits that nothing could pass', () => {
    for (const options of [{ qps: 0 }, { qps: Number.NaN }, { qps: 5, burst: 0 }])
      expect(() => limited(options)).to.throw(TypeError);
  });
});
