/** Validating the volumes of a pod and where containers mount them. */
import {
  configMapKey,
  dns1123Label,
  type FieldPath,
  fieldError,
  isQuantity,
  parseQuantity,
  type StatusCause,
} from '../../../api/index.js';
import type {
  DownwardAPIVolumeFile,
  KeyToPath,
  ProjectedVolumeSource,
  Volume,
  VolumeDevice,
  VolumeMount,
} from '../../../api/kinds/core/v1.js';
import { localPath, oneOf, required, requiredName } from '../checks.js';
import type { Given } from '../given.js';
import { downwardVolumeFields, validateFieldRef, validateResourceFieldRef } from './environment.js';

const modeMessage = 'must be a number between 0 and 0777 (octal), both inclusive';
const oneTypeMessage = 'may not specify more than 1 volume type';

function fileMode(path: FieldPath, mode: number | undefined): StatusCause[] {
  return mode !== undefined && (mode < 0 || mode > 0o777)
    ? [fieldError.invalid(path, mode, modeMessage)]
    : [];
}

function keysToPaths(path: FieldPath, items: readonly Given<KeyToPath>[] = []): StatusCause[] {
  return items.flatMap((item, i) => [
    ...requiredName(path.index(i).child('key'), item.key, configMapKey),
    ...requiredPath(path.index(i).child('path'), item.path),
    ...fileMode(path.index(i).child('mode'), item.mode),
  ]);
}

function requiredPath(path: FieldPath, text: string | undefined): StatusCause[] {
  return text ? localPath(path, text) : [fieldError.required(path)];
}

function downwardFiles(path: FieldPath, items: readonly Given<DownwardAPIVolumeFile>[] = []): StatusCause[] {
  return items.flatMap((file, i) => {
    const at = path.index(i);
    const causes = [...requiredPath(at.child('path'), file.path), ...fileMode(at.child('mode'), file.mode)];
    if (file.fieldRef && file.resourceFieldRef) {
      causes.push(
        fieldError.invalid(
          at,
          'resource',
          'fieldRef and resourceFieldRef can not be specified simultaneously',
        ),
      );
    } else if (file.fieldRef)
      causes.push(...validateFieldRef(at.child('fieldRef'), file.fieldRef, downwardVolumeFields));
    else if (file.resourceFieldRef) {
      causes.push(
        ...required(at.child('resourceFieldRef').child('containerName'), file.resourceFieldRef.containerName),
      );
      causes.push(...validateResourceFieldRef(at.child('resourceFieldRef'), file.resourceFieldRef.resource));
    } else causes.push(fieldError.required(at, 'one of fieldRef and resourceFieldRef is required'));
    return causes;
  });
}

function projected(path: FieldPath, source: Given<ProjectedVolumeSource>): StatusCause[] {
  const causes = fileMode(path.child('defaultMode'), source.defaultMode);
  for (const [i, projection] of (source.sources ?? []).entries()) {
    const at = path.child('sources').index(i);
    const types = Object.keys(projection);
    if (types.length === 0) causes.push(fieldError.required(at, 'must specify a volume type'));
    for (const type of types.slice(1)) causes.push(fieldError.forbidden(at.child(type), oneTypeMessage));
    const { secret, configMap, downwardAPI, serviceAccountToken } = projection;
    if (secret) {
      causes.push(...required(at.child('secret').child('name'), secret.name));
      causes.push(...keysToPaths(at.child('secret').child('items'), secret.items));
    }
    if (configMap) {
      causes.push(...required(at.child('configMap').child('name'), configMap.name));
      causes.push(...keysToPaths(at.child('configMap').child('items'), configMap.items));
    }
    if (downwardAPI) causes.push(...downwardFiles(at.child('downwardAPI').child('items'), downwardAPI.items));
    if (serviceAccountToken) {
      const token = at.child('serviceAccountToken');
      const { expirationSeconds = 3600 } = serviceAccountToken;
      if (expirationSeconds < 600) {
        causes.push(
          fieldError.invalid(
            token.child('expirationSeconds'),
            expirationSeconds,
            'may not specify a duration less than 10 minutes',
          ),
        );
      }
      causes.push(...requiredPath(token.child('path'), serviceAccountToken.path));
    }
  }
  return causes;
}

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

