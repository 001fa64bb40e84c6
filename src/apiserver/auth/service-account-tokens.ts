/**
 * Tokens of service accounts (API-18): signed, bound to the account and, if asked for, to a pod, a secret or a node;
 * believed as long as both still exist.
 */
import type { Clock, Random, UserInfo } from '../../api/index.js';
import { type Claims, createServiceAccountKey, type PublicKey, TokenSigner } from '../../pki/index.js';

export interface ServiceAccountTokensOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Who the tokens say they are from, and whom they are for when nobody else is named. */
  readonly issuer: string;
  /** P-256, PEM; made when first needed where there is none. */
  readonly key: string | undefined;
  /** An object that exists now. */
  readonly find: (
    plural: 'serviceaccounts' | 'pods' | 'secrets' | 'nodes',
    namespace: string,
    name: string,
  ) => { readonly uid: string; readonly deletionTimestamp?: string } | undefined;
}

export interface TokenSubject {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface TokenWish {
  /** For whom it is. */
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  /** The token dies with it. */
  readonly bound?: {
    readonly kind: 'pod' | 'secret' | 'node';
    readonly name: string;
    readonly uid: string;
    /** Of a pod. */
    readonly nodeName?: string;
  };
}

/** Who a token proves, and for whom of those who asked it is meant. */
export interface Proven {
  readonly user: UserInfo;
  readonly audiences: readonly string[];
}

interface Bound {
  readonly namespace?: string;
  readonly serviceaccount?: { readonly name?: string; readonly uid?: string };
  readonly pod?: Reference;
  readonly secret?: Reference;
  readonly node?: Reference;
}
interface Reference {
  readonly name?: string;
  readonly uid?: string;
}

/** Milliseconds that a token outlives the moment from which its object is on its way out. */
const graceMs = 60_000;

export class ServiceAccountTokens {
  readonly #options: ServiceAccountTokensOptions;
  #signer: TokenSigner | undefined;

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
  }

  /** Who the tokens say they are from. */
  get issuer(): string {
    return this.#options.issuer;
  }

  /** What the tokens are checked with. */
  publicKey(): PublicKey {
    return this.#signing().publicKey();
  }

  issue(
    { namespace, name, uid }: TokenSubject,
    { audiences, expirationSeconds, bound }: TokenWish,
  ): { readonly token: string; readonly expiresAt: number } {
    const { clock, random, issuer } = this.#options;
    const now = Math.floor(clock.now() / 1000);
    const token = this.#signing().sign({
      aud: audiences,
      exp: now + expirationSeconds,
      iat: now,
      iss: issuer,
      jti: random.uuid(),
      'kubernetes.io': {
        namespace,
        ...(bound ? { [bound.kind]: { name: bound.name, uid: bound.uid } } : {}),
        ...(bound?.nodeName ? { node: this.#nodeNamed(bound.nodeName) } : {}),
        serviceaccount: { name, uid },
      },
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${name}`,
    });
    return { token, expiresAt: (now + expirationSeconds) * 1000 };
  }

  /** Undefined for a token that is not ours, is not meant for us, has expired, or whose subject is gone. */
  authenticate(token: string): UserInfo | undefined {
    return this.prove(token, [this.issuer])?.user;
  }

  /** The same for a token that may be meant for others. @param audiences one of which it has to be meant for */
  prove(token: string, audiences: readonly string[]): Proven | undefined {
    const { clock, issuer } = this.#options;
    const claims = this.#signing().verify(token);
    if (!claims || claims.iss !== issuer) return undefined;
    const { exp, nbf, aud } = claims;
    const now = clock.now() / 1000;
    if (typeof exp !== 'number' || now >= exp || (typeof nbf === 'number' && now < nbf)) return undefined;
    const meant = (Array.isArray(aud) ? aud : [aud]).map(String);
    const matching = audiences.filter((audience) => meant.includes(audience));
    if (matching.length === 0) return undefined;
    const bound = (claims['kubernetes.io'] ?? {}) as Bound;
    const { namespace = '', serviceaccount, pod, secret, node } = bound;
    const { name = '', uid } = serviceaccount ?? {};
    if (uid === undefined || !this.#lives('serviceaccounts', namespace, serviceaccount)) return undefined;
    if (pod && !this.#lives('pods', namespace, pod)) return undefined;
    if (secret && !this.#lives('secrets', namespace, secret)) return undefined;
    // Beside a pod, the node only says where that runs.
    if (node && !pod && !this.#lives('nodes', '', node)) return undefined;
    const user: UserInfo = {
      username: `system:serviceaccount:${namespace}:${name}`,
      uid,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
      extra: extraOf(claims, pod, node),
    };
    return { user, audiences: matching };
  }

  #nodeNamed(name: string): Reference {
    const found = this.#options.find('nodes', '', name);
    return found ? { name, uid: found.uid } : { name };
  }

  #lives(
    plural: 'serviceaccounts' | 'pods' | 'secrets' | 'nodes',
    namespace: string,
    reference: Reference | undefined,
  ): boolean {
    const found = this.#options.find(plural, namespace, reference?.name ?? '');
    if (!found || found.uid !== reference?.uid) return false;
    const { deletionTimestamp } = found;
    return (
      deletionTimestamp === undefined || Date.parse(deletionTimestamp) + graceMs > this.#options.clock.now()
    );
  }

  #signing(): TokenSigner {
    this.#signer ??= new TokenSigner(this.#options.key ?? createServiceAccountKey());
    return this.#signer;
  }
}

function extraOf(
  { jti }: Claims,
  pod: Bound['pod'],
  node: Bound['node'],
): Readonly<Record<string, readonly string[]>> {
  const prefix = 'authentication.kubernetes.io';
  return {
    ...(typeof jti === 'string' ? { [`${prefix}/credential-id`]: [`JTI=${jti}`] } : {}),
    ...(node?.name ? { [`${prefix}/node-name`]: [node.name] } : {}),
    ...(node?.uid ? { [`${prefix}/node-uid`]: [node.uid] } : {}),
    ...(pod ? { [`${prefix}/pod-name`]: [pod.name ?? ''], [`${prefix}/pod-uid`]: [pod.uid ?? ''] } : {}),
  };
}
