/** Owner references: who a child belongs to. */
import {
  apiVersionOf,
  type KindFacts,
  type OwnerReference,
  parseApiVersion,
  type PartialObjectMeta,
} from '../../api/index.js';

interface Owner {
  readonly metadata: { readonly name: string; readonly uid: string; readonly namespace?: string };
}
interface Owned {
  readonly metadata?: PartialObjectMeta;
}

/** The reference that makes `owner` the controller of a child. */
export function controllerReference(owner: Owner, kind: KindFacts): OwnerReference {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The reference of a child's controller, of any kind. */
export function controllerOf(object: Owned): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((reference) => reference.controller);
}

/** True when a reference points to this group and kind, whatever the version. */
export function refersTo(reference: OwnerReference, kind: KindFacts): boolean {
  return reference.kind === kind.kind && parseApiVersion(reference.apiVersion).group === kind.group;
}

/**
 * Checks that `owner` may control the child: same namespace, or a cluster-scoped owner.
 * @throws TypeError naming the remedy
 */
export function checkOwnable(owner: Owner, kind: KindFacts, child: Owned, childKind: KindFacts): void {
  const { namespace } = owner.metadata;
  if (!namespace) return;
  if (childKind.scope === 'Cluster') {
    throw new TypeError(
      `${kind.kind} ${namespace}/${owner.metadata.name} cannot own the cluster-scoped ${childKind.kind}: garbage collection would delete it; make the owner cluster-scoped, or use a finalizer`,
    );
  }
  if (child.metadata?.namespace !== undefined && child.metadata.namespace !== namespace) {
    throw new TypeError(
      `${kind.kind} ${namespace}/${owner.metadata.name} cannot own a ${childKind.kind} in namespace ${child.metadata.namespace}: owner references do not cross namespaces; create it in ${namespace}, or use a finalizer`,
    );
  }
}

/** The child's references with this owner as its controller. @throws TypeError when another controls it */
export function withController(
  references: readonly OwnerReference[] | undefined,
  reference: OwnerReference,
): OwnerReference[] {
  const others = (references ?? []).filter((r) => r.uid !== reference.uid);
  const rival = others.find((r) => r.controller);
  if (rival) {
    throw new TypeError(
      `the object is controlled by ${rival.kind} ${rival.name} already; an object has one controller`,
    );
  }
  return [...others, reference];
}
