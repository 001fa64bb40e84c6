/** What is tried again, how often, and after how long: by the virtual clock. */
import { expect } from 'chai';
import {
  ApiError,
  type ApiRequest,
  type HttpMethod,
  OutcomeUnknown,
  type Transport,
  TransportError,
  tooManyRequests,
} from 'gyre/api';
import { createClient, CredentialError, type RetryOptions, retryingTransport } from 'gyre/client';
import { ConfigMap } from 'gyre/kinds';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { type Answer, ScriptedTransport } from './scripted-transport.js';

describe('retrying transport', () => {
  let clock: VirtualClock;
  let sentAt: number[];
  beforeEach(() => {
    clock = new VirtualClock();
    sentAt = [];
  });
  const over = (inner: Transport, options: Partial<RetryOptions> = {}) =>
    retryingTransport(
      {
        ...inner,
        request: (request) => (sentAt.push(clock.monotonic()), inner.request(request)),
        watch: (request) => (sentAt.push(clock.monotonic()), inner.watch(request)),
        close: () => inner.close(),
      },
      { clock, random: seededRandom(), ...options },
    );
  const send = async (
    method: HttpMethod,
    answers: readonly Answer[],
    more: Partial<ApiRequest> = {},
    options: Partial<RetryOptions> = {},
  ) => {
    const outcome = over(new ScriptedTransport(...answers), options)
      .request({ method, path: '/x', ...more })
      .then(
        (answer) => answer.status,
        (error: unknown) => error,
      );
    await clock.advance('10m');
    return outcome;
  };
  const code = (status: number, retryAfter?: string): Answer => ({
    status,
    headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
  });
  const writes = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;

  for (const status of [429, 500, 502, 503, 504])
    it(`a read is sent again after ${status}, a write is not`, async () => {
      expect(await send('GET', [code(status), code(200)])).to.equal(200);
      for (const method of writes) expect(await send(method, [code(status), code(200)])).to.equal(status);
    });

  for (const status of [429, 503])
    it(`a write too is sent again after ${status} with Retry-After: the server did not act`, async () => {
      for (const method of writes) expect(await send(method, [code(status, '1'), code(200)])).to.equal(200);
    });

  for (const status of [400, 401, 403, 404, 409, 410, 422])
    it(`nothing is sent again after ${status}, whatever else it says`, async () => {
      expect(await send('GET', [code(status, '1'), code(200)])).to.equal(status);
      expect(sentAt).to.have.length(1);
    });

  it('a write is not sent again after 500 or 504, not even with Retry-After', async () => {
    for (const status of [500, 504])
      expect(await send('POST', [code(status, '1'), code(200)])).to.equal(status);
  });

  it('a read is sent again when no answer came; a write is not, whether it was sent or not', async () => {
    expect(await send('GET', [new TransportError('reset'), code(200)])).to.equal(200);
    for (const error of [new TransportError('refused'), new OutcomeUnknown('reset')])
      expect(await send('POST', [error, code(200)])).to.equal(error);
  });

  it('nothing is tried again without a credential, and nothing that is no failure of the connection', async () => {
    for (const error of [new CredentialError('no plugin'), new TypeError('a bug')])
      expect(await send('GET', [error, code(200)])).to.equal(error);
  });

  it('gives up after five tries with the last answer, or as many as are said', async () => {
    expect(await send('GET', [code(503), code(503), code(503), code(500), code(502), code(200)])).to.equal(
      502,
    );
    expect(sentAt).to.have.length(5);
    expect(await send('GET', [code(503), code(500), code(200)], {}, { tries: 2 })).to.equal(500);
  });

  it('waits longer each time, jittered upwards by at most half', async () => {
    await send('GET', [code(503)]);
    const waits = sentAt.slice(1).map((at, i) => at - (sentAt[i] ?? 0));
    expect(waits).to.have.length(4);
    waits.forEach((wait, i) => expect(wait).to.be.within(200 * 2 ** i, 300 * 2 ** i));
    expect(waits.every((wait) => Number.isInteger(wait))).to.equal(false);
  });

  it('waits as long as the server asks: seconds, a date, but not for ever', async () => {
    const date = new Date(clock.now() + 12_000).toUTCString();
    for (const [text, ms] of [
      ['7', 7_000],
      ['0', 0],
      [date, 12_000],
      ['3600', 30_000],
    ] as const) {
      clock = new VirtualClock();
      sentAt = [];
      expect(await send('POST', [code(429, text), code(201)])).to.equal(201);
      expect(sentAt, text).to.deep.equal([0, ms]);
    }
  });

  it('a Retry-After that says nothing is none', async () => {
    expect(await send('POST', [code(429, 'soon'), code(201)])).to.equal(429);
  });

  it('sends once what is not to be tried again', async () => {
    expect(await send('GET', [code(429, '1'), code(200)], { retry: false })).to.equal(429);
    expect(sentAt).to.have.length(1);
  });

  it('an abort ends the waiting with its reason', async () => {
    const stopped = new AbortController();
    const reason = new Error('enough');
    clock.setTimer(1_000, () => stopped.abort(reason));
    expect(await send('POST', [code(429, '10'), code(200)], { signal: stopped.signal })).to.equal(reason);
    expect(sentAt).to.have.length(1);
  });

  it('a timeout that ends the waiting of a write is no doubt about its outcome', async () => {
    const client = createClient(over(new ScriptedTransport(code(503, '10'))), { clock });
    const outcome = client
      .create(ConfigMap, { metadata: { name: 'a', namespace: 'b' } }, { timeout: '15s' })
      .catch((error: unknown) => error);
    await clock.advance('1m');
    const error = (await outcome) as Error;
    expect(error).to.be.instanceOf(TransportError).and.not.instanceOf(OutcomeUnknown);
    expect(sentAt).to.deep.equal([0, 10_000]);
  });

  it('opens a watch again that was refused for now, not one that is forbidden', async () => {
    const opening = async (...failures: Error[]): Promise<unknown> => {
      const inner = new ScriptedTransport({});
      const transport = over({
        request: (request) => inner.request(request),
        watch: async <T>(request: ApiRequest) => {
          const failure = failures.shift();
          if (failure) throw failure;
          return inner.watch<T>(request);
        },
        close: () => {},
      });
      const opened = transport.watch({ method: 'GET', path: '/x' }).then(
        () => 'opened',
        (error: unknown) => error,
      );
      await clock.advance('1m');
      return opened;
    };
    expect(await opening(tooManyRequests('slow down', 3), new TransportError('reset'))).to.equal('opened');
    expect(sentAt[1]).to.equal(3_000);
    const forbidden = new ApiError({ ...tooManyRequests('no', 1).status, code: 403, reason: 'Forbidden' });
    expect(await opening(forbidden)).to.equal(forbidden);
  });
});
