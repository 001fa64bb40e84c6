/**
 * Recording Events about objects (OC-18), so that `kubectl describe` shows what a controller did.
 *
 * The same event again raises the count of the first one; many alike (same reason, different message)
 * become one combined event; an object that causes too many is heard less often. Recording never fails or
 * delays a reconcile, and memory is bounded.
 */
import {
  apiVersionOf,
  type Clock,
  isAlreadyExists,
  type KindFacts,
  kind,
  type KubernetesObject,
  timestamp,
} from '../../api/index.js';
import type { Client } from '../../client/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { EventType } from './context.js';

interface CoreEvent extends KubernetesObject {
  readonly count?: number;
  readonly involvedObject: object;
}

const Event = kind<CoreEvent, 'Namespaced'>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  scope: 'Namespaced',
});

/** As the field's recorders have it. */
const limits = {
  /** Different messages of one reason within the window before they are combined. */
  similar: 10,
  windowMs: 10 * 60_000,
  /** Events an object may cause at once, and how long until it may cause one more. */
  burst: 25,
  refillMs: 5 * 60_000,
  /** Events, groups and objects remembered, each. */
  remembered: 4096,
} as const;

export interface EventSubject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion?: string;
  };
}

interface Recorded {
  readonly namespace: string;
  name: string;
  count: number;
  lastAt: number;
}
interface Group {
  readonly messages: Set<string>;
  lastAt: number;
}
interface Bucket {
  tokens: number;
  at: number;
}

/** A Map that forgets what was used longest ago. */
class Recent<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }
  set(key: string, value: V): void {
    this.#entries.set(key, value);
    if (this.#entries.size > limits.remembered) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest as string);
    }
  }
  delete(key: string): void {
    this.#entries.delete(key);
  }
}

export interface EventRecorderOptions {
  readonly client: Client;
  /** The controller's name: `source.component` and `reportingComponent`. */
  readonly component: string;
  /** The node it runs on: `source.host` and `reportingInstance`. Default: none. */
  readonly host?: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #recorded = new Recent<Recorded>();
  readonly #groups = new Recent<Group>();
  readonly #buckets = new Recent<Bucket>();
  /** Writes go out one after the other, so that a count is never written before its event. */
  #tail: Promise<void> = Promise.resolve();
  #sequence = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(
    subject: EventSubject,
    subjectKind: KindFacts,
    type: EventType,
    reason: string,
    message: string,
    /** The part of the object it is about, e.g. `spec.containers{web}`. */
    fieldPath?: string,
  ): void {
    const now = this.#options.clock.now();
    if (!this.#allowed(subject.metadata.uid, now)) return;
    const group = JSON.stringify([subject.metadata.uid, type, reason, fieldPath ?? '']);
    const text = this.#combined(group, message, now) ? `(combined from similar events): ${message}` : message;
    // Combined events count as one, whatever their messages say.
    const id = text === message ? JSON.stringify([group, message]) : `${group} combined`;
    const before = this.#recorded.get(id);
    if (before && now - before.lastAt < limits.windowMs) {
      before.count++;
      before.lastAt = now;
      const { count } = before;
      this.#enqueue(() => this.#repeat(before, count, text, id));
      return;
    }
    const { namespace = 'default', name } = subject.metadata;
    const recorded: Recorded = { namespace, name: this.#eventName(name, now), count: 1, lastAt: now };
    this.#recorded.set(id, recorded);
    this.#enqueue(() => this.#create(recorded, subject, subjectKind, type, reason, text, fieldPath));
  }

  /** Resolves when what was recorded so far has been sent. */
  flush(): Promise<void> {
    return this.#tail;
  }

  /** `<object>.<hex>`: unique per object and instant, as the field names events. */
  #eventName(object: string, now: number): string {
    const nanos = BigInt(Math.trunc(now)) * 1_000_000n + BigInt(this.#sequence++ % 1_000_000);
    return `${object.slice(0, 230)}.${nanos.toString(16)}`;
  }

  #allowed(uid: string, now: number): boolean {
    const bucket = this.#buckets.get(uid) ?? { tokens: limits.burst, at: now };
    const refilled = Math.floor((now - bucket.at) / limits.refillMs);
    if (refilled > 0) {
      bucket.tokens = Math.min(limits.burst, bucket.tokens + refilled);
      bucket.at += refilled * limits.refillMs;
    }
    this.#buckets.set(uid, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  #combined(id: string, message: string, now: number): boolean {
    let group = this.#groups.get(id);
    if (!group || now - group.lastAt > limits.windowMs) group = { messages: new Set(), lastAt: now };
    group.lastAt = now;
    if (group.messages.size < limits.similar) group.messages.add(message);
    this.#groups.set(id, group);
    return group.messages.size >= limits.similar && !group.messages.has(message);
  }

  #enqueue(write: () => Promise<void>): void {
    this.#tail = this.#tail.then(write).catch((error: unknown) => {
      this.#options.log.debug('event not recorded', { error: String(error) });
    });
  }

  async #create(
    recorded: Recorded,
    subject: EventSubject,
    subjectKind: KindFacts,
    type: EventType,
    reason: string,
    message: string,
    fieldPath: string | undefined,
  ): Promise<void> {
    const { client, component, clock, host } = this.#options;
    const { name, namespace, uid, resourceVersion } = subject.metadata;
    const now = timestamp(clock);
    const event = {
      involvedObject: {
        apiVersion: apiVersionOf(subjectKind),
        kind: subjectKind.kind,
        name,
        namespace,
        uid,
        resourceVersion,
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      type,
      reason,
      message: message.slice(0, 1024),
      source: { component, ...(host === undefined ? {} : { host }) },
      reportingComponent: component,
      reportingInstance: host ?? component,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    for (;;) {
      const metadata = { name: recorded.name, namespace: recorded.namespace };
      try {
        await client.create(Event, { metadata, ...event } as never);
        return;
      } catch (error) {
        // Another recorder told of the same object at the same instant.
        if (!isAlreadyExists(error)) throw error;
        recorded.name = this.#eventName(name, clock.now());
      }
    }
  }

  async #repeat(recorded: Recorded, count: number, message: string, id: string): Promise<void> {
    const { client, clock } = this.#options;
    const patch = { count, message: message.slice(0, 1024), lastTimestamp: timestamp(clock) };
    try {
      await client.patchRaw(Event, recorded, { type: 'merge', patch });
    } catch (error) {
      // It has expired: the next one starts anew.
      this.#recorded.delete(id);
      throw error;
    }
  }
}
