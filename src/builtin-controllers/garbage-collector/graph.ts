/**
 * Who belongs to whom, in the whole cluster (GC-2): every object by UID, with what the collector has to know
 * of it and nothing more.
 *
 * Objects come in any order. A dependent is found under its owner's UID whether or not that owner is known.
 */
import { groupKind, type Kind, type KubernetesObject, type OwnerReference, parseApiVersion } from 'gyre';

export interface GraphNode {
  readonly kind: Kind<KubernetesObject>;
  readonly uid: string;
  /** Empty for a cluster-scoped object. */
  readonly namespace: string;
  readonly name: string;
  readonly owners: readonly OwnerReference[];
  /** How it is being deleted, if it is. */
  readonly deleting: Deletion | undefined;
}

/**
 * `foreground`: once its dependents are gone; `orphan`: once they are let go; `background`: nothing of it is
 * the collector's business any more.
 */
export type Deletion = 'foreground' | 'orphan' | 'background';

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

export function nodeOf(kind: Kind<KubernetesObject>, { metadata }: KubernetesObject): GraphNode {
  return {
    kind,
    uid: metadata.uid,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    owners: metadata.ownerReferences ?? [],
    deleting: deletionOf(metadata),
  };
}

export function deletionOf({
  deletionTimestamp,
  finalizers = [],
}: Pick<KubernetesObject['metadata'], 'deletionTimestamp' | 'finalizers'>): Deletion | undefined {
  if (deletionTimestamp === undefined) return undefined;
  if (finalizers.includes(foregroundFinalizer)) return 'foreground';
  return finalizers.includes(orphanFinalizer) ? 'orphan' : 'background';
}

export class Graph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Set<string>>();

  get size(): number {
    return this.#nodes.size;
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  nodes(): Iterable<GraphNode> {
    return this.#nodes.values();
  }

  /** Those whose owner references carry this UID. */
  dependentsOf(uid: string): GraphNode[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#nodes.get(dependent) ?? []);
  }

  /** Puts a node in the place of what was known of it, which is returned. */
  observe(node: GraphNode): GraphNode | undefined {
    const before = this.#nodes.get(node.uid);
    if (before) this.#unlink(before);
    this.#nodes.set(node.uid, node);
    for (const { uid } of node.owners) {
      const dependents = this.#dependents.get(uid) ?? new Set();
      this.#dependents.set(uid, dependents.add(node.uid));
    }
    return before;
  }

  remove(uid: string): GraphNode | undefined {
    const node = this.#nodes.get(uid);
    if (!node) return undefined;
    this.#nodes.delete(uid);
    this.#unlink(node);
    return node;
  }

  #unlink(node: GraphNode): void {
    for (const { uid } of node.owners) {
      const dependents = this.#dependents.get(uid);
      dependents?.delete(node.uid);
      if (dependents?.size === 0) this.#dependents.delete(uid);
    }
  }
}

/** True when a node is what a reference names, seen from an object in `namespace`. */
export function isReferredTo(node: GraphNode, reference: OwnerReference, namespace: string): boolean {
  return (
    groupKind(node.kind) ===
      groupKind({ group: parseApiVersion(reference.apiVersion).group, kind: reference.kind }) &&
    node.name === reference.name &&
    (node.namespace === '' || node.namespace === namespace)
  );
}
