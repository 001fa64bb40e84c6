/** From answers to errors. */
import {
  ApiError,
  type ApiResponse,
  type GroupVersionKind,
  isApiError,
  isNoSuchKind,
  isStatus,
  NoSuchKind,
  type Status,
  type StatusReason,
} from '../api/index.js';

const reasons: Readonly<Record<number, StatusReason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/**
 * How long the server asks to wait (`Retry-After`, RFC 9110, 10.2.3): seconds, or a date when it is known what time
 * it is now, in milliseconds since the epoch.
 */
export function retryAfterSecondsOf(headers: ApiResponse['headers'], now?: number): number | undefined {
  const text = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return now === undefined || text === '' || Number.isNaN(at) ? undefined : Math.max(0, (at - now) / 1000);
}

/** The Status of a refusal; one made from the code and text where the body is none (a proxy answered). */
export function statusOf(response: ApiResponse): Status {
  const retryAfterSeconds = retryAfterSecondsOf(response.headers);
  const retry = retryAfterSeconds === undefined ? undefined : { retryAfterSeconds };
  if (isStatus(response.body)) {
    // What a proxy or an old server left out: `code` and `reason` are what callers decide by.
    const status: Status = {
      ...response.body,
      code: response.body.code ?? response.status,
      reason: response.body.reason ?? reasons[response.status] ?? '',
    };
    if (!retry || status.details?.retryAfterSeconds !== undefined) return status;
    return { ...status, details: { ...status.details, ...retry } };
  }
  const text = typeof response.body === 'string' ? response.body.trim().slice(0, 300) : '';
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: text === '' ? `the server answered ${response.status}` : text,
    reason: reasons[response.status] ?? '',
    ...(retry ? { details: retry } : {}),
    code: response.status,
  };
}

/** The error for a refusal. A 404 that names no object means that the kind itself is not served. */
export function errorOf(response: ApiResponse, gvk?: GroupVersionKind): ApiError {
  const status = statusOf(response);
  const error = new ApiError(status);
  return response.status === 404 && gvk ? (noSuchKindOr(error, gvk) as ApiError) : error;
}

/** The error itself, or NoSuchKind when it is a 404 that names no object. */
export function noSuchKindOr(error: unknown, gvk: GroupVersionKind): unknown {
  if (!isApiError(error, 'NotFound') || isNoSuchKind(error)) return error;
  return error.status.details?.name ? error : new NoSuchKind(gvk, error.status, { cause: error });
}
