/**
 * The authorizer of Kubernetes policies: `authorizer.group('apps').resource('deployments').check('create').allowed()`.
 * Every step gives a new question; `check` asks it.
 */
import type { UserInfo } from '../../../api/index.js';
import type { Authorizer, Decision } from '../../auth/authorizer.js';
import { method, type Overload } from '../functions.js';
import { OpaqueValue, type Value } from '../values.js';

/** What asking costs, whatever the question. */
const askingCost = 350_000;

abstract class Step extends OpaqueValue {
  override equals(other: OpaqueValue): boolean {
    return other === this;
  }
}

export class AuthorizerValue extends Step {
  override readonly typeName = 'kubernetes.authorization.Authorizer';

  constructor(
    readonly authorizer: Authorizer,
    readonly user: UserInfo,
  ) {
    super();
  }
}

class PathCheck extends Step {
  override readonly typeName = 'kubernetes.authorization.PathCheck';

  constructor(
    readonly of: AuthorizerValue,
    readonly path: string,
  ) {
    super();
  }
}

class GroupCheck extends Step {
  override readonly typeName = 'kubernetes.authorization.GroupCheck';

  constructor(
    readonly of: AuthorizerValue,
    readonly group: string,
  ) {
    super();
  }
}

export interface ResourceQuestion {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export class ResourceCheck extends Step {
  override readonly typeName = 'kubernetes.authorization.ResourceCheck';

  constructor(
    readonly of: AuthorizerValue,
    readonly question: ResourceQuestion,
  ) {
    super();
  }

  with(part: Partial<ResourceQuestion>): ResourceCheck {
    return new ResourceCheck(this.of, { ...this.question, ...part });
  }
}

class DecisionValue extends Step {
  override readonly typeName = 'kubernetes.authorization.Decision';

  constructor(
    readonly decision: Decision | undefined,
    readonly failure: string,
  ) {
    super();
  }
}

function decided(ask: () => Decision): DecisionValue {
  try {
    return new DecisionValue(ask(), '');
  } catch (error) {
    return new DecisionValue(undefined, (error as Error).message);
  }
}

function checkResource({ of, question }: ResourceCheck, verb: string): Value {
  return decided(() => of.authorizer.authorize({ user: of.user, verb, ...question }));
}

function checkPath({ of, path }: PathCheck, verb: string): Value {
  return decided(() => of.authorizer.authorizeNonResource({ user: of.user, verb, path }));
}

const at = 'kubernetes.authorization.';
const asking = { cost: () => askingCost };
/** Selectors narrow a question; whoever may do it to all may do it to some. */
const unchanged = (check: ResourceCheck): Value => check;

export const authorizerFunctions: readonly Overload[] = [
  method(
    `${at}Authorizer.path(string): ${at}PathCheck`,
    (of: AuthorizerValue, path: string) => new PathCheck(of, path),
  ),
  method(
    `${at}Authorizer.group(string): ${at}GroupCheck`,
    (of: AuthorizerValue, group: string) => new GroupCheck(of, group),
  ),
  method(
    `${at}Authorizer.serviceAccount(string, string): ${at}Authorizer`,
    ({ authorizer }: AuthorizerValue, namespace: string, name: string) =>
      new AuthorizerValue(authorizer, {
        username: `system:serviceaccount:${namespace}:${name}`,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      }),
  ),
  method(
    `${at}GroupCheck.resource(string): ${at}ResourceCheck`,
    ({ of, group }: GroupCheck, resource: string) =>
      new ResourceCheck(of, { group, resource, subresource: '', namespace: '', name: '' }),
  ),
  method(
    `${at}ResourceCheck.subresource(string): ${at}ResourceCheck`,
    (check: ResourceCheck, subresource: string) => check.with({ subresource }),
  ),
  method(
    `${at}ResourceCheck.namespace(string): ${at}ResourceCheck`,
    (check: ResourceCheck, namespace: string) => check.with({ namespace }),
  ),
  method(`${at}ResourceCheck.name(string): ${at}ResourceCheck`, (check: ResourceCheck, name: string) =>
    check.with({ name }),
  ),
  method(`${at}ResourceCheck.fieldSelector(string): ${at}ResourceCheck`, unchanged),
  method(`${at}ResourceCheck.labelSelector(string): ${at}ResourceCheck`, unchanged),
  method(`${at}ResourceCheck.check(string): ${at}Decision`, checkResource, asking),
  method(`${at}PathCheck.check(string): ${at}Decision`, checkPath, asking),
  method(`${at}Decision.allowed(): bool`, ({ decision }: DecisionValue) => decision?.allowed === true),
  method(`${at}Decision.reason(): string`, ({ decision }: DecisionValue) => decision?.reason ?? ''),
  method(`${at}Decision.errored(): bool`, ({ decision }: DecisionValue) => decision === undefined),
  method(`${at}Decision.error(): string`, ({ failure }: DecisionValue) => failure),
];
