/**
 * A kind is one descriptor: a value that names a resource to a server and carries the type of its
 * objects. Built-in and custom kinds alike, identity is group and kind, never a class name.
 */
import type { KubernetesObject } from './objects.js';

export type Scope = 'Namespaced' | 'Cluster';

export interface GroupVersionKind {
  /** `''` for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  /** The lower-case plural in URLs. */
  readonly resource: string;
}

/** The identity of a kind: everything needed to build its URLs. */
export interface KindFacts<S extends Scope = Scope> extends GroupVersionKind {
  readonly plural: string;
  readonly scope: S;
}

declare const objectType: unique symbol;

/** A built-in kind: identity as a value, `T` as its objects' type. */
export interface Kind<T = KubernetesObject, S extends Scope = Scope> extends KindFacts<S> {
  /** Type-level only. */
  readonly [objectType]: T;
}

/** A custom kind: a class that describes its objects and is never instantiated. */
export type KindClass<T = KubernetesObject, S extends Scope = Scope> = KindFacts<S> &
  (abstract new (
    ...args: never[]
  ) => T);

/** What every verb accepts as its first argument. */
export type KindOf<T, S extends Scope = Scope> = Kind<T, S> | KindClass<T, S>;

export interface NamespacedName {
  readonly namespace: string;
  readonly name: string;
}
export interface ClusterName {
  readonly namespace?: undefined;
  readonly name: string;
}

/** The key of an object: `'namespace/name'` or its parts; a cluster-scoped kind takes `'name'`. */
export type Key<S extends Scope = Scope> = S extends 'Namespaced'
  ? `${string}/${string}` | NamespacedName
  : string | ClusterName;

/** Describes a kind. `plural` is the lower-case resource name of its URLs. */
export function kind<T, S extends Scope>(facts: KindFacts<S>): Kind<T, S> {
  return Object.freeze({
    group: facts.group,
    version: facts.version,
    kind: facts.kind,
    plural: facts.plural,
    scope: facts.scope,
  }) as Kind<T, S>;
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(facts: { readonly group: string; readonly version: string }): string {
  return facts.group === '' ? facts.version : `${facts.group}/${facts.version}`;
}

/** Splits `apps/v1` or `v1`. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** Version-free identity, `Deployment.apps` or `Pod`: what caches and registries key by. */
export function groupKind(facts: { readonly group: string; readonly kind: string }): string {
  return facts.group === '' ? facts.kind : `${facts.kind}.${facts.group}`;
}

/** `deployments.apps` or `pods`, as Kubernetes messages name a resource. */
export function groupResource(facts: { readonly group: string; readonly plural: string }): string {
  return facts.group === '' ? facts.plural : `${facts.plural}.${facts.group}`;
}

/**
 * Reads a key in any of its forms.
 * @throws TypeError when a namespaced kind's key lacks a namespace or the name is empty
 */
export function parseKey(facts: KindFacts, key: Key): { namespace: string; name: string } {
  let namespace = '';
  let name: string;
  if (typeof key === 'string') {
    const slash = facts.scope === 'Namespaced' ? key.indexOf('/') : -1;
    if (slash >= 0) namespace = key.slice(0, slash);
    name = key.slice(slash + 1);
  } else {
    namespace = facts.scope === 'Namespaced' ? (key.namespace ?? '') : '';
    name = key.name;
  }
  if (facts.scope === 'Namespaced' && namespace === '') {
    throw new TypeError(
      `${facts.kind} is namespaced: its key is 'namespace/name', not ${JSON.stringify(key)}`,
    );
  }
  if (name === '') throw new TypeError(`a ${facts.kind} key needs a name, got ${JSON.stringify(key)}`);
  return { namespace, name };
}

/** The canonical string key of an object: `namespace/name`, or `name` when cluster-scoped. */
export function keyOf(object: {
  readonly metadata: { readonly namespace?: string; readonly name?: string };
}): string {
  const { namespace, name = '' } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

/**
 * The URL path of a kind's collection, an object or a subresource.
 * Omitting `namespace` for a namespaced kind addresses all namespaces.
 */
export function resourcePath(
  facts: KindFacts,
  at: { readonly namespace?: string; readonly name?: string; readonly subresource?: string } = {},
): string {
  let path = facts.group === '' ? `/api/${facts.version}` : `/apis/${facts.group}/${facts.version}`;
  if (facts.scope === 'Namespaced' && at.namespace) path += `/namespaces/${encodeURIComponent(at.namespace)}`;
  path += `/${facts.plural}`;
  if (at.name !== undefined) path += `/${encodeURIComponent(at.name)}`;
  if (at.subresource) path += `/${at.subresource}`;
  return path;
}
