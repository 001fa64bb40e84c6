/** From one version of a built-in kind to another, without asking anybody; made once per object. */
import { apiVersionOf, type JsonObject } from '../../../api/index.js';
import type { VersionConverter } from '../../resource.js';

/** The same object at that apiVersion; both are versions of its kind. */
export type ConvertKind = (object: JsonObject, apiVersion: string) => JsonObject;

/** Versions that differ in nothing but their name. */
export const relabelled: ConvertKind = (object, apiVersion) => ({ ...object, apiVersion });

export class KindConversion implements VersionConverter {
  readonly #known = new WeakMap<JsonObject, JsonObject[]>();

  constructor(
    private readonly group: string,
    private readonly convertKind: ConvertKind,
  ) {}

  known(object: JsonObject, version: string): JsonObject {
    const apiVersion = apiVersionOf({ group: this.group, version });
    if (object.apiVersion === apiVersion) return object;
    const known = this.#known.get(object) ?? [];
    let found = known.find((other) => other.apiVersion === apiVersion);
    if (!found) this.#known.set(object, [...known, (found = this.convertKind(object, apiVersion))]);
    return found;
  }

  async convert(objects: readonly JsonObject[], version: string): Promise<readonly JsonObject[]> {
    return objects.map((object) => this.known(object, version));
  }
}
