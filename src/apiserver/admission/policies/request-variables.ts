/** What expressions of admission see: the object and the old one, the request, who asks and what they may. */
import type { JsonObject, Schema } from '../../../api/index.js';
import type { Authorizer } from '../../auth/authorizer.js';
import {
  AuthorizerValue,
  celType,
  type CelType,
  celValue,
  dyn,
  fromJson,
  objectType,
  readType,
  ResourceCheck,
  type Value,
} from '../../cel/index.js';
import type { ServedResource } from '../../resource.js';
import type { AdmissionAttributes } from '../admission.js';
import { admissionReview } from '../webhooks/review.js';

const text: Schema = { type: 'string' };
const texts: Schema = { type: 'array', items: text };
const record = (...names: string[]): Schema => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, text])),
});
const open: Schema = {};

const requestSchema: Schema = {
  typeName: 'kubernetes.AdmissionRequest',
  type: 'object',
  properties: {
    kind: record('group', 'version', 'kind'),
    resource: record('group', 'version', 'resource'),
    subResource: text,
    requestKind: record('group', 'version', 'kind'),
    requestResource: record('group', 'version', 'resource'),
    requestSubResource: text,
    name: text,
    namespace: text,
    operation: text,
    userInfo: {
      type: 'object',
      properties: {
        username: text,
        uid: text,
        groups: texts,
        extra: { type: 'object', additionalProperties: texts },
      },
    },
    dryRun: { type: 'boolean' },
    options: open,
  },
};

const namespaceSchema: Schema = {
  type: 'object',
  properties: {
    apiVersion: text,
    kind: text,
    metadata: {
      typeName: 'kubernetes.NamespaceMetadata',
      type: 'object',
      properties: {
        name: text,
        generateName: text,
        namespace: text,
        labels: { type: 'object', additionalProperties: text },
        annotations: { type: 'object', additionalProperties: text },
        UID: text,
        uid: text,
        creationTimestamp: { type: 'string', format: 'date-time' },
        deletionTimestamp: { type: 'string', format: 'date-time' },
        deletionGracePeriodSeconds: { type: 'integer' },
        generation: { type: 'integer' },
        resourceVersion: text,
        finalizers: texts,
      },
    },
    spec: { type: 'object', properties: { finalizers: texts } },
    status: { type: 'object', properties: { phase: text } },
  },
};

function typed(schema: Schema, name: string): CelType {
  const type = celType(schema, false, name) as CelType;
  return objectType(
    name,
    new Map([...(type.fields ?? []), ...(schema === requestSchema ? [['options', dyn] as const] : [])]),
  );
}

const authorizerType = readType('kubernetes.authorization.Authorizer');
const resourceCheckType = readType('kubernetes.authorization.ResourceCheck');

/** What match conditions of webhooks may use. */
export const webhookVariables: Readonly<Record<string, CelType>> = {
  object: dyn,
  oldObject: dyn,
  request: typed(requestSchema, 'kubernetes.AdmissionRequest'),
  authorizer: authorizerType,
  'authorizer.requestResource': resourceCheckType,
};

/** What policies may use beyond that. */
export const namespaceType: CelType = typed(namespaceSchema, 'kubernetes.Namespace');

export interface RequestInput {
  readonly attributes: AdmissionAttributes;
  /** The resource at the version the objects are shown at. */
  readonly shown: ServedResource;
  readonly object: JsonObject | undefined;
  readonly oldObject: JsonObject | undefined;
  readonly authorizer: Authorizer;
}

export function requestValues({
  attributes,
  shown,
  object,
  oldObject,
  authorizer,
}: RequestInput): Readonly<Record<string, Value>> {
  const { resource, kind, user, subresource, name, namespace } = attributes;
  const served = ({ facts }: ServedResource) => ({ kind: kind ?? facts, version: facts.version });
  const review = admissionReview({
    uid: '',
    attributes,
    requested: served(resource),
    shown: served(shown),
    object: undefined,
    oldObject: undefined,
  });
  // What is empty is there all the same.
  const request = {
    subResource: '',
    requestSubResource: '',
    name: '',
    namespace: '',
    ...(review.request as JsonObject),
  };
  const asking = new AuthorizerValue(authorizer, user);
  const isNamespace = resource.facts.group === '' && resource.facts.kind === 'Namespace';
  return {
    object: fromJson(object ?? null),
    oldObject: fromJson(oldObject ?? null),
    request: celValue(request, requestSchema),
    authorizer: asking,
    'authorizer.requestResource': new ResourceCheck(asking, {
      group: resource.facts.group,
      resource: resource.facts.plural,
      subresource,
      namespace: isNamespace ? '' : namespace,
      name,
    }),
  };
}

export function namespaceValue(namespace: JsonObject | undefined): Value {
  return celValue(namespace ?? null, namespaceSchema);
}
