/**
 * From credentials to a UserInfo: client certificates, static bearer tokens, service accounts, bootstrap tokens
 * (API-18). Whoever shows none
 * is `system:anonymous`, unless that is switched off; whoever shows wrong ones is nobody.
 */
import type { UserInfo } from '../../api/index.js';
import type { BootstrapTokens } from './bootstrap-tokens.js';
import type { Proven, ServiceAccountTokens } from './service-account-tokens.js';

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
  /** Whoever comes again is the same object, so that what is known of him is found again. */
  readonly #users = new WeakMap<object, UserInfo>();

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
      const known = this.#tokens.get(bearerToken);
      if (known) return this.#once(known, () => withGroup(known));
      const user = this.#bootstrap?.authenticate(bearerToken) ?? this.#accounts?.authenticate(bearerToken);
      return user && withGroup(user);
    }
    const { certificate } = credentials;
    if (certificate && certificate.commonName !== '') {
      const { commonName: username, organizations: groups } = certificate;
      return this.#once(certificate, () => withGroup({ username, groups }));
    }
    return this.#anonymous && !credentials.invalid ? anonymousUser : undefined;
  }

  /**
   * Who a token proves to whoever asks, and for whom of `audiences` it is meant; tokens that say nothing of it are meant for
   * this server. Undefined when it proves nobody to any of them.
   */
  prove(token: string, audiences: readonly string[]): Proven | undefined {
    const own = this.#accounts?.issuer;
    const asked = audiences.length === 0 && own !== undefined ? [own] : audiences;
    const proven = this.#accounts?.prove(token, asked);
    if (proven) return { ...proven, user: withGroup(proven.user) };
    const forUs = asked.filter((audience) => audience === own);
    if (forUs.length === 0) return undefined;
    const user = this.#tokens.get(token) ?? this.#bootstrap?.authenticate(token);
    return user && { user: withGroup(user), audiences: forUs };
  }

  #once(key: object, make: () => UserInfo): UserInfo {
    let user = this.#users.get(key);
    if (!user) {
      user = make();
      this.#users.set(key, user);
    }
    return user;
  }
}

/** Every identified user is a member of `system:authenticated`; who is not is one of `system:unauthenticated`. */
export function withGroup(user: UserInfo): UserInfo {
  const groups = user.groups ?? [];
  if (groups.includes(unauthenticated)) return user;
  if (user.username === anonymousUser.username) return { ...user, groups: [...groups, unauthenticated] };
  return groups.includes(authenticated) ? user : { ...user, groups: [...groups, authenticated] };
}
