/** From a decorated controller class to the plain definition the engine runs. */
import type { KindFacts, KindOf } from '../../api/index.js';
import { groupKind } from '../../api/index.js';
import type { IndexFn } from '../../informers/index.js';
import type { ReconcileResult } from '../reconcile/context.js';
import type {
  ControllerDefinition,
  SourceDefinition,
  TimerDefinition,
  WatchDefinition,
} from './definition.js';
import { checkDefinition } from './definition-checks.js';
import { type AnyClass, factsOfLineage, type KindRef } from '../registration/metadata.js';
import { nameOfClass, RegistrationError } from '../registration/registration-error.js';

/** A class marked with `@Controller`. */
export type ControllerClass = new (
  ...args: never[]
) => { readonly reconcile: (object: never, ctx: never) => unknown };

/** What a class says about itself before there is an instance of it. */
export type ControllerPlan = Omit<
  ControllerDefinition<unknown>,
  'reconcile' | 'cleanups' | 'sources' | 'timers'
>;

/**
 * What the decorators of a class say.
 * @throws RegistrationError naming class, decorator and remedy
 */
export function planOf(cls: AnyClass): ControllerPlan {
  const where = nameOfClass(cls);
  const lineage = factsOfLineage(cls);
  const controller = lineage.find((facts) => facts.controller)?.controller;
  if (!controller) {
    throw new RegistrationError(
      where,
      'is not decorated with @Controller',
      `write @Controller(Kind) above class ${where}`,
    );
  }
  if (typeof cls.prototype?.reconcile !== 'function') {
    throw new RegistrationError(where, 'has no reconcile', 'add a method reconcile(object, ctx)');
  }
  const kind = resolveKind(where, '@Controller', controller.kind);
  const indexes = lineage.flatMap((facts) => facts.indexes);
  const watches = lineage
    .flatMap((facts) => facts.watches)
    .map((watch): WatchDefinition => {
      const watched = resolveKind(where, `@${watch.decorator}`, watch.kind);
      const { decorator, kind: _ref, indexes: own, ...rest } = watch;
      return {
        ...rest,
        kind: watched,
        relation: decorator === 'Owns' ? 'owns' : 'watches',
        ...(own ? { indexes: own } : {}),
      };
    });
  let plan: ControllerPlan = {
    ...controller.options,
    name: controller.options.name ?? kind.kind.toLowerCase(),
    kind,
    watches,
    rbac: lineage.flatMap((facts) => facts.rbac),
  };
  for (const index of indexes) {
    plan = {
      ...plan,
      ...withIndex(where, plan, resolveKind(where, '@Index', index.kind), index.name, index.fn),
    };
  }
  return plan;
}

/**
 * The definition of a controller class and one instance of it.
 * @throws RegistrationError naming class, decorator and remedy
 */
export function definitionOf<T = unknown>(cls: AnyClass, instance: object): ControllerDefinition<T> {
  const plan = planOf(cls);
  const lineage = factsOfLineage(cls);
  const call = (method: string, args: unknown[]): unknown =>
    (instance as Record<string, (...given: unknown[]) => unknown>)[method]?.apply(instance, args);
  const definition: ControllerDefinition<unknown> = {
    ...plan,
    reconcile: (...args) => call('reconcile', args) as ReconcileResult,
    cleanups: lineage
      .flatMap((facts) => facts.finalizers)
      .map(({ finalizer, method }) => ({
        finalizer,
        cleanup: (...args) => call(method, args) as ReconcileResult,
      })),
    sources: lineage
      .flatMap((facts) => facts.sources)
      .map(({ method }) => ({
        name: method,
        keys: (...args) => call(method, args) as ReturnType<SourceDefinition['keys']>,
      })),
    timers: lineage
      .flatMap((facts) => facts.timers)
      .map(({ method, every }) => ({
        name: method,
        every,
        run: (...args) => call(method, args) as ReturnType<TimerDefinition['run']>,
      })),
  };
  checkDefinition(nameOfClass(cls), definition);
  return definition as unknown as ControllerDefinition<T>;
}

/**
 * What a definition becomes with one more index: of its own kind, or of one it watches.
 * @throws RegistrationError for a kind it does not watch
 */
export function withIndex<T>(
  where: string,
  plan: Pick<ControllerDefinition<T>, 'kind' | 'watches' | 'indexes'>,
  kind: KindFacts,
  name: string,
  fn: IndexFn<never>,
): Partial<Pick<ControllerDefinition<T>, 'watches' | 'indexes'>> {
  const same = (other: KindFacts): boolean => groupKind(other) === groupKind(kind);
  if (same(plan.kind)) return { indexes: { ...plan.indexes, [name]: fn as IndexFn<T> } };
  const at = plan.watches.findIndex((watch) => same(watch.kind));
  if (at < 0) {
    throw new RegistrationError(
      where,
      `has an index ${JSON.stringify(name)} of ${kind.kind}, which it does not watch`,
      `add @Owns(${kind.kind}) or @Watches(${kind.kind}, …)`,
    );
  }
  const indexed = (watch: WatchDefinition): WatchDefinition => ({
    ...watch,
    indexes: { ...watch.indexes, [name]: fn as IndexFn<unknown> },
  });
  return { watches: plan.watches.map((watch, i) => (i === at ? indexed(watch) : watch)) };
}

function resolveKind(where: string, decorator: string, ref: KindRef<unknown>): KindOf<unknown> {
  const isKind = (candidate: unknown): candidate is KindOf<unknown> =>
    candidate !== null &&
    (typeof candidate === 'object' || typeof candidate === 'function') &&
    typeof (candidate as Partial<KindFacts>).plural === 'string';
  const kind: unknown =
    isKind(ref) || typeof ref !== 'function' || isClass(ref) ? ref : (ref as () => unknown)();
  if (!isKind(kind)) {
    throw new RegistrationError(
      where,
      `has ${decorator} of something that is not a kind`,
      `give a kind of gyre/kinds or a class that extends CustomResource({ … }); where two files import each other, write ${decorator}(() => Kind)`,
    );
  }
  return kind;
}

/** A class cannot be called; its prototype is fixed, which no function's is. */
function isClass(of: object): boolean {
  return Object.getOwnPropertyDescriptor(of, 'prototype')?.writable === false;
}
