/**
 * A Tracer without OpenTelemetry: gives every finished span to a function, for a log, a view or a test.
 *
 * Guarantees: a span is told once, when it ends; ids come from the given chance, so that they repeat in tests.
 */
import type { Clock, Random } from '../../api/index.js';
import {
  type AttributeValue,
  type Span,
  type SpanContext,
  spanKey,
  type SpanOptions,
  spanStatuses,
  type TraceContext,
  type Tracer,
} from './tracer.js';

/** A span that has ended. Times are milliseconds since the epoch. */
export interface FinishedSpan {
  readonly name: string;
  readonly kind: number;
  readonly context: SpanContext;
  readonly parent: SpanContext | undefined;
  readonly links: readonly SpanContext[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly status: { readonly code: number; readonly message?: string };
  readonly exceptions: readonly string[];
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface SimpleTracerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Must not throw. */
  readonly onEnd: (span: FinishedSpan) => void;
}

export function createTracer(options: SimpleTracerOptions): Tracer {
  return {
    startSpan: (name, spanOptions = {}, context) => new SimpleSpan(options, name, spanOptions, context),
  };
}

class SimpleSpan implements Span {
  readonly #tracer: SimpleTracerOptions;
  readonly #name: string;
  readonly #options: SpanOptions;
  readonly #context: SpanContext;
  readonly #parent: SpanContext | undefined;
  readonly #attributes = new Map<string, AttributeValue>();
  readonly #exceptions: string[] = [];
  readonly #startedAt: number;
  #status: FinishedSpan['status'] = { code: spanStatuses.unset };
  #ended = false;

  constructor(
    tracer: SimpleTracerOptions,
    name: string,
    options: SpanOptions,
    context: TraceContext | undefined,
  ) {
    this.#tracer = tracer;
    this.#name = name;
    this.#options = options;
    const parent = options.root ? undefined : (context?.getValue(spanKey) as Span | undefined);
    this.#parent = parent?.spanContext();
    const id = (): string => tracer.random.uuid().replaceAll('-', '');
    this.#context = { traceId: this.#parent?.traceId ?? id(), spanId: id().slice(-16), traceFlags: 1 };
    for (const [key, value] of Object.entries(options.attributes ?? {})) this.#attributes.set(key, value);
    this.#startedAt = tracer.clock.now();
  }

  spanContext(): SpanContext {
    return this.#context;
  }
  setAttribute(name: string, value: AttributeValue): this {
    this.#attributes.set(name, value);
    return this;
  }
  setStatus(status: FinishedSpan['status']): this {
    this.#status = status;
    return this;
  }
  recordException(error: Error | string): void {
    this.#exceptions.push(String(error));
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#tracer.onEnd({
      name: this.#name,
      kind: this.#options.kind ?? 0,
      context: this.#context,
      parent: this.#parent,
      links: (this.#options.links ?? []).map(({ context }) => context),
      attributes: Object.fromEntries(this.#attributes),
      status: this.#status,
      exceptions: this.#exceptions,
      startedAt: this.#startedAt,
      endedAt: this.#tracer.clock.now(),
    });
  }
}
