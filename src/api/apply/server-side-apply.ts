/**
 * Server-side apply (API-9): every field has owners; applying a configuration sets its fields, takes out
 * those this manager no longer applies and nobody else owns, and refuses to change what others own,
 * unless forced. Other writes move ownership silently.
 *
 * Guarantees: applying the same configuration twice changes nothing, not even times; nobody else's fields
 * are removed; conflicts are reported all at once.
 */
import { applyConflict, badRequest } from '../errors.js';
import { extended } from '../json.js';
import type { JsonObject, JsonValue } from '../objects.js';
import type { Schema } from '../schema/schema.js';
import type { StatusCause } from '../status.js';
import { type Comparison, compareFields } from './compare.js';
import { FieldSet } from './field-set.js';
import { fieldsOf, fieldsOfNew } from './fields-of.js';
import {
  managedEntries,
  type Manager,
  managerIdentity,
  ownable,
  type Ownership,
  type Ownerships,
  readOwnerships,
  writeOwner,
  writeOwnerships,
} from './managers.js';
import { lastAppliedFields, withLastApplied } from './last-applied.js';
import { mergeConfiguration, removeFields } from './merge.js';

interface Write {
  /** The whole object's schema. */
  readonly schema: Schema;
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource?: string;
  /** RFC 3339. */
  readonly now: string;
}

export interface ApplyInput extends Write {
  /** Absent: the object is created. */
  readonly live: JsonObject | undefined;
  readonly applied: JsonObject;
  readonly force: boolean;
}

/**
 * The object after an apply, with its managedFields. Defaults are the caller's to fill in afterwards.
 * @throws ApiError Conflict naming every contested field; BadRequest for a configuration that cannot be
 *   merged
 */
export function applyServerSide(input: ApplyInput): { readonly object: JsonObject } {
  const { live, applied, schema, force, now } = input;
  const manager = managerOf(input, 'Apply');
  const id = managerIdentity(manager);
  const before = readOwnerships(live);
  const owners = new Map(before);
  if (live && owners.size === 0) {
    const first = { ...managerOf(input, 'Update'), name: 'before-first-apply', subresource: '' };
    owners.set(managerIdentity(first), { ...first, fields: fieldsOf(ownable(live), schema), time: now });
  }
  const own = applied.metadata as JsonObject | undefined;
  const given = own?.managedFields;
  if (given !== undefined && given !== null && !(Array.isArray(given) && given.length === 0))
    throw badRequest('metadata.managedFields must be nil');

  const configuration = ownable(applied);
  const present = owners.get(id);
  const last = present?.fields ?? FieldSet.empty;
  const fields = fieldsOf(configuration, schema);
  owners.set(id, extended(manager, { fields, time: now }));

  const base: JsonObject = live ?? {
    apiVersion: applied.apiVersion as JsonValue,
    kind: applied.kind as JsonValue,
    metadata: identityOf(applied),
  };
  const merged = mergeConfiguration(base, withIdentity(configuration, applied), schema);
  const everybody = [...owners.values()].reduce((all, owner) => all.union(owner.fields), FieldSet.empty);
  const object = removeFields(merged, last, everybody, schema);

  const comparison = compareFields(live ? ownable(live) : {}, ownable(object), schema);
  const granted = lastAppliedFields(live, manager.name, schema);
  const settled = settle(owners, id, comparison, force, granted);
  const told = withLastApplied(object, applied, manager.name);
  const idle =
    present?.apiVersion === manager.apiVersion && present.fields.equals(fields) && isEmpty(comparison);
  const timed = idle ? new Map(settled).set(id, present) : settled;
  return { object: writeOwnerships(told, timed) };
}

function isEmpty({ added, modified, removed }: Comparison): boolean {
  return added.isEmpty && modified.isEmpty && removed.isEmpty;
}

/** Name, namespace and the preconditions a configuration may carry. */
function identityOf(applied: JsonObject): JsonObject {
  const metadata = (applied.metadata ?? {}) as JsonObject;
  return Object.fromEntries(
    ['name', 'namespace', 'uid', 'resourceVersion']
      .filter((k) => metadata[k] !== undefined)
      .map((k) => [k, metadata[k] as JsonValue]),
  );
}

