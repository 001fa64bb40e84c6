/** Several authorizers as one: what any of them allows is allowed; why not is what all of them say. */
import type { UserInfo } from '../../api/index.js';
import type {
  AuthorizationAttributes,
  Authorizer,
  Decision,
  NonResourceAttributes,
  PolicyRule,
} from './authorizer.js';

export class UnionAuthorizer implements Authorizer {
  constructor(private readonly authorizers: readonly Authorizer[]) {}

  authorize(attributes: AuthorizationAttributes): Decision {
    return this.#first((authorizer) => authorizer.authorize(attributes));
  }

  authorizeNonResource(attributes: NonResourceAttributes): Decision {
    return this.#first((authorizer) => authorizer.authorizeNonResource(attributes));
  }

  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[] {
    return this.authorizers.flatMap((authorizer) => authorizer.rulesFor(user, namespace));
  }

  #first(ask: (authorizer: Authorizer) => Decision): Decision {
    let reasons: string | undefined;
    for (const authorizer of this.authorizers) {
      const decision = ask(authorizer);
      if (decision.allowed) return decision;
      if (decision.reason)
        reasons = reasons === undefined ? decision.reason : `${reasons}\n${decision.reason}`;
    }
    return reasons === undefined ? { allowed: false } : { allowed: false, reason: reasons };
  }
}
