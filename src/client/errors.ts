/** From answers to errors. */
import {
  ApiError,
  type ApiResponse,
  type GroupVersionKind,
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

/** The Status of a refusal; one made from the code and text where the body is none (a proxy answered). */
export function statusOf(response: ApiResponse): Status {
  const retryAfter = Number(response.headers['retry-after']);
  const retry = Number.isFinite(retryAfter) ? { retryAfterSeconds: retryAfter } : undefined;
  if (isStatus(response.body)) {
    const status = response.body;
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
  const namesObject = status.details?.name !== undefined && status.details.name !== '';
  if (response.status === 404 && gvk && !namesObject) return new NoSuchKind(gvk, status);
  return new ApiError(status);
}
