/**
 * What our decorators wrote about a class. Kept in one weak map that all copies of this package in a
 * process share, so that a class decorated through one copy is understood by another. Emitted
 * `design:*` metadata plays no part: tsx, esbuild and vitest do not emit it.
 *
 * What a class inherits is found by walking its prototype chain when it is read.
 */
import type { Duration, JsonValue, KindOf, Schema } from '../../api/index.js';
import type { IndexFn } from '../../informers/index.js';
import type { Predicate, RbacRule, RunSettings, WatchDefinition } from '../controller/definition.js';
import type { WebhookSettings } from '../webhooks/admission.js';

/** Any class, abstract ones included. */
export type AnyClass<T = object> = abstract new (...args: never[]) => T;

export type ScalarType = 'string' | 'integer' | 'number' | 'boolean';
/** What a list or map holds: a scalar, a class with decorated fields, or a schema in full. */
export type ElementType = ScalarType | AnyClass | Schema;
/** An element type; anything that names a class is a function, so that classes may refer to each other. */
export type ElementTypeRef = ScalarType | Schema | (() => ElementType);

/** The shape a type-bearing decorator gave a field. */
export type FieldShape =
  | { readonly form: 'list'; readonly decorator: string; readonly of: ElementTypeRef }
  | { readonly form: 'map'; readonly decorator: string; readonly of: ElementTypeRef }
  | { readonly form: 'nested'; readonly decorator: string; readonly of: () => AnyClass }
  | { readonly form: 'schema'; readonly decorator: string; readonly schema: Schema };

export interface FieldFacts {
  shape?: FieldShape;
  default?: { readonly value: JsonValue };
  nullable?: boolean;
  description?: string;
  listType?: { readonly type: 'set' } | { readonly type: 'map'; readonly keys: readonly string[] };
  /** Laid over what the other decorators gave. */
  override?: Schema;
}

/** A kind, or a function that gives it where two files import each other. */
export type KindRef<T> = KindOf<T> | (() => KindOf<T>);

export interface ControllerOptions<T> extends RunSettings {
  /** Default: the kind in lower case. Field manager, event source, metric label and identity. */
  readonly name?: string;
  /** Which changes wake it. Default: generation, labels, annotations, finalizers, deletion. */
  readonly predicate?: Predicate<T>;
}

export interface ControllerFacts {
  readonly kind: KindRef<unknown>;
  readonly options: ControllerOptions<unknown>;
}
export interface WatchFacts extends Omit<WatchDefinition, 'kind' | 'relation'> {
  readonly decorator: 'Owns' | 'Watches';
  readonly kind: KindRef<unknown>;
}
export interface SourceFacts {
  readonly method: string;
}
export interface TimerFacts {
  readonly method: string;
  readonly every: Duration;
}
export interface IndexFacts {
  readonly kind: KindRef<unknown>;
  readonly name: string;
  readonly fn: IndexFn<unknown>;
}
export interface FinalizerFacts {
  readonly finalizer: string;
  readonly method: string;
}

export interface ClassFacts {
  description?: string;
  readonly fields: Map<string, FieldFacts>;
  controller?: ControllerFacts;
  readonly watches: WatchFacts[];
  readonly indexes: IndexFacts[];
  readonly finalizers: FinalizerFacts[];
  readonly sources: SourceFacts[];
  readonly timers: TimerFacts[];
  readonly rbac: RbacRule[];
  admission?: { readonly kind: KindRef<unknown>; readonly settings: WebhookSettings };
  /** Names of methods. */
  readonly defaulters: string[];
  readonly validators: string[];
  /** Injection tokens by the constructor parameter's position. */
  readonly parameters: Map<number, unknown>;
  readonly properties: Map<string | symbol, unknown>;
}

const registryKey = Symbol.for('gyre.class-facts');

function registry(): WeakMap<object, ClassFacts> {
  const shared = globalThis as { [registryKey]?: WeakMap<object, ClassFacts> };
  shared[registryKey] ??= new WeakMap();
  return shared[registryKey];
}

/** What is written about exactly this class; made empty when there is nothing yet. */
export function factsOfClass(cls: object): ClassFacts {
  const known = registry().get(cls);
  if (known) return known;
  const made: ClassFacts = {
    fields: new Map(),
    watches: [],
    indexes: [],
    finalizers: [],
    sources: [],
    timers: [],
    rbac: [],
    defaulters: [],
    validators: [],
    parameters: new Map(),
    properties: new Map(),
  };
  registry().set(cls, made);
  return made;
}

/** What is written about a class and what it extends, the most derived first. */
export function factsOfLineage(cls: object): ClassFacts[] {
  const lineage: ClassFacts[] = [];
  for (let at: object | null = cls; at && at !== Function.prototype; at = Object.getPrototypeOf(at)) {
    const facts = registry().get(at);
    if (facts) lineage.push(facts);
  }
  return lineage;
}

/** The facts of a field declared with a property decorator. */
export function factsOfField(prototype: object, field: string): FieldFacts {
  const { fields } = factsOfClass(prototype.constructor);
  const facts = fields.get(field) ?? {};
  fields.set(field, facts);
  return facts;
}

/** All decorated fields of a class, inherited ones included; what a derived class says wins. */
export function fieldFactsOf(cls: object): ReadonlyMap<string, FieldFacts> {
  const merged = new Map<string, FieldFacts>();
  for (const { fields } of factsOfLineage(cls).reverse()) {
    for (const [name, facts] of fields) merged.set(name, { ...merged.get(name), ...facts });
  }
  return merged;
}
