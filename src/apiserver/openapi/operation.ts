/** One operation of an OpenAPI path: what a verb takes and answers, and which kind it speaks of. */
import type { GroupVersionKind, JsonObject } from '../../api/index.js';
import type { DescribedResource } from '../resource.js';
import { parametersOfVerb } from './parameters.js';
import { type ComponentSchemas, deleteOptionsType, patchType, statusType } from './schemas.js';

export interface OperationParts {
  readonly verb: string;
  readonly path: string;
  /** The schema of what is read and written. */
  readonly body: JsonObject;
  readonly kind: GroupVersionKind;
  readonly facts: DescribedResource['facts'];
  /** A subresource's name, or what tells two operations of one kind apart. */
  readonly suffix: string;
  readonly strategicMerge: boolean;
  readonly schemas: ComponentSchemas;
}

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

const methodOfVerb: Readonly<Record<string, Method>> = {
  get: 'get',
  list: 'get',
  create: 'post',
  update: 'put',
  patch: 'patch',
  delete: 'delete',
  deletecollection: 'delete',
};
/** How operation ids begin. */
const wordOfVerb: Readonly<Record<string, string>> = {
  get: 'read',
  list: 'list',
  create: 'create',
  update: 'replace',
  patch: 'patch',
  delete: 'delete',
  deletecollection: 'deleteCollection',
};

/** Subresources that pass a connection through: they have no bodies. */
const connected = new Set(['attach', 'exec', 'portforward', 'proxy']);

const answerTypes = ['application/json', 'application/yaml'];
const content = (types: readonly string[], schema: JsonObject): JsonObject =>
  Object.fromEntries(types.map((type) => [type, { schema }]));

export function describeOperation(parts: OperationParts): readonly [method: Method, operation: JsonObject] {
  const { verb, kind, suffix } = parts;
  const method = methodOfVerb[verb] ?? 'get';
  const isConnect = connected.has(suffix);
  const isCollection = verb === 'list' || verb === 'deletecollection';
  const operation: JsonObject = {
    ...naming(parts, isConnect ? `connect${capitalised(method)}` : (wordOfVerb[verb] ?? verb)),
    ...(isConnect ? connectBodies : bodies(parts)),
    'x-kubernetes-action': isConnect ? 'connect' : isCollection ? verb : method,
    'x-kubernetes-group-version-kind': { group: kind.group, kind: kind.kind, version: kind.version },
  };
  return [method, operation];
}

function naming({ facts, path, suffix }: OperationParts, word: string): JsonObject {
  const group = facts.group === '' ? 'core' : (facts.group.split('.')[0] ?? '');
  const where = path.includes('{namespace}') ? 'Namespaced' : '';
  const names = [group, facts.version, where, facts.kind, suffix];
  return { tags: [`${group}_${facts.version}`], operationId: word + names.map(capitalised).join('') };
}

const unauthorized: JsonObject = { description: 'Unauthorized' };
const connectBodies: JsonObject = {
  responses: {
    200: { description: 'OK', content: content(['*/*'], { type: 'string' }) },
    401: unauthorized,
  },
};

function bodies(parts: OperationParts): JsonObject {
  const { verb, body, schemas } = parts;
  const requestBody = requestBodyOf(parts);
  const answer = verb.startsWith('delete') ? schemas.ref(statusType) : body;
  const answers = { content: content(answerTypes, answer) };
  const writes = verb === 'create' || verb === 'update' || verb === 'patch';
  return {
    parameters: parametersOfVerb[verb] ?? [],
    ...(requestBody ? { requestBody } : {}),
    responses: {
      200: { description: 'OK', ...answers },
      ...(writes ? { 201: { description: 'Created', ...answers } } : {}),
      ...(verb === 'create' || verb === 'delete' ? { 202: { description: 'Accepted', ...answers } } : {}),
      401: unauthorized,
    },
  };
}

function requestBodyOf({ verb, body, strategicMerge, schemas }: OperationParts): JsonObject | undefined {
  switch (verb) {
    case 'create':
    case 'update':
      return { content: content(['*/*'], body), required: true };
    case 'patch': {
      // kubectl sends a strategic merge patch only to a kind that lists it (API-8).
      const types = [
        'application/apply-patch+yaml',
        'application/json-patch+json',
        'application/merge-patch+json',
        ...(strategicMerge ? ['application/strategic-merge-patch+json'] : []),
      ];
      return { content: content(types, schemas.ref(patchType)), required: true };
    }
    case 'delete':
    case 'deletecollection':
      return { content: content(['*/*'], schemas.ref(deleteOptionsType)) };
    default:
      return undefined;
  }
}

function capitalised(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
