/**
 * A Transport that tries again what may be tried again.
 *
 * What the server says it has not begun is sent again whatever it was: 429 and 503 with `Retry-After`. Reads are sent
 * again after 429, 500, 502, 503, 504 and when no answer came. A write that may have happened never is.
 *
 * Guarantees: at most `tries` attempts; between two of them it waits a jittered, growing time, or as long as the
 * server asks, up to a bound; the last answer or error is given as it came; an abort ends the waiting at once;
 * requests with `retry: false` are sent once. A watch that was opened is not opened again.
 */
import {
  type ApiRequest,
  type ApiResponse,
  type Clock,
  type Duration,
  durationMs,
  isApiError,
  isOutcomeUnknown,
  isTransportError,
  jitter,
  type Random,
  sleep,
  type Transport,
} from '../api/index.js';
import { CredentialError } from './credentials/credential.js';
import { retryAfterSecondsOf } from './errors.js';
import { unsent } from './http/exchange.js';

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Attempts in all. Default 5. */
  readonly tries?: number;
  /** The first wait; each further one is twice as long. Default 200ms, at most 5s, and up to half of it more. */
  readonly backoff?: Duration;
  /** The longest wait a server is granted. Default 30s. */
  readonly maxRetryAfter?: Duration;
}

const maxBackoffMs = 5_000;
const readAgain = new Set([429, 500, 502, 503, 504]);

/** What became of one attempt, as far as it matters here. */
interface Refusal {
  readonly code: number | undefined;
  readonly retryAfterSeconds: number | undefined;
}

export function retryingTransport(inner: Transport, options: RetryOptions): Transport {
  const { clock, random, tries = 5 } = options;
  const backoffMs = durationMs(options.backoff ?? 200);
  const maxRetryAfterMs = durationMs(options.maxRetryAfter ?? '30s');

  const wait = async (request: ApiRequest, attempt: number, refusal: Refusal): Promise<void> => {
    const { retryAfterSeconds } = refusal;
    const ms =
      retryAfterSeconds === undefined
        ? jitter(random, Math.min(backoffMs * 2 ** (attempt - 1), maxBackoffMs), 0.5)
        : Math.min(retryAfterSeconds * 1000, maxRetryAfterMs);
    try {
      await sleep(clock, ms, request.signal);
    } catch (error) {
      throw unsent(request, error);
    }
  };
  const retried = async <T>(
    request: ApiRequest,
    send: () => Promise<T>,
    refusalOf: (answer: T) => Refusal | undefined,
  ): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      const last = attempt >= tries || request.retry === false;
      let refusal: Refusal | undefined;
      try {
        const answer = await send();
        refusal = refusalOf(answer);
        if (!refusal || last || !mayRepeat(request, refusal)) return answer;
      } catch (error) {
        refusal = failureOf(error);
        if (!refusal || last || request.signal?.aborted || !mayRepeat(request, refusal)) throw error;
      }
      await wait(request, attempt, refusal);
    }
  };

  const open = inner.open?.bind(inner);
  const connect = inner.connect?.bind(inner);
  const opened = (): undefined => undefined;
  return {
    request: (request) =>
      retried(
        request,
        () => inner.request(request),
        (response) => answerOf(response, clock),
      ),
    watch: (request) => retried(request, () => inner.watch(request), opened),
    ...(open ? { open: (request) => retried(request, () => open(request), opened) } : {}),
    // A command may have begun: what was refused is the caller's to repeat.
    ...(connect ? { connect } : {}),
    close: () => inner.close(),
  };
}

function mayRepeat({ method }: ApiRequest, { code, retryAfterSeconds }: Refusal): boolean {
  if ((code === 429 || code === 503) && retryAfterSeconds !== undefined) return true;
  return method === 'GET' && (code === undefined || readAgain.has(code));
}

function answerOf(response: ApiResponse, clock: Clock): Refusal | undefined {
  if (response.status < 400) return undefined;
  return { code: response.status, retryAfterSeconds: retryAfterSecondsOf(response.headers, clock.now()) };
}

/** Undefined for what another attempt cannot change. */
function failureOf(error: unknown): Refusal | undefined {
  if (isApiError(error)) return { code: error.code, retryAfterSeconds: error.retryAfterSeconds };
  if (!isTransportError(error) || isOutcomeUnknown(error) || error instanceof CredentialError)
    return undefined;
  return { code: undefined, retryAfterSeconds: undefined };
}
