/**
 * Where others learn how to check the tokens of service accounts: the OpenID provider configuration and the key set
 * (https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery).
 */
import type { ServiceAccountTokens } from './service-account-tokens.js';

const configurationPath = '/.well-known/openid-configuration';
const keysPath = '/openid/v1/jwks';

export interface IssuerDocument {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The document at a path; undefined where there is none.
 * @param address `host:port` where this server is reached; undefined where it is in process only
 */
export function issuerDocument(
  path: string,
  tokens: ServiceAccountTokens,
  address: string | undefined,
): IssuerDocument | undefined {
  // Who reads them may keep them for an hour: keys change seldom.
  const cached = { 'cache-control': 'public, max-age=3600' };
  if (path === keysPath) {
    return {
      headers: { ...cached, 'content-type': 'application/jwk-set+json' },
      body: JSON.stringify({ keys: [tokens.publicKey()] }),
    };
  }
  if (path !== configurationPath) return undefined;
  const configuration = {
    issuer: tokens.issuer,
    jwks_uri: `${address === undefined ? tokens.issuer : `https://${address}`}${keysPath}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [tokens.publicKey().alg],
  };
  return {
    headers: { ...cached, 'content-type': 'application/json' },
    body: JSON.stringify(configuration),
  };
}
