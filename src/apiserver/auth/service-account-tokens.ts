/**
 * Tokens of service accounts (API-18): signed, bound to the account and, if asked for, to a pod; believed as long
 * as both still exist.
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
  /** The UID of an object that exists now. */
  readonly uidOf: (plural: 'serviceaccounts' | 'pods', namespace: string, name: string) => string | undefined;
}

export interface TokenSubject {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface TokenWish {
  /** Default: the issuer. */
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  /** The token dies with it. */
  readonly pod?: { readonly name: string; readonly uid: string; readonly nodeName?: string };
}

interface Bound {
  readonly namespace?: string;
  readonly serviceaccount?: { readonly name?: string; readonly uid?: string };
  readonly pod?: { readonly name?: string; readonly uid?: string };
  readonly node?: { readonly name?: string };
}

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
    { audiences, expirationSeconds, pod }: TokenWish,
  ): { readonly token: string; readonly expiresAt: number } {
    const { clock, random, issuer } = this.#options;
    const now = Math.floor(clock.now() / 1000);
    const token = this.#signing().sign({
      aud: audiences.length === 0 ? [issuer] : audiences,
      exp: now + expirationSeconds,
      iat: now,
      iss: issuer,
      jti: random.uuid(),
      'kubernetes.io': {
        namespace,
        ...(pod?.nodeName ? { node: { name: pod.nodeName } } : {}),
        ...(pod ? { pod: { name: pod.name, uid: pod.uid } } : {}),
        serviceaccount: { name, uid },
      },
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${name}`,
    });
    return { token, expiresAt: (now + expirationSeconds) * 1000 };
  }

  /** Undefined for a token that is not ours, is not meant for us, has expired, or whose subject is gone. */
  authenticate(token: string): UserInfo | undefined {
    const { clock, issuer, uidOf } = this.#options;
    const claims = this.#signing().verify(token);
    if (!claims || claims.iss !== issuer) return undefined;
    const { exp, nbf, aud } = claims;
    const now = clock.now() / 1000;
    if (typeof exp !== 'number' || now >= exp || (typeof nbf === 'number' && now < nbf)) return undefined;
    if (!(Array.isArray(aud) ? aud : [aud]).includes(issuer)) return undefined;
    const bound = (claims['kubernetes.io'] ?? {}) as Bound;
    const { namespace = '', serviceaccount, pod, node } = bound;
    const { name = '', uid } = serviceaccount ?? {};
    if (uid === undefined || uidOf('serviceaccounts', namespace, name) !== uid) return undefined;
    if (pod && uidOf('pods', namespace, pod.name ?? '') !== pod.uid) return undefined;
    return {
      username: `system:serviceaccount:${namespace}:${name}`,
      uid,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
      extra: extraOf(claims, pod, node),
    };
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
    ...(pod ? { [`${prefix}/pod-name`]: [pod.name ?? ''], [`${prefix}/pod-uid`]: [pod.uid ?? ''] } : {}),
  };
}
