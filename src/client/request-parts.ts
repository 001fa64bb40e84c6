/** What requests are made of: paths, queries, bodies, and what is refused before it is sent. */
import {
  extended,
  apiVersionOf,
  type ApiRequest,
  copyJson,
  type JsonObject,
  type JsonValue,
  type KindFacts,
  pathSegmentName,
  resourcePath,
} from '../api/index.js';
import type { DeleteOptions, WriteOptions } from './client.js';
import type { Place } from './observed-request.js';

export type Query = NonNullable<ApiRequest['query']>;

export interface ObjectIdentity {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
  };
}

export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

/** What a server that knows no partial metadata answers is the whole object. */
export const metadataTypes = {
  object: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json',
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
} as const;

/**
 * The URL path of a place. A name that would change the path's meaning is refused before it is sent: `..`
 * as the name of a pod to delete would address its namespace.
 * @throws TypeError
 */
export function pathOf(kind: KindFacts, place: Place): string {
  for (const [what, value] of [
    ['namespace', place.namespace],
    ['resource name', place.name],
  ] as const) {
    const problems = value ? pathSegmentName(value) : [];
    if (problems.length > 0)
      throw new TypeError(`invalid ${what} ${JSON.stringify(value)}: ${problems.join(', ')}`);
  }
  return resourcePath(kind, place);
}

/** Items of a list need not say what they are: API servers leave that to the list. */
export function typed<T>(kind: KindFacts, item: T): T {
  if ((item as { kind?: unknown }).kind !== undefined) return item;
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, ...item };
}

export function subresourceOf(options: { readonly subresource?: string }): { subresource?: string } {
  return options.subresource ? { subresource: options.subresource } : {};
}

export function namespaceOf(options: { readonly namespace?: string }): { namespace?: string } {
  return options.namespace ? { namespace: options.namespace } : {};
}

export function selection(options: {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}): Query {
  return { labelSelector: options.labelSelector, fieldSelector: options.fieldSelector };
}

export function writeQuery(options: WriteOptions, fieldManager: string): Query {
  return {
    fieldManager: options.fieldManager ?? fieldManager,
    fieldValidation: options.fieldValidation,
    dryRun: options.dryRun ? 'All' : undefined,
  };
}

export function deleteBody({
  gracePeriodSeconds,
  propagationPolicy,
  preconditions,
  dryRun,
}: DeleteOptions): JsonValue {
  return copyJson({
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    gracePeriodSeconds,
    propagationPolicy,
    preconditions,
    dryRun: dryRun ? ['All'] : undefined,
  });
}

/** A copy of the object that says what it is. */
export function identified(kind: KindFacts, object: object): JsonObject {
  const copy = copyJson(object) as JsonObject;
  return extended(copy, { apiVersion: apiVersionOf(kind), kind: kind.kind });
}

export function nameOf(object: JsonObject): string {
  return (object as ObjectIdentity).metadata?.name ?? '';
}

/** @throws TypeError when a namespaced object has no namespace or, where one is needed, no name */
export function placeOf(kind: KindFacts, object: object, named: boolean): Place {
  const { name = '', namespace = '' } = (object as ObjectIdentity).metadata ?? {};
  if (named && name === '') throw new TypeError(`a ${kind.kind} needs metadata.name here`);
  if (kind.scope === 'Cluster') return { name };
  if (namespace === '') throw new TypeError(`${kind.kind} is namespaced: set metadata.namespace`);
  return { namespace, name };
}
