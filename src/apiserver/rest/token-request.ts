/** `POST serviceaccounts/<name>/token`: a token for a service account (API-14, API-18). */
import {
  badRequest,
  conflict,
  FieldPath,
  fieldError,
  invalid,
  type JsonObject,
  methodNotAllowed,
  notFound,
  parseApiVersion,
  type StatusCause,
} from '../../api/index.js';
import type { TokenWish } from '../auth/service-account-tokens.js';
import { storagePrefix } from '../cache/watch-cache.js';
import { admitSubresource } from './admit-subresource.js';
import { asObject, decodeBody } from './body.js';
import { findCached, type RequestContext } from './context.js';
import { dropNulls } from './decode-object.js';
import { objectTypes } from './dispatch.js';

const defaultSeconds = 3600;
const leastSeconds = 600;
const mostSeconds = 2 ** 32;

/** What tokens may be bound to. */
const bindables: Readonly<
  Record<
    string,
    {
      readonly kind: NonNullable<TokenWish['bound']>['kind'];
      readonly plural: string;
      readonly namespaced: boolean;
    }
  >
> = {
  Pod: { kind: 'pod', plural: 'pods', namespaced: true },
  Secret: { kind: 'secret', plural: 'secrets', namespaced: true },
  Node: { kind: 'node', plural: 'nodes', namespaced: false },
};

interface TokenRequestSpec {
  readonly audiences?: readonly string[];
  readonly expirationSeconds?: number;
  readonly boundObjectRef?: {
    readonly kind?: string;
    readonly apiVersion?: string;
    readonly name?: string;
    readonly uid?: string;
  };
}

/** @throws ApiError NotFound, Invalid, BadRequest, Conflict */
export async function requestToken(ctx: RequestContext): Promise<JsonObject> {
  if (ctx.info.verb !== 'create') throw methodNotAllowed();
  const body = await decodeBody(ctx.request, objectTypes);
  const request = body ? asObject(body, 'the TokenRequest') : {};
  if (request.kind !== undefined && request.kind !== 'TokenRequest')
    throw badRequest(`the object provided is not a TokenRequest but a ${String(request.kind)}`);
  // Go writes every field that a client has not set as null.
  const spec = dropNulls(request.spec ?? {}, undefined) as TokenRequestSpec;
  const account = findCached(ctx);
  if (!account) throw notFound(ctx.resource.facts, ctx.info.name);
  const { namespace = '', name, uid } = account.object.metadata;
  const expirationSeconds = checkSpec(spec);
  await admitSubresource(ctx, {
    operation: 'CREATE',
    kind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
    object: request,
    dryRun: false,
  });
  const bound = boundTo(ctx, spec, name);
  const audiences = spec.audiences?.length ? spec.audiences : [ctx.deps.tokens.issuer];
  const { token, expiresAt } = ctx.deps.tokens.issue(
    { namespace, name, uid },
    { audiences, expirationSeconds, ...(bound ? { bound } : {}) },
  );
  const expirationTimestamp = `${new Date(expiresAt).toISOString().slice(0, 19)}Z`;
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: null },
    spec: { ...(spec as JsonObject), audiences: [...audiences], expirationSeconds },
    status: { token, expirationTimestamp },
  };
}

function checkSpec({ expirationSeconds, audiences }: TokenRequestSpec): number {
  const at = FieldPath.of('spec');
  const causes: StatusCause[] = [];
  const seconds = expirationSeconds ?? defaultSeconds;
  if (typeof seconds !== 'number' || (audiences !== undefined && !Array.isArray(audiences)))
    throw badRequest('the TokenRequest cannot be handled: a field has the wrong type');
  const here = at.child('expirationSeconds');
  if (seconds < leastSeconds)
    causes.push(fieldError.invalid(here, seconds, 'may not specify a duration less than 10 minutes'));
  if (seconds > mostSeconds)
    causes.push(fieldError.invalid(here, seconds, 'may not specify a duration larger than 2^32 seconds'));
  if (causes.length > 0)
    // The request has no name: what is wrong is not the account.
    throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', causes);
  return seconds;
}

/** What the token is to die with. @throws ApiError NotFound, Conflict, BadRequest */
function boundTo(
  ctx: RequestContext,
  { boundObjectRef: ref }: TokenRequestSpec,
  account: string,
): TokenWish['bound'] | undefined {
  if (!ref) return undefined;
  const { kind = '', apiVersion = '', name = '', uid } = ref;
  const bindable = Object.hasOwn(bindables, kind) && apiVersion === 'v1' ? bindables[kind] : undefined;
  if (!bindable) {
    const { group, version } = parseApiVersion(apiVersion);
    throw badRequest(`cannot bind token for object of type ${group}/${version}, Kind=${kind}`);
  }
  const { plural, namespaced } = bindable;
  const prefix = storagePrefix({ group: '', plural });
  const key = namespaced ? `${prefix}${ctx.info.namespace}/${name}` : `${prefix}${name}`;
  const found = ctx.deps.cache.resource(prefix).get(key);
  if (!found) throw notFound({ group: '', kind, plural }, name);
  const { metadata, spec } = found.object as unknown as {
    readonly metadata: { readonly uid: string };
    readonly spec?: { readonly serviceAccountName?: string; readonly nodeName?: string };
  };
  const isPod = bindable.kind === 'pod';
  if (isPod && (spec?.serviceAccountName || 'default') !== account) {
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
    );
  }
  if (uid !== undefined && uid !== '' && uid !== metadata.uid) {
    throw conflict(
      { group: '', plural: kind },
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  const nodeName = isPod ? spec?.nodeName : undefined;
  return { kind: bindable.kind, name, uid: metadata.uid, ...(nodeName ? { nodeName } : {}) };
}
