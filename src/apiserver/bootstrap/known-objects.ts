/**
 * What servers of this process have made of the objects that every cluster has. The way of a request, with its defaults,
 * admission and validation, always ends in the same for them, but for a UID and the time: the second new cluster of a process
 * and all that follow store that result at once. A suite of tests starts hundreds.
 *
 * Only for a cluster that is new: where there is something already, it may have a say in what comes.
 */
import {
  type Clock,
  deepFreeze,
  type JsonObject,
  type JsonValue,
  type Random,
  timestamp,
} from '../../api/index.js';
import { KeyExists } from '../../store/index.js';
import type { WatchCache } from '../cache/watch-cache.js';
import { type ResourceRegistry, storageKey } from '../resource.js';
import { parseResourcePath } from '../rest/request.js';

export interface KnownObjectsDeps {
  readonly registry: ResourceRegistry;
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly random: Random;
  /** All are made by requests here; what comes of them is remembered for others. */
  readonly byRequests: boolean;
}

interface Known {
  readonly key: string;
  readonly storageVersion: string;
  readonly stored: JsonObject;
}

/** By the object as it is sent: those that are constants of their module are known again. */
const known = new WeakMap<JsonObject, Known>();

const noQuery = new URLSearchParams();

export class KnownObjects {
  constructor(private readonly deps: KnownObjectsDeps) {}

  /**
   * Stores the object as it was stored before, as a new one. False when it is not known, or there already.
   * @throws StoreUnavailable, StoreClosed
   */
  async make(collection: string, object: JsonObject): Promise<boolean> {
    const { cache, clock, random } = this.deps;
    const template = this.deps.byRequests ? undefined : known.get(object);
    if (!template || this.#place(collection, object)?.storageVersion !== template.storageVersion)
      return false;
    const { metadata, ...rest } = template.stored;
    const { creationTimestamp } = metadata as JsonObject;
    const now = timestamp(clock);
    const value = redated(
      { ...rest, metadata: { ...(metadata as JsonObject), uid: random.uuid() } },
      creationTimestamp as string,
      now,
    ) as JsonObject;
    try {
      await cache.store.create(template.key, value);
      return true;
    } catch (error) {
      if (error instanceof KeyExists) return false;
      throw error;
    }
  }

  /** The object has just been created by a request: so it is known from now on. */
  remember(collection: string, object: JsonObject, created: JsonObject): void {
    const place = this.#place(collection, object);
    if (!place) return;
    const { key, storageVersion } = place;
    const cached = this.deps.cache.resource(place.storagePrefix).get(key);
    // Somebody else may have changed it since.
    if (!cached || String(cached.revision) !== (created.metadata as JsonObject).resourceVersion) return;
    // Shared by all clusters of the process: who changes what he reads of it is to fail, not to change the others.
    known.set(object, { key, storageVersion, stored: deepFreeze(structuredClone(cached.stored)) });
  }

  /** Where the object is stored; undefined where its kind is not served. */
  #place(
    collection: string,
    object: JsonObject,
  ): { readonly key: string; readonly storagePrefix: string; readonly storageVersion: string } | undefined {
    const path = parseResourcePath('POST', collection, noQuery);
    const resource = path && this.deps.registry.find(path.group, path.version, path.resource);
    if (!resource) return undefined;
    const { name } = object.metadata as { readonly name: string };
    const { storagePrefix, storageVersion } = resource;
    return { key: storageKey(resource, path.namespace, name), storagePrefix, storageVersion };
  }
}

/** The value with one time for another: all times of a new object are that of its creation. Shares what has none. */
function redated(value: JsonValue, from: string, to: string): JsonValue {
  if (value === from) return to;
  if (typeof value !== 'object' || value === null) return value;
  let changed = false;
  const next = (member: JsonValue): JsonValue => {
    const dated = redated(member, from, to);
    changed ||= dated !== member;
    return dated;
  };
  if (Array.isArray(value)) {
    const items = value.map(next);
    return changed ? items : value;
  }
  const members: Record<string, JsonValue> = {};
  for (const [name, member] of Object.entries(value as JsonObject)) members[name] = next(member);
  return changed ? members : value;
}
