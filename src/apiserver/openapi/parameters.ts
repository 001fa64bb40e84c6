/** The parameters of Kubernetes requests, by action. Clients look them up by name (API-10). */
import type { JsonObject } from '../../api/index.js';

const query = (name: string, type: 'string' | 'integer' | 'boolean'): JsonObject => ({
  name,
  in: 'query',
  schema: { type, uniqueItems: true },
});
const inPath = (name: string): JsonObject => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string', uniqueItems: true },
});

const pretty = query('pretty', 'string');
const dryRun = query('dryRun', 'string');
const fieldManager = query('fieldManager', 'string');
const fieldValidation = query('fieldValidation', 'string');

const selection = [
  query('continue', 'string'),
  query('fieldSelector', 'string'),
  query('labelSelector', 'string'),
  query('limit', 'integer'),
  query('resourceVersion', 'string'),
  query('resourceVersionMatch', 'string'),
  query('sendInitialEvents', 'boolean'),
  query('timeoutSeconds', 'integer'),
];
const deletion = [
  dryRun,
  query('gracePeriodSeconds', 'integer'),
  query('orphanDependents', 'boolean'),
  query('propagationPolicy', 'string'),
];

/** By the verb that discovery calls the action. */
export const parametersOfVerb: Readonly<Record<string, readonly JsonObject[]>> = {
  get: [],
  list: [query('allowWatchBookmarks', 'boolean'), ...selection, query('watch', 'boolean')],
  create: [dryRun, fieldManager, fieldValidation],
  update: [dryRun, fieldManager, fieldValidation],
  patch: [dryRun, fieldManager, fieldValidation, query('force', 'boolean')],
  delete: deletion,
  deletecollection: [...deletion, ...selection],
};

/** What every operation on a path takes: its variables, and `pretty`. */
export function pathParameters(path: string): readonly JsonObject[] {
  return [...[...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => inPath(name)), pretty];
}
