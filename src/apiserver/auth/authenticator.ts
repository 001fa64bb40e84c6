/** From credentials to a UserInfo: client certificates and static bearer tokens (API-18). */
import type { UserInfo } from '../../api/index.js';

const authenticated = 'system:authenticated';

export interface Credentials {
  /** The verified client certificate's subject: CN is the user, each O a group. */
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] };
  readonly bearerToken?: string;
}

export class Authenticator {
  readonly #tokens: ReadonlyMap<string, UserInfo>;

  constructor(options: { readonly tokens?: ReadonlyMap<string, UserInfo> } = {}) {
    this.#tokens = options.tokens ?? new Map();
  }

  /** Undefined when the credentials prove nobody. A wrong token is not rescued by a certificate. */
  authenticate(credentials: Credentials): UserInfo | undefined {
    if (credentials.bearerToken !== undefined) {
      const user = this.#tokens.get(credentials.bearerToken);
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
