/** Persistent volumes, claims on them, and the classes they come from. */
import {
  compareQuantity,
  deepEqualJson,
  dns1123Subdomain,
  FieldPath,
  fieldError,
  isQuantity,
  type JsonObject,
  parseQuantity,
  type StatusCause,
} from '../../../api/index.js';
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
} from '../../../api/kinds/core/v1.js';
import type { StorageClass } from '../../../api/kinds/storage/v1.js';
import { immutable, oneOf, required, requiredOneOf, ruled } from '../checks.js';
import { type Fillable, fillable, type Given, given } from '../given.js';
import { labelSelector } from '../label-selector.js';
import type { KindStrategy } from '../strategy.js';

const path = FieldPath.of('spec');
const modes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const volumeModes = ['Block', 'Filesystem'];
const reclaimPolicies = ['Delete', 'Recycle', 'Retain'];

function accessModes(at: FieldPath, given: readonly string[] = [], whyRequired = ''): StatusCause[] {
  if (given.length === 0) return [fieldError.required(at, whyRequired)];
  const causes = given.flatMap((mode) => oneOf(at, mode, modes));
  if (given.includes('ReadWriteOncePod') && given.length > 1) {
    causes.push(fieldError.forbidden(at, 'may not use ReadWriteOncePod with other access modes'));
  }
  return causes;
}

function positiveQuantity(at: FieldPath, value: string): StatusCause[] {
  return isQuantity(value) && parseQuantity(value) > 0n
    ? []
    : [fieldError.invalid(at, value, 'must be greater than zero')];
}

/** Members of a volume's spec that say where the bytes are. */
const notSources = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);

function sourcesOf(spec: Given<PersistentVolume>['spec']): readonly (readonly [string, unknown])[] {
  return Object.entries(spec ?? {}).filter(([key]) => !notSources.has(key));
}

export const persistentVolumeStrategy: KindStrategy = {
  group: '',
  kind: 'PersistentVolume',
  applyDefaults(object) {
    const spec = (fillable<PersistentVolume>(object).spec ??= {});
    spec.persistentVolumeReclaimPolicy ||= 'Retain';
    spec.volumeMode ??= 'Filesystem';
    if (spec.hostPath) spec.hostPath.type ??= '';
  },
  prepareForCreate(object) {
    object.status = { phase: 'Pending' };
  },
  validate(object) {
    const { spec = {} } = given<PersistentVolume>(object);
    const capacity = path.child('capacity');
    const causes = accessModes(path.child('accessModes'), spec.accessModes);
    const names = Object.keys(spec.capacity ?? {});
    if (names.length === 0) causes.push(fieldError.required(capacity));
    else if (names.length > 1 || names[0] !== 'storage') {
      causes.push(fieldError.notSupported(capacity, names.join(','), ['storage']));
    }
    for (const [name, value = ''] of Object.entries(spec.capacity ?? {})) {
      causes.push(...positiveQuantity(capacity.key(name), value));
    }
    causes.push(
      ...oneOf(
        path.child('persistentVolumeReclaimPolicy'),
        spec.persistentVolumeReclaimPolicy,
        reclaimPolicies,
      ),
    );
    const sources = sourcesOf(spec);
    if (sources.length === 0) causes.push(fieldError.required(path, 'must specify a volume type'));
    for (const [source] of sources.slice(1)) {
      causes.push(fieldError.forbidden(path.child(source), 'may not specify more than 1 volume type'));
    }
    if (spec.hostPath) causes.push(...required(path.child('hostPath').child('path'), spec.hostPath.path));
    if (spec.local) {
      causes.push(...required(path.child('local').child('path'), spec.local.path));
      if (!spec.nodeAffinity?.required) {
        causes.push(fieldError.required(path.child('nodeAffinity'), 'Local volume requires node affinity'));
      }
    }
    if (spec.storageClassName) {
      causes.push(...ruled(path.child('storageClassName'), spec.storageClassName, dns1123Subdomain));
    }
    return [...causes, ...oneOf(path.child('volumeMode'), spec.volumeMode, volumeModes)];
  },
  validateUpdate(object, old) {
    const [spec, before] = [given<PersistentVolume>(object).spec, given<PersistentVolume>(old).spec];
    const causes: StatusCause[] = [];
    if (!deepEqualJson(Object.fromEntries(sourcesOf(spec)), Object.fromEntries(sourcesOf(before)))) {
      causes.push(
        fieldError.forbidden(
          FieldPath.of('spec', 'persistentvolumesource'),
          'spec.persistentvolumesource is immutable after creation',
        ),
      );
    }
    return [...causes, ...immutable(FieldPath.of('volumeMode'), spec?.volumeMode, before?.volumeMode)];
  },
};

type ClaimSpec = Given<PersistentVolumeClaimSpec>;

