/**
 * Traces of reconciles: a span for each run, below it one for each request, and links to the runs that caused it.
 *
 * A run is linked to whoever wrote the object whose change woke it: within the process, because the versions that
 * runs wrote are remembered for a while, and a change that is seen before the answer to a write under way is taken
 * for that write; across processes, by the annotation `gyre.dev/traceparent`, which is written with
 * `propagate: true` and read always.
 *
 * Guarantee: the annotation never makes a change of its own. It is put on what is created, never on an update,
 * patch or apply: those cannot know whether they change anything, and an annotation that is new with every write
 * would wake its own controller for ever.
 */
import { type ApiRequest, isApiError, keyOf, parseApiVersion } from '../../api/index.js';
import type { ObservedRequest, RequestAttributes, RequestObserver } from '../../client/index.js';
import {
  type AttributeValue,
  contextOf,
  formatTraceparent,
  parseTraceparent,
  type Span,
  type SpanContext,
  spanKinds,
  spanStatuses,
  type TraceContext,
  type Tracer,
} from '../../telemetry/index.js';
import type { RequestKey } from '../controller/definition.js';
import type { ControllerObserver, RunInfo, RunObserver, Trigger } from '../controller/observer.js';
import type { Outcome } from '../queue/runner.js';
import { resultLabel } from './controller-metrics.js';
import { codeOf } from './request-metrics.js';

/** Holds the W3C trace context of the run that created an object. */
export const traceparentAnnotation = 'gyre.dev/traceparent';

export interface TracingOptions {
  /** `trace.getTracer('my-operator')` of @opentelemetry/api, or `createTracer`. */
  readonly tracer: Tracer;
  /** Annotates what reconciles create, so that other processes can link to them. Default false. */
  readonly propagate?: boolean;
  /**
   * Calls the reconcile with its span active, so that spans of other libraries nest below it. With @opentelemetry/api:
   * `(span, call) => context.with(trace.setSpan(context.active(), span), call)`. Default: none is active.
   */
  readonly activate?: <R>(span: Span, call: () => R) => R;
}

/** Writes whose versions are remembered, all controllers together. */
const maxWritesRemembered = 4096;
/** Made in great numbers, short-lived, or asked and forgotten: nobody is woken by them. */
const neverAnnotated = new Set(['events', 'leases', 'tokenreviews', 'subjectaccessreviews', 'bindings']);

interface Written {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
  };
}

export class ReconcileTracing implements ControllerObserver {
  readonly #tracer: Tracer;
  readonly #propagate: boolean;
  /** Who wrote a version; oldest first. */
  readonly #writers = new Map<string, SpanContext>();
  /** Who is writing an object now: the watch may be faster than the answer. */
  readonly #writing = new Map<string, SpanContext>();

  readonly #activate: TracingOptions['activate'];

  constructor({ tracer, propagate = false, activate }: TracingOptions) {
    this.#tracer = tracer;
    this.#propagate = propagate;
    this.#activate = activate;
  }

  onRun(run: RunInfo): RunObserver {
    const span = this.#tracer.startSpan(`reconcile ${run.controller}`, {
      kind: spanKinds.internal,
      root: true,
      attributes: attributesOf(run),
      links: this.#causes(run.triggers).map((context) => ({ context })),
    });
    const activate = this.#activate;
    return {
      requests: this.#requests(span),
      ...(activate ? { around: (call) => activate(span, call) } : {}),
      onEnd: (outcome) => endRun(span, outcome),
    };
  }

  #causes(triggers: readonly Trigger[]): SpanContext[] {
    const causes = new Map<string, SpanContext>();
    for (const trigger of triggers) {
      const cause = this.#writerOf(trigger) ?? annotated(trigger);
      if (cause) causes.set(cause.spanId, cause);
    }
    return [...causes.values()];
  }

  #writerOf({ object }: Trigger): SpanContext | undefined {
    if (!object?.resourceVersion) return undefined;
    const id = objectId(object.group, object.kind, object.key, object.cluster);
    return this.#writers.get(`${id} ${object.resourceVersion}`) ?? this.#writing.get(id);
  }

  #requests(parent: Span): RequestObserver {
    const context = contextOf(parent);
    return { begin: (request, attributes) => this.#begin(context, request, attributes) };
  }

  #begin(context: TraceContext, request: ApiRequest, about: RequestAttributes): ObservedRequest {
    const { verb, resource, subresource, group, version, namespace, name, cluster } = about;
    const what = subresource ? `${resource}/${subresource}` : resource;
    const span = this.#tracer.startSpan(
      `${verb} ${what}`,
      {
        kind: spanKinds.client,
        attributes: present({
          'http.request.method': request.method,
          'url.path': request.path,
          'k8s.cluster.name': cluster,
          'k8s.verb': verb,
          'k8s.group': group,
          'k8s.version': version,
          'k8s.resource': what,
          'k8s.namespace.name': namespace,
          'k8s.object.name': name,
        }),
      },
      context,
    );
    const self = span.spanContext();
    const traceparent = formatTraceparent(self);
    if (traceparent && this.#propagate && isCreate(about)) annotate(request.body, traceparent);
    const written = traceparent && request.method !== 'GET' && !about.dryRun ? request.body : undefined;
    const writing = objectIdOf(written, cluster);
    if (writing) this.#writing.set(writing, self);
    return {
      ...(traceparent ? { headers: { traceparent } } : {}),
      end: (result) => {
        if (writing && this.#writing.get(writing) === self) this.#writing.delete(writing);
        const code = Number(codeOf(result));
        if (code > 0) span.setAttribute('http.response.status_code', code);
        if ('error' in result) fail(span, result.error);
        else if (result.response.status >= 400)
          span.setStatus({ code: spanStatuses.error, message: messageOf(result.response.body) });
        else if (written !== undefined) this.#remember(result.response.body, cluster, self);
        span.end();
      },
    };
  }

  #remember(body: unknown, cluster: string | undefined, writer: SpanContext): void {
    const id = objectIdOf(body, cluster);
    const version = (body as Written | undefined)?.metadata?.resourceVersion;
    if (!id || !version) return;
    this.#writers.set(`${id} ${version}`, writer);
    if (this.#writers.size <= maxWritesRemembered) return;
    const [oldest] = this.#writers.keys();
    this.#writers.delete(oldest as string);
  }
}

