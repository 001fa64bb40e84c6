/**
 * Requests nobody would send, made from the kinds the server serves: objects after their schemas, then spoilt; paths,
 * queries and headers of every form. The same seed gives the same requests.
 */
import { builtinResources, type ResourceFacts, schemaOfKind } from '#src/api/facts/index.js';
import type { ApiRequest, HttpMethod, JsonObject, JsonValue, Schema } from 'gyre/api';
import type { Dice } from './dice.js';
import { mutated, protobuf, yaml } from './mutate.js';

const custom = {
  group: 'fuzz.example.com',
  version: 'v1',
  plural: 'things',
  kind: 'Thing',
  scope: 'Namespaced',
} as const;
const customSchema: Schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        size: { type: 'integer' },
        name: { type: 'string', maxLength: 8 },
        list: { type: 'array', items: { type: 'object', properties: { a: { type: 'string' } } } },
        any: { 'x-kubernetes-preserve-unknown-fields': true },
        port: { 'x-kubernetes-int-or-string': true },
      },
      'x-kubernetes-validations': [{ rule: '!has(self.size) || self.size < 100' }],
    },
    status: { type: 'object', properties: { ready: { type: 'integer' } } },
  },
};

export const customDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${custom.plural}.${custom.group}` },
  spec: {
    group: custom.group,
    scope: custom.scope,
    names: { plural: custom.plural, kind: custom.kind },
    versions: [
      {
        name: custom.version,
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.ready' },
        },
        schema: { openAPIV3Schema: customSchema },
      },
    ],
  },
};

type Target = Pick<ResourceFacts, 'group' | 'version' | 'plural' | 'kind' | 'scope'> & {
  readonly schema: Schema;
};

const builtinTargets: readonly Target[] = builtinResources.flatMap((facts) => {
  const schema = schemaOfKind(facts);
  // Definitions and namespaces of every kind would change what the others are about.
  return schema && !['customresourcedefinitions', 'namespaces'].includes(facts.plural)
    ? [{ ...facts, schema }]
    : [];
});
const targets: readonly Target[] = [...builtinTargets, { ...custom, schema: customSchema }];

const often =
  'configmaps secrets things services leases serviceaccounts endpoints limitranges pods deployments'.split(
    ' ',
  );
/** Kinds of which a random object has a chance to be right. */
const common = targets.filter(({ plural }) => often.includes(plural));
const names = ['a', 'b', 'fuzz-1', 'x'.repeat(300), '', '..', '%00', 'Upper', '-', 'a/b', '__proto__', 'ünï'];
const texts = [
  '',
  'a',
  'web',
  '10.0.0.1',
  '1Gi',
  '100m',
  '50%',
  '2026-01-01T00:00:00Z',
  'a=b',
  '\u0000',
  '💥',
  'x'.repeat(5_000),
  '$(A)',
  '{{}}',
  '__proto__',
  'constructor',
  'True',
  'nginx:1',
];
const numbers = [0, 1, -1, 80, 65536, 2 ** 31, -(2 ** 31) - 1, 1e308, 0.5, Number.MAX_SAFE_INTEGER + 2];
const plainTexts = ['a', 'web', 'x1', 'nginx', '10Mi', 'tcp'];
const hostileKeys = ['__proto__', 'constructor', 'prototype', 'toString', '', 'a.b', 'x'.repeat(400), '$ref'];

function value(dice: Dice, schema: Schema | undefined, depth: number): JsonValue {
  if (!schema || (dice.spoils && dice.chance(0.03))) return anything(dice, depth);
  if (schema.enum && dice.chance(0.8)) return dice.pick(schema.enum);
  switch (schema.type) {
    case 'string':
      return dice.pick(dice.spoils ? texts : plainTexts);
    case 'integer':
    case 'number':
      return dice.spoils ? dice.pick(numbers) : 1 + dice.below(100);
    case 'boolean':
      return dice.chance(0.5);
    case 'array':
      return depth <= 0
        ? []
        : Array.from({ length: dice.below(3) }, () => value(dice, schema.items, depth - 1));
    case 'object':
      return object(dice, schema, depth);
    default:
      return schema['x-kubernetes-int-or-string']
        ? dice.pick([80, 'http', '25%', -1])
        : anything(dice, depth);
  }
}

function object(dice: Dice, schema: Schema, depth: number): JsonValue {
  const entries: [string, JsonValue][] = [];
  const known = Object.entries(schema.properties ?? {});
  for (const [name, member] of known) {
    const wanted = schema.required?.includes(name) ? 0.9 : Math.min(0.6, 3 / Math.max(1, known.length));
    if (depth > 0 && dice.chance(wanted)) entries.push([name, value(dice, member, depth - 1)]);
  }
  if (typeof schema.additionalProperties === 'object' && depth > 0)
    for (let i = dice.below(3); i > 0; i--)
      entries.push([
        dice.spoils && dice.chance(0.2)
          ? dice.pick(hostileKeys)
          : dice.pick(dice.spoils ? texts : plainTexts),
        value(dice, schema.additionalProperties, depth - 1),
      ]);
  if (dice.spoils && dice.chance(0.05)) entries.push([dice.pick(hostileKeys), anything(dice, 2)]);
  return own(entries);
}

/** Also keys that an assignment would swallow. */
function own(entries: readonly (readonly [string, JsonValue])[]): JsonValue {
  const made = {};
  for (const [key, each] of entries)
    Object.defineProperty(made, key, { value: each, enumerable: true, configurable: true, writable: true });
  return made as JsonValue;
}

function anything(dice: Dice, depth: number): JsonValue {
  switch (dice.below(depth > 0 ? 8 : 5)) {
    case 0:
      return null;
    case 1:
      return dice.pick(numbers);
    case 2:
      return dice.pick(texts);
    case 3:
      return dice.chance(0.5);
    case 4:
      return [];
    case 5:
      return Array.from({ length: dice.below(4) }, () => anything(dice, depth - 1));
    case 6:
      return own([[dice.pick(hostileKeys), anything(dice, depth - 1)]]);
    default:
      return nested(dice.pick([10, 200, 2_000]));
  }
}

function nested(depth: number): JsonValue {
  let made: JsonValue = {};
  for (let i = 0; i < depth; i++) made = i % 2 ? [made] : { a: made };
  return made;
}

const subresources = [
  '',
  '',
  '',
  '',
  '',
  'status',
  'scale',
  'log',
  'exec',
  'binding',
  'eviction',
  'token',
  'approval',
  'finalize',
  'proxy',
  'nope',
];
const queries: readonly (readonly [string, readonly string[]])[] = [
  ['labelSelector', ['a=b', 'a in (b,c)', '!a', 'a in (', ',,,', 'a>1', '💥']],
  [
    'fieldSelector',
    ['metadata.name=a', 'spec.nodeName=x', 'nope=1', '=', 'metadata.name!=a,metadata.namespace=default'],
  ],
  ['limit', ['1', '0', '-1', 'x', '999999999999999999999']],
  ['continue', ['x', 'e30', '', 'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0']],
  ['resourceVersion', ['0', '1', '', 'x', '99999999999999999999']],
  ['resourceVersionMatch', ['Exact', 'NotOlderThan', 'x']],
  ['dryRun', ['All', 'x', '']],
  ['fieldValidation', ['Strict', 'Warn', 'Ignore', 'x']],
  ['fieldManager', ['me', '', 'x'.repeat(200), '\u0001']],
  ['force', ['true', 'false', 'x']],
  ['propagationPolicy', ['Orphan', 'Foreground', 'x']],
  ['gracePeriodSeconds', ['0', '-1', 'x']],
  ['pretty', ['true']],
];
const accepts = [
  undefined,
  'application/json',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/yaml',
  'text/html',
  '*/*',
  ';;;',
  'application/vnd.kubernetes.protobuf',
];
const protobufType = 'application/vnd.kubernetes.protobuf';
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/json',
  'text/plain',
];

export function request(dice: Dice): ApiRequest {
  dice.spoils = dice.chance(0.5);
  const target = dice.chance(0.5) ? dice.pick(common) : dice.pick(targets);
  const method = dice.pick<HttpMethod>([
    'GET',
    'GET',
    'POST',
    'POST',
    'POST',
    'PUT',
    'PATCH',
    'PATCH',
    'DELETE',
  ]);
  const name = dice.chance(0.8) ? `fuzz-${dice.below(5)}` : dice.pick(names);
  const accept = dice.spoils && dice.chance(0.3) ? dice.pick(accepts) : undefined;
  const query = Object.fromEntries(
    queries.flatMap(([key, values]) =>
      dice.chance(dice.spoils ? 0.06 : 0.01) ? [[key, dice.pick(values)]] : [],
    ),
  );
  const form = formOf(dice, method, target);
  const headers = {
    ...(accept === undefined ? {} : { accept }),
    ...(form === undefined ? {} : { 'content-type': form }),
  };
  const body = bodyOf(dice, target, method, name, headers['content-type']);
  return {
    method,
    path: pathOf(dice, target, method, name),
    query,
    headers,
    ...(body === undefined ? {} : { body }),
  };
}

/** Any built-in kind as protobuf, right or mutated. */
export function protobufRequest(dice: Dice): ApiRequest {
  dice.spoils = dice.chance(0.3);
  const target = dice.pick(builtinTargets);
  const name = `fuzz-${dice.below(5)}`;
  const method = dice.pick<HttpMethod>(['POST', 'POST', 'PUT', 'DELETE']);
  const body = bodyOf(dice, target, method, name, protobufType);
  return {
    method,
    path: pathOf(dice, target, method, name),
    query: {},
    headers: { 'content-type': protobufType },
    ...(body === undefined ? {} : { body }),
  };
}

/** Undefined for what is JSON without saying so. */
function formOf(dice: Dice, method: HttpMethod, { group }: Target): string | undefined {
  if (method === 'PATCH') return dice.pick(dice.chance(0.95) ? patchTypes.slice(0, 4) : patchTypes);
  if (method === 'GET' || !dice.chance(0.12)) return undefined;
  // Custom kinds have no messages.
  return group === custom.group || dice.chance(0.3) ? 'application/yaml' : protobufType;
}

function pathOf(
  dice: Dice,
  { group, version, plural, scope }: Target,
  method: HttpMethod,
  name: string,
): string {
  if (dice.spoils && dice.chance(0.04))
    return dice.pick([
      '/',
      '//',
      '/api',
      '/apis/%2e%2e',
      '/openapi/v2',
      '/openapi/v3',
      '/version',
      '/api/v1/x/y/z/w',
      '/apis/a/b/c',
      '/metrics',
      '/livez',
    ]);
  const root = group === '' ? '/api/v1' : `/apis/${group}/${dice.chance(0.97) ? version : 'v9'}`;
  const namespaced = scope === 'Namespaced' ? dice.chance(0.95) : dice.chance(0.03);
  const namespace = dice.chance(0.95) ? 'default' : dice.pick(names);
  const collection = `${root}${namespaced ? `/namespaces/${encodeURIComponent(namespace)}` : ''}/${plural}`;
  const one = method !== 'POST' ? dice.chance(0.85) : dice.chance(0.15);
  const sub = dice.chance(0.6) ? '' : dice.pick(subresources);
  return one ? `${collection}/${encodeURIComponent(name)}${sub === '' ? '' : `/${sub}`}` : collection;
}

function bodyOf(
  dice: Dice,
  target: Target,
  method: HttpMethod,
  name: string,
  type: string | undefined,
): unknown {
  if (method === 'GET') return undefined;
  if (dice.spoils && dice.chance(0.05)) return raw(dice);
  if (method === 'DELETE') {
    if (type === protobufType) return protobuf(dice, deletion(dice), deleteOptions);
    return dice.chance(0.5) ? undefined : anything(dice, 2);
  }
  if (type === 'application/json-patch+json') return operations(dice, target);
  const made = value(dice, target.schema, 6);
  if (typeof made !== 'object' || made === null || Array.isArray(made) || dice.chance(0.03)) return made;
  const apiVersion = target.group === '' ? target.version : `${target.group}/${target.version}`;
  const object: JsonObject = {
    ...(made as JsonObject),
    apiVersion: dice.chance(0.97) ? apiVersion : dice.pick(texts),
    kind: dice.chance(0.97) ? target.kind : dice.pick(texts),
    metadata: dice.chance(0.1) ? ((made as { metadata?: JsonValue }).metadata ?? null) : metadata(dice, name),
  };
  if (type === protobufType) return protobuf(dice, object, target);
  if (type?.endsWith('yaml') && dice.chance(0.5)) return yaml(dice, object);
  if (dice.spoils && dice.chance(0.05)) return mutated(dice, Buffer.from(JSON.stringify(object)));
  return object;
}

const deleteOptions = { group: '', version: 'v1', kind: 'DeleteOptions' } as const;

function deletion(dice: Dice): JsonObject {
  return {
    gracePeriodSeconds: dice.pick(numbers),
    preconditions: { uid: dice.pick(texts), resourceVersion: dice.pick(texts) },
    propagationPolicy: dice.pick(['Orphan', 'Background', 'Foreground', 'x']),
    dryRun: [dice.pick(['All', 'x'])],
  };
}

function metadata(dice: Dice, name: string): JsonValue {
  return own([
    ...(dice.chance(0.95) ? [['name', name] as const] : [['generateName', `${name}-`] as const]),
    ...(dice.chance(0.2) ? [['labels', own([[dice.pick(texts), dice.pick(texts)]])] as const] : []),
    ...(dice.chance(0.1)
      ? [['annotations', own([[dice.pick(hostileKeys), dice.pick(texts)]])] as const]
      : []),
    ...(dice.chance(0.05) ? [['finalizers', ['fuzz.example.com/f']] as const] : []),
    ...(dice.chance(0.05) ? [['resourceVersion', dice.pick(['1', '', 'x', '0'])] as const] : []),
    ...(dice.chance(0.05) ? [['ownerReferences', [anything(dice, 2)]] as const] : []),
    ...(dice.chance(0.05) ? [['managedFields', [anything(dice, 3)]] as const] : []),
    ...(dice.chance(0.03) ? [['uid', dice.pick(texts)] as const] : []),
    ...(dice.chance(0.03) ? [['deletionTimestamp', dice.pick(texts)] as const] : []),
  ]);
}

/** Doubles what is there with each step: a few lines, and there is no memory left. */
const copies: JsonValue = [
  { op: 'add', path: '/metadata/annotations', value: { a: ['x'.repeat(1_000)] } },
  ...Array.from({ length: 40 }, () => ({
    op: 'copy',
    from: '/metadata/annotations/a',
    path: '/metadata/annotations/a/-',
  })),
];

function operations(dice: Dice, { schema }: Target): JsonValue {
  if (dice.chance(0.01)) return copies;
  const member = (): string => dice.pick([...Object.keys(schema.properties ?? {}), ...hostileKeys]);
  return Array.from({ length: dice.below(dice.chance(0.01) ? 12_000 : 5) }, () =>
    own([
      ['op', dice.pick(['add', 'remove', 'replace', 'copy', 'move', 'test', 'explode'])],
      [
        'path',
        dice.pick([
          `/${member()}`,
          `/${member()}/${member()}`,
          '/metadata/labels/a',
          '/-',
          '',
          'x',
          '/metadata/resourceVersion',
          '/spec/0/~2',
        ]),
      ],
      ...(dice.chance(0.4) ? [['from', `/${member()}`] as const] : []),
      ...(dice.chance(0.8) ? [['value', anything(dice, 3)] as const] : []),
    ]),
  );
}

/** Bytes that are no JSON, or too much of it. */
function raw(dice: Dice): Uint8Array {
  return Buffer.from(
    dice.pick([
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '\u0000\u0001',
      '{"a":1,"a":2}',
      '['.repeat(20_000),
      '{"a":'.repeat(2_000),
      `{"metadata":{"name":"${'x'.repeat(70_000)}"}}`,
      'a: &a [*a]',
      '1e999',
      '\ufeff{}',
    ]),
  );
}
