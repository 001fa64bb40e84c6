/** Who owns which fields of an object: `metadata.managedFields`, read and written (API-9). */
import { extended, setOwn } from '../json.js';
import type { JsonObject, JsonValue, ManagedFieldsEntry } from '../objects.js';
import { FieldSet } from './field-set.js';

export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
}

export interface Ownership extends Manager {
  readonly fields: FieldSet;
  /** Of the last write of this manager that changed something; what others take over does not count. */
  readonly time: string;
}

/** By identity: an applier keeps its identity across versions. */
export type Ownerships = ReadonlyMap<string, Ownership>;

export function managerIdentity({ name, operation, apiVersion, subresource }: Manager): string {
  return JSON.stringify([name, operation, operation === 'Apply' ? '' : apiVersion, subresource]);
}

/** Update managers beyond this many are merged into one, oldest first. */
const maxUpdateManagers = 10;
const ancientName = 'ancient-changes';

/** What stands in an object's `metadata.managedFields`, if it is a list at all. */
export function managedEntries(object: JsonObject | undefined): readonly ManagedFieldsEntry[] {
  const given = (object?.metadata as { managedFields?: unknown } | undefined)?.managedFields;
  return Array.isArray(given) ? given.filter((entry) => typeof entry === 'object' && entry !== null) : [];
}

export function readOwnerships(object: JsonObject | undefined): Ownerships {
  const result = new Map<string, Ownership>();
  for (const entry of managedEntries(object)) {
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') continue;
    const manager = {
      name: entry.manager ?? '',
      operation: entry.operation,
      apiVersion: entry.apiVersion ?? '',
      subresource: entry.subresource ?? '',
    };
    const fields = FieldSet.fromFieldsV1(entry.fieldsV1 ?? {});
    const id = managerIdentity(manager);
    const before = result.get(id);
    result.set(id, {
      ...manager,
      fields: before ? before.fields.union(fields) : fields,
      time: entry.time ?? '',
    });
  }
  return result;
}

/** The object with these owners written down. */
export function writeOwnerships(object: JsonObject, owners: Ownerships): JsonObject {
  const written = capUpdaters([...owners.values()]).filter((owner) => !owner.fields.isEmpty);
  return withEntries(object, written.sort(byAge).map(entryOf));
}

/** A new object, all of whose fields one manager owns. */
export function writeOwner(object: JsonObject, owner: Ownership): JsonObject {
  return withEntries(object, owner.fields.isEmpty ? [] : [entryOf(owner)]);
}

function entryOf(owner: Ownership): JsonValue {
  return {
    manager: owner.name,
    operation: owner.operation,
    apiVersion: owner.apiVersion,
    ...(owner.time === '' ? {} : { time: owner.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: owner.fields.toFieldsV1(),
    ...(owner.subresource === '' ? {} : { subresource: owner.subresource }),
  };
}

function withEntries(object: JsonObject, managedFields: readonly JsonValue[]): JsonObject {
  const { managedFields: _, ...metadata } = (object.metadata ?? {}) as JsonObject;
  return {
    ...object,
    metadata: managedFields.length === 0 ? metadata : extended(metadata, { managedFields }),
  };
}

function byAge(a: Ownership, b: Ownership): number {
  const order = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0);
  return (
    order(a.operation, b.operation) ||
    order(a.time, b.time) ||
    order(a.name, b.name) ||
    order(a.apiVersion, b.apiVersion) ||
    order(a.subresource, b.subresource)
  );
}

function capUpdaters(owners: readonly Ownership[]): readonly Ownership[] {
  const updaters = owners.filter((o) => o.operation === 'Update').sort(byAge);
  const excess = updaters.length - maxUpdateManagers;
  if (excess <= 0) return owners;
  // The bucket itself counts as one of the managers that stay.
  const merged = new Map<string, Ownership>();
  const folded = updaters.slice(0, excess + 1);
  for (const owner of folded) {
    const bucket = merged.get(owner.apiVersion);
    merged.set(
      owner.apiVersion,
      bucket
        ? {
            ...bucket,
            fields: bucket.fields.union(owner.fields),
            time: bucket.time > owner.time ? bucket.time : owner.time,
          }
        : { ...owner, name: ancientName, subresource: '' },
    );
  }
  return [...owners.filter((o) => !folded.includes(o)), ...merged.values()];
}

/** Metadata that nobody owns: identity, and what the server writes by itself. */
const unownedMetadata = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
]);

/** The object without what nobody owns: what ownership is computed on. */
export function ownable(object: JsonObject): JsonObject {
  const { apiVersion: _a, kind: _k, metadata, ...rest } = object as Record<string, JsonValue>;
  const all = (metadata ?? {}) as JsonObject;
  let owned: Record<string, JsonValue> | undefined;
  for (const key of Object.keys(all)) if (!unownedMetadata.has(key)) setOwn((owned ??= {}), key, all[key]);
  return owned ? extended(rest, { metadata: owned }) : rest;
}
