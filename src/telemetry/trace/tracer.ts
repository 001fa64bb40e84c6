/**
 * Traces as an interface. Its shape is the part of the OpenTelemetry tracing API that is needed here, so that
 * `trace.getTracer('my-operator')` of @opentelemetry/api is a Tracer as it stands, and no dependency is needed.
 *
 * What leads from one span to the next is handed over as a `TraceContext`: what OpenTelemetry calls a Context,
 * holding the parent under the key that its API uses for it.
 */
export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** What identifies a span, also across processes (https://www.w3.org/TR/trace-context). */
export interface SpanContext {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** Bit 0: the trace is recorded. */
  readonly traceFlags: number;
  readonly isRemote?: boolean;
}

/** As OpenTelemetry numbers them. */
export const spanKinds = { internal: 0, client: 2, consumer: 4 } as const;
/** As OpenTelemetry numbers them. */
export const spanStatuses = { unset: 0, ok: 1, error: 2 } as const;

export interface SpanOptions {
  readonly kind?: number;
  readonly attributes?: Record<string, AttributeValue>;
  /** Spans that led to this one without being its parent. */
  readonly links?: { readonly context: SpanContext }[];
  /** Begins a trace of its own, whatever the context says. */
  readonly root?: boolean;
}

export interface Span {
  spanContext(): SpanContext;
  setAttribute(name: string, value: AttributeValue): unknown;
  setStatus(status: { readonly code: number; readonly message?: string }): unknown;
  recordException(error: Error | string): void;
  end(): void;
}

export interface TraceContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): TraceContext;
  deleteValue(key: symbol): TraceContext;
}

export interface Tracer {
  startSpan(name: string, options?: SpanOptions, context?: TraceContext): Span;
}

/** Under this key OpenTelemetry keeps the current span of a context. */
export const spanKey: symbol = Symbol.for('OpenTelemetry Context Key SPAN');

class MapContext implements TraceContext {
  readonly #values: ReadonlyMap<symbol, unknown>;
  constructor(values: ReadonlyMap<symbol, unknown> = new Map()) {
    this.#values = values;
  }
  getValue(key: symbol): unknown {
    return this.#values.get(key);
  }
  setValue(key: symbol, value: unknown): TraceContext {
    return new MapContext(new Map(this.#values).set(key, value));
  }
  deleteValue(key: symbol): TraceContext {
    const values = new Map(this.#values);
    values.delete(key);
    return new MapContext(values);
  }
}

export const rootContext: TraceContext = new MapContext();

/** The context in which spans become children of `span`. */
export function contextOf(span: Span): TraceContext {
  return rootContext.setValue(spanKey, span);
}

const invalid: SpanContext = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 };

const noopSpan: Span = {
  spanContext: () => invalid,
  setAttribute: () => noopSpan,
  setStatus: () => noopSpan,
  recordException: () => {},
  end: () => {},
};

/** Traces nothing. */
export const noopTracer: Tracer = { startSpan: () => noopSpan };

export function isValidSpanContext({ traceId, spanId }: SpanContext): boolean {
  return (
    /^[0-9a-f]{32}$/.test(traceId) &&
    traceId !== invalid.traceId &&
    /^[0-9a-f]{16}$/.test(spanId) &&
    spanId !== invalid.spanId
  );
}
