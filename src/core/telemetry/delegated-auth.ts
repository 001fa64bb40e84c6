/**
 * Lets the cluster say who may read metrics: a TokenReview says who asks, a SubjectAccessReview whether they may
 * `get` the path, as the filter of controller-runtime does.
 *
 * The Manager needs the permissions to create `tokenreviews.authentication.k8s.io` and
 * `subjectaccessreviews.authorization.k8s.io`; whoever scrapes needs `get` on the nonResourceURL.
 *
 * Guarantees: without an answer from the cluster nobody is let in; tokens are kept as digests only; at most
 * `maxRemembered` answers are remembered: who asks for a minute, what is allowed for five, what is denied for
 * thirty seconds.
 */
import type { Clock } from '../../api/index.js';
import type { Client } from '../../client/index.js';
import type { EndpointAnswer, EndpointRequest } from './http-endpoint.js';

/** undefined lets the request pass; else it is answered so. */
export type EndpointAuth = (request: EndpointRequest) => Promise<EndpointAnswer | undefined>;

const whoMs = 60_000;
const allowedMs = 300_000;
const deniedMs = 30_000;
const maxRemembered = 1000;
/** A review takes no longer, or fails, ms. */
const reviewTimeoutMs = 10_000;

interface Who {
  readonly authenticated: boolean;
  readonly user: { readonly username?: string; readonly uid?: string; readonly groups?: readonly string[] };
}

export interface DelegatedAuthDeps {
  /** The Manager's; undefined while there is no connection yet. */
  readonly client: () => Client | undefined;
  readonly clock: Clock;
  /** Told why a request could not be judged. */
  readonly onError: (error: unknown) => void;
}

export function delegatedAuth({ client, clock, onError }: DelegatedAuthDeps): EndpointAuth {
  const identities = new Memory<Who>(clock);
  const decisions = new Memory<boolean>(clock);
  return async ({ headers, method, path }) => {
    const [, token] = /^bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? '') ?? [];
    if (!token) return unauthorized;
    const asking = client();
    if (!asking) return unavailable;
    try {
      const digest = await digestOf(token);
      const who =
        identities.get(digest) ?? identities.set(digest, await reviewToken(asking, clock, token), whoMs);
      if (!who.authenticated) return unauthorized;
      const question = JSON.stringify([who.user, method, path]);
      const known = decisions.get(question);
      const allowed = known ?? (await reviewAccess(asking, clock, who, { method, path }));
      if (known === undefined) decisions.set(question, allowed, allowed ? allowedMs : deniedMs);
      return allowed ? undefined : forbidden(who);
    } catch (error) {
      onError(error);
      return { status: 500, body: 'Authentication or authorization failed\n' };
    }
  };
}

const unauthorized: EndpointAnswer = {
  status: 401,
  body: 'Unauthorized\n',
  headers: { 'www-authenticate': 'Bearer' },
};
const unavailable: EndpointAnswer = { status: 503, body: 'Not connected to the cluster yet\n' };

function forbidden({ user }: Who): EndpointAnswer {
  return { status: 403, body: `Authorization denied for user ${user.username ?? ''}\n` };
}

async function reviewToken(client: Client, clock: Clock, token: string): Promise<Who> {
  const { TokenReview } = await import('../../api/kinds/authentication/v1.js');
  const { status } = await within(clock, (signal) =>
    client.create(TokenReview, { metadata: {}, spec: { token } } as never, { signal }),
  );
  return { authenticated: status?.authenticated === true, user: status?.user ?? {} };
}

async function reviewAccess(
  client: Client,
  clock: Clock,
  { user }: Who,
  { method, path }: Pick<EndpointRequest, 'method' | 'path'>,
): Promise<boolean> {
  const { SubjectAccessReview } = await import('../../api/kinds/authorization/v1.js');
  const { username, ...rest } = user;
  const spec = {
    ...rest,
    ...(username === undefined ? {} : { user: username }),
    nonResourceAttributes: { verb: method.toLowerCase(), path },
  };
  const { status } = await within(clock, (signal) =>
    client.create(SubjectAccessReview, { metadata: {}, spec } as never, { signal }),
  );
  return status?.allowed === true;
}

async function within<T>(clock: Clock, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const cancel = clock.setTimer(reviewTimeoutMs, () =>
    abort.abort(new DOMException('the review took too long', 'TimeoutError')),
  );
  try {
    return await ask(abort.signal);
  } finally {
    cancel();
  }
}

async function digestOf(token: string): Promise<string> {
  const { createHash } = await import('node:crypto');
  return createHash('sha256').update(token).digest('base64');
}

/** Answers for as long as they hold; the oldest go when there are too many. */
class Memory<T> {
  readonly #entries = new Map<string, { readonly value: T; readonly until: number }>();

  constructor(private readonly clock: Clock) {}

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry && entry.until > this.clock.monotonic()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: T, forMs: number): T {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: this.clock.monotonic() + forMs });
    if (this.#entries.size > maxRemembered) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest as string);
    }
    return value;
  }
}
