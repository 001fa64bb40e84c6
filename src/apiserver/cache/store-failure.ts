/** What a client is told when the store fails. */
import { ApiError, internalError } from '../../api/index.js';
import { StoreClosed, StoreUnavailable } from '../../store/index.js';

/** Asked for only where trying again does no harm: clients send a write again that carries it. */
const retryAfterSeconds = 1;

/**
 * 503 when nothing has happened; 504 for a write of which nobody knows whether it has. Undefined for what is no failure
 * of the store.
 */
export function storeFailure(error: unknown): ApiError | undefined {
  if (error instanceof StoreClosed)
    return new ApiError({
      ...internalError(error.message).status,
      reason: 'ServiceUnavailable',
      code: 503,
    });
  if (!(error instanceof StoreUnavailable)) return undefined;
  const unknown = error.outcome === 'unknown';
  return new ApiError(
    {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `the store is unavailable: ${error.message}`,
      reason: unknown ? 'Timeout' : 'ServiceUnavailable',
      details: unknown ? {} : { retryAfterSeconds },
      code: unknown ? 504 : 503,
    },
    { cause: error },
  );
}
