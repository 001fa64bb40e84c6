/** Rules of metadata, the same for every kind, custom ones included (API-5, API-6). */
import {
  dns1123Label,
  dns1123Subdomain,
  FieldPath,
  fieldError,
  goStrings,
  type JsonObject,
  type PartialObjectMeta,
  qualifiedName,
  type StatusCause,
} from '../../api/index.js';
import { immutable, labels, ruled } from './checks.js';
import { type Given, given, type MutableObject } from './given.js';

export interface ObjectMetaRules {
  readonly scope: 'Namespaced' | 'Cluster';
  /** Why a name is refused. Default: DNS subdomain. */
  readonly nameRule?: (name: string) => string[];
  /** Built-in kinds refuse finalizers without a domain; custom kinds live with them. Default false. */
  readonly builtin?: boolean;
}

/** All annotations together, keys and values. */
export const maxAnnotationBytes = 256 * 1024;

const path = FieldPath.of('metadata');
const standardFinalizers = ['kubernetes', 'orphan', 'foregroundDeletion'];

function metadataOf(object: JsonObject): Given<PartialObjectMeta> {
  return given<{ readonly metadata: PartialObjectMeta }>(object).metadata ?? {};
}

/** A write of the status says nothing about metadata but who owns which field. */
export function keepMetadata(object: MutableObject, old: JsonObject): void {
  const { managedFields } = object.metadata as MutableObject;
  object.metadata = { ...(old.metadata as JsonObject), managedFields };
}

export function validateObjectMeta(object: JsonObject, rules: ObjectMetaRules): StatusCause[] {
  const { scope, nameRule = dns1123Subdomain, builtin = false } = rules;
  const meta = metadataOf(object);
  const causes: StatusCause[] = [];
  if (meta.generateName)
    causes.push(...ruled(path.child('generateName'), meta.generateName, (text) => nameRule(asName(text))));
  if (meta.name) causes.push(...ruled(path.child('name'), meta.name, nameRule));
  else causes.push(fieldError.required(path.child('name'), 'name or generateName is required'));
  if (scope === 'Namespaced') {
    if (meta.namespace) causes.push(...ruled(path.child('namespace'), meta.namespace, dns1123Label));
    else causes.push(fieldError.required(path.child('namespace')));
  } else if (meta.namespace)
    causes.push(fieldError.forbidden(path.child('namespace'), 'not allowed on this type'));
  causes.push(...contents(meta));
  const finalizers = path.child('finalizers');
  for (const [i, name] of (meta.finalizers ?? []).entries()) {
    if (builtin && !name.includes('/') && !standardFinalizers.includes(name)) {
      causes.push(
        fieldError.invalid(
          finalizers.index(i),
          name,
          'name is neither a standard finalizer name nor is it fully qualified',
        ),
      );
    }
  }
  return causes;
}

/** A name prefix may end in a dash: something follows it. */
function asName(prefix: string): string {
  return prefix.endsWith('-') ? `${prefix.slice(0, -1)}a` : prefix;
}

export function validateObjectMetaUpdate(object: JsonObject, old: JsonObject): StatusCause[] {
  const [meta, before] = [metadataOf(object), metadataOf(old)];
  const causes: StatusCause[] = [];
  if (before.deletionTimestamp) {
    const added = (meta.finalizers ?? []).filter((name) => !before.finalizers?.includes(name)).sort();
    if (added.length > 0) {
      causes.push(
        fieldError.forbidden(
          path.child('finalizers'),
          `no new finalizers can be added if the object is being deleted, found new finalizers ${goStrings(added).text}`,
        ),
      );
    }
  }
  for (const field of [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const) {
    causes.push(...immutable(path.child(field), meta[field] ?? '', before[field] ?? ''));
  }
  causes.push(...contents(meta));
  return causes;
}

/** What holds for metadata at any time. */
function contents(meta: Given<PartialObjectMeta>): StatusCause[] {
  return [
    ...labels(path.child('labels'), meta.labels),
    ...annotations(path.child('annotations'), meta.annotations),
    ...ownerReferences(meta),
    ...finalizerNames(meta),
  ];
}

export function annotations(
  at: FieldPath,
  map: Readonly<Record<string, string | undefined>> | undefined,
): StatusCause[] {
  const causes: StatusCause[] = [];
  let bytes = 0;
  for (const [key, value = ''] of Object.entries(map ?? {})) {
    for (const why of qualifiedName(key.toLowerCase())) causes.push(fieldError.invalid(at, key, why));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > maxAnnotationBytes) causes.push(fieldError.tooLong(at, maxAnnotationBytes));
  return causes;
}

function finalizerNames({ finalizers = [] }: Given<PartialObjectMeta>): StatusCause[] {
  const at = path.child('finalizers');
  const causes = finalizers.flatMap((name) => ruled(at, name, qualifiedName));
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    causes.push(
      fieldError.invalid(
        at,
        goStrings(finalizers),
        'finalizer orphan and foregroundDeletion cannot be both set',
      ),
    );
  }
  return causes;
}

function ownerReferences({ ownerReferences: references = [] }: Given<PartialObjectMeta>): StatusCause[] {
  const at = path.child('ownerReferences');
  const causes: StatusCause[] = [];
  let controller = '';
  for (const reference of references) {
    const { apiVersion = '', kind = '', name = '', uid = '' } = reference;
    const version = apiVersion.includes('/') ? apiVersion.slice(apiVersion.indexOf('/') + 1) : apiVersion;
    if (version === '')
      causes.push(fieldError.invalid(at.child('apiVersion'), apiVersion, 'version must not be empty'));
    if (kind === '') causes.push(fieldError.invalid(at.child('kind'), kind, 'must not be empty'));
    if (name === '') causes.push(fieldError.invalid(at.child('name'), name, 'must not be empty'));
    if (uid === '') causes.push(fieldError.invalid(at.child('uid'), uid, 'must not be empty'));
    if (apiVersion === 'v1' && kind === 'Event') {
      causes.push(fieldError.invalid(at, reference, '/v1, Kind=Event is disallowed from being an owner'));
    }
    if (!reference.controller) continue;
    const named = `${kind}/${name}`;
    if (controller !== '') {
      causes.push(
        fieldError.invalid(
          at,
          references,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${named}`,
        ),
      );
    } else controller = named;
  }
  return causes;
}
