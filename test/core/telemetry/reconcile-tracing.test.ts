/** Spans of reconciles and requests, and what links one controller's work to another's. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import {
  controllerFor,
  createTracer,
  done,
  type FinishedSpan,
  ReconcileTracing,
  traceparentAnnotation,
  type Transport,
} from 'gyre';
import type { ApiRequest } from 'gyre/api';
import { createClient, type RequestObserver } from 'gyre/client';
import { ConfigMap, Secret } from 'gyre/kinds';
import { seededRandom, TestCluster, VirtualClock } from 'gyre/testing';
import { formatTraceparent, parseTraceparent, type Span, type SpanContext } from '#src/telemetry/index.js';

const settings = (
  name: string,
  data: Record<string, string> = {},
  annotations: Record<string, string> = {},
) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', annotations },
  data,
});

async function setUp({ propagate = false } = {}) {
  const spans: FinishedSpan[] = [];
  const runs = { maker: 0, reader: 0 };
  const tracer = createTracer({
    clock: new VirtualClock(),
    random: seededRandom(7),
    onEnd: (span) => spans.push(span),
  });
  const maker = controllerFor(ConfigMap)
    .named('maker')
    .owns(Secret)
    .reconcile(async (object, ctx) => {
      runs.maker++;
      const { name } = object.metadata;
      switch (object.data?.do) {
        case 'create':
          if (!ctx.cache.get(Secret, `default/${name}`))
            await ctx.client.create(Secret, { metadata: { name, namespace: 'default' } });
          break;
        case 'apply':
          await ctx.apply(Secret, { metadata: { name }, stringData: { color: object.data?.color ?? '' } });
          break;
        case 'fail':
          await ctx.client.get(Secret, 'default/nothing');
      }
      return done;
    });
  const reader = controllerFor(Secret)
    .named('reader')
    .reconcile(() => {
      runs.reader++;
    });
  const t = await TestCluster.start({
    builtin: false,
    controllers: [maker, reader],
    manager: { tracing: { tracer, propagate } },
  });
  spans.length = 0;
  return { t, spans, runs };
}
const named = (spans: readonly FinishedSpan[], name: string, object?: string): FinishedSpan => {
  const found = spans.find(
    (span) => span.name === name && (object === undefined || span.attributes['k8s.object.name'] === object),
  );
  if (!found) throw new Error(`no span ${name} among ${spans.map((span) => span.name).join(', ')}`);
  return found;
};

describe('traces of reconciles', () => {
  it('have one span per run, and below it one per request', async () => {
    const { t, spans } = await setUp();
    await using _ = t;
    await t.apply(settings('a', { do: 'create' }));
    const run = named(spans, 'reconcile maker', 'a');
    const create = named(spans, 'create secrets');
    expect(run.parent).to.equal(undefined);
    expect(run.attributes).to.include({
      controller: 'maker',
      'k8s.object.kind': 'ConfigMap',
      'k8s.namespace.name': 'default',
      result: 'success',
      'reconcile.triggers': 'primary',
    });
    expect(run.attributes.reconcileID).to.match(/^[0-9a-f-]{36}$/);
    expect(create.parent).to.deep.equal(run.context);
    expect(create.kind).to.equal(2);
    expect(create.attributes).to.include({
      'http.request.method': 'POST',
      'http.response.status_code': 201,
      'k8s.resource': 'secrets',
    });
  });

  it('say what failed', async () => {
    const { t, spans } = await setUp();
    await using _ = t;
    await t.apply(settings('a', { do: 'fail' }));
    const get = named(spans, 'get secrets');
    const run = named(spans, 'reconcile maker', 'a');
    expect(get.attributes['http.response.status_code']).to.equal(404);
    expect(get.status.code).to.equal(2);
    expect(run.attributes.result).to.equal('error');
    expect(run.status.message).to.contain('nothing');
    expect(run.exceptions).to.have.length(1);
  });

  it('send the context with every request', async () => {
    const spans: FinishedSpan[] = [];
    const requests: ApiRequest[] = [];
    const tracer = createTracer({
      clock: new VirtualClock(),
      random: seededRandom(7),
      onEnd: (span) => spans.push(span),
    });
    const transport: Transport = {
      request: async (request) => {
        requests.push(request);
        return { status: 200, headers: {}, body: { metadata: {} } };
      },
      watch: () => Promise.reject(new Error('not asked')),
      close: () => {},
    };
    const run = new ReconcileTracing({ tracer }).onRun({
      controller: 'maker',
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      key: 'default/a',
      reconcileID: 'x',
      triggers: [],
      queuedMs: 0,
      failures: 0,
      object: undefined,
    });
    const client = createClient(transport).with({ observer: run.requests as RequestObserver });
    await client.get(Secret, 'default/a');
    expect(requests[0]?.headers?.traceparent).to.equal(
      formatTraceparent(named(spans, 'get secrets').context),
    );
  });

  it('link a run to the write that woke it, in one process without any annotation', async () => {
    const { t, spans } = await setUp();
    await using _ = t;
    await t.apply(settings('a', { do: 'apply' }));
    const write = named(spans, 'patch secrets');
    expect(named(spans, 'reconcile reader', 'a').links).to.deep.equal([write.context]);
    expect(t.get(Secret, 'default/a').metadata.annotations).to.equal(undefined);
  });

  it('with propagate, annotate what is created and nothing else', async () => {
    const { t, spans } = await setUp({ propagate: true });
    await using _ = t;
    await t.apply(settings('a', { do: 'create' }));
    await t.apply(settings('b', { do: 'apply' }));
    const annotation = t.get(Secret, 'default/a').metadata.annotations?.[traceparentAnnotation];
    const { isRemote: __, ...context } = parseTraceparent(annotation) as SpanContext;
    expect(context).to.deep.equal(named(spans, 'create secrets').context);
    expect(t.get(Secret, 'default/b').metadata.annotations).to.equal(undefined);
  });

  it('with propagate, make no run that would not have been', async () => {
    const count = async (propagate: boolean): Promise<object> => {
      const { t, runs } = await setUp({ propagate });
      await using _ = t;
      for (const color of ['red', 'blue', 'blue']) {
        await t.apply(settings('a', { do: 'create', color }));
        await t.apply(settings('b', { do: 'apply', color }));
      }
      await t.advance('10m');
      return runs;
    };
    expect(await count(true)).to.deep.equal(await count(false));
  });

  it('link a run to the context that somebody else wrote on its object, once', async () => {
    const { t, spans } = await setUp();
    await using _ = t;
    const cause = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
    const annotations = { [traceparentAnnotation]: formatTraceparent(cause) as string };
    await t.apply(settings('a', {}, annotations));
    expect(named(spans, 'reconcile maker', 'a').links).to.deep.equal([{ ...cause, isRemote: true }]);
    spans.length = 0;
    await t.apply(settings('a', { color: 'red' }, annotations));
    expect(named(spans, 'reconcile maker', 'a').links).to.deep.equal([]);
    spans.length = 0;
    await t.apply(settings('b', {}, { [traceparentAnnotation]: 'garbage' }));
    expect(named(spans, 'reconcile maker', 'b').links).to.deep.equal([]);
  });

  it('make their span the active one where they are told how, also across awaits', async () => {
    const active = new AsyncLocalStorage<Span>();
    const seen: (string | undefined)[] = [];
    const tracer = createTracer({ clock: new VirtualClock(), random: seededRandom(7), onEnd: () => {} });
    const controller = controllerFor(ConfigMap)
      .named('active')
      .reconcile(async (object, ctx) => {
        if (object.metadata.name !== 'a') return done;
        await ctx.client.find(Secret, 'default/nothing');
        seen.push(active.getStore()?.spanContext().spanId);
        return done;
      });
    await using t = await TestCluster.start({
      builtin: false,
      controllers: [controller],
      manager: { tracing: { tracer, activate: (span, call) => active.run(span, call) } },
    });
    await t.apply(settings('a'));
    expect(seen).to.have.length(1);
    expect(seen[0]).to.match(/^[0-9a-f]{16}$/);
    expect(active.getStore()).to.equal(undefined);
  });
});
