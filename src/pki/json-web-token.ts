/**
 * JSON Web Tokens, ES256 or RS256 by the key (RFC 7515, RFC 7518): made and checked synchronously, so that an API server in
 * process needs nothing but microtasks. What the claims mean is the caller's affair.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

export type Claims = Readonly<Record<string, unknown>>;

/** A JSON Web Key, with what its kind of key is made of. */
export interface PublicKey {
  readonly use: 'sig';
  readonly kid: string;
  readonly alg: 'ES256' | 'RS256';
  readonly [member: string]: string;
}

export class TokenSigner {
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly #keyId: string;

  readonly #algorithm: 'ES256' | 'RS256';

  /** @param pem a P-256 or RSA private key */
  constructor(pem: string) {
    this.#private = createPrivateKey(pem);
    this.#algorithm = this.#private.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
    this.#public = createPublicKey(this.#private);
    const der = this.#public.export({ type: 'spki', format: 'der' });
    this.#keyId = createHash('sha256').update(der).digest('base64url');
  }

  /** What others check signatures with (RFC 7517). */
  publicKey(): PublicKey {
    const key = this.#public.export({ format: 'jwk' }) as Readonly<Record<string, string>>;
    return { ...key, use: 'sig', kid: this.#keyId, alg: this.#algorithm };
  }

  sign(claims: Claims): string {
    const head = { alg: this.#algorithm, kid: this.#keyId };
    const text = `${encode(head)}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(text), { key: this.#private, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }

  /** The claims of a token that this key has signed; undefined for anything else. Expiry is not looked at. */
  verify(token: string): Claims | undefined {
    const [head = '', body = '', signature = '', ...rest] = token.split('.');
    if (rest.length > 0 || signature === '') return undefined;
    const { alg, kid } = decode(head) ?? {};
    // The token does not choose how it is checked.
    if (alg !== this.#algorithm || (kid !== undefined && kid !== this.#keyId)) return undefined;
    const good = verify(
      'sha256',
      Buffer.from(`${head}.${body}`),
      { key: this.#public, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    );
    return good ? decode(body) : undefined;
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(text: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Claims)
      : undefined;
  } catch {
    return undefined;
  }
}