/** Defaults of a claim, and of a template of claims. */
export function defaultClaimSpec(spec: Fillable<PersistentVolumeClaimSpec>): void {
  spec.volumeMode ??= 'Filesystem';
}

export function validateClaimSpec(at: FieldPath, spec: ClaimSpec): StatusCause[] {
  const causes = accessModes(at.child('accessModes'), spec.accessModes, 'at least 1 access mode is required');
  causes.push(...labelSelector(at.child('selector'), spec.selector));
  const storage = spec.resources?.requests?.storage;
  if (storage === undefined) causes.push(fieldError.required(at.child('resources').key('storage')));
  else causes.push(...positiveQuantity(at.child('resources').key('storage'), storage));
  if (spec.storageClassName)
    causes.push(...ruled(at.child('storageClassName'), spec.storageClassName, dns1123Subdomain));
  return [...causes, ...oneOf(at.child('volumeMode'), spec.volumeMode, volumeModes)];
}

/** What may change: the volume it is bound to, once; the class, from none to one; a bound claim may grow. */
function fixedParts(spec: ClaimSpec, old: ClaimSpec, bound: boolean): JsonObject {
  const { volumeName, storageClassName, resources, volumeAttributesClassName: _class, ...rest } = spec;
  const { requests, ...otherResources } = resources ?? {};
  const { storage, ...otherRequests } = requests ?? {};
  return {
    ...rest,
    resources: { ...otherResources, requests: { ...otherRequests, ...(bound ? {} : { storage }) } },
    ...(old.volumeName ? { volumeName } : {}),
    ...(old.storageClassName === undefined && !bound ? {} : { storageClassName }),
  } as unknown as JsonObject;
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

export const persistentVolumeClaimStrategy: KindStrategy = {
  group: '',
  kind: 'PersistentVolumeClaim',
  applyDefaults(object) {
    defaultClaimSpec((fillable<PersistentVolumeClaim>(object).spec ??= {}));
  },
  prepareForCreate(object) {
    object.status = { phase: 'Pending' };
  },
  validate: (object) => validateClaimSpec(path, given<PersistentVolumeClaim>(object).spec ?? {}),
  validateUpdate(object, oldObject) {
    const [now, before] = [given<PersistentVolumeClaim>(object), given<PersistentVolumeClaim>(oldObject)];
    const [spec, old] = [now.spec ?? {}, before.spec ?? {}];
    const bound = before.status?.phase === 'Bound';
    const causes: StatusCause[] = [];
    if (!deepEqualJson(plain(fixedParts(spec, old, bound)), plain(fixedParts(old, old, bound)))) {
      causes.push(
        fieldError.forbidden(
          path,
          'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
        ),
      );
    }
    const [wanted, had] = [spec.resources?.requests?.storage, before.status?.capacity?.storage];
    const changed = wanted !== old.resources?.requests?.storage;
    // A claim may ask for less than the volume it got, and stays as it is.
    if (changed && bound && wanted && had && isQuantity(wanted) && compareQuantity(wanted, had) < 0) {
      causes.push(
        fieldError.forbidden(
          FieldPath.of('spec', 'resources', 'requests', 'storage'),
          'field can not be less than status.capacity',
        ),
      );
    }
    return causes;
  },
};

export const storageClassStrategy: KindStrategy = {
  group: 'storage.k8s.io',
  kind: 'StorageClass',
  applyDefaults(object) {
    const storageClass = fillable<StorageClass>(object);
    storageClass.reclaimPolicy ??= 'Delete';
    storageClass.volumeBindingMode ??= 'Immediate';
  },
  validate(object) {
    const { provisioner, reclaimPolicy, volumeBindingMode } = given<StorageClass>(object);
    return [
      ...required(FieldPath.of('provisioner'), provisioner),
      ...oneOf(FieldPath.of('reclaimPolicy'), reclaimPolicy, ['Delete', 'Retain']),
      ...requiredOneOf(FieldPath.of('volumeBindingMode'), volumeBindingMode, [
        'Immediate',
        'WaitForFirstConsumer',
      ]),
    ];
  },
  validateUpdate(object, old) {
    const [now, before] = [given<StorageClass>(object), given<StorageClass>(old)];
    const causes: StatusCause[] = [];
    for (const field of ['parameters', 'provisioner', 'reclaimPolicy'] as const) {
      const none = field === 'parameters' ? {} : '';
      if (!deepEqualJson(now[field] ?? none, before[field] ?? none)) {
        causes.push(fieldError.forbidden(FieldPath.of(field), `updates to ${field} are forbidden.`));
      }
    }
    return [
      ...causes,
      ...immutable(FieldPath.of('volumeBindingMode'), now.volumeBindingMode, before.volumeBindingMode),
    ];
  },
};
