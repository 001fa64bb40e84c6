/** `authorizer` in CEL: what the user of a request may do besides it (https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-authorizer-library). */
import type { Environment } from '@marcbachmann/cel-js';
import type { UserInfo } from '../../api/index.js';
import { type Authorizer, type Decision } from '../auth/authorizer.js';

class Asking {
  constructor(
    readonly authorizer: Authorizer,
    readonly user: UserInfo,
  ) {}
}
class PathCheck {
  constructor(
    readonly asking: Asking,
    readonly path: string,
  ) {}
}
class GroupCheck {
  constructor(
    readonly asking: Asking,
    readonly group: string,
  ) {}
}
class ResourceCheck {
  constructor(
    readonly asking: Asking,
    readonly group: string,
    readonly resource: string,
    readonly subresource = '',
    readonly namespace = '',
    readonly name = '',
  ) {}
  with(change: Partial<Pick<ResourceCheck, 'subresource' | 'namespace' | 'name'>>): ResourceCheck {
    const { subresource, namespace, name } = { ...this, ...change };
    return new ResourceCheck(this.asking, this.group, this.resource, subresource, namespace, name);
  }
}
class Answer {
  constructor(readonly decision: Decision) {}
}

/** The value of `authorizer` for a request of this user. */
export function authorizerValue(authorizer: Authorizer, user: UserInfo): unknown {
  return new Asking(authorizer, user);
}

const prefix = 'kubernetes.authorization';

export function registerAuthorizer(env: Environment): void {
  const types = {
    Authorizer: Asking,
    PathCheck,
    GroupCheck,
    ResourceCheck,
    Decision: Answer,
  };
  for (const [name, ctor] of Object.entries(types))
    env.registerType(`${prefix}.${name}`, { ctor, fields: {} });
  const register = (signature: string, handler: (...args: never[]) => unknown): void => {
    env.registerFunction(signature.replaceAll('@', `${prefix}.`), handler as (...args: unknown[]) => unknown);
  };
  register(
    '@Authorizer.path(string): @PathCheck',
    (asking: Asking, path: string) => new PathCheck(asking, path),
  );
  register(
    '@PathCheck.check(string): @Decision',
    ({ asking, path }: PathCheck, verb: string) =>
      new Answer(asking.authorizer.authorizeNonResource({ user: asking.user, verb, path })),
  );
  register(
    '@Authorizer.group(string): @GroupCheck',
    (asking: Asking, group: string) => new GroupCheck(asking, group),
  );
  register(
    '@Authorizer.serviceAccount(string, string): @Authorizer',
    (asking: Asking, namespace: string, name: string) =>
      new Asking(asking.authorizer, {
        username: `system:serviceaccount:${namespace}:${name}`,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      }),
  );
  register(
    '@GroupCheck.resource(string): @ResourceCheck',
    ({ asking, group }: GroupCheck, resource: string) => new ResourceCheck(asking, group, resource),
  );
  for (const field of ['subresource', 'namespace', 'name'] as const)
    register(`@ResourceCheck.${field}(string): @ResourceCheck`, (check: ResourceCheck, value: string) =>
      check.with({ [field]: value }),
    );
  register('@ResourceCheck.check(string): @Decision', (check: ResourceCheck, verb: string) => {
    const { asking, group, resource, subresource, namespace, name } = check;
    return new Answer(
      asking.authorizer.authorize({ user: asking.user, verb, group, resource, subresource, namespace, name }),
    );
  });
  register('@Decision.allowed(): bool', ({ decision }: Answer) => decision.allowed);
  register('@Decision.reason(): string', ({ decision }: Answer) => decision.reason ?? '');
  register('@Decision.errored(): bool', () => false);
  register('@Decision.error(): string', () => '');
}
