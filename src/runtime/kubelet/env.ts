/** The environment of a container (KL-14): references resolved, `$(NAME)` expanded. */
import type { Shared } from '../../api/index.js';
import type { ConfigMap, EnvVar, Pod, Secret } from '../../api/kinds/core/v1.js';
import { FieldRefError, type PodFacts, resolveFieldRef, resolveResourceFieldRef } from '../pod-fields.js';
import type { PodContainer } from './containers.js';

/** A reference that leads nowhere: `CreateContainerConfigError`, and the container waits. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
}

export interface EnvSources {
  configMap(namespace: string, name: string): Promise<Shared<ConfigMap> | undefined>;
  secret(namespace: string, name: string): Promise<Shared<Secret> | undefined>;
}

export type Env = { readonly name: string; readonly value: string }[];

/** @throws ContainerConfigError worded as the kubelet words it */
export async function containerEnv(
  pod: Shared<Pod>,
  container: PodContainer,
  facts: PodFacts,
  sources: EnvSources,
): Promise<Env> {
  const values = new Map<string, string>();
  for (const from of container.envFrom ?? []) {
    const prefix = from.prefix ?? '';
    for (const [key, value] of await envFrom(pod, from, sources)) values.set(prefix + key, value);
  }
  for (const variable of container.env ?? []) {
    const value = await envValue(pod, container, variable, facts, sources, values);
    if (value !== undefined) values.set(variable.name, value);
  }
  return [...values].map(([name, value]) => ({ name, value }));
}

type EnvFrom = NonNullable<PodContainer['envFrom']>[number];

async function envFrom(
  pod: Shared<Pod>,
  from: EnvFrom,
  sources: EnvSources,
): Promise<(readonly [string, string])[]> {
  const namespace = pod.metadata.namespace ?? '';
  if (from.configMapRef) {
    const { name = '', optional } = from.configMapRef;
    const found = await sources.configMap(namespace, name);
    if (!found && !optional) throw new ContainerConfigError(`configmap "${name}" not found`);
    return Object.entries(found?.data ?? {});
  }
  if (from.secretRef) {
    const { name = '', optional } = from.secretRef;
    const found = await sources.secret(namespace, name);
    if (!found && !optional) throw new ContainerConfigError(`secret "${name}" not found`);
    return Object.entries(found?.data ?? {}).map(([key, value]) => [key, decodeBase64(value)] as const);
  }
  return [];
}

async function envValue(
  pod: Shared<Pod>,
  container: PodContainer,
  variable: Shared<EnvVar>,
  facts: PodFacts,
  sources: EnvSources,
  known: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (!from) return expand(variable.value ?? '', known);
  const namespace = pod.metadata.namespace ?? '';
  try {
    if (from.fieldRef) return resolveFieldRef(pod, from.fieldRef.fieldPath, facts);
    if (from.resourceFieldRef)
      return resolveResourceFieldRef(pod, container.name, from.resourceFieldRef, facts);
  } catch (error) {
    if (error instanceof FieldRefError) throw new ContainerConfigError(error.message);
    throw error;
  }
  if (from.configMapKeyRef) {
    const { name = '', key, optional } = from.configMapKeyRef;
    const found = await sources.configMap(namespace, name);
    return keyOf(found?.data, key, optional, 'configmap', 'ConfigMap', namespace, name, found !== undefined);
  }
  if (from.secretKeyRef) {
    const { name = '', key, optional } = from.secretKeyRef;
    const found = await sources.secret(namespace, name);
    const value = keyOf(found?.data, key, optional, 'secret', 'Secret', namespace, name, found !== undefined);
    return value === undefined ? undefined : decodeBase64(value);
  }
  return undefined;
}

function keyOf(
  data: Readonly<Record<string, string>> | undefined,
  key: string,
  optional: boolean | undefined,
  resource: string,
  kind: string,
  namespace: string,
  name: string,
  exists: boolean,
): string | undefined {
  if (data && Object.hasOwn(data, key)) return data[key];
  if (optional) return undefined;
  throw new ContainerConfigError(
    exists ? `couldn't find key ${key} in ${kind} ${namespace}/${name}` : `${resource} "${name}" not found`,
  );
}

function decodeBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}

/**
 * `$(NAME)` becomes the value of a variable that was defined before; one that is not known stays as it is, and
 * `$$` is a dollar sign.
 */
export function expand(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\$(?:\$|\(([^()]*)\))/g, (whole, name: string | undefined) => {
    if (name === undefined) return '$';
    return values.get(name) ?? whole;
  });
}
