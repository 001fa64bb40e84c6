/**
 * A controller without a class.
 *
 * ```ts
 * const website = controllerFor(Website)
 *   .owns(Deployment)
 *   .watches(Secret, { map: (secret) => [keyOf(secret)] })
 *   .finalizer('apps.example.com/dns', releaseDns)
 *   .reconcile(async (site, ctx) => { … });
 * ```
 * Each step gives a new builder; `reconcile` ends it with a definition that Manager and engine take.
 */
import type { Duration, KindOf } from '../../api/index.js';
import type { IndexFn } from '../../informers/index.js';
import type { OwnsOptions, WatchesOptions } from './decorators.js';
import type {
  CleanupDefinition,
  ControllerDefinition,
  RbacRule,
  SourceDefinition,
  TimerDefinition,
  WatchDefinition,
} from './definition.js';
import { checkDefinition } from './definition-checks.js';
import { withIndex } from './definition-of.js';
import type { ControllerOptions } from '../registration/metadata.js';

export interface ControllerBuilder<T> {
  /** Default: the kind in lower case. */
  named(name: string): ControllerBuilder<T>;
  with(options: ControllerOptions<T>): ControllerBuilder<T>;
  owns<W>(kind: KindOf<W>, options?: OwnsOptions<NoInfer<W>>): ControllerBuilder<T>;
  watches<W>(kind: KindOf<W>, options: WatchesOptions<NoInfer<W>>): ControllerBuilder<T>;
  /** An index of the primary kind, or of one that is already watched. @throws RegistrationError */
  index<W>(kind: KindOf<W>, name: string, fn: IndexFn<NoInfer<W>>): ControllerBuilder<T>;
  /** Keys from outside of the cluster. */
  source(name: string, keys: SourceDefinition['keys']): ControllerBuilder<T>;
  /** Something done now and then, which may give keys to reconcile. */
  timer(name: string, every: Duration, run: TimerDefinition['run']): ControllerBuilder<T>;
  /** A permission that watches and writes do not show. */
  rbac(rule: RbacRule): ControllerBuilder<T>;
  finalizer(name: string, cleanup: CleanupDefinition<T>['cleanup']): ControllerBuilder<T>;
  /** @throws RegistrationError when something given before cannot work */
  reconcile(reconcile: ControllerDefinition<T>['reconcile']): ControllerDefinition<T>;
}

type Unfinished<T> = Omit<ControllerDefinition<T>, 'reconcile'>;

export function controllerFor<T>(kind: KindOf<T>): ControllerBuilder<T> {
  return builder<T>({ name: kind.kind.toLowerCase(), kind, watches: [], cleanups: [] });
}

function builder<T>(so: Unfinished<T>): ControllerBuilder<T> {
  const where = `controllerFor(${so.kind.kind})`;
  const watching = (watch: unknown): ControllerBuilder<T> =>
    builder({ ...so, watches: [...so.watches, watch as WatchDefinition] });
  return {
    named: (name) => builder({ ...so, name }),
    with: (options) => builder({ ...so, ...options }),
    owns: (kind, options = {}) => watching({ kind, relation: 'owns', ...options }),
    watches: (kind, options) => watching({ kind, relation: 'watches', ...options }),
    index: (kind, name, fn) => builder({ ...so, ...withIndex(where, so, kind, name, fn as IndexFn<never>) }),
    source: (name, keys) => builder({ ...so, sources: [...(so.sources ?? []), { name, keys }] }),
    timer: (name, every, run) => builder({ ...so, timers: [...(so.timers ?? []), { name, every, run }] }),
    rbac: (rule) => builder({ ...so, rbac: [...(so.rbac ?? []), rule] }),
    finalizer: (finalizer, cleanup) => builder({ ...so, cleanups: [...so.cleanups, { finalizer, cleanup }] }),
    reconcile: (reconcile) => {
      const definition: ControllerDefinition<T> = { ...so, reconcile };
      checkDefinition(where, definition);
      return definition;
    },
  };
}
