/**
 * The object of a request and what it replaces, at whichever version a webhook or a policy wants to see them
 * (matchPolicy Equivalent). Conversions are made when asked for, and once.
 */
import { deepEqualJson, internalError, type JsonObject } from '../../../api/index.js';
import { convertTo, type ServedResource } from '../../resource.js';
import { decodeTyped, withDefaults } from '../../rest/decode-object.js';
import type { AdmissionAttributes } from '../admission.js';

export class VersionedObjects {
  #object: JsonObject | undefined;
  /** The current object by version; emptied by a change. */
  readonly #objects = new Map<string, JsonObject>();
  readonly #olds = new Map<string, JsonObject>();

  constructor(
    private readonly attributes: AdmissionAttributes,
    object: JsonObject | undefined,
  ) {
    this.#object = object;
  }

  /** At the version of the request. */
  get object(): JsonObject | undefined {
    return this.#object;
  }

  objectAt(resource: ServedResource): Promise<JsonObject | undefined> {
    return this.#at(resource, this.#object, this.#objects);
  }

  oldAt(resource: ServedResource): Promise<JsonObject | undefined> {
    return this.#at(resource, this.attributes.oldObject, this.#olds);
  }

  async #at(
    resource: ServedResource,
    object: JsonObject | undefined,
    known: Map<string, JsonObject>,
  ): Promise<JsonObject | undefined> {
    const { version } = resource.facts;
    if (!object || this.attributes.kind || version === this.attributes.resource.facts.version) return object;
    let found = known.get(version);
    if (!found) known.set(version, (found = await convertTo(resource, object, version)));
    return found;
  }

  /**
   * Takes over what admission has made of the object at its version: read again, with defaults, and
   * converted back. @returns whether that is a change
   */
  async replace(resource: ServedResource, patched: JsonObject): Promise<boolean> {
    const { resource: own, kind } = this.attributes;
    const before = await this.objectAt(resource);
    if (kind) {
      this.#object = patched;
      return !deepEqualJson(before, patched);
    }
    const next = reread(resource, patched);
    if (deepEqualJson(before, next)) return false;
    const { version } = own.facts;
    this.#objects.clear();
    this.#objects.set(resource.facts.version, next);
    this.#object =
      resource.facts.version === version ? next : reread(own, await convertTo(own, next, version));
    return true;
  }
}

/** @throws ApiError InternalError when it is no object of the resource any more */
function reread(resource: ServedResource, object: JsonObject): JsonObject {
  const { apiVersion, kind } = object;
  const { facts } = resource;
  const expected = facts.group === '' ? facts.version : `${facts.group}/${facts.version}`;
  if (apiVersion !== expected || kind !== facts.kind) {
    throw internalError(
      `admission made ${String(apiVersion)}, Kind=${String(kind)} of a ${expected}, Kind=${facts.kind}`,
    );
  }
  try {
    return withDefaults({ resource }, decodeTyped({ resource }, object)) as JsonObject;
  } catch (error) {
    throw internalError((error as Error).message);
  }
}
