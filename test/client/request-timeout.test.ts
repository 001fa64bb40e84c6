/** How long an answer may take. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { isOutcomeUnknown, isTransportError, type Transport } from 'gyre/api';
import { type Client, createClient, createHttpTransport } from 'gyre/client';
import { ConfigMap } from 'gyre/kinds';
import { VirtualClock } from 'gyre/testing';

const object = { metadata: { name: 'a', namespace: 'b' } };
const isUnsent = (error: unknown) => isTransportError(error) && !isOutcomeUnknown(error);

describe('timeout of a request', () => {
  let clock: VirtualClock;
  beforeEach(() => {
    clock = new VirtualClock();
  });

  const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'it did not fail',
      (error: unknown) => error,
    );

  describe('over a transport that never answers and hears no signal', () => {
    const deaf: Transport = {
      request: () => new Promise(() => {}),
      watch: () => new Promise(() => {}),
      close: () => {},
    };
    const late = async (call: (client: Client) => Promise<unknown>): Promise<unknown> => {
      let settled = false;
      const failure = failureOf(call(createClient(deaf, { clock }))).finally(() => {
        settled = true;
      });
      await clock.advance(4_999);
      expect(settled).to.equal(false);
      await clock.advance(2);
      return failure;
    };

    it('a read and the opening of a watch had no effect', async () => {
      expect(await late((c) => c.get(ConfigMap, 'b/a', { timeout: '5s' }))).to.satisfy(isUnsent);
      expect(await late((c) => c.watch(ConfigMap, { timeout: '5s' }))).to.satisfy(isUnsent);
      expect(await late((c) => c.kindFor('v1', 'Pod', { timeout: '5s' }))).to.satisfy(isUnsent);
    });

    it('the outcome of a write is unknown', async () => {
      for (const call of [
        (c: Client) => c.create(ConfigMap, object, { timeout: 5_000 }),
        (c: Client) => c.delete(ConfigMap, 'b/a', { timeout: '5s' }),
      ]) {
        const error = await late(call);
        expect(isOutcomeUnknown(error)).to.equal(true);
        expect((error as Error).message).to.match(/no answer within 5000 ms$/);
      }
    });

    it('leaves no timer behind when the answer comes in time, and none runs without a timeout', async () => {
      const answering: Transport = { ...deaf, request: async () => ({ status: 200, headers: {}, body: {} }) };
      const client = createClient(answering, { clock });
      await client.get(ConfigMap, 'b/a', { timeout: '5s' });
      const { pending } = clock;
      void client.get(ConfigMap, 'b/a');
      expect([pending, clock.pending]).to.deep.equal([0, 0]);
    });
  });

  describe('over HTTP', () => {
    let server: Server;
    let arrived: () => void = () => {};
    beforeEach(async () => {
      server = createServer((request, response) => {
        request.resume();
        if (request.url?.includes('watch=true')) {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.flushHeaders();
        }
        arrived();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    });
    afterEach(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    const connected = () => {
      const { port } = server.address() as AddressInfo;
      return createHttpTransport({ server: `http://127.0.0.1:${port}` });
    };

    it('a write that was sent is unknown, a read had no effect, and the connection is closed', async () => {
      const transport = connected();
      const client = createClient(transport, { clock });
      for (const [call, isExpected] of [
        [() => client.create(ConfigMap, object, { timeout: '5s' }), isOutcomeUnknown],
        [() => client.get(ConfigMap, 'b/a', { timeout: '5s' }), isUnsent],
      ] as const) {
        const there = new Promise<void>((resolve) => {
          arrived = resolve;
        });
        const failure = failureOf(call());
        await there;
        await clock.advance('6s');
        expect(await failure).to.satisfy(isExpected);
      }
      transport.close();
    });

    it('the caller’s own abort stays the caller’s reason', async () => {
      const transport = connected();
      const stopped = new AbortController();
      const reason = new Error('enough');
      const there = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      const call = createClient(transport, { clock }).create(ConfigMap, object, {
        timeout: '5s',
        signal: stopped.signal,
      });
      const failure = failureOf(call);
      await there;
      stopped.abort(reason);
      expect(await failure).to.equal(reason);
      transport.close();
    });

    it('a watch that was opened goes on', async () => {
      const transport = connected();
      const { events } = await createClient(transport, { clock }).watch(ConfigMap, { timeout: '5s' });
      let ended = false;
      const reading = failureOf(
        (async () => {
          for await (const _ of events);
        })(),
      ).finally(() => {
        ended = true;
      });
      await clock.advance('1h');
      expect(ended).to.equal(false);
      transport.close();
      expect(await reading).to.satisfy(isTransportError);
    });
  });
});
