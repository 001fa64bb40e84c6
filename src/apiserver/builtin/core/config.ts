/** ConfigMaps and Secrets. */
import {
  configMapKey,
  deepEqualJson,
  FieldPath,
  fieldError,
  type JsonObject,
  type StatusCause,
} from '../../../api/index.js';
import type { ConfigMap, Secret } from '../../../api/kinds/core/v1.js';
import { immutable, ruled } from '../checks.js';
import { fillable, type Given, given } from '../given.js';
import type { KindStrategy } from '../strategy.js';

/** All values of one object together. */
const maxDataBytes = 1024 * 1024;

const immutableMessage = 'field is immutable when `immutable` is set';

type Data = Readonly<Record<string, string | undefined>>;

function keys(path: FieldPath, data: Data): StatusCause[] {
  return Object.keys(data).flatMap((key) => ruled(path.key(key), key, configMapKey));
}

function decodedLength(base64: string): number {
  return Buffer.from(base64, 'base64').length;
}

function bytesOf(data: Data, length: (value: string) => number): number {
  return Object.values(data).reduce((sum, value) => sum + length(value ?? ''), 0);
}

/** Once an object says that it is immutable, it says so forever. */
function unchanged<T extends { readonly immutable?: boolean }>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
): StatusCause[] {
  if (!old.immutable) return [];
  const causes: StatusCause[] = [];
  if (!object.immutable) causes.push(fieldError.forbidden(FieldPath.of('immutable'), immutableMessage));
  for (const field of fields) {
    if (!deepEqualJson(object[field] ?? {}, old[field] ?? {})) {
      causes.push(fieldError.forbidden(FieldPath.of(field), immutableMessage));
    }
  }
  return causes;
}

export const configMapStrategy: KindStrategy = {
  group: '',
  kind: 'ConfigMap',
  validate(object) {
    const { data = {}, binaryData = {} } = given<ConfigMap>(object);
    const causes = keys(FieldPath.of('data'), data);
    for (const key of Object.keys(data)) {
      if (Object.hasOwn(binaryData, key)) {
        causes.push(
          fieldError.invalid(FieldPath.of('data').key(key), key, 'duplicate of key present in binaryData'),
        );
      }
    }
    causes.push(...keys(FieldPath.of('binaryData'), binaryData));
    const bytes = bytesOf(data, (text) => Buffer.byteLength(text)) + bytesOf(binaryData, decodedLength);
    if (bytes > maxDataBytes) causes.push({ ...fieldError.tooLong(FieldPath.root, maxDataBytes), field: '' });
    return causes;
  },
  validateUpdate: (object, old) =>
    unchanged(given<ConfigMap>(object), given<ConfigMap>(old), ['data', 'binaryData']),
};

/** What a type of Secret must hold. */
function requiredData({ type, data = {}, metadata }: Given<Secret>): StatusCause[] {
  const path = FieldPath.of('data');
  const missing = (...names: readonly string[]): StatusCause[] =>
    names.filter((key) => !Object.hasOwn(data, key)).map((key) => fieldError.required(path.key(key)));
  const json = (key: string): StatusCause[] => {
    if (!Object.hasOwn(data, key)) return missing(key);
    try {
      JSON.parse(Buffer.from(data[key] ?? '', 'base64').toString());
      return [];
    } catch (error) {
      return [fieldError.invalid(path.key(key), '<secret contents redacted>', (error as Error).message)];
    }
  };
  switch (type) {
    case 'kubernetes.io/service-account-token': {
      const annotation = 'kubernetes.io/service-account.name';
      return metadata?.annotations?.[annotation]
        ? []
        : [fieldError.required(FieldPath.of('metadata', 'annotations').key(annotation))];
    }
    case 'kubernetes.io/dockercfg':
      return json('.dockercfg');
    case 'kubernetes.io/dockerconfigjson':
      return json('.dockerconfigjson');
    case 'kubernetes.io/basic-auth':
      return Object.hasOwn(data, 'username') || Object.hasOwn(data, 'password')
        ? []
        : missing('username', 'password');
    case 'kubernetes.io/ssh-auth':
      return data['ssh-privatekey'] ? [] : [fieldError.required(path.key('ssh-privatekey'))];
    case 'kubernetes.io/tls':
      return missing('tls.crt', 'tls.key');
    default:
      return [];
  }
}

export const secretStrategy: KindStrategy = {
  group: '',
  kind: 'Secret',
  applyDefaults(object) {
    const secret = fillable<Secret>(object);
    secret.type ||= 'Opaque';
    // stringData is how to write data, never how to read it.
    const { stringData } = secret;
    delete object.stringData;
    if (!stringData || Object.keys(stringData).length === 0) return;
    const written = Object.entries(stringData).map(([key, text]) => [
      key,
      Buffer.from(text ?? '').toString('base64'),
    ]);
    secret.data = Object.fromEntries([...Object.entries(secret.data ?? {}), ...written]) as Record<
      string,
      string
    >;
  },
  validate(object) {
    const secret = given<Secret>(object);
    const path = FieldPath.of('data');
    const causes = keys(path, secret.data ?? {});
    if (bytesOf(secret.data ?? {}, decodedLength) > maxDataBytes)
      causes.push(fieldError.tooLong(path, maxDataBytes));
    return [...causes, ...requiredData(secret)];
  },
  validateUpdate(object, old) {
    const [now, before] = [given<Secret>(object), given<Secret>(old)];
    return [...immutable(FieldPath.of('type'), now.type, before.type), ...unchanged(now, before, ['data'])];
  },
  selectableFields: (object: JsonObject) => ({ type: given<Secret>(object).type ?? '' }),
};
