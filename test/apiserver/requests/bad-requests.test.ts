/**
 * Bad requests get the API's own error: code, reason, message and causes, the same in process and over
 * HTTPS, and the server stays up. Each row cites where its expectation comes from.
 */
import { expect } from 'chai';
import type { Transport } from 'gyre/api';
import { connect } from 'gyre/client';
import { EmbeddedCluster } from 'gyre/cluster';
import { temporaryFolder } from '../../support/processes.js';
import { check, type Row, send } from './bad-request.js';

const core = '/api/v1/namespaces/default';
const apps = '/apis/apps/v1/namespaces/default/deployments';
const widgets = '/apis/example.com/v1/namespaces/default/widgets';
const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const json = { 'content-type': 'application/json' };
const merge = { 'content-type': 'application/merge-patch+json' };
const jsonPatch = { 'content-type': 'application/json-patch+json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const apply = { 'content-type': 'application/apply-patch+yaml' };

const configMap = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...more,
});
const widget = (name: string, spec: object, more: object = {}) => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
  ...more,
});
const deployment = (spec: object) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: {
    selector: { matchLabels: { app: 'd' } },
    template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    ...spec,
  },
});
const pod = (spec: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});
const crd = (change: object, versions?: object[]) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'things', kind: 'Thing' },
    versions: versions ?? [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
    ],
    ...change,
  },
});
const version = (openAPIV3Schema: object) => ({
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema },
});