function objectId(group: string, kind: string, key: string, cluster = ''): string {
  return `${cluster} ${group}/${kind} ${key}`;
}

/** undefined for what does not say which object it is, as a patch. */
function objectIdOf(body: unknown, cluster: string | undefined): string | undefined {
  const { apiVersion, kind, metadata } = (body ?? {}) as Written;
  if (!apiVersion || !kind || !metadata?.name) return undefined;
  const key = keyOf({ metadata: { ...metadata, name: metadata.name } });
  return objectId(parseApiVersion(apiVersion).group, kind, key, cluster);
}

function attributesOf(run: RunInfo): Record<string, AttributeValue> {
  const slash = run.key.indexOf('/');
  return present({
    controller: run.controller,
    'k8s.object.group': run.kind.group,
    'k8s.object.kind': run.kind.kind,
    'k8s.namespace.name': slash < 0 ? undefined : run.key.slice(0, slash),
    'k8s.object.name': run.key.slice(slash + 1),
    reconcileID: run.reconcileID,
    'reconcile.triggers': run.triggers.map(({ reason }) => reason).join(','),
    'reconcile.queued_ms': run.queuedMs,
    'reconcile.failures': run.failures,
  });
}

function endRun(span: Span, outcome: Outcome<RequestKey>): void {
  span.setAttribute('result', resultLabel(outcome));
  if (!outcome.ok) fail(span, outcome.error);
  span.end();
}

function fail(span: Span, error: unknown): void {
  const known = error instanceof Error || isApiError(error) ? error : new Error(String(error));
  span.recordException(known);
  span.setStatus({ code: spanStatuses.error, message: known.message });
}

function messageOf(body: unknown): string {
  const { message } = (typeof body === 'object' && body !== null ? body : {}) as { message?: unknown };
  return typeof message === 'string' ? message : '';
}

/** What the object says about who made it, when it is new to us or says something new. */
function annotated({ now, before }: Trigger): SpanContext | undefined {
  const text = annotationOf(now);
  return text !== undefined && text !== annotationOf(before) ? parseTraceparent(text) : undefined;
}

function annotationOf(object: unknown): unknown {
  const { metadata } = (object ?? {}) as { metadata?: { annotations?: Readonly<Record<string, unknown>> } };
  const annotations = metadata?.annotations;
  return annotations && Object.hasOwn(annotations, traceparentAnnotation)
    ? annotations[traceparentAnnotation]
    : undefined;
}

function isCreate({ verb, resource, subresource, dryRun }: RequestAttributes): boolean {
  return verb === 'create' && !subresource && !dryRun && !neverAnnotated.has(resource);
}

/** The body is the client's own copy of what the caller gave, and not sent yet. */
function annotate(body: unknown, traceparent: string): void {
  const { metadata } = (body ?? {}) as { metadata?: { annotations?: Record<string, string> } };
  if (!metadata) return;
  if (metadata.annotations && Object.hasOwn(metadata.annotations, traceparentAnnotation)) return;
  metadata.annotations = { ...metadata.annotations, [traceparentAnnotation]: traceparent };
}

function present(
  attributes: Readonly<Record<string, AttributeValue | undefined>>,
): Record<string, AttributeValue> {
  return Object.fromEntries(
    Object.entries(attributes).filter((entry): entry is [string, AttributeValue] => entry[1] !== undefined),
  );
}
