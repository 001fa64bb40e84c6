/**
 * Which bindings concern which users: an index over the RoleBindings or ClusterRoleBindings of the cluster, by the name of a
 * user and by the name of a group. However many there are, a request looks at its user's alone.
 */
import type { UserInfo } from '../../api/index.js';
import { Follower } from '../cache/follower.js';
import type { ResourceCache } from '../cache/resource-cache.js';

export interface BindingSubject {
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

export interface Binding {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly subjects?: readonly BindingSubject[];
  readonly roleRef?: { readonly kind?: string; readonly name?: string };
}

/** A binding, and the subject of it that a user is. */
export interface Bound {
  readonly binding: Binding;
  readonly subject: BindingSubject;
}

/** Namespaces that are remembered for a user. */
const maxKnown = 1000;

export class BindingIndex {
  /** By namespace and subject, by the key of the binding. */
  readonly #bySubject = new Map<string, Map<string, Bound>>();
  /** Where a binding is to be found, to take it out again. */
  readonly #places = new Map<string, readonly string[]>();
  /** What was found for a user, by namespace, until a binding changes: who asks often is looked up once. */
  #known = new WeakMap<UserInfo, Map<string, readonly Bound[]>>();
  readonly #follower: Follower;

  constructor(bindings: ResourceCache) {
    this.#follower = new Follower(bindings, this);
  }

  /** @param namespace `''` for bindings that have none */
  of(user: UserInfo, namespace: string): readonly Bound[] {
    this.#follower.catchUp();
    let known = this.#known.get(user);
    if (!known) {
      known = new Map();
      this.#known.set(user, known);
    }
    let found = known.get(namespace);
    if (!found) {
      const places = [
        placeOf(namespace, 'User', user.username),
        ...(user.groups ?? []).map((group) => placeOf(namespace, 'Group', group)),
      ];
      found = places.flatMap((place) => [...(this.#bySubject.get(place)?.values() ?? [])]);
      if (known.size < maxKnown) known.set(namespace, found);
    }
    return found;
  }

  clear(): void {
    this.#known = new WeakMap();
    this.#bySubject.clear();
    this.#places.clear();
  }

  set(key: string, object: object | undefined): void {
    this.#known = new WeakMap();
    for (const place of this.#places.get(key) ?? []) {
      const bound = this.#bySubject.get(place);
      bound?.delete(key);
      if (bound?.size === 0) this.#bySubject.delete(place);
    }
    this.#places.delete(key);
    if (!object) return;
    const binding = object as Binding;
    const { namespace = '' } = binding.metadata;
    const places = (binding.subjects ?? []).flatMap((subject) => {
      const place = subjectPlace(namespace, subject);
      if (place === undefined) return [];
      const bound = this.#bySubject.get(place) ?? new Map<string, Bound>();
      this.#bySubject.set(place, bound.set(key, { binding, subject }));
      return [place];
    });
    this.#places.set(key, places);
  }
}

function placeOf(namespace: string, kind: 'User' | 'Group', name: string): string {
  return `${namespace} ${kind} ${name}`;
}

/** Undefined for a subject that nobody can be. */
function subjectPlace(
  namespace: string,
  { kind, name = '', namespace: own }: BindingSubject,
): string | undefined {
  switch (kind) {
    case 'User':
    case 'Group':
      return placeOf(namespace, kind, name);
    case 'ServiceAccount':
      return placeOf(namespace, 'User', `system:serviceaccount:${own ?? namespace}:${name}`);
    default:
      return undefined;
  }
}
