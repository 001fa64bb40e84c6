/**
 * From credentials to a UserInfo: client certificates, static bearer tokens, service accounts, bootstrap tokens
 * (API-18). Whoever shows none
 * is `system:anonymous`, unless that is switched off; whoever shows wrong ones is nobody.
 */
import type { UserInfo } from '../../api/index.js';
import type { BootstrapTokens } from './bootstrap-tokens.js';
import type { ServiceAccountTokens } from './service-account-tokens.js';

const authenticated = 'system:authenticated';
const unauthenticated = 'system:unauthenticated';

/** Who asks without saying who he is. */
export const anonymousUser: UserInfo = { username: 'system:anonymous', groups: [unauthenticated] };

export interface Credentials {
  /** The verified client certificate's subject: CN is the user, each O a group. */
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] };
  readonly bearerToken?: string;
  /** Something was shown that proves nobody: a certificate of an authority that is not ours. */
  readonly invalid?: boolean;
}

export class Authenticator {
  readonly #tokens: ReadonlyMap<string, UserInfo>;

  readonly #accounts: ServiceAccountTokens | undefined;

  readonly #bootstrap: BootstrapTokens | undefined;

  readonly #anonymous: boolean;

  constructor(
    options: {
      readonly tokens?: ReadonlyMap<string, UserInfo>;
      readonly accounts?: ServiceAccountTokens;
      readonly bootstrap?: BootstrapTokens;
      /** Who shows no credentials is `system:anonymous`. Default true. */
      readonly anonymous?: boolean;
    } = {},
  ) {
    this.#tokens = options.tokens ?? new Map();
    this.#accounts = options.accounts;
    this.#bootstrap = options.bootstrap;
    this.#anonymous = options.anonymous ?? true;
  }

  /** Undefined when the credentials prove nobody. A wrong token is not rescued by a certificate. */
  authenticate(credentials: Credentials): UserInfo | undefined {
    if (credentials.bearerToken !== undefined) {
      const { bearerToken } = credentials;
      const user =
        this.#tokens.get(bearerToken) ??
        this.#bootstrap?.authenticate(bearerToken) ??
        this.#accounts?.authenticate(bearerToken);
      return user && withGroup(user);
    }
    const { certificate } = credentials;
    if (certificate && certificate.commonName !== '') {
      return withGroup({ username: certificate.commonName, groups: certificate.organizations });
    }
    return this.#anonymous && !credentials.invalid ? anonymousUser : undefined;
  }
}

/** Every identified user is a member of `system:authenticated`; who is not is one of `system:unauthenticated`. */
export function withGroup(user: UserInfo): UserInfo {
  const groups = user.groups ?? [];
  if (groups.includes(unauthenticated)) return user;
  if (user.username === anonymousUser.username) return { ...user, groups: [...groups, unauthenticated] };
  return groups.includes(authenticated) ? user : { ...user, groups: [...groups, authenticated] };
}
