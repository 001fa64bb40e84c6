/** What a binding has its policy run with (`paramKind`, `paramRef`): one evaluation each. */
import {
  compileLabelSelector,
  type JsonObject,
  type LabelSelectorObject,
  parseApiVersion,
} from '../../../api/index.js';
import type { StampedObject } from '../../cache/resource-cache.js';
import type { WatchCache } from '../../cache/watch-cache.js';
import { convertTo, type ServedResource, storageKey } from '../../resource.js';
import type { AdmissionAttributes } from '../admission.js';
import { isNamespace } from './matcher.js';
import type { BindingBasics, PolicyBasics } from './policy-fields.js';

/** A policy cannot be applied as its binding wants it. */
export class Misconfigured extends Error {
  override readonly name = 'Misconfigured';
}

export interface ParamDeps {
  readonly cache: WatchCache;
  /** How objects of a kind are found; undefined when it is not served. */
  readonly resourceOf: (of: {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }) => ServedResource | undefined;
}

/** `[null]` where there are none to be had; `[]` where those that are missing may be. @throws Misconfigured */
export async function paramsOf(
  { cache: all, resourceOf }: ParamDeps,
  { paramKind }: PolicyBasics,
  { paramRef }: BindingBasics,
  attributes: AdmissionAttributes,
): Promise<readonly (JsonObject | null)[]> {
  if (!paramKind || !paramRef) return [null];
  const { group, version } = parseApiVersion(paramKind.apiVersion);
  const resource = resourceOf({ group, version, kind: paramKind.kind });
  if (!resource) {
    const kind = `${paramKind.apiVersion}, Kind=${paramKind.kind}`;
    throw new Misconfigured(
      `failed to configure policy: failed to find resource referenced by paramKind: '${kind}'`,
    );
  }
  const namespaced = resource.facts.scope === 'Namespaced';
  const namespace = paramRef.namespace || (isNamespace(attributes.resource) ? '' : attributes.namespace);
  if (!namespaced && paramRef.namespace) {
    throw new Misconfigured(
      'failed to configure binding: paramRef.namespace must not be provided for a cluster-scoped `paramKind`',
    );
  }
  if (namespaced && namespace === '') {
    throw new Misconfigured(
      'failed to configure binding: cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
    );
  }
  const cache = all.resource(resource.storagePrefix);
  const found: StampedObject[] = [];
  if (paramRef.name) {
    const object = cache.get(storageKey(resource, namespaced ? namespace : '', paramRef.name))?.object;
    if (object) found.push(object);
  } else if (paramRef.selector) {
    const selector = compileLabelSelector(paramRef.selector as LabelSelectorObject);
    for (const { object } of cache.scan()) {
      if (namespaced && object.metadata.namespace !== namespace) continue;
      if (selector.matches(object.metadata.labels)) found.push(object);
    }
  }
  if (found.length === 0) {
    if (paramRef.parameterNotFoundAction === 'Allow') return [];
    throw new Misconfigured(
      'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
    );
  }
  return Promise.all(found.map((object) => convertTo(resource, object, version)));
}
