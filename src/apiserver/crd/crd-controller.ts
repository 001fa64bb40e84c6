/**
 * Follows the CustomResourceDefinitions in the cache: accepts their names, serves their versions, says so
 * in their conditions, and empties a kind before its definition goes (API-15).
 *
 * Level-triggered like any controller: each definition is looked at as it is now, one at a time.
 */
import {
  ApiError,
  type Clock,
  deepEqualJson,
  isConflict,
  isNotFound,
  type JsonValue,
  type Random,
  type Status,
  timestamp,
  type Transport,
  type WebhookDialer,
} from '../../api/index.js';
import type { Logger } from '../../telemetry/index.js';
import { storagePrefix, type WatchCache } from '../cache/watch-cache.js';
import type { ResourceRegistry } from '../resource.js';
import { CrdConversion } from './conversion.js';
import {
  cleanupFinalizer,
  type Crd,
  type CrdCondition,
  crdGroup,
  decoderOf,
  resourcesOf,
} from './definition.js';

export interface CrdControllerDeps {
  readonly cache: WatchCache;
  readonly registry: ResourceRegistry;
  readonly dialer: WebhookDialer;
  readonly random: Random;
  /** Acts as the server itself. */
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when what is served has changed. */
  readonly served: () => Promise<void>;
}

const prefix = storagePrefix({ group: crdGroup, plural: 'customresourcedefinitions' });
const retryMs = 1000;

export class CrdController {
  readonly #deps: CrdControllerDeps;
  readonly #queue = new Set<string>();
  #position = 0;
  #running: Promise<void> | undefined;
  #stopped = false;
  #stopListening: () => void = () => {};
  readonly #retries = new Set<() => void>();
  /** What each definition serves now, by its key. */
  readonly #served = new Map<
    string,
    { readonly group: string; readonly plural: string; readonly conversion: CrdConversion }
  >();
  /** Definitions by the group's storage prefix, so that a deleted instance wakes the one that waits for it. */
  readonly #emptying = new Map<string, () => void>();

  constructor(deps: CrdControllerDeps) {
    this.#deps = deps;
  }

  /** Serves what is there already, and follows from now on. */
  async start(): Promise<void> {
    const definitions = this.#deps.cache.resource(prefix);
    this.#position = definitions.end;
    this.#stopListening = definitions.onAppend(() => this.#collect());
    for (const { key } of definitions.scan()) this.#enqueue(key);
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopListening();
    for (const cancel of [...this.#retries, ...this.#emptying.values()]) cancel();
    await this.#running;
  }

  #collect(): void {
    const definitions = this.#deps.cache.resource(prefix);
    for (; this.#position < definitions.end; this.#position++) {
      const event = definitions.at(this.#position);
      if (event) this.#enqueue(event.key);
    }
  }

  #enqueue(key: string): void {
    if (this.#stopped) return;
    this.#queue.add(key);
    this.#running ??= this.#drain().finally(() => {
      this.#running = undefined;
      const [next] = this.#queue;
      if (next !== undefined) this.#enqueue(next);
    });
  }

  async #drain(): Promise<void> {
    for (const key of this.#queue) {
      this.#queue.delete(key);
      if (this.#stopped) return;
      try {
        await this.#sync(key);
      } catch (error) {
        // A lost race comes back as an event of its own.
        if (isConflict(error) || isNotFound(error)) continue;
        this.#deps.log.warn('custom resource definition not synced', { key, error: String(error) });
        this.#retry(key);
      }
    }
  }

