/** Validating the environment of a container. */
import { configMapKey, type FieldPath, fieldError, type StatusCause } from '../../../api/index.js';
import type { EnvFromSource, EnvVar, ObjectFieldSelector } from '../../../api/kinds/core/v1.js';
import { required, requiredName, requiredOneOf, ruled } from '../checks.js';
import type { Given } from '../given.js';

function environmentName(name: string): string[] {
  return /^[ -<>-~]+$/.test(name)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

const podFields = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

/** Fields of the pod that volumes may show. */
export const downwardVolumeFields = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

/** @param supported the paths allowed besides single labels and annotations */
export function validateFieldRef(
  path: FieldPath,
  ref: Given<ObjectFieldSelector>,
  supported: readonly string[] = podFields,
): StatusCause[] {
  const causes = required(path.child('apiVersion'), ref.apiVersion);
  const { fieldPath = '' } = ref;
  if (/^metadata\.(?:labels|annotations)\['.+'\]$/.test(fieldPath)) return causes;
  return [...causes, ...requiredOneOf(path.child('fieldPath'), fieldPath, supported)];
}

const containerResources = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

export function validateResourceFieldRef(path: FieldPath, resource: string | undefined): StatusCause[] {
  if (resource && /^(?:limits|requests)\.hugepages-/.test(resource)) return [];
  return requiredOneOf(path.child('resource'), resource, containerResources);
}

function validateSource(path: FieldPath, { value, valueFrom }: Given<EnvVar>): StatusCause[] {
  if (!valueFrom) return [];
  const causes: StatusCause[] = [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef].filter(
    (s) => s !== undefined,
  ).length;
  if (fieldRef) causes.push(...validateFieldRef(path.child('fieldRef'), fieldRef));
  if (resourceFieldRef)
    causes.push(...validateResourceFieldRef(path.child('resourceFieldRef'), resourceFieldRef.resource));
  for (const [name, ref] of Object.entries({ configMapKeyRef, secretKeyRef })) {
    if (!ref) continue;
    causes.push(...required(path.child(name).child('name'), ref.name));
    causes.push(...requiredName(path.child(name).child('key'), ref.key, configMapKey));
  }
  if (sources === 0) {
    causes.push(
      fieldError.invalid(
        path,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
      ),
    );
  } else if (value)
    causes.push(fieldError.invalid(path, '', 'may not be specified when `value` is not empty'));
  else if (sources > 1)
    causes.push(fieldError.invalid(path, '', 'may not have more than one field specified at a time'));
  return causes;
}

export function validateEnv(path: FieldPath, env: readonly Given<EnvVar>[] = []): StatusCause[] {
  return env.flatMap((variable, i) => [
    ...requiredName(path.index(i).child('name'), variable.name, environmentName),
    ...validateSource(path.index(i).child('valueFrom'), variable),
  ]);
}

export function validateEnvFrom(
  path: FieldPath,
  sources: readonly Given<EnvFromSource>[] = [],
): StatusCause[] {
  return sources.flatMap(({ prefix, configMapRef, secretRef }, i) => {
    const at = path.index(i);
    const causes: StatusCause[] = [];
    if (prefix) causes.push(...ruled(at.child('prefix'), prefix, environmentName));
    if (configMapRef) causes.push(...required(at.child('configMapRef').child('name'), configMapRef.name));
    if (secretRef) causes.push(...required(at.child('secretRef').child('name'), secretRef.name));
    if (!configMapRef && !secretRef) {
      causes.push(fieldError.invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (configMapRef && secretRef) {
      causes.push(fieldError.invalid(at, '', 'may not have more than one field specified at a time'));
    }
    return causes;
  });
}