const rows: readonly Row[] = [
  // Bodies
  {
    title: 'malformed JSON',
    source: 'API-19',
    request: ['POST', `${core}/configmaps`, '{"apiVersion":"v1",', json],
    code: 400,
    reason: 'BadRequest',
    message: /JSON/,
  },
  {
    title: 'an array for an object',
    source: 'API-19',
    request: ['POST', `${core}/configmaps`, '[]', json],
    code: 400,
    reason: 'BadRequest',
  },
  {
    title: 'null for an object',
    source: 'API-19',
    request: ['POST', `${core}/configmaps`, 'null', json],
    code: 400,
    reason: 'BadRequest',
  },
  {
    title: 'a string for an object',
    source: 'API-19',
    request: ['POST', `${core}/configmaps`, '"x"', json],
    code: 400,
    reason: 'BadRequest',
  },
  {
    title: 'no body',
    source: 'API-19',
    request: ['POST', `${core}/configmaps`],
    code: 400,
    reason: 'BadRequest',
  },
  {
    title: 'invalid UTF-8',
    source: 'API-19',
    request: ['POST', `${core}/configmaps`, new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), json],
    code: 400,
    reason: 'BadRequest',
    message: /UTF-8/,
  },
  {
    title: 'a body over 3 MiB',
    source: 'API-5',
    request: ['POST', `${core}/configmaps`, `{"data":{"x":"${'a'.repeat(3 * 1024 * 1024)}"}}`, json],
    code: 413,
    reason: 'RequestEntityTooLarge',
  },
  {
    title: 'nesting without end',
    source: 'DESIGN §6: depth is bounded',
    request: ['POST', `${core}/configmaps`, `${'['.repeat(200_000)}`, json],
    code: 400,
    reason: 'BadRequest',
    message: /nested deeper/,
  },
  {
    title: 'an unknown media type',
    source: 'API-8',
    request: ['POST', `${core}/configmaps`, 'x', { 'content-type': 'text/plain' }],
    code: 415,
    reason: 'UnsupportedMediaType',
  },
  {
    title: 'protobuf that is none',
    source: 'control-plane §3.1',
    request: [
      'POST',
      `${core}/configmaps`,
      new Uint8Array([0x6b, 0x38, 0x73, 0x00, 0xff, 0xff, 0xff]),
      { 'content-type': 'application/vnd.kubernetes.protobuf' },
    ],
    code: 400,
    reason: 'BadRequest',
  },
  {
    title: 'an answer that cannot be given',
    source: 'API-11',
    request: ['GET', `${core}/configmaps`, undefined, { accept: 'text/html' }],
    code: 406,
    reason: 'NotAcceptable',
  },
  // Types
  {
    title: 'a string for a number',
    source: 'apiserver/pkg/endpoints/handlers/rest.go transformDecodeError',
    request: ['POST', apps, deployment({ replicas: 'three' })],
    code: 400,
    reason: 'BadRequest',
    message:
      'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
  },
  {
    title: 'an object for a list',
    source: 'rest.go transformDecodeError',
    request: ['POST', `${core}/pods`, pod({ containers: {} })],
    code: 400,
    reason: 'BadRequest',
    message:
      /cannot unmarshal object into Go struct field PodSpec\.spec\.containers of type \[\]v1\.Container/,
  },
  {
    title: 'a fraction for an integer',
    source: 'rest.go transformDecodeError',
    request: ['POST', apps, deployment({ replicas: 1.5 })],
    code: 400,
    reason: 'BadRequest',
    message: /number 1\.5/,
  },
  {
    title: 'a number beyond int32',
    source: 'rest.go transformDecodeError',
    request: ['POST', apps, deployment({ replicas: 9_999_999_999 })],
    code: 400,
    reason: 'BadRequest',
    message: /of type int32/,
  },
  {
    title: 'a quantity that is none',
    source: 'apimachinery resource/quantity.go ErrFormatWrong',
    request: [
      'POST',
      `${core}/pods`,
      pod({ containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: 'lots' } } }] }),
    ],
    code: 400,
    reason: 'BadRequest',
    message: /quantities must match the regular expression/,
  },
  {
    title: 'data that is not base64',
    source: 'encoding/json',
    request: [
      'POST',
      `${core}/secrets`,
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { k: '***' } },
    ],
    code: 400,
    reason: 'BadRequest',
    message: /illegal base64 data/,
  },
  {
    title: 'labels of the wrong type',
    source: 'rest.go transformDecodeError',
    request: ['POST', `${core}/configmaps`, configMap('x', { metadata: { name: 'x', labels: { a: 1 } } })],
    code: 400,
    reason: 'BadRequest',
    message: /cannot unmarshal number into Go struct field ObjectMeta\.metadata\.labels/,
  },
  {
    title: 'another version in the body',
    source: 'handlers/create.go',
    request: ['POST', apps, { ...deployment({}), apiVersion: 'apps/v1beta1' }],
    code: 400,
    reason: 'BadRequest',
    message: 'the API version in the data (apps/v1beta1) does not match the expected API version (apps/v1)',
  },
  {
    title: 'another kind in the body',
    source: 'rest.go transformDecodeError',
    request: ['POST', `${core}/configmaps`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }],
    code: 400,
    reason: 'BadRequest',
    message: /^Secret in version "v1" cannot be handled as a ConfigMap/,
  },
  {
    title: 'a custom object without kind',
    source: 'runtime.IsMissingKind',
    request: ['POST', widgets, { apiVersion: 'example.com/v1', metadata: { name: 'w' } }],
    code: 400,
    reason: 'BadRequest',
    message: /^Object 'Kind' is missing in/,
  },
  // Unknown and duplicate fields
  {
    title: 'an unknown field, strictly',
    source: 'API-10',
    request: ['POST', `${apps}?fieldValidation=Strict`, deployment({ replicass: 1 })],
    code: 400,
    reason: 'BadRequest',
    message:
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replicass"',
  },
  {
    title: 'an unknown field deep in a list, strictly',
    source: 'API-10',
    request: [
      'POST',
      `${core}/pods?fieldValidation=Strict`,
      pod({ containers: [{ name: 'c', image: 'i', imagee: 'x' }] }),
    ],
    code: 400,
    reason: 'BadRequest',
    message: /unknown field "spec\.containers\[0\]\.imagee"/,
  },
  {
    title: 'a duplicate field, strictly',
    source: 'API-10',
    request: [
      'POST',
      `${core}/configmaps?fieldValidation=Strict`,
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1","a":"2"}}',
      json,
    ],
    code: 400,
    reason: 'BadRequest',
    message: /duplicate field "data\.a"/,
  },
  {
    title: 'an unknown field, by default a warning',
    source: 'API-10',
    request: ['POST', `${core}/configmaps?dryRun=All`, configMap('x', { dataa: {} })],
    code: 201,
    warning: /^299 - "unknown field \\"dataa\\""$/,
  },
  {
    title: 'an unknown field of a custom object, strictly',
    source: 'API-10',
    request: ['POST', `${widgets}?fieldValidation=Strict`, widget('w', { color: 'red', colour: 'red' })],
    code: 400,
    reason: 'BadRequest',
    message: /unknown field "spec\.colour"/,
  },
  {
    title: 'an unknown field in a merge patch, strictly',
    source: 'handlers/patch.go',
    request: ['PATCH', `${core}/configmaps/present?fieldValidation=Strict`, { bogus: 1 }, merge],
    code: 422,
    reason: 'Invalid',
    causes: [/^patch: FieldValueInvalid: .*strict decoding error: unknown field "bogus"/],
  },
  {
    title: 'a fieldValidation that does not exist',
    source: 'API-10',
    request: ['POST', `${core}/configmaps?fieldValidation=Maybe`, configMap('x')],
    code: 422,
    reason: 'Invalid',
    causes: [/^fieldValidation: FieldValueNotSupported: Unsupported value: "Maybe"/],
  },
  // Selectors and options
  {
    title: 'a label selector that does not parse',
    source: 'apimachinery labels/selector.go',
    request: ['GET', `${core}/configmaps?labelSelector=${encodeURIComponent('a in (b')}`],
    code: 400,
    reason: 'BadRequest',
    message: /^unable to parse requirement: /,
  },
  {
    title: 'a label selector with an impossible key',
    source: 'labels/selector.go validateLabelKey',
    request: ['GET', `${core}/configmaps?labelSelector=${encodeURIComponent('-a=b')}`],
    code: 400,
    reason: 'BadRequest',
    message: /name part must consist of/,
  },
  {
    title: 'a field selector that does not parse',
    source: 'apimachinery fields/selector.go',
    request: ['GET', `${core}/configmaps?fieldSelector=x`],
    code: 400,
    reason: 'BadRequest',
    message: /^invalid selector: 'x'; can't understand 'x'$/,
  },
  {
    title: 'a field that cannot be selected',
    source: 'API-13',
    request: ['GET', `${core}/configmaps?fieldSelector=data.x%3D1`],
    code: 400,
    reason: 'BadRequest',
    message: /^"data\.x" is not a known field selector: only "metadata\.name", "metadata\.namespace"$/,
  },
  {
    title: 'a limit that is no number',
    source: 'API-4',
    request: ['GET', `${core}/configmaps?limit=many`],
    code: 400,
    reason: 'BadRequest',
  },
  {
    title: 'a continue token that is none',
    source: 'API-4',
    request: ['GET', `${core}/configmaps?continue=nonsense`],
    code: 400,
    reason: 'BadRequest',
    message: 'continue key is not valid',
  },
  {
    title: 'a resourceVersion that is none',
    source: 'API-1',
    request: ['GET', `${core}/configmaps?resourceVersion=abc`],
    code: 400,
    reason: 'BadRequest',
    message: /^invalid resource version/,
  },
  {
    title: 'resourceVersionMatch without resourceVersion',
    source: 'API-1',
    request: ['GET', `${core}/configmaps?resourceVersionMatch=Exact`],
    code: 422,
    reason: 'Invalid',
    causes: [
      'resourceVersionMatch: FieldValueForbidden: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
  },
  {
    title: 'resourceVersionMatch=Exact at 0',
    source: 'API-1',
    request: ['GET', `${core}/configmaps?resourceVersion=0&resourceVersionMatch=Exact`],
    code: 422,
    reason: 'Invalid',
    causes: [
      'resourceVersionMatch: FieldValueForbidden: Forbidden: resourceVersionMatch "Exact" is forbidden for resourceVersion "0"',
    ],
  },
  {
    title: 'resourceVersionMatch that does not exist',
    source: 'API-1',
    request: ['GET', `${core}/configmaps?resourceVersion=1&resourceVersionMatch=Roughly`],
    code: 422,
    reason: 'Invalid',
    causes: [/^resourceVersionMatch: FieldValueNotSupported/],
  },
  {
    title: 'sendInitialEvents on a list',
    source: 'API-1',
    request: ['GET', `${core}/configmaps?sendInitialEvents=true`],
    code: 422,
    reason: 'Invalid',
    causes: ['sendInitialEvents: FieldValueForbidden: Forbidden: sendInitialEvents is forbidden for list'],
  },
  {
    title: 'a version that has not happened',
    source: 'API-1',
    request: ['GET', `${core}/configmaps?resourceVersion=999999999999999`],
    code: 504,
    reason: 'Timeout',
    message: /^Too large resource version/,
    causes: [/ResourceVersionTooLarge/],
  },
  {
    title: 'a dryRun that does not exist',
    source: 'API-7',
    request: ['POST', `${core}/configmaps?dryRun=Some`, configMap('x')],
    code: 422,
    reason: 'Invalid',
    causes: [/^dryRun: FieldValueNotSupported/],
  },
  {
    title: 'a field manager of 200 characters',
    source: 'metav1 validation ValidateFieldManager',
    request: ['POST', `${core}/configmaps?fieldManager=${'m'.repeat(200)}`, configMap('x')],
    code: 422,
    reason: 'Invalid',
    causes: [/^fieldManager: FieldValueTooLong/],
  },
  {
    title: 'an includeObject that does not exist',
    source: 'API-11',
    request: [
      'GET',
      `${core}/configmaps?includeObject=Everything`,
      undefined,
      { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    ],
    code: 400,
    reason: 'BadRequest',
  },
  // What is not there
  {
    title: 'an object that does not exist',
    source: 'API-19',
    request: ['GET', `${core}/configmaps/nobody`],
    code: 404,
    reason: 'NotFound',
    message: 'configmaps "nobody" not found',
  },
  {
    title: 'a resource that does not exist',
    source: 'API-19',
    request: ['GET', `${core}/unicorns`],
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
  },
  {
    title: 'a group that does not exist',
    source: 'API-19',
    request: ['GET', '/apis/nobody.example.com/v1/things'],
    code: 404,
    reason: 'NotFound',
  },
  {
    title: 'a subresource that does not exist',
    source: 'API-14',
    request: ['GET', `${core}/configmaps/present/scale`],
    code: 404,
    reason: 'NotFound',
  },
  {
    title: 'a cluster-scoped kind in a namespace',
    source: 'API-12',
    request: ['GET', `${core}/nodes`],
    code: 404,
    reason: 'NotFound',
  },
  {
    title: 'POST to an object',
    source: 'API-19',
    request: ['POST', `${core}/configmaps/present`, configMap('present')],
    code: 405,
    reason: 'MethodNotAllowed',
  },
  {
    title: 'PUT to a collection',
    source: 'API-19',
    request: ['PUT', `${core}/configmaps`, configMap('x')],
    code: 405,
    reason: 'MethodNotAllowed',
  },
  {
    title: 'a path that does not decode',
    source: 'net/url',
    request: ['GET', `${core}/configmaps/%zz`],
    code: 400,
    reason: 'BadRequest',
  },
  {
    title: 'a missing namespace',
    source: 'NS-1',
    request: ['POST', '/api/v1/namespaces/nowhere/configmaps', configMap('x')],
    code: 404,
    reason: 'NotFound',
    message: 'namespaces "nowhere" not found',
  },
  {
    title: 'a namespace that is ending',
    source: 'NS-1',
    request: ['POST', '/api/v1/namespaces/ending/configmaps', configMap('x')],
    code: 403,
    reason: 'Forbidden',
    causes: [/NamespaceTerminating/],
  },
  {
    title: 'deleting the default namespace',
    source: 'NS-1',
    request: ['DELETE', '/api/v1/namespaces/default'],
    code: 403,
    reason: 'Forbidden',
    message: 'namespaces "default" is forbidden: this namespace may not be deleted',
  },
  // Identity of objects
  {
    title: 'a name that exists',
    source: 'API-19',
    request: ['POST', `${core}/configmaps`, configMap('present')],
    code: 409,
    reason: 'AlreadyExists',
    message: 'configmaps "present" already exists',
  },
  {
    title: 'a name in capitals',
    source: 'apimachinery validation IsDNS1123Subdomain',
    request: ['POST', `${core}/configmaps`, configMap('Upper')],
    code: 422,
    reason: 'Invalid',
    causes: [/^metadata\.name: FieldValueInvalid: Invalid value: "Upper": a lowercase RFC 1123 subdomain/],
  },
  {
    title: 'no name at all',
    source: 'ValidateObjectMeta',
    request: ['POST', `${core}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }],
    code: 422,
    reason: 'Invalid',
    causes: ['metadata.name: FieldValueRequired: Required value: name or generateName is required'],
  },
  {
    title: 'another namespace than the URL',
    source: 'handlers/create.go',
    request: ['POST', `${core}/configmaps`, configMap('x', { metadata: { name: 'x', namespace: 'other' } })],
    code: 400,
    reason: 'BadRequest',
    message: 'the namespace of the provided object does not match the namespace sent on the request',
  },
  {
    title: 'another name than the URL',
    source: 'handlers/update.go',
    request: ['PUT', `${core}/configmaps/present`, configMap('absent')],
    code: 400,
    reason: 'BadRequest',
    message: 'the name of the object (absent) does not match the name on the URL (present)',
  },
  {
    title: 'a resourceVersion on create',
    source: 'storage.ErrResourceVersionSetOnCreate',
    request: [
      'POST',
      `${core}/configmaps`,
      configMap('x', { metadata: { name: 'x', resourceVersion: '1' } }),
    ],
    code: 400,
    reason: 'BadRequest',
    message: 'resourceVersion should not be set on objects to be created',
  },
  {
    title: 'a label value that is none',
    source: 'ValidateLabels',
    request: [
      'POST',
      `${core}/configmaps`,
      configMap('x', { metadata: { name: 'x', labels: { a: 'b c' } } }),
    ],
    code: 422,
    reason: 'Invalid',
    causes: [/^metadata\.labels: FieldValueInvalid: Invalid value: "b c"/],
  },
  {
    title: 'annotations over 256 KiB',
    source: 'API-5',
    request: [
      'POST',
      `${core}/configmaps`,
      configMap('x', { metadata: { name: 'x', annotations: { a: 'x'.repeat(300_000) } } }),
    ],
    code: 422,
    reason: 'Invalid',
    causes: [/^metadata\.annotations: FieldValueTooLong/],
  },
  // Versions and immutability
  {
    title: 'a stale resourceVersion',
    source: 'API-6',
    request: [
      'PUT',
      `${core}/configmaps/present`,
      configMap('present', { metadata: { name: 'present', resourceVersion: '1' } }),
    ],
    code: 409,
    reason: 'Conflict',
    message:
      'Operation cannot be fulfilled on configmaps "present": the object has been modified; please apply your changes to the latest version and try again',
  },
  {
    title: 'another uid',
    source: 'API-7',
    request: [
      'PUT',
      `${core}/configmaps/present`,
      configMap('present', { metadata: { name: 'present', uid: 'no' } }),
    ],
    code: 409,
    reason: 'Conflict',
    message: /Precondition failed: UID in precondition: no, UID in object meta: /,
  },
  {
    title: 'a delete precondition that fails',
    source: 'API-7',
    request: ['DELETE', `${core}/configmaps/present`, { preconditions: { uid: 'no' } }],
    code: 409,
    reason: 'Conflict',
    message: /Precondition failed: UID/,
  },
  {
    title: 'a stale version in a JSON patch',
    source: 'API-6',
    request: [
      'PATCH',
      `${core}/configmaps/present`,
      [{ op: 'replace', path: '/metadata/resourceVersion', value: '1' }],
      jsonPatch,
    ],
    code: 409,
    reason: 'Conflict',
  },
  {
    title: 'a selector that changes',
    source: 'apps validation ValidateDeploymentUpdate',
    request: [
      'PATCH',
      `${apps}/present`,
      {
        spec: {
          selector: { matchLabels: { app: 'other' } },
          template: { metadata: { labels: { app: 'other' } } },
        },
      },
      merge,
    ],
    code: 422,
    reason: 'Invalid',
    causes: [/^spec\.selector: FieldValueInvalid: .*field is immutable$/],
  },
  {
    title: 'an immutable ConfigMap that changes',
    source: 'core validation ValidateConfigMapUpdate',
    request: ['PATCH', `${core}/configmaps/frozen`, { data: { a: '2' } }, merge],
    code: 422,
    reason: 'Invalid',
    causes: [/^data: FieldValueForbidden: Forbidden: field is immutable when `immutable` is set/],
  },
  {
    title: 'a custom object updated without a version',
    source: 'apiextensions strategy AllowUnconditionalUpdate',
    request: ['PUT', `${widgets}/present`, widget('present', { color: 'red' })],
    code: 422,
    reason: 'Invalid',
    causes: [
      'metadata.resourceVersion: FieldValueInvalid: Invalid value: 0: must be specified for an update',
    ],
  },
  // Patches
  {
    title: 'a JSON patch that is no list',
    source: 'API-8',
    request: ['PATCH', `${core}/configmaps/present`, { op: 'add' }, jsonPatch],
    code: 400,
    reason: 'BadRequest',
  },
  {
    title: 'a JSON patch with an operation that does not exist',
    source: 'API-8',
    request: ['PATCH', `${core}/configmaps/present`, [{ op: 'frobnicate', path: '/data' }], jsonPatch],
    code: 400,
    reason: 'BadRequest',
  },
  {
    title: 'a JSON patch whose test fails',
    source: 'API-8',
    request: [
      'PATCH',
      `${core}/configmaps/present`,
      [{ op: 'test', path: '/data/a', value: 'no' }],
      jsonPatch,
    ],
    code: 422,
    reason: 'Invalid',
  },
  {
    title: 'a JSON patch that removes what is not there',
    source: 'API-8',
    request: ['PATCH', `${core}/configmaps/present`, [{ op: 'remove', path: '/data/nope' }], jsonPatch],
    code: 422,
    reason: 'Invalid',
  },
  {
    title: 'a JSON patch of 10,001 operations',
    source: 'API-5',
    request: [
      'PATCH',
      `${core}/configmaps/present`,
      Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' })),
      jsonPatch,
    ],
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: /10000/,
  },
  {
    title: 'a patch of what does not exist',
    source: 'API-8',
    request: ['PATCH', `${core}/configmaps/nobody`, {}, merge],
    code: 404,
    reason: 'NotFound',
  },
  {
    title: 'a strategic patch of a custom object',
    source: 'API-8',
    request: ['PATCH', `${widgets}/present`, {}, strategic],
    code: 415,
    reason: 'UnsupportedMediaType',
  },
  {
    title: 'a strategic patch without the merge key',
    source: 'strategicpatch',
    request: [
      'PATCH',
      `${apps}/present`,
      { spec: { template: { spec: { containers: [{ image: 'x' }] } } } },
      strategic,
    ],
    code: 400,
    reason: 'BadRequest',
    message: /does not contain declared merge key: name/,
  },
  {
    title: 'a patch that makes the object wrong',
    source: 'handlers/patch.go',
    request: ['PATCH', `${apps}/present`, { spec: { replicas: 'x' } }, merge],
    code: 422,
    reason: 'Invalid',
    causes: [/^patch: FieldValueInvalid: .*cannot unmarshal string/],
  },
  {
    title: 'force on a patch that is no apply',
    source: 'metav1 validation ValidatePatchOptions',
    request: ['PATCH', `${core}/configmaps/present?force=true`, {}, merge],
    code: 422,
    reason: 'Invalid',
    causes: [/^force: FieldValueForbidden/],
  },
  // Server-side apply
  {
    title: 'apply without a field manager',
    source: 'API-9',
    request: ['PATCH', `${core}/configmaps/x`, configMap('x'), apply],
    code: 422,
    reason: 'Invalid',
    causes: ['fieldManager: FieldValueRequired: Required value: is required for apply patch'],
  },
  {
    title: 'apply with managedFields',
    source: 'API-9',
    request: [
      'PATCH',
      `${core}/configmaps/x?fieldManager=m`,
      configMap('x', { metadata: { name: 'x', managedFields: [] } }),
      apply,
    ],
    code: 400,
    reason: 'BadRequest',
    message: 'metadata.managedFields must be nil',
  },
  {
    title: 'apply against another manager',
    source: 'API-9',
    request: [
      'PATCH',
      `${core}/configmaps/present?fieldManager=rival`,
      configMap('present', { data: { a: 'mine' } }),
      apply,
    ],
    code: 409,
    reason: 'Conflict',
    message: 'Apply failed with 1 conflict: conflict with "owner" using v1: .data.a',
    causes: ['.data.a: FieldManagerConflict: conflict with "owner" using v1'],
  },
  {
    title: 'apply of YAML that is none',
    source: 'API-9',
    request: ['PATCH', `${core}/configmaps/x?fieldManager=m`, 'a: [', apply],
    code: 400,
    reason: 'BadRequest',
    message: /YAML/,
  },
  // Deletes
  {
    title: 'a propagation policy that does not exist',
    source: 'API-7',
    request: ['DELETE', `${core}/configmaps/present`, { propagationPolicy: 'Sideways' }],
    code: 422,
    reason: 'Invalid',
    causes: [/^propagationPolicy: FieldValueNotSupported/],
  },
  {
    title: 'a grace period that is no number',
    source: 'API-7',
    request: ['DELETE', `${core}/configmaps/present?gracePeriodSeconds=soon`],
    code: 400,
    reason: 'BadRequest',
  },
  // Validation of built-in kinds
  {
    title: 'a Deployment whose selector does not select',
    source: 'apps validation',
    request: ['POST', apps, deployment({ selector: { matchLabels: { app: 'other' } } })],
    code: 422,
    reason: 'Invalid',
    causes: [
      /^spec\.template\.metadata\.labels: FieldValueInvalid: .*`selector` does not match template `labels`$/,
    ],
  },
  {
    title: 'a Pod without containers',
    source: 'core validation ValidatePodSpec',
    request: ['POST', `${core}/pods`, pod({ containers: [] })],
    code: 422,
    reason: 'Invalid',
    causes: [/^spec\.containers: FieldValueRequired/],
  },
  {
    title: 'mounts of volumes that do not exist',
    source: 'core validation ValidateVolumeMounts',
    request: [
      'POST',
      `${core}/pods`,
      pod({
        containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'test-volume', mountPath: '/x' }] }],
      }),
    ],
    code: 422,
    reason: 'Invalid',
    causes: ['spec.containers[0].volumeMounts[0].name: FieldValueNotFound: Not found: "test-volume"'],
  },
  {
    title: 'a port out of range',
    source: 'IsValidPortNum',
    request: [
      'POST',
      `${core}/pods`,
      pod({ containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 70_000 }] }] }),
    ],
    code: 422,
    reason: 'Invalid',
    causes: [
      /^spec\.containers\[0\]\.ports\[0\]\.containerPort: FieldValueInvalid: .*must be between 1 and 65535, inclusive$/,
    ],
  },
  // Custom resources
  {
    title: 'a custom object of the wrong type',
    source: 'API-15',
    request: ['POST', widgets, widget('w', { color: 'red', size: 'big' })],
    code: 422,
    reason: 'Invalid',
    causes: [/^spec\.size: FieldValueTypeInvalid: .*spec\.size in body must be of type integer: "string"$/],
  },
  {
    title: 'a required field that is missing',
    source: 'API-15',
    request: ['POST', widgets, widget('w', {})],
    code: 422,
    reason: 'Invalid',
    causes: ['spec.color: FieldValueRequired: Required value'],
  },
  {
    title: 'a value that is not in the enum',
    source: 'API-15',
    request: ['POST', widgets, widget('w', { color: 'mauve' })],
    code: 422,
    reason: 'Invalid',
    causes: [
      'spec.color: FieldValueNotSupported: Unsupported value: "mauve": supported values: "red", "blue"',
    ],
  },
  {
    title: 'a number below the minimum',
    source: 'API-15',
    request: ['POST', widgets, widget('w', { color: 'red', size: 0 })],
    code: 422,
    reason: 'Invalid',
    causes: [
      'spec.size: FieldValueInvalid: Invalid value: 0: spec.size in body should be greater than or equal to 1',
    ],
  },
  {
    title: 'a list with a key twice',
    source: 'API-15',
    request: ['POST', widgets, widget('w', { color: 'red', parts: [{ name: 'a' }, { name: 'a' }] })],
    code: 422,
    reason: 'Invalid',
    causes: ['spec.parts[1]: FieldValueDuplicate: Duplicate value: map[string]interface {}{"name":"a"}'],
  },
  {
    title: 'a definition whose name does not fit',
    source: 'API-15',
    request: ['POST', crds, { ...crd({}), metadata: { name: 'stuff.example.com' } }],
    code: 422,
    reason: 'Invalid',
    causes: [/^metadata\.name: FieldValueInvalid: .*must be spec\.names\.plural\+"\."\+spec\.group$/],
  },
  {
    title: 'a definition without a schema',
    source: 'API-15',
    request: ['POST', crds, crd({}, [{ name: 'v1', served: true, storage: true }])],
    code: 422,
    reason: 'Invalid',
    causes: [
      'spec.versions[0].schema.openAPIV3Schema: FieldValueRequired: Required value: schemas are required',
    ],
  },
  {
    title: 'a schema that is not structural',
    source: 'API-15',
    request: [
      'POST',
      crds,
      crd({}, [version({ type: 'object', properties: { spec: { properties: { a: { type: 'string' } } } } })]),
    ],
    code: 422,
    reason: 'Invalid',
    causes: [/openAPIV3Schema\.properties\[spec\]\.type: FieldValueRequired/],
  },
  {
    title: 'a definition with two storage versions',
    source: 'API-15',
    request: [
      'POST',
      crds,
      crd({}, [version({ type: 'object' }), { ...version({ type: 'object' }), name: 'v2' }]),
    ],
    code: 422,
    reason: 'Invalid',
    causes: [/must have exactly one version marked as storage version$/],
  },
  {
    title: 'a scope that does not exist',
    source: 'API-15',
    request: ['POST', crds, crd({ scope: 'Galaxy' })],
    code: 422,
    reason: 'Invalid',
    causes: [/^spec\.scope: FieldValueNotSupported/],
  },
  // Prototype pollution
  {
    title: '__proto__ as a label key',
    source: 'apimachinery ValidateLabels: qualified names',
    request: [
      'POST',
      `${core}/configmaps`,
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","labels":{"__proto__":"polluted"}}}',
      json,
    ],
    code: 422,
    reason: 'Invalid',
    causes: [/^metadata\.labels: FieldValueInvalid: Invalid value: "__proto__"/],
  },
  {
    title: '__proto__ in a JSON patch path',
    source: 'RFC 6902',
    request: [
      'PATCH',
      `${core}/configmaps/present`,
      [{ op: 'add', path: '/__proto__/polluted', value: 'x' }],
      jsonPatch,
    ],
    code: 422,
    reason: 'Invalid',
  },
  {
    title: 'constructor.prototype in a JSON patch path',
    source: 'RFC 6902',
    request: [
      'PATCH',
      `${core}/configmaps/present`,
      [{ op: 'add', path: '/constructor/prototype/polluted', value: 'x' }],
      jsonPatch,
    ],
    code: 422,
    reason: 'Invalid',
  },
  {
    title: '__proto__ in a merge patch, strictly',
    source: 'API-10',
    request: [
      'PATCH',
      `${core}/configmaps/present?fieldValidation=Strict`,
      '{"__proto__":{"polluted":"x"}}',
      merge,
    ],
    code: 422,
    reason: 'Invalid',
    causes: [/unknown field "__proto__"/],
  },
];

const owner = { fieldManager: 'owner' };
const fixtures: readonly (readonly [string, object])[] = [
  [
    crds,
    {
      ...crd({ names: { plural: 'widgets', kind: 'Widget' } }, [
        version({
          type: 'object',
          properties: {
            spec: {
              type: 'object',
              required: ['color'],
              properties: {
                color: { type: 'string', enum: ['red', 'blue'] },
                size: { type: 'integer', minimum: 1 },
                parts: {
                  type: 'array',
                  'x-kubernetes-list-type': 'map',
                  'x-kubernetes-list-map-keys': ['name'],
                  items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
                },
              },
            },
          },
        }),
      ]),
      metadata: { name: 'widgets.example.com' },
    },
  ],
  [`${core}/configmaps`, configMap('present', { data: { a: '1' } })],
  [`${core}/configmaps`, configMap('frozen', { data: { a: '1' }, immutable: true })],
  [apps, { ...deployment({}), metadata: { name: 'present' } }],
  [widgets, widget('present', { color: 'red' })],
  ['/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ending' } }],
];

describe('bad requests', () => {
  const folder = temporaryFolder();
  let cluster: EmbeddedCluster;
  const transports = new Map<string, Transport>();

  before(async () => {
    cluster = await EmbeddedCluster.start({ controllers: false, dataDir: folder.path, https: {} });
    const inProcess = cluster.transport();
    transports.set('in process', inProcess);
    transports.set('over HTTPS', (await connect({ kubeconfig: cluster.kubeconfig as string })).transport);
    for (const [path, object] of fixtures) {
      let response = await inProcess.request({
        method: 'POST',
        path,
        query: owner,
        body: structuredClone(object),
      });
      // The custom kind is served a moment after its definition is stored.
      for (let i = 0; response.status === 404 && i < 100; i++) {
        await Promise.resolve();
        response = await inProcess.request({
          method: 'POST',
          path,
          query: owner,
          body: structuredClone(object),
        });
      }
      expect(response.status, JSON.stringify(response.body)).to.equal(201);
    }
    await inProcess.request({ method: 'DELETE', path: '/api/v1/namespaces/ending' });
  });
  after(async () => {
    transports.get('over HTTPS')?.close();
    await cluster.stop();
    folder[Symbol.dispose]();
  });

  it(`are at least sixty`, () => expect(rows.length).to.be.greaterThan(60));

  for (const way of ['in process', 'over HTTPS']) {
    describe(way, () => {
      for (const row of rows) {
        it(`${row.title} → ${row.code} ${row.reason ?? ''} (${row.source})`, async () => {
          check(row, await send(transports.get(way) as Transport, row.request));
          expect(({} as { polluted?: string }).polluted, 'Object.prototype').to.equal(undefined);
        });
      }

      it('leave the server up', async () => {
        const transport = transports.get(way) as Transport;
        expect((await transport.request({ method: 'GET', path: '/readyz' })).body).to.equal('ok');
        const present = await transport.request({ method: 'GET', path: `${core}/configmaps/present` });
        expect((present.body as { data: object }).data).to.deep.equal({ a: '1' });
      });
    });
  }
});
