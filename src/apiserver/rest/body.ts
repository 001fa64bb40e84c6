/**
 * Reading a request's body: by content type, bounded, strict about duplicates, and with the API's own
 * errors (API-5, API-8, API-10).
 */
import {
  badRequest,
  type JsonObject,
  type JsonValue,
  parseJsonStrict,
  tooLarge,
  unsupportedMediaType,
} from '../../api/index.js';
import { decodeProtobuf } from '../codec/protobuf.js';
import type { ServerRequest } from './request.js';
import { yamlDepth } from './yaml-depth.js';

/** API-5: bodies of 3 MiB at most. */
export const maxBodyBytes = 3 * 1024 * 1024;
const maxDepth = 1000;
/** Each level of YAML takes more of the stack. */
const maxYamlDepth = 500;

export interface DecodedBody {
  readonly value: JsonValue;
  /** `duplicate field "spec.replicas"`. */
  readonly duplicates: readonly string[];
  /** True when the bytes were protobuf: unknown fields cannot be told, and apiVersion and kind are set. */
  readonly protobuf: boolean;
}

export function contentType(request: ServerRequest): string {
  return (request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';
}

function hasBody(request: ServerRequest): boolean {
  return request.body !== undefined && !('bytes' in request.body && request.body.bytes.length === 0);
}

/**
 * Decodes the body of a create, update, patch or delete; undefined when there is none.
 * @throws ApiError BadRequest, RequestEntityTooLarge, UnsupportedMediaType; at once or as a rejection
 */
export function decodeBody(
  request: ServerRequest,
  accepted: readonly string[],
): DecodedBody | Promise<DecodedBody> | undefined {
  const decoded = decode(request, accepted);
  const { audit } = request;
  if (!decoded || !audit) return decoded;
  const told = (body: DecodedBody): DecodedBody => {
    audit.requestBody(body.value);
    return body;
  };
  return decoded instanceof Promise ? decoded.then(told) : told(decoded);
}

function decode(
  request: ServerRequest,
  accepted: readonly string[],
): DecodedBody | Promise<DecodedBody> | undefined {
  if (!hasBody(request) || request.body === undefined) return undefined;
  const type = contentType(request);
  if (!accepted.includes(type)) {
    throw unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
    );
  }
  if ('value' in request.body)
    return { value: request.body.value as JsonValue, duplicates: [], protobuf: false };
  const { bytes } = request.body;
  if (bytes.length > maxBodyBytes) {
    throw tooLarge(`Request entity too large: limit is ${maxBodyBytes}`);
  }
  if (type === 'application/vnd.kubernetes.protobuf') {
    return { value: decodeProtobuf(bytes).object, duplicates: [], protobuf: true };
  }
  const text = decodeUtf8(bytes);
  if (type === 'application/yaml' || type === 'application/apply-patch+yaml') return decodeYaml(text);
  const { value, duplicates } = parseJsonStrict(text, { maxDepth });
  return { value, duplicates, protobuf: false };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw badRequest('the body of the request is not valid UTF-8');
  }
}

/** kubectl writes JSON even where the type says YAML; JSON is tried first, as it is far faster. */
async function decodeYaml(text: string): Promise<DecodedBody> {
  if (text.trimStart().startsWith('{')) {
    const { value, duplicates } = parseJsonStrict(text, { maxDepth });
    return { value, duplicates, protobuf: false };
  }
  if (yamlDepth(text, maxYamlDepth) > maxYamlDepth)
    throw badRequest(`error decoding YAML: nested deeper than ${maxYamlDepth} levels`);
  const { parseDocument } = await import('yaml');
  // What is odd in a client's text is no warning to whoever runs the server.
  const options = { version: '1.1', uniqueKeys: false, merge: true, logLevel: 'error' } as const;
  const document = parseDocument(text, options);
  const [error] = document.errors;
  if (error) throw badRequest(`error decoding YAML: ${error.message.split('\n')[0]}`);
  let json: string;
  try {
    // Through JSON once: dates, maps and other YAML types become what JSON can carry, and a loop does not.
    json = JSON.stringify(document.toJS({ maxAliasCount: 100 }) ?? null);
  } catch (cause) {
    const [why] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw badRequest(`error decoding YAML: ${why}`);
  }
  return { ...parseJsonStrict(json, { maxDepth }), protobuf: false };
}

/** The body as an object. @throws ApiError BadRequest for anything else */
export function asObject(body: DecodedBody | undefined, what: string): JsonObject {
  if (body === undefined) throw badRequest('request body is required');
  const { value } = body;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest(
      `${what} must be a JSON object, got ${value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value}`,
    );
  }
  return value as JsonObject;
}
