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
import { discover } from 'gyre/client';

interface Namespaced {
  readonly metadata: { readonly namespace?: string; readonly name: string };
}

/** What is watched: it wakes the quotas of its namespace. */
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

/** What is counted from the cache. */
const counted = [...watched, ResourceQuota as KindOf<Namespaced>];
const countedNames = new Set(counted.map(countName));

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
export class ResourceQuotaController {
  async reconcile(quota: ResourceQuota, ctx: Context<ResourceQuota>): Promise<Result> {
    const { cache, client } = ctx;
    const { namespace = '' } = quota.metadata;
    const hard = quota.spec?.hard ?? {};
    const used = new Map(Object.keys(hard).map((each) => [each, '0']));
    const count = (kind: KindOf<Namespaced>, object: Namespaced): void => {
      if (!inQuotaScope(quota.spec, kind, object)) return;
      addUsage(
        used,
        [...quotaUsage(kind, object)].filter(([each]) => used.has(each)),
      );
    };
    for (const kind of counted) for (const object of cache.list(kind, { namespace })) count(kind, object);
    const unwatched = Object.keys(hard).filter(
      (each) => each.startsWith('count/') && !countedNames.has(each),
    );
    for (const kind of unwatched.length > 0 ? await kindsNamed(unwatched, ctx) : [])
      for await (const object of ctx.client.with({ metadataOnly: true }).list(kind, { namespace }))
        count(kind, object);
    // Nobody tells when one of a kind that is not watched goes.
    const again = requeueAfter(unwatched.length > 0 ? '30s' : '5m');
    const status = { hard, used: Object.fromEntries(used) };
    if (deepEqualJson(quota.status?.hard ?? {}, hard) && deepEqualJson(quota.status?.used ?? {}, status.used))
      return again;
    try {
      // With its version: what was charged meanwhile is counted again.
      await client.update(ResourceQuota, { ...quota, status } as ResourceQuota, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return again;
  }
}

for (const kind of watched)
  Watches(kind, kind === (Service as KindOf<Namespaced>) ? services : goings)(ResourceQuotaController);

/** The kinds that `count/…` names of a quota mean; those that nobody serves are left out, as there are none of them. */
async function kindsNamed(
  names: readonly string[],
  { client, signal }: Context<ResourceQuota>,
): Promise<KindOf<Namespaced>[]> {
  const { resources } = await discover(client, { signal });
  return resources
    .filter(({ preferred, verbs }) => preferred && verbs.includes('list'))
    .map(({ kind }) => kind as KindOf<Namespaced>)
    .filter((kind) => kind.scope === 'Namespaced' && names.includes(countName(kind)));
}

function countName({ group, plural }: KindOf<Namespaced>): string {
  return `count/${group === '' ? plural : `${plural}.${group}`}`;
}
