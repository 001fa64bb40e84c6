/** The `traceparent` header of https://www.w3.org/TR/trace-context: how a trace goes on in another process. */
import { isValidSpanContext, type SpanContext } from './tracer.js';

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** undefined for a span that is none, as those of the no-op tracer. */
export function formatTraceparent(context: SpanContext): string | undefined {
  if (!isValidSpanContext(context)) return undefined;
  const flags = (context.traceFlags & 0xff).toString(16).padStart(2, '0');
  return `00-${context.traceId}-${context.spanId}-${flags}`;
}

/** undefined for anything that is not valid; a version to come is read as far as it is known. */
export function parseTraceparent(text: unknown): SpanContext | undefined {
  const match = typeof text === 'string' ? pattern.exec(text) : null;
  if (!match) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', rest] = match;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isValidSpanContext(context) ? context : undefined;
}
