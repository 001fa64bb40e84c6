/**
 * Storage object in use protection of claims (PV-11): a claim that is being deleted stays as long as a pod
 * that was scheduled and has not ended uses it. Admission puts the finalizer on; this takes it off.
 */
import { type CacheReader, type Context, Controller, done, Index, keyOf, type Result, Watches } from 'gyre';
import { PersistentVolumeClaim, Pod } from 'gyre/kinds';
import { withoutFinalizer } from './finalizer.js';
import { claimsOf, isTerminated, podsByClaim } from './pod-claims.js';

const finalizer = 'kubernetes.io/pvc-protection';

/** A pod without node can still be kept from starting: it does not hold the claim. */
function uses(pod: Pod, key: string): boolean {
  return Boolean(pod.spec.nodeName) && !isTerminated(pod) && claimsOf(pod).includes(key);
}

/** Of the claims a pod uses, those that wait to go. */
function goingClaimsOf(pod: Pod, cache: CacheReader): readonly string[] {
  return claimsOf(pod).filter(
    (key) =>
      cache.get(PersistentVolumeClaim, key as `${string}/${string}`)?.metadata.deletionTimestamp !==
      undefined,
  );
}

@Controller(PersistentVolumeClaim, { name: 'pvc-protection-controller' })
@Watches(Pod, { map: goingClaimsOf })
@Index(Pod, podsByClaim, claimsOf)
export class PersistentVolumeClaimProtectionController {
  async reconcile(claim: PersistentVolumeClaim, ctx: Context<PersistentVolumeClaim>): Promise<Result> {
    const { deletionTimestamp, finalizers, namespace = '' } = claim.metadata;
    if (deletionTimestamp === undefined || !finalizers?.includes(finalizer)) return done;
    const key = keyOf(claim);
    if (ctx.cache.by(Pod, podsByClaim, key).some((pod) => uses(pod, key))) return done;
    // A pod may have been scheduled that the cache has not heard of: before the claim goes, the server is asked.
    for await (const pod of ctx.client.list(Pod, { namespace })) if (uses(pod, key)) return done;
    await ctx.client.patch(PersistentVolumeClaim, claim, withoutFinalizer(finalizer));
    return done;
  }
}
