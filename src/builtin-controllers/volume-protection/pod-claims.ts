/** Which claims a pod uses. */
import type { Pod } from 'gyre/kinds';

/**
 * Keys (`namespace/name`) of the claims a pod uses, those of its generic ephemeral volumes included: they are
 * named after pod and volume. An `IndexFn` of pods.
 */
export function claimsOf({ metadata, spec }: Pod): readonly string[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral && `${metadata.name}-${name}`);
    return claim === undefined ? [] : [`${metadata.namespace}/${claim}`];
  });
}

/** The name under which pods are indexed by `claimsOf`. */
export const podsByClaim = 'persistentVolumeClaim';

/** True for a pod that will run nothing any more. */
export function isTerminated({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}
