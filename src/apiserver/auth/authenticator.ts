/** From credentials to a UserInfo: client certificates, static bearer tokens, service accounts (API-18). */
import type { UserInfo } from '../../api/index.js';
import type { ServiceAccountTokens } from './service-account-tokens.js';

const authenticated = 'system:authenticated';

export interface Credentials {
  /** The verified client certificate's subject: CN is the user, each O a group. */
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] };
  readonly bearerToken?: string;
}

export class Authenticator {
  readonly #tokens: ReadonlyMap<string, UserInfo>;

  readonly #accounts: ServiceAccountTokens | undefined;

  constructor(
    options: {
      readonly tokens?: ReadonlyMap<string, UserInfo>;
      readonly accounts?: ServiceAccountTokens;
    } = {},
  ) {
    this.#tokens = options.tokens ?? new Map();
    this.#accounts = options.accounts;
  }

  /** Undefined when the credentials prove nobody. A wrong token is not rescued by a certificate. */
  authenticate(credentials: Credentials): UserInfo | undefined {
    if (credentials.bearerToken !== undefined) {
      const { bearerToken } = credentials;
      const user = this.#tokens.get(bearerToken) ?? this.#accounts?.authenticate(bearerToken);
      return user && withGroup(user);
    }
    const { certificate } = credentials;
    if (certificate && certificate.commonName !== '') {
      return withGroup({ username: certificate.commonName, groups: certificate.organizations });
    }
    return undefined;
  }
}

/** Every identified user is a member of `system:authenticated`. */
export function withGroup(user: UserInfo): UserInfo {
  const groups = user.groups ?? [];
  return groups.includes(authenticated) ? user : { ...user, groups: [...groups, authenticated] };
}
