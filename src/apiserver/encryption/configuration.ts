/**
 * Which resources are encrypted at rest, and with which keys: the `EncryptionConfiguration` of kube-apiserver
 * (https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/), of whose providers `aesgcm` and `identity` are known
 * here. The first provider of a resource writes, all of them read.
 */
import { FieldPath } from '../../api/index.js';

export interface EncryptionKey {
  /** Kept beside what it has encrypted, to find it again. */
  readonly name: string;
  /** 16, 24 or 32 bytes, base64. */
  readonly secret: string;
}

export type EncryptionProvider =
  | { readonly aesgcm: { readonly keys: readonly EncryptionKey[] } }
  /** Plain, as it is. */
  | { readonly identity: Readonly<Record<string, never>> };

export interface EncryptedResources {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.` (all without a group), `*.*`. */
  readonly resources: readonly string[];
  readonly providers: readonly EncryptionProvider[];
}

/** Of two entries that name a resource the first counts. */
export interface EncryptionConfiguration {
  readonly resources: readonly EncryptedResources[];
}

/** A configuration that cannot be used. Says where, and never a key. */
export class BadEncryptionConfiguration extends Error {
  override readonly name = 'BadEncryptionConfiguration';
}

const apiVersions = ['apiserver.config.k8s.io/v1', 'v1'];
const keyBytes = [16, 24, 32];
const elsewhere = ['aescbc', 'secretbox', 'kms'];

/**
 * Reads YAML or JSON.
 * @throws BadEncryptionConfiguration
 */
export async function readEncryptionConfiguration(text: string): Promise<EncryptionConfiguration> {
  const { parse } = await import('yaml');
  let given: unknown;
  try {
    given = parse(text);
  } catch {
    // What the parser says would show what it could not read.
    throw new BadEncryptionConfiguration('the encryption configuration is neither YAML nor JSON');
  }
  const { apiVersion, kind } = objectAt(given, FieldPath.of('EncryptionConfiguration'));
  if (kind !== 'EncryptionConfiguration' || !apiVersions.includes(String(apiVersion)))
    throw new BadEncryptionConfiguration(
      'the encryption configuration must be of kind EncryptionConfiguration, apiVersion apiserver.config.k8s.io/v1',
    );
  const configuration = given as EncryptionConfiguration;
  checkEncryptionConfiguration(configuration);
  return configuration;
}

/** @throws BadEncryptionConfiguration */
export function checkEncryptionConfiguration(given: EncryptionConfiguration): void {
  const path = FieldPath.of('resources');
  for (const [i, entry] of listAt(given.resources, path).entries()) {
    const at = path.index(i);
    const { resources, providers } = objectAt(entry, at);
    for (const [n, name] of listAt(resources, at.child('resources')).entries()) {
      const here = at.child('resources').index(n);
      if (typeof name !== 'string' || name === '') throw invalid(here, 'must be the name of a resource');
      if (name === '*') throw invalid(here, "use '*.*' for all resources, '*.' for those without a group");
    }
    for (const [n, provider] of listAt(providers, at.child('providers')).entries())
      checkProvider(provider, at.child('providers').index(n));
  }
}

function checkProvider(provider: unknown, at: FieldPath): void {
  const names = Object.keys(objectAt(provider, at));
  const [name = ''] = names;
  if (names.length !== 1) throw invalid(at, 'must name exactly one provider');
  if (elsewhere.includes(name))
    throw invalid(at.child(name), 'not supported by this server: use aesgcm or identity');
  if (name === 'identity') return;
  if (name !== 'aesgcm') throw invalid(at.child(name), 'no such provider: use aesgcm or identity');
  const path = at.child('aesgcm').child('keys');
  const seen = new Set<string>();
  const keys = listAt(objectAt((provider as { aesgcm: unknown }).aesgcm, at.child('aesgcm')).keys, path);
  for (const [i, given] of keys.entries()) {
    const { name: keyName, secret } = objectAt(given, path.index(i));
    const nameAt = path.index(i).child('name');
    if (typeof keyName !== 'string' || keyName === '') throw invalid(nameAt, 'must be set');
    if (keyName.includes(':')) throw invalid(nameAt, "must not contain ':'");
    if (seen.has(keyName)) throw invalid(nameAt, 'must be unique');
    seen.add(keyName);
    const secretAt = path.index(i).child('secret');
    if (typeof secret !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(secret))
      throw invalid(secretAt, 'must be base64');
    const { length } = Buffer.from(secret, 'base64');
    if (!keyBytes.includes(length))
      throw invalid(
        secretAt,
        `secret is not of the expected length, got ${length}, expected one of [${keyBytes.join(' ')}]`,
      );
  }
}

function invalid(at: FieldPath, why: string): BadEncryptionConfiguration {
  return new BadEncryptionConfiguration(`${at.toString()}: ${why}`);
}

function objectAt(value: unknown, at: FieldPath): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(at, 'must be an object');
  return value as Readonly<Record<string, unknown>>;
}

function listAt(value: unknown, at: FieldPath): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid(at, 'must be a list that is not empty');
  return value;
}
