/**
 * Counts what a namespace uses of its quotas (OC-11): when a quota comes or changes, when something goes or ends, and every
 * five minutes. The API server charges what is made meanwhile; this is what gives it back.
 */
import {
  addUsage,
  type CacheReader,
  type Context,
  Controller,
  deepEqualJson,
  inQuotaScope,
  isNotFound,
  type JsonValue,
  type KindOf,
  quotaUsage,
  requeueAfter,
  type Result,
  Watches,
} from 'gyre';
import {
  ConfigMap,
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  PersistentVolumeClaim,
  Pod,
  ReplicaSet,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  StatefulSet,
} from 'gyre/kinds';

interface Namespaced {
  readonly metadata: { readonly namespace?: string; readonly name: string };
}

/** What is counted. */
const watched: readonly KindOf<Namespaced>[] = [
  ConfigMap,
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  PersistentVolumeClaim,
  Pod,
  ReplicaSet,
  ReplicationController,
  Secret,
  Service,
  StatefulSet,
] as readonly KindOf<Namespaced>[];

const quotasOfNamespace = ({ metadata: { namespace } }: Namespaced, cache: CacheReader) =>
  cache
    .list(ResourceQuota, { namespace: namespace ?? '' })
    .map(({ metadata }) => ({ namespace: metadata.namespace ?? '', name: metadata.name }));

interface Change {
  readonly object: object;
  readonly previous?: object | undefined;
  readonly deleted: boolean;
}

/**
 * What goes or ends gives back what it used. What comes has been charged before it was stored: counting at that moment
 * would miss what is on its way, and take its charge away.
 */
const goings = {
  map: quotasOfNamespace,
  predicate: ({ object, previous, deleted }: Change) =>
    deleted || (previous !== undefined && hasEnded(object) && !hasEnded(previous)),
};

/** A Service may need less than it did. */
const services = {
  map: quotasOfNamespace,
  predicate: ({ object, previous, deleted }: Change) =>
    deleted || (previous !== undefined && specDiffers(object, previous)),
};

function hasEnded(object: object): boolean {
  const phase = (object as { readonly status?: { readonly phase?: string } }).status?.phase;
  return phase === 'Succeeded' || phase === 'Failed';
}

function specDiffers(a: object, b: object): boolean {
  const [one, other] = [a, b].map((each) => (each as { readonly spec?: JsonValue }).spec ?? null);
  return !deepEqualJson(one as JsonValue, other as JsonValue);
}

@Controller(ResourceQuota, {
  name: 'resourcequota-controller',
  maxConcurrent: 5,
  // Each charge is a write of the status: no reason to count.
  predicate: ({ object, previous }) => !previous || specDiffers(object, previous),
})
@Watches(ConfigMap, goings)
@Watches(CronJob, goings)
@Watches(DaemonSet, goings)
@Watches(Deployment, goings)
@Watches(Job, goings)
@Watches(PersistentVolumeClaim, goings)
@Watches(Pod, goings)
@Watches(ReplicaSet, goings)
@Watches(ReplicationController, goings)
@Watches(Secret, goings)
@Watches(Service, services)
@Watches(StatefulSet, goings)
export class ResourceQuotaController {
  async reconcile(quota: ResourceQuota, { cache, client }: Context<ResourceQuota>): Promise<Result> {
    const { namespace = '' } = quota.metadata;
    const hard = quota.spec?.hard ?? {};
    const used = new Map(Object.keys(hard).map((each) => [each, '0']));
    for (const kind of [...watched, ResourceQuota as KindOf<Namespaced>]) {
      for (const object of cache.list(kind, { namespace })) {
        if (!inQuotaScope(quota.spec, kind, object)) continue;
        addUsage(
          used,
          [...quotaUsage(kind, object)].filter(([each]) => used.has(each)),
        );
      }
    }
    const status = { hard, used: Object.fromEntries(used) };
    if (deepEqualJson(quota.status?.hard ?? {}, hard) && deepEqualJson(quota.status?.used ?? {}, status.used))
      return requeueAfter('5m');
    try {
      // With its version: what was charged meanwhile is counted again.
      await client.update(ResourceQuota, { ...quota, status } as ResourceQuota, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return requeueAfter('5m');
  }
}