  #retry(key: string): void {
    const cancel = this.#deps.clock.setTimer(retryMs, () => {
      this.#retries.delete(cancel);
      this.#enqueue(key);
    });
    this.#retries.add(cancel);
  }

  async #sync(key: string): Promise<void> {
    const crd = this.#deps.cache.resource(prefix).get(key)?.object as unknown as Crd | undefined;
    if (!crd) {
      this.#unserve(key);
      return this.#deps.served();
    }
    if (crd.metadata.deletionTimestamp !== undefined) return this.#empty(key, crd);
    const conflict = this.#nameConflict(key, crd);
    const accepted = conflict === undefined;
    const established = accepted || isTrue(crd, 'Established');
    if (established) this.#serve(key, crd);
    await this.#deps.served();
    await this.#report(crd, [
      accepted
        ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
        : { type: 'NamesAccepted', status: 'False', ...conflict },
      established
        ? {
            type: 'Established',
            status: 'True',
            reason: 'InitialNamesAccepted',
            message: 'the initial names have been accepted',
          }
        : {
            type: 'Established',
            status: 'False',
            reason: 'NotAccepted',
            message: 'not all names are accepted',
          },
    ]);
  }

  #serve(key: string, crd: Crd): void {
    const { registry, cache } = this.#deps;
    const { group, names } = crd.spec;
    const conversion = this.#served.get(key)?.conversion ?? new CrdConversion(this.#deps);
    conversion.follow(crd);
    registry.unregister(group, names.plural);
    for (const resource of resourcesOf(crd, conversion)) registry.register(resource);
    cache.resource(storagePrefix({ group, plural: names.plural })).setDecoder(decoderOf(crd));
    this.#served.set(key, { group, plural: names.plural, conversion });
  }

  #unserve(key: string): void {
    const served = this.#served.get(key);
    if (!served) return;
    this.#deps.registry.unregister(served.group, served.plural);
    this.#served.delete(key);
    this.#wakeWaiting(served.group);
  }

  /** Names of this group have become free: whoever was refused for them may have them now. */
  #wakeWaiting(group: string): void {
    for (const { key, object } of this.#deps.cache.resource(prefix).scan()) {
      const crd = object as unknown as Crd;
      if (crd.spec.group === group && !isTrue(crd, 'NamesAccepted')) this.#enqueue(key);
    }
  }

  /** The first name of this definition that another resource of the group has already. */
  #nameConflict(key: string, crd: Crd): { reason: string; message: string } | undefined {
    const { group, names } = crd.spec;
    const own = this.#served.get(key);
    const others = this.#deps.registry
      .all()
      .filter(
        ({ facts }) => facts.group === group && facts.plural !== own?.plural && facts.plural !== names.plural,
      );
    const taken = new Set(others.flatMap(({ facts }) => [facts.plural, facts.singular, ...facts.shortNames]));
    const kinds = new Set(others.flatMap(({ facts }) => [facts.kind, facts.listKind]));
    const clash = [names.plural, names.singular, ...(names.shortNames ?? [])].find((name) => taken.has(name));
    if (clash) return { reason: 'NameConflict', message: `${JSON.stringify(clash)} is already in use` };
    const kind = [names.kind, names.listKind].find((name) => kinds.has(name));
    if (kind) return { reason: 'KindConflict', message: `${JSON.stringify(kind)} is already in use` };
    const builtin = this.#deps.registry
      .all()
      .find((r) => r.builtin && r.facts.group === group && r.facts.plural === names.plural);
    return (
      builtin && { reason: 'PluralConflict', message: `${JSON.stringify(names.plural)} is already in use` }
    );
  }

  async #report(crd: Crd, wanted: readonly Omit<CrdCondition, 'lastTransitionTime'>[]): Promise<void> {
    const now = timestamp(this.#deps.clock);
    const before = crd.status?.conditions ?? [];
    const conditions = wanted.map((condition) => {
      const old = before.find((c) => c.type === condition.type);
      return {
        ...condition,
        lastTransitionTime: old?.status === condition.status ? old.lastTransitionTime : now,
      };
    });
    const kept = before.filter((c) => !wanted.some((w) => w.type === c.type));
    const { spec, metadata } = crd;
    const storage = spec.versions.filter((v) => v.storage).map((v) => v.name);
    const status = {
      conditions: [...conditions, ...kept],
      acceptedNames: isAccepted(conditions) ? spec.names : crd.status?.acceptedNames,
      storedVersions: [...new Set([...(crd.status?.storedVersions ?? []), ...storage])],
    };
    if (!deepEqualJson(status as unknown as JsonValue, (crd.status ?? {}) as JsonValue)) {
      await this.#patch(metadata.name, 'status', {
        metadata: { resourceVersion: metadata.resourceVersion },
        status,
      });
      if (!deepEqualJson(namesOf(status.acceptedNames), namesOf(crd.status?.acceptedNames)))
        this.#wakeWaiting(spec.group);
      return;
    }
    if (!metadata.finalizers?.includes(cleanupFinalizer)) {
      await this.#patch(metadata.name, '', {
        metadata: {
          resourceVersion: metadata.resourceVersion,
          finalizers: [...(metadata.finalizers ?? []), cleanupFinalizer],
        },
      });
    }
  }

  /** Deletes the kind's objects; once none is left the definition may go. */
  async #empty(key: string, crd: Crd): Promise<void> {
    const { cache, transport } = this.#deps;
    const { finalizers = [], name, resourceVersion } = crd.metadata;
    if (!finalizers.includes(cleanupFinalizer)) return;
    const { group, names, versions } = crd.spec;
    // What was never established has no objects: those under its name are of another kind that has the name.
    const established = isTrue(crd, 'Established');
    // Once more, now without create; after a restart, so that there is a way to delete what is left.
    if (established && !this.#emptying.has(key)) this.#serve(key, crd);
    if (established && !isTrue(crd, 'Terminating')) {
      // The change of status brings us back here.
      return this.#patch(name, 'status', {
        metadata: { resourceVersion },
        status: {
          conditions: [
            ...(crd.status?.conditions ?? []).filter((c) => c.type !== 'Terminating'),
            {
              type: 'Terminating',
              status: 'True',
              reason: 'InstanceDeletionInProgress',
              message: 'CustomResource deletion is in progress',
              lastTransitionTime: timestamp(this.#deps.clock),
            },
          ],
        },
      });
    }
    const instances = cache.resource(storagePrefix({ group, plural: names.plural }));
    // The version objects are stored at, if it may be: nobody has to convert them to delete them.
    const version = (versions.find((v) => v.served && v.storage) ?? versions.find((v) => v.served))?.name;
    // A copy: deleting changes what is scanned.
    for (const { object } of established ? Array.from(instances.scan()) : []) {
      if (version === undefined || object.metadata.deletionTimestamp !== undefined) continue;
      const { namespace, name: instance } = object.metadata;
      const at = namespace ? `/namespaces/${namespace}` : '';
      await transport.request({
        method: 'DELETE',
        path: `/apis/${group}/${version}${at}/${names.plural}/${instance}`,
      });
    }
    if (established && instances.size > 0) {
      this.#emptying.get(key)?.();
      this.#emptying.set(
        key,
        instances.onAppend(() => this.#enqueue(key)),
      );
      return;
    }
    this.#emptying.get(key)?.();
    this.#emptying.delete(key);
    this.#unserve(key);
    await this.#patch(name, '', {
      metadata: { resourceVersion, finalizers: finalizers.filter((f) => f !== cleanupFinalizer) },
    });
  }

  async #patch(name: string, subresource: string, patch: object): Promise<void> {
    const response = await this.#deps.transport.request({
      method: 'PATCH',
      path: `/apis/${crdGroup}/v1/customresourcedefinitions/${name}${subresource === '' ? '' : `/${subresource}`}`,
      query: { fieldManager: 'kube-apiserver' },
      headers: { 'content-type': 'application/merge-patch+json' },
      body: patch,
    });
    if (response.status >= 400) throw new ApiError(response.body as Status);
  }
}

function namesOf(names: Crd['spec']['names'] | undefined): JsonValue {
  return (names ?? {}) as unknown as JsonValue;
}

function isTrue(crd: Crd, type: string): boolean {
  return crd.status?.conditions?.some((c) => c.type === type && c.status === 'True') ?? false;
}

function isAccepted(conditions: readonly CrdCondition[]): boolean {
  return conditions.some((c) => c.type === 'NamesAccepted' && c.status === 'True');
}
