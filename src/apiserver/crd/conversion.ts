/**
 * Custom objects from one version to another (API-15): by renaming the version, or by asking the definition's
 * conversion webhook. Either way only what the target's schema knows remains.
 *
 * Guarantees: an object is converted once per version, however many readers and watchers want it, and all of
 * them share the result; a webhook changes nothing of an object's identity, and of its metadata labels and
 * annotations alone; where it fails, nobody gets anything.
 */
import {
  apiVersionOf,
  deepFreeze,
  isWebhookUnreachable,
  type JsonObject,
  prune,
  type Random,
  type Schema,
  type WebhookClientConfig,
  type WebhookDialer,
} from '../../api/index.js';
import type { VersionConverter } from '../resource.js';
import { conversionFailed, conversionReview, convertedObjects, kindText } from './conversion-review.js';
import { type Crd, wholeSchema } from './definition.js';

export interface ConversionDeps {
  readonly dialer: WebhookDialer;
  readonly random: Random;
}

/** How long a conversion webhook has, milliseconds. */
const timeoutMs = 30_000;
/** How many objects one review asks for. */
const maxPerReview = 500;

/** What is known and what is being asked, by object and version. */
class Memory {
  readonly #done = new WeakMap<JsonObject, Map<string, JsonObject>>();
  readonly #pending = new WeakMap<JsonObject, Map<string, Promise<JsonObject>>>();

  find(object: JsonObject, version: string): JsonObject | undefined {
    return this.#done.get(object)?.get(version);
  }

  awaited(object: JsonObject, version: string): Promise<JsonObject> | undefined {
    return this.#pending.get(object)?.get(version);
  }

  keep(object: JsonObject, version: string, result: JsonObject): JsonObject {
    const known = this.#done.get(object);
    const kept = Object.isFrozen(object) ? deepFreeze(result) : result;
    if (known) known.set(version, kept);
    else this.#done.set(object, new Map([[version, kept]]));
    return kept;
  }

  /** Remembers what `asked` will give; a failure is forgotten, so that the next reader asks again. */
  expect(object: JsonObject, version: string, asked: Promise<JsonObject>): Promise<JsonObject> {
    const waiting = this.#pending.get(object) ?? new Map<string, Promise<JsonObject>>();
    this.#pending.set(object, waiting);
    const kept = asked
      .then((result) => this.keep(object, version, result))
      .finally(() => waiting.delete(version));
    waiting.set(version, kept);
    return kept;
  }
}

export class CrdConversion implements VersionConverter {
  #group = '';
  #schemas: ReadonlyMap<string, Schema> = new Map();
  #client: WebhookClientConfig | undefined;
  #memory = new Memory();

  constructor(private readonly deps: ConversionDeps) {}

  /** Converts as this definition says from now on, for watches that are open too. */
  follow({ spec }: Crd): void {
    this.#group = spec.group;
    this.#schemas = new Map(spec.versions.map((version) => [version.name, wholeSchema(version)]));
    this.#client =
      spec.conversion?.strategy === 'Webhook' ? spec.conversion.webhook?.clientConfig : undefined;
    this.#memory = new Memory();
  }

  known(object: JsonObject, version: string): JsonObject | undefined {
    const apiVersion = apiVersionOf({ group: this.#group, version });
    if (object.apiVersion === apiVersion) return object;
    const known = this.#memory.find(object, version);
    if (known || this.#client) return known;
    return this.#memory.keep(object, version, this.#pruned({ ...object, apiVersion }, version));
  }

  async convert(objects: readonly JsonObject[], version: string): Promise<readonly JsonObject[]> {
    const memory = this.#memory;
    const missing = [...new Set(objects)].filter(
      (object) => !this.known(object, version) && !memory.awaited(object, version),
    );
    let turn: Promise<unknown> = Promise.resolve();
    for (let at = 0; at < missing.length; at += maxPerReview) {
      const some = missing.slice(at, at + maxPerReview);
      const asked = turn.then(() => this.#ask(some, version));
      turn = asked;
      for (const [i, object] of some.entries()) {
        memory
          .expect(
            object,
            version,
            asked.then((results) => results[i] as JsonObject),
          )
          .catch(() => {
            // Whoever waits for this one hears of it below.
          });
      }
    }
    return Promise.all(
      objects.map(
        (object) => this.known(object, version) ?? (memory.awaited(object, version) as Promise<JsonObject>),
      ),
    );
  }

  async #ask(objects: readonly JsonObject[], version: string): Promise<JsonObject[]> {
    const [first] = objects;
    const client = this.#client;
    const apiVersion = apiVersionOf({ group: this.#group, version });
    if (!first || !client) return objects.map((o) => this.#pruned({ ...o, apiVersion }, version));
    const uid = this.deps.random.uuid();
    let answer: JsonObject;
    try {
      answer = await this.deps.dialer.call(client, conversionReview(uid, apiVersion, objects), { timeoutMs });
    } catch (error) {
      if (!isWebhookUnreachable(error)) throw error;
      throw conversionFailed(`conversion webhook for ${kindText(first)} failed: ${error.message}`);
    }
    return convertedObjects(answer, uid, apiVersion, objects).map((object) => this.#pruned(object, version));
  }

  #pruned(object: JsonObject, version: string): JsonObject {
    const schema = this.#schemas.get(version);
    return schema ? (prune(object, schema) as JsonObject) : object;
  }
}
