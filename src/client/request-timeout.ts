/**
 * The time a request may take: an abort whose reason tells a transport that it was not the caller's wish.
 *
 * A transport that knows that nothing was sent answers it with TransportError, and otherwise as for any lost
 * connection: TransportError for a read, OutcomeUnknown for a write.
 */
import { type Clock, type Duration, durationMs, OutcomeUnknown, TransportError } from '../api/index.js';

const brand: unique symbol = Symbol.for('gyre.request-timeout') as never;

/** The reason of the abort. */
export class RequestTimeout extends Error {
  readonly [brand] = true;
  override readonly name = 'RequestTimeout';
}

export function isRequestTimeout(reason: unknown): reason is RequestTimeout {
  return typeof reason === 'object' && reason !== null && (reason as { [brand]?: unknown })[brand] === true;
}

/** How long a transport is given, after the abort, to say whether anything was sent. */
const graceMs = 1;

/**
 * Runs `send` under the caller's signal and, when given, a timeout.
 * @throws TransportError when the time ran out for a read or before anything was sent, else OutcomeUnknown
 */
export async function withinTimeout<T>(
  about: { readonly what: string; readonly read: boolean },
  timeout: Duration | undefined,
  signal: AbortSignal | undefined,
  clock: Clock,
  send: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  if (timeout === undefined) return send(signal);
  const ms = durationMs(timeout);
  const expiry = new AbortController();
  const reason = new RequestTimeout(`no answer within ${ms} ms`);
  let cancel = clock.setTimer(ms, () => {
    expiry.abort(reason);
    // What does not listen to the signal is not waited for.
    cancel = clock.setTimer(graceMs, () => giveUp(expired()));
  });
  const expired = (): Error => {
    const text = `${about.what}: ${reason.message}`;
    return about.read
      ? new TransportError(text, { cause: reason })
      : new OutcomeUnknown(text, { cause: reason });
  };
  let giveUp: (error: Error) => void = () => {};
  const grace = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  try {
    return await Promise.race([
      send(signal ? AbortSignal.any([signal, expiry.signal]) : expiry.signal),
      grace,
    ]);
  } catch (error) {
    throw error === reason ? expired() : error;
  } finally {
    cancel();
  }
}
