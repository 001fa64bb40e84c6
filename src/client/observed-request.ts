/** Telling observers of a request: what it is about, that it begins, how it ended. */
import type { ApiRequest, HttpMethod, KindFacts } from '../api/index.js';
import type { ObservedRequest, RequestAttributes, RequestObserver } from './client.js';

/** Where in the API a request goes. */
export interface Place {
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

const verbs: Readonly<Record<Exclude<HttpMethod, 'GET' | 'DELETE'>, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
};

export function attributesOf(
  kind: KindFacts,
  { namespace, name, subresource }: Place,
  { method, query, body }: ApiRequest,
): RequestAttributes {
  // A deletion says so in its options.
  const dryRun = query?.dryRun ?? (body as { readonly dryRun?: unknown } | undefined)?.dryRun;
  return {
    verb: verbOf(method, query?.watch === 'true', Boolean(name)),
    group: kind.group,
    version: kind.version,
    resource: kind.plural,
    ...(subresource ? { subresource } : {}),
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(dryRun ? { dryRun: true } : {}),
  };
}

function verbOf(method: HttpMethod, watching: boolean, named: boolean): string {
  if (method === 'GET') {
    if (watching) return 'watch';
    return named ? 'get' : 'list';
  }
  if (method === 'DELETE') return named ? 'delete' : 'deletecollection';
  return verbs[method];
}

const unobserved = (): void => {};

/** The request as it is to be sent, and what to call with its end. */
export function observe(
  observers: readonly RequestObserver[],
  request: ApiRequest,
  attributes: () => RequestAttributes,
): { readonly request: ApiRequest; readonly end: ObservedRequest['end'] } {
  if (observers.length === 0) return { request, end: unobserved };
  const about = attributes();
  const followed: ObservedRequest[] = [];
  let { headers } = request;
  for (const observer of observers) {
    const one = observer.begin(request, about);
    if (!one) continue;
    followed.push(one);
    if (one.headers) headers = { ...headers, ...one.headers };
  }
  return {
    request: headers === undefined || headers === request.headers ? request : { ...request, headers },
    end: (result) => {
      for (const one of followed) one.end(result);
    },
  };
}
