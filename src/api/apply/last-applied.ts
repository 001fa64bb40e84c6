/**
 * The upgrade from client-side apply: whoever applied with `kubectl apply` before and now applies on the server meets the fields
 * that were his all the time, under the name of another manager. What the annotation says he applied last he may change
 * (https://kubernetes.io/docs/reference/using-api/server-side-apply/#upgrading-from-client-side-apply-to-server-side-apply), and
 * the annotation follows what he applies, so that he can go back.
 */
import type { JsonObject } from '../objects.js';
import { isJsonObject } from '../schema/navigate.js';
import type { Schema } from '../schema/schema.js';
import { FieldSet } from './field-set.js';
import { fieldsOf } from './fields-of.js';
import { ownable } from './managers.js';

const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
/** Who applies on the server with kubectl, unless told to call itself otherwise. */
const kubectl = 'kubectl';
/** Of all annotations together, bytes. */
const maxAnnotationBytes = 256 * 1024;

/** The fields that kubectl has applied from its own side; none of anybody else's. */
export function lastAppliedFields(live: JsonObject | undefined, manager: string, schema: Schema): FieldSet {
  const text = manager === kubectl ? annotationsOf(live)[annotation] : undefined;
  if (text === undefined) return FieldSet.empty;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value as JsonObject)
      ? fieldsOf(ownable(value as JsonObject), schema)
      : FieldSet.empty;
  } catch {
    // Somebody has written what is no configuration: it gives nobody a right.
    return FieldSet.empty;
  }
}

/** The object whose annotation says what kubectl has applied now, where there is such an annotation. */
export function withLastApplied(object: JsonObject, applied: JsonObject, manager: string): JsonObject {
  const annotations = annotationsOf(object);
  if (manager !== kubectl || annotations[annotation] === undefined) return object;
  const { [annotation]: _, ...others } = annotations;
  const text = `${JSON.stringify(withoutAnnotation(applied))}\n`;
  const size = Object.entries({ ...others, [annotation]: text }).reduce(
    (sum, [key, value]) => sum + bytes(key) + bytes(value),
    0,
  );
  const kept = size > maxAnnotationBytes ? others : { ...others, [annotation]: text };
  return { ...object, metadata: { ...(object.metadata as JsonObject), annotations: kept } };
}

const encoder = new TextEncoder();
const bytes = (text: string): number => encoder.encode(text).length;

function withoutAnnotation(applied: JsonObject): JsonObject {
  const metadata = (applied.metadata ?? {}) as JsonObject;
  const { [annotation]: _, ...annotations } = annotationsOf(applied);
  const { annotations: __, managedFields: ___, ...rest } = metadata;
  return { ...applied, metadata: Object.keys(annotations).length === 0 ? rest : { ...rest, annotations } };
}

function annotationsOf(object: JsonObject | undefined): Readonly<Record<string, string>> {
  return ((object?.metadata as JsonObject | undefined)?.annotations ?? {}) as Readonly<
    Record<string, string>
  >;
}
