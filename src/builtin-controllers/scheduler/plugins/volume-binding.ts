/**
 * A pod waits for its claims, and goes where its volumes can be reached (SC-7).
 *
 * A claim whose class binds on the first consumer needs a node chosen for it, which this scheduler does not
 * do yet: such a pod is refused in words of its own and tried again when the claim is bound some other way.
 */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from 'gyre/kinds';
import { type ClusterView, plugin, type Rejection, rejection } from '../framework.js';
import { type NodeMatcher, nodeSelectorMatcher } from '../node-selector.js';

const bindCompleted = 'pv.kubernetes.io/bind-completed';
const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

const unboundImmediate = rejection(false, 'pod has unbound immediate PersistentVolumeClaims');
const unboundDelayed = rejection(
  false,
  'pod has unbound WaitForFirstConsumer PersistentVolumeClaims, which this scheduler does not bind',
);
const otherNode = rejection(false, 'node(s) had volume node affinity conflict');
const noVolume = rejection(
  false,
  'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)',
);

interface VolumesState {
  /** Of the volumes that are not reachable everywhere. */
  readonly reachable: readonly NodeMatcher[];
  readonly missing: boolean;
}

export const volumeBinding = plugin<VolumesState>({
  name: 'VolumeBinding',
  preFilter({ pod }, cluster) {
    const names = claimsOf(pod);
    if (names.length === 0) return 'skip';
    const reachable: NodeMatcher[] = [];
    let missing = false;
    let refused: Rejection | undefined;
    for (const { name, ephemeral } of names) {
      const claim = cluster.claim(`${pod.metadata.namespace}/${name}`);
      const problem = problemOf(pod, name, claim, ephemeral);
      if (problem) return { rejection: rejection(false, problem) };
      if (!claim) continue;
      if (!isBound(claim)) {
        // An immediate claim is the one to name, whatever else is wrong.
        refused =
          bindsLate(claim, cluster) && refused !== unboundImmediate ? unboundDelayed : unboundImmediate;
        continue;
      }
      const volume = cluster.volume(claim.spec?.volumeName ?? '');
      if (!volume) missing = true;
      else if (volume.spec?.nodeAffinity?.required) reachable.push(matcherOf(volume));
    }
    if (refused) return { rejection: refused };
    return reachable.length > 0 || missing ? { state: { reachable, missing } } : 'skip';
  },
  filter(_, node, { reachable, missing }) {
    if (missing) return noVolume;
    for (const matches of reachable) if (!matches(node)) return otherNode;
    return undefined;
  },
  wakesOn(event, { pod, namespace }) {
    switch (event.type) {
      case 'ClaimChanged':
        return claimsOf(pod).some(({ name }) => event.key === `${namespace}/${name}`);
      case 'VolumeChanged':
      case 'StorageClassChanged':
      case 'NodeAdded':
      case 'NodeChanged':
        return true;
      default:
        return false;
    }
  },
});

interface ClaimName {
  readonly name: string;
  /** Made from the pod's own template. */
  readonly ephemeral: boolean;
}

function claimsOf({ metadata, spec }: Pod): readonly ClaimName[] {
  const names: ClaimName[] = [];
  for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
    if (persistentVolumeClaim) names.push({ name: persistentVolumeClaim.claimName, ephemeral: false });
    else if (ephemeral) names.push({ name: `${metadata.name}-${name}`, ephemeral: true });
  }
  return names;
}

/** What is wrong with a claim, whatever node is chosen. */
function problemOf(
  pod: Pod,
  name: string,
  claim: PersistentVolumeClaim | undefined,
  ephemeral: boolean,
): string | undefined {
  if (!claim) {
    return ephemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${JSON.stringify(name)}`
      : `persistentvolumeclaim ${JSON.stringify(name)} not found`;
  }
  if (claim.status?.phase === 'Lost') {
    const volume = JSON.stringify(claim.spec?.volumeName ?? '');
    return `persistentvolumeclaim ${JSON.stringify(name)} bound to non-existent persistentvolume ${volume}`;
  }
  if (claim.metadata.deletionTimestamp)
    return `persistentvolumeclaim ${JSON.stringify(name)} is being deleted`;
  if (
    ephemeral &&
    !claim.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === pod.metadata.uid)
  ) {
    const { namespace } = pod.metadata;
    return `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`;
  }
  return undefined;
}

/** Both sides of the binding have been written. */
function isBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return Boolean(spec?.volumeName) && metadata.annotations?.[bindCompleted] !== undefined;
}

function bindsLate(claim: PersistentVolumeClaim, cluster: ClusterView): boolean {
  const name = claim.metadata.annotations?.[classAnnotation] ?? claim.spec?.storageClassName ?? '';
  return cluster.storageClass(name)?.volumeBindingMode === 'WaitForFirstConsumer';
}

function matcherOf({ spec }: PersistentVolume): NodeMatcher {
  return nodeSelectorMatcher(spec?.nodeAffinity?.required ?? { nodeSelectorTerms: [] });
}