function withIdentity(configuration: JsonObject, applied: JsonObject): JsonObject {
  return {
    ...configuration,
    metadata: { ...identityOf(applied), ...(configuration.metadata as JsonObject | undefined) },
  };
}

export interface UpdateInput extends Write {
  /** Absent: the object is created. */
  readonly live: JsonObject | undefined;
  readonly updated: JsonObject;
}

/**
 * The updated object with its managedFields: this manager owns what it changed, nobody owns what is gone.
 * A write that changes nothing leaves managedFields as they were.
 *
 * Owners may be rewritten by the update itself, but not through a subresource and not by an empty list, as
 * clients send that do not know of them; a list of one empty entry takes all owners away. An object without
 * owners is not tracked until it is applied for the first time.
 */
export function trackUpdate(input: UpdateInput): JsonObject {
  const { live, updated, schema, now } = input;
  const manager = managerOf(input, 'Update');
  const given = manager.subresource === '' ? managedEntries(updated) : [];
  if (given.length === 1 && Object.keys(given[0] as object).length === 0)
    return writeOwnerships(updated, new Map());
  if (!live && given.length === 0) {
    const fields = fieldsOfNew(ownable(updated), schema);
    return writeOwner(updated, extended(manager, { fields, time: now }));
  }
  const id = managerIdentity(manager);
  const rewritten = given.length === 0 ? undefined : readOwnerships(updated);
  const before = rewritten?.size ? rewritten : readOwnerships(live);
  if (live && before.size === 0) return writeOwnerships(updated, before);
  const comparison = compareFields(live ? ownable(live) : {}, ownable(updated), schema);
  const owners = new Map(settle(before, id, comparison, true));
  const mine = owners.get(id)?.fields ?? FieldSet.empty;
  const fields = mine.difference(comparison.removed).union(comparison.modified).union(comparison.added);
  const idle = mine.equals(fields) && comparison.added.isEmpty && comparison.modified.isEmpty;
  if (fields.isEmpty) owners.delete(id);
  else if (!idle) owners.set(id, extended(manager, { fields, time: now }));
  return writeOwnerships(updated, owners);
}

function managerOf(write: Write, operation: 'Apply' | 'Update'): Manager {
  return {
    name: write.manager,
    operation,
    apiVersion: write.apiVersion,
    subresource: write.subresource ?? '',
  };
}

/**
 * Takes from everybody but `writer` what the write changed or removed.
 * @param granted fields that may be changed whoever owns them, if the write changes no others
 * @throws ApiError Conflict when it changed something owned, unless forced
 */
function settle(
  owners: Ownerships,
  writer: string,
  { added, modified, removed }: Comparison,
  force: boolean,
  granted: FieldSet = FieldSet.empty,
): Ownerships {
  const touched = modified.union(added);
  let refused = false;
  const causes: StatusCause[] = [];
  const settled = new Map<string, Ownership>();
  for (const [id, owner] of owners) {
    if (id === writer) {
      settled.set(id, owner);
      continue;
    }
    const contested = owner.fields.intersection(touched);
    refused ||= !contested.difference(granted).isEmpty;
    if (!force) causes.push(...contested.paths().map((field) => conflictCause(owner, field)));
    const rest = owner.fields.difference(contested).difference(removed);
    if (!rest.isEmpty) settled.set(id, { ...owner, fields: rest });
  }
  if (refused && causes.length > 0) throw applyConflict(causes);
  return settled;
}

function conflictCause({ name, operation, apiVersion, subresource }: Ownership, field: string): StatusCause {
  let who = JSON.stringify(name);
  if (subresource !== '') who += ` with subresource ${JSON.stringify(subresource)}`;
  if (operation === 'Update') who += ` using ${apiVersion}`;
  return { reason: 'FieldManagerConflict', message: `conflict with ${who}`, field };
}
