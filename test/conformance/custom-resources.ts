/** Custom kinds for cases that need one, each in a group of its own. */
import { expect } from 'chai';
import type { World } from './conformance.js';

export const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

export interface Version {
  readonly name: string;
  readonly served?: boolean;
  readonly storage?: boolean;
  readonly schema?: object;
  readonly [field: string]: unknown;
}

export interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly plural: string;
      readonly singular: string;
      readonly kind: string;
      readonly listKind: string;
    };
    readonly versions: readonly Version[];
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** Takes anything. */
export const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

let made = 0;

/** @param versions default: `v1`, of anything */
export function crd(
  k: World,
  versions: readonly Version[] = [{ name: 'v1' }],
  spec: Readonly<Record<string, unknown>> = {},
): Definition {
  const n = ++made;
  const group = typeof spec.group === 'string' ? spec.group : `g${n}.${k.namespace}.example.com`;
  const names = { plural: `e2e-test-${n}-crds`, singular: `e2e-test-${n}-crd`, kind: `E2eTest${n}Crd` };
  return {
    metadata: { name: `${names.plural}.${group}` },
    spec: {
      scope: 'Namespaced',
      ...spec,
      group,
      names: { ...names, listKind: `${names.kind}List` },
      versions: versions.map(({ schema = open, ...version }, i) => ({
        served: true,
        storage: i === 0,
        ...version,
        schema: { openAPIV3Schema: schema },
      })),
    },
  };
}

export interface Made {
  readonly name: string;
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
  /** Of the definition. */
  readonly path: string;
  /** The collection in the case's namespace. */
  at(version?: string, name?: string): string;
}

/** Creates the definition and waits until it is served. */
export async function establish(k: World, definition: Definition): Promise<Made> {
  const { group, names, versions } = definition.spec;
  const path = `${definitions}/${definition.metadata.name}`;
  await k.post(definitions, definition);
  const first = versions.find(({ served = true }) => served)?.name ?? 'v1';
  const at = (version = first, name?: string): string => k.at(`${group}/${version}`, names.plural, name);
  await k.eventually(async () => {
    const { status } = await k.get(path);
    const established = status.conditions?.find((c: { type: string }) => c.type === 'Established');
    expect(established?.status).to.equal('True');
    await k.get(at());
  });
  return { name: definition.metadata.name, group, plural: names.plural, kind: names.kind, path, at };
}
