/**
 * A controller as a class.
 *
 * ```ts
 * @Controller(Website) @Owns(Deployment)
 * class WebsiteController {
 *   constructor(@Inject(Dns) private readonly dns: Dns) {}
 *   async reconcile(site: Website, ctx: Context<Website>) { … }
 *   @Finalizer('apps.example.com/dns') async cleanup(site: Website, ctx: Context<Website>) { … }
 * }
 * ```
 * The decorators only write down what they were given; `definitionOf` reads and checks it when the class
 * is registered, so that their order does not matter.
 */
import type { Observable } from 'rxjs';
import type { Duration, NamespacedName } from '../../api/index.js';
import type { IndexFn } from '../../informers/index.js';
import type { ReconcileResult, Reconciler } from '../reconcile/context.js';
import type {
  MapFn,
  RbacRule,
  RequestKey,
  Selection,
  SourceContext,
  TimerDefinition,
  WatchDefinition,
} from './definition.js';
import {
  type AnyClass,
  type ControllerOptions,
  factsOfClass,
  type KindRef,
} from '../registration/metadata.js';
import { nameOfClass, RegistrationError } from '../registration/registration-error.js';
import type { Token } from '../registration/token.js';

type ClassDecoratorFor<T> = <C extends AnyClass<T & object>>(cls: C) => void;

/**
 * Marks the reconciler of a kind; its `reconcile` must take that kind's objects. Give a function that
 * returns the kind where two files import each other.
 */
export function Controller<T>(
  kind: KindRef<T>,
  options: ControllerOptions<NoInfer<T>> = {},
): ClassDecoratorFor<Reconciler<NoInfer<T>>> {
  return (cls) => {
    const facts = factsOfClass(cls);
    if (facts.controller) {
      throw new RegistrationError(
        nameOfClass(cls),
        'has @Controller twice',
        'a controller reconciles one kind: write one class for each',
      );
    }
    facts.controller = { kind, options: options as ControllerOptions<unknown> };
  };
}

/** What `@Owns` may say. */
export type OwnsOptions<W> = Selection & Pick<WatchDefinition<W>, 'predicate' | 'metadataOnly'>;

/** Wakes the controller for changes of the objects it owns (by controller owner reference). */
export function Owns<W>(kind: KindRef<W>, options: OwnsOptions<NoInfer<W>> = {}) {
  return (cls: AnyClass): void => {
    factsOfClass(cls).watches.unshift({ decorator: 'Owns', kind, ...(options as OwnsOptions<unknown>) });
  };
}

/** What `@Watches` says. */
export interface WatchesOptions<W>
  extends Selection,
    Pick<WatchDefinition<W>, 'predicate' | 'indexes' | 'metadataOnly' | 'cluster'> {
  /** The keys of the primary objects that a change concerns; asked for the old and the new state. */
  readonly map: MapFn<W>;
}

/** Wakes the controller for changes of other objects, mapped to keys of its own kind. */
export function Watches<W>(kind: KindRef<W>, options: WatchesOptions<NoInfer<W>>) {
  return (cls: AnyClass): void => {
    factsOfClass(cls).watches.unshift({
      decorator: 'Watches',
      kind,
      ...(options as WatchesOptions<unknown>),
    });
  };
}

type SourceMethod = (context: SourceContext) => Observable<RequestKey | NamespacedName>;

/**
 * The method gives keys from outside of the cluster, as an Observable: a message bus, a file, another system.
 * See SourceDefinition.
 */
export function Source() {
  return <M extends SourceMethod>(
    prototype: object,
    method: string,
    _descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    factsOfClass(prototype.constructor).sources.push({ method });
  };
}

/** The method is called now and then, and may give keys to reconcile. See TimerDefinition. */
export function Timer(every: Duration) {
  return <M extends TimerDefinition['run']>(
    prototype: object,
    method: string,
    _descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    factsOfClass(prototype.constructor).timers.push({ method, every });
  };
}

/** Declares a permission that watches and writes do not show: what a client of the author's own does. */
export function Rbac(rule: RbacRule) {
  return (cls: AnyClass): void => {
    factsOfClass(cls).rbac.unshift(rule);
  };
}

/** Adds an index to the cache of the primary kind, or of one that is watched: `ctx.cache.by(kind, name, value)`. */
export function Index<W>(kind: KindRef<W>, name: string, fn: IndexFn<NoInfer<W>>) {
  return (cls: AnyClass): void => {
    factsOfClass(cls).indexes.unshift({ kind, name, fn: fn as IndexFn<unknown> });
  };
}

type Cleanup = (object: never, ctx: never) => Promise<ReconcileResult> | ReconcileResult;

/**
 * Runs the method when an object is being deleted, and holds the object until the method returns without
 * asking for a requeue. `name` is qualified by a domain: `example.com/thing`.
 */
export function Finalizer(name: string) {
  return <M extends Cleanup>(
    prototype: object,
    method: string,
    _descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    factsOfClass(prototype.constructor).finalizers.push({ finalizer: name, method });
  };
}

/**
 * Says what a constructor parameter or property is given; see `Manager.provide`. A function that returns
 * the token is not needed: a class that is not there yet is named in the error.
 */
export function Inject<T>(token: Token<T>) {
  return (
    target: object,
    property: string | symbol | undefined,
    parameter?: number | PropertyDescriptor,
  ): void => {
    if (token === undefined) {
      const cls = property === undefined ? (target as AnyClass) : (target.constructor as AnyClass);
      throw new RegistrationError(
        nameOfClass(cls),
        `has @Inject(undefined) on ${property === undefined ? `constructor parameter ${Number(parameter)}` : String(property)}`,
        'two files import each other: move the token to a file of its own',
      );
    }
    if (property === undefined && typeof parameter === 'number')
      factsOfClass(target).parameters.set(parameter, token);
    else if (property !== undefined) factsOfClass(target.constructor).properties.set(property, token);
  };
}