function validateSource(path: FieldPath, volume: Given<Volume>): StatusCause[] {
  const types = Object.keys(volume).filter((key) => key !== 'name');
  if (types.length === 0) return [fieldError.required(path, 'must specify a volume type')];
  const causes: StatusCause[] = types
    .slice(1)
    .map((type) => fieldError.forbidden(path.child(type), oneTypeMessage));
  const at = path.child(types[0] as string);
  const {
    emptyDir,
    hostPath,
    secret,
    configMap,
    nfs,
    persistentVolumeClaim,
    downwardAPI,
    csi,
    ephemeral,
    image,
  } = volume;
  switch (types[0]) {
    case 'emptyDir': {
      const { sizeLimit } = emptyDir ?? {};
      if (sizeLimit !== undefined && (!isQuantity(sizeLimit) || parseQuantity(sizeLimit) < 0n)) {
        causes.push(
          fieldError.forbidden(at.child('sizeLimit'), 'SizeLimit field must be a valid resource quantity'),
        );
      }
      break;
    }
    case 'hostPath':
      causes.push(
        ...required(at.child('path'), hostPath?.path),
        ...oneOf(at.child('type'), hostPath?.type, hostPathTypes),
      );
      if (hostPath?.path?.split('/').includes('..')) {
        causes.push(fieldError.invalid(at.child('path'), hostPath.path, "must not contain '..'"));
      }
      break;
    case 'secret':
      causes.push(...required(at.child('secretName'), secret?.secretName));
      causes.push(
        ...fileMode(at.child('defaultMode'), secret?.defaultMode),
        ...keysToPaths(at.child('items'), secret?.items),
      );
      break;
    case 'configMap':
      causes.push(...required(at.child('name'), configMap?.name));
      causes.push(...fileMode(at.child('defaultMode'), configMap?.defaultMode));
      causes.push(...keysToPaths(at.child('items'), configMap?.items));
      break;
    case 'nfs':
      causes.push(...required(at.child('server'), nfs?.server), ...required(at.child('path'), nfs?.path));
      if (nfs?.path && !nfs.path.startsWith('/')) {
        causes.push(fieldError.invalid(at.child('path'), nfs.path, 'must be an absolute path'));
      }
      break;
    case 'persistentVolumeClaim':
      causes.push(...required(at.child('claimName'), persistentVolumeClaim?.claimName));
      break;
    case 'downwardAPI':
      causes.push(...fileMode(at.child('defaultMode'), downwardAPI?.defaultMode));
      causes.push(...downwardFiles(at.child('items'), downwardAPI?.items));
      break;
    case 'projected':
      causes.push(...projected(at, volume.projected ?? {}));
      break;
    case 'csi':
      causes.push(...required(at.child('driver'), csi?.driver));
      break;
    case 'ephemeral':
      if (!ephemeral?.volumeClaimTemplate) causes.push(fieldError.required(at.child('volumeClaimTemplate')));
      break;
    case 'image':
      causes.push(...required(at.child('reference'), image?.reference));
      break;
  }
  return causes;
}

export function validateVolumes(path: FieldPath, volumes: readonly Given<Volume>[] = []): StatusCause[] {
  const seen = new Set<string>();
  return volumes.flatMap((volume, i) => {
    const name = path.index(i).child('name');
    const causes = [
      ...validateSource(path.index(i), volume),
      ...requiredName(name, volume.name, dns1123Label),
    ];
    if (volume.name && seen.has(volume.name)) causes.push(fieldError.duplicate(name, volume.name));
    if (volume.name) seen.add(volume.name);
    return causes;
  });
}

/** @param known the names of the pod's volumes */
export function validateMounts(
  path: FieldPath,
  mounts: readonly Given<VolumeMount>[] = [],
  known: ReadonlySet<string>,
): StatusCause[] {
  const seen = new Set<string>();
  return mounts.flatMap(({ name = '', mountPath = '', subPath, subPathExpr }, i) => {
    const at = path.index(i);
    const causes = required(at.child('name'), name);
    if (!known.has(name)) causes.push(fieldError.notFound(at.child('name'), name));
    causes.push(...required(at.child('mountPath'), mountPath));
    if (seen.has(mountPath))
      causes.push(fieldError.invalid(at.child('mountPath'), mountPath, 'must be unique'));
    seen.add(mountPath);
    if (subPath) causes.push(...localPath(at.child('subPath'), subPath));
    if (subPathExpr) {
      if (subPath) {
        causes.push(
          fieldError.invalid(
            at.child('subPathExpr'),
            subPathExpr,
            'subPathExpr and subPath are mutually exclusive',
          ),
        );
      }
      causes.push(...localPath(at.child('subPathExpr'), subPathExpr));
    }
    return causes;
  });
}

export function validateDevices(
  path: FieldPath,
  devices: readonly Given<VolumeDevice>[] = [],
  volumes: readonly Given<Volume>[] = [],
): StatusCause[] {
  return devices.flatMap(({ name = '', devicePath }, i) => {
    const at = path.index(i);
    const volume = volumes.find((v) => v.name === name);
    const causes = required(at.child('name'), name);
    if (!volume) causes.push(fieldError.notFound(at.child('name'), name));
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      causes.push(
        fieldError.invalid(
          at.child('name'),
          name,
          'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
        ),
      );
    }
    return [...causes, ...required(at.child('devicePath'), devicePath)];
  });
}
