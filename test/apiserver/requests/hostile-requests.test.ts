/**
 * Requests that try what the server might have forgotten: wrong shapes in every place, hostile keys, raw
 * targets and headers. Each gets the API's own refusal, in process and over HTTPS, and leaves nothing behind.
 */
import { request as httpsRequest } from 'node:https';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { builtinResources, schemaOfKind } from '#src/api/facts/index.js';
import { apiVersionOf, type JsonObject, type JsonValue, type Schema, type Transport } from 'gyre/api';
import { connect } from 'gyre/client';
import { EmbeddedCluster } from 'gyre/cluster';
import { temporaryFolder } from '../../support/processes.js';
import { check, type Row, send } from './bad-request.js';

type Request = Row['request'];
type Expected = Pick<Row, 'message' | 'causes' | 'warning'>;

const core = '/api/v1/namespaces/default';
const deployment = '/apis/apps/v1/namespaces/default/deployments/present';
const gadgets = '/apis/example.com/v1/namespaces/default/gadgets';
const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const present = `${core}/configmaps/present`;
const json = { 'content-type': 'application/json' };
const yaml = { 'content-type': 'application/yaml' };
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
const labelled = (metadata: object) => configMap('x', { metadata: { name: 'x', ...metadata } });
const gadget = (spec: unknown, more: object = {}) => ({
  apiVersion: 'example.com/v1',
  kind: 'Gadget',
  metadata: { name: 'x' },
  spec,
  ...more,
});
const version = (openAPIV3Schema: unknown, more: object = {}) => ({
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema },
  ...more,
});
const crd = (versions: unknown, change: object = {}, name = 'things.example.com') => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'things', kind: 'Thing' },
    versions,
    ...change,
  },
});
const property = (schema: unknown) => crd([version({ type: 'object', properties: { a: schema } })]);
const schemaPath = 'spec\\.versions\\[0\\]\\.schema\\.openAPIV3Schema';

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  504: 'Timeout',
};
/** A row whose one expectation is a message, or, for a 422, a cause. */
function row(title: string, source: string, request: Request, code: number, text?: string | RegExp): Row {
  const expected: Expected = text === undefined ? {} : code === 422 ? { causes: [text] } : { message: text };
  return { title, source, request, code, ...(reasons[code] ? { reason: reasons[code] } : {}), ...expected };
}
const warned = (title: string, request: Request, code: number, warning: RegExp): Row => ({
  title,
  source: 'API-10',
  request,
  code,
  warning,
});
const token = (rv: number, start: string) =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start })).toString('base64url');

const rows: readonly Row[] = [
  // Bodies
  row('two values in one body', 'encoding/json', ['POST', `${core}/configmaps`, '{} {}', json], 400, /JSON/),
  row(
    'a time that is none',
    'metav1.Time',
    ['POST', `${core}/configmaps`, labelled({ creationTimestamp: 'yesterday' })],
    400,
    /parsing time .*cannot parse "yesterday" as "2006"$/,
  ),
  row(
    'a time that is none in a custom object',
    'metav1.Time',
    ['POST', gadgets, gadget({}, { metadata: { name: 'x', creationTimestamp: 'yesterday' } })],
    400,
    /parsing time/,
  ),
  row(
    'a number beyond all bounds',
    'encoding/json',
    [
      'POST',
      gadgets,
      '{"apiVersion":"example.com/v1","kind":"Gadget","metadata":{"name":"x"},"spec":{"open":{"n":1e400}}}',
      json,
    ],
    400,
    /1e400/,
  ),
  row(
    'YAML that loops',
    'DESIGN §6',
    ['POST', `${core}/configmaps`, 'a: &a [*a]\nb: *a', yaml],
    400,
    /^error decoding YAML: /,
  ),
  row(
    'YAML that explodes',
    'DESIGN §6',
    [
      'PATCH',
      `${core}/configmaps/x?fieldManager=m`,
      [
        'a: &a [x,x,x,x,x,x,x,x,x]',
        'b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]',
        'c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]',
        'd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]',
      ].join('\n'),
      apply,
    ],
    400,
    /alias/,
  ),
  row(
    'two YAML documents',
    'sigs.k8s.io/yaml',
    ['POST', `${core}/configmaps`, 'kind: ConfigMap\n---\nkind: ConfigMap', yaml],
    400,
    /multiple documents/,
  ),
  row(
    'protobuf without its prefix',
    'protobuf.go',
    ['POST', `${core}/configmaps`, 'nope', { 'content-type': 'application/vnd.kubernetes.protobuf' }],
    400,
    /does not appear to be a protobuf message/,
  ),
  row(
    'a patch nested without end',
    'DESIGN §6',
    ['PATCH', present, `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, merge],
    400,
    /nested deeper/,
  ),
  row(
    'an empty media type with a body',
    'API-8',
    ['POST', `${core}/configmaps`, 'x', { 'content-type': 'text' }],
    415,
  ),
  row(
    'a Table of another group',
    'API-11',
    ['GET', `${core}/configmaps`, undefined, { accept: 'application/json;as=Table;v=v1;g=wrong' }],
    406,
  ),
  row(
    'an Accept that is none',
    'API-11',
    ['GET', `${core}/configmaps`, undefined, { accept: ';;;,,,==' }],
    406,
  ),
  // Unknown and duplicate fields
  row(
    'an unknown field in a PUT, strictly',
    'API-10',
    ['PUT', `${present}?fieldValidation=Strict`, configMap('present', { dataa: 1 })],
    400,
    /unknown field "dataa"$/,
  ),
  row(
    'an unknown field in a JSON patch, strictly',
    'API-10',
    ['PATCH', `${present}?fieldValidation=Strict`, [{ op: 'add', path: '/bogus', value: 1 }], jsonPatch],
    422,
    /^patch: FieldValueInvalid: .*unknown field "bogus"/,
  ),
  row(
    'an unknown field in a strategic patch, strictly',
    'API-10',
    ['PATCH', `${present}?fieldValidation=Strict`, { bogus: 1 }, strategic],
    422,
    /^patch: FieldValueInvalid: .*unknown field "bogus"/,
  ),
  row(
    'an unknown field in an apply, strictly',
    'API-10',
    ['PATCH', `${present}?fieldValidation=Strict&fieldManager=m`, configMap('present', { bogus: 1 }), apply],
    400,
    /\.bogus: field not declared in schema$/,
  ),
  row(
    'a duplicate field of a custom object, strictly',
    'API-10',
    [
      'POST',
      `${gadgets}?fieldValidation=Strict`,
      '{"apiVersion":"example.com/v1","kind":"Gadget","metadata":{"name":"x"},"spec":{"size":1,"size":2}}',
      json,
    ],
    400,
    /duplicate field "spec\.size"$/,
  ),
  row(
    'an unknown field of the metadata of a custom object, strictly',
    'API-10',
    ['POST', `${gadgets}?fieldValidation=Strict`, gadget({}, { metadata: { name: 'x', nam: 'y' } })],
    400,
    /unknown field "metadata\.nam"$/,
  ),
  warned(
    'an unknown field of a custom object, by default a warning',
    ['POST', `${gadgets}?dryRun=All`, gadget({ sise: 1 })],
    201,
    /^299 - "unknown field \\"spec\.sise\\""$/,
  ),
  warned(
    'an unknown field in a patch, by default a warning',
    ['PATCH', `${present}?dryRun=All`, { bogus: 1 }, merge],
    200,
    /^299 - "unknown field \\"bogus\\""$/,
  ),
  // Patches
  row('a merge patch that is a list', 'API-8', ['PATCH', present, [], merge], 400),
  row('a merge patch that is no JSON', 'API-8', ['PATCH', present, '{', merge], 400),
  row('a patch without a body', 'API-8', ['PATCH', present, undefined, merge], 400),
  row('a patch as plain JSON', 'API-8', ['PATCH', present, {}, json], 415),
  row('operations that are none', 'RFC 6902', ['PATCH', present, [null, 1], jsonPatch], 400),
  row('an operation without a path', 'RFC 6902', ['PATCH', present, [{ op: 'add' }], jsonPatch], 400),
  row(
    'an operation whose path is no pointer',
    'RFC 6901',
    ['PATCH', present, [{ op: 'add', path: 'data', value: 1 }], jsonPatch],
    400,
  ),
  row(
    'an addition without a value',
    'RFC 6902',
    ['PATCH', present, [{ op: 'add', path: '/data/x' }], jsonPatch],
    400,
  ),
  row(
    'a move of what is not there',
    'RFC 6902',
    ['PATCH', present, [{ op: 'move', from: '/data/nope', path: '/data/x' }], jsonPatch],
    422,
  ),
  row(
    'a patch that removes everything',
    'RFC 6902',
    ['PATCH', present, [{ op: 'remove', path: '' }], jsonPatch],
    422,
  ),
  row(
    'a patch that makes a list of it',
    'RFC 6902',
    ['PATCH', present, [{ op: 'replace', path: '', value: [] }], jsonPatch],
    400,
  ),
  row(
    'a patch that makes another kind of it',
    'handlers/patch.go',
    ['PATCH', present, { kind: 'Secret' }, merge],
    400,
  ),
  row(
    'a patch that makes the metadata a string',
    'rest.go transformDecodeError',
    ['PATCH', present, { metadata: 'x' }, merge],
    422,
    /^patch: FieldValueInvalid: .*of type v1\.ObjectMeta$/,
  ),
  row(
    'a directive that does not exist',
    'strategicpatch',
    ['PATCH', present, { data: { $patch: 'explode' } }, strategic],
    400,
    /^unknown patch type: explode/,
  ),
  row(
    'items that are no objects in a list merged by key',
    'strategicpatch',
    ['PATCH', deployment, { spec: { template: { spec: { containers: [null, 1] } } } }, strategic],
    400,
  ),
  row(
    'an element order that is no list',
    'strategicpatch',
    [
      'PATCH',
      deployment,
      { spec: { template: { spec: { '$setElementOrder/containers': 'x' } } } },
      strategic,
    ],
    400,
  ),
  // Reads
  row(
    'sendInitialEvents without a match',
    'API-2',
    ['GET', `${core}/configmaps?watch=true&sendInitialEvents=true`],
    422,
    'resourceVersionMatch: FieldValueForbidden: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
  ),
  row(
    'sendInitialEvents at an exact version',
    'API-2',
    ['GET', `${core}/configmaps?watch=true&sendInitialEvents=true&resourceVersionMatch=Exact`],
    422,
    'resourceVersionMatch: FieldValueNotSupported: Unsupported value: "Exact": supported values: "NotOlderThan"',
  ),
  row(
    'a watch with a match alone',
    'API-2',
    ['GET', `${core}/configmaps?watch=true&resourceVersionMatch=Exact`],
    422,
    'resourceVersionMatch: FieldValueForbidden: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
  ),
  row(
    'a watch from a negative version',
    'API-1',
    ['GET', `${core}/configmaps?watch=true&resourceVersion=-1`],
    400,
    /^invalid resource version/,
  ),
  row(
    'a get at a version that is none',
    'API-1',
    ['GET', `${present}?resourceVersion=abc`],
    400,
    /^invalid resource version/,
  ),
  row(
    'a get at a version that has not happened',
    'API-1',
    ['GET', `${present}?resourceVersion=999999999999999`],
    504,
    /^Too large resource version/,
  ),
  row(
    'a version next to a continue token',
    'apiserver/pkg/storage ValidateListOptions',
    ['GET', `${core}/configmaps?resourceVersion=5&continue=${token(5, 'default/a')}`],
    400,
    'specifying resource version is not allowed when using continue',
  ),
  row(
    'a match next to a continue token',
    'API-1',
    ['GET', `${core}/configmaps?resourceVersion=5&resourceVersionMatch=NotOlderThan&continue=x`],
    422,
    'resourceVersionMatch: FieldValueForbidden: Forbidden: resourceVersionMatch is forbidden when continue is provided',
  ),
  row(
    'a continue token of the past',
    'API-4',
    ['GET', `${core}/configmaps?continue=${token(5, 'default/a')}`],
    410,
    /^The provided continue parameter is too old/,
  ),
  row(
    'a continue token that is null',
    'API-4',
    ['GET', `${core}/configmaps?continue=${Buffer.from('null').toString('base64url')}`],
    400,
    'continue key is not valid',
  ),
  row(
    'an exact version of the past',
    'API-1',
    ['GET', `${core}/configmaps?resourceVersion=1&resourceVersionMatch=Exact`],
    410,
  ),
  row(
    'a limit beyond int64',
    'strconv.ParseInt',
    ['GET', `${core}/configmaps?limit=99999999999999999999`],
    400,
  ),
  row(
    'a version of a group that does not exist',
    'API-19',
    ['GET', '/apis/apps/v9/namespaces/default/deployments'],
    404,
  ),
  row(
    '__proto__ as a label to select by',
    'labels/selector.go',
    ['GET', `${core}/configmaps?labelSelector=__proto__%3Dx`],
    400,
    /^unable to parse requirement/,
  ),
  row(
    '__proto__ as a field to select by',
    'API-13',
    ['GET', `${core}/pods?fieldSelector=__proto__%3Dx`],
    400,
    /field label not supported: __proto__$/,
  ),
  row(
    'toString as a field to select by',
    'API-13',
    ['GET', `${core}/pods?fieldSelector=toString%3Dx`],
    400,
    /field label not supported: toString$/,
  ),
  row('__proto__ as a group', 'API-19', ['GET', '/apis/__proto__/v1/x'], 404),
  row('constructor as a resource', 'API-19', ['GET', '/api/v1/constructor'], 404),
  // Writes where there are none
  row('deleting across all namespaces', 'endpoints/installer.go', ['DELETE', '/api/v1/configmaps'], 405),
  row(
    'creating across all namespaces',
    'endpoints/installer.go',
    ['POST', '/api/v1/configmaps', configMap('x')],
    405,
  ),
  row(
    'deleting custom objects across all namespaces',
    'customresource_handler.go',
    ['DELETE', '/apis/example.com/v1/gadgets'],
    404,
  ),
  row(
    'creating a custom object across all namespaces',
    'customresource_handler.go',
    ['POST', '/apis/example.com/v1/gadgets', gadget({})],
    404,
  ),
  row('creating a status', 'API-14', ['POST', `${deployment}/status`, {}], 405),
  row('deleting a status', 'API-14', ['DELETE', `${deployment}/status`], 405),
  row(
    'the status of what does not exist',
    'API-14',
    ['GET', '/apis/apps/v1/namespaces/default/deployments/nobody/status'],
    404,
  ),
  row('a document that is written to', 'API-12', ['POST', '/apis', {}], 405),
  row(
    'replacing what does not exist',
    'API-6',
    ['PUT', `${core}/configmaps/nobody`, configMap('nobody')],
    404,
  ),
  row('a Scale that is a list', 'API-14', ['PUT', `${deployment}/scale`, '[]', json], 400),
  row(
    'a Scale whose spec is a list',
    'API-14',
    ['PUT', `${deployment}/scale`, { spec: [] }],
    400,
    /^Scale in version "v1" cannot be handled as a Scale: /,
  ),
  row(
    'a Scale to a word',
    'API-14',
    ['PUT', `${deployment}/scale`, { spec: { replicas: 'x' } }],
    400,
    /of type int32$/,
  ),
  row(
    'a Scale beyond int32',
    'API-14',
    ['PATCH', `${deployment}/scale`, { spec: { replicas: 1e10 } }, merge],
    400,
    /of type int32$/,
  ),
  // Metadata
  row(
    'a namespace in what has none',
    'handlers/create.go',
    [
      'POST',
      '/api/v1/nodes',
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', namespace: 'default' } },
    ],
    400,
    'namespace is not allowed on this type',
  ),
  row(
    'a generateName that generates none',
    'ValidateObjectMeta',
    ['POST', `${core}/configmaps`, configMap('', { metadata: { generateName: 'Bad_' } })],
    422,
    /^metadata\.generateName: FieldValueInvalid: Invalid value: "Bad_"/,
  ),
  row(
    'a name of 254 characters',
    'IsDNS1123Subdomain',
    ['POST', `${core}/configmaps`, configMap('a'.repeat(254))],
    422,
    /must be no more than 253/,
  ),
  row(
    'a path for a name',
    'IsDNS1123Subdomain',
    ['POST', `${core}/configmaps`, configMap('../../secrets/x')],
    422,
    /^metadata\.name: FieldValueInvalid/,
  ),
  row(
    'a finalizer without a domain',
    'ValidateFinalizerName',
    ['POST', `${core}/configmaps`, labelled({ finalizers: ['mine'] })],
    422,
    /^metadata\.finalizers\[0\]: FieldValueInvalid: .*neither a standard finalizer name nor is it fully qualified$/,
  ),
  row(
    'an owner that is nobody',
    'ValidateOwnerReferences',
    ['POST', `${core}/configmaps`, labelled({ ownerReferences: [{}] })],
    422,
    'metadata.ownerReferences.uid: FieldValueInvalid: Invalid value: "": must not be empty',
  ),
  row(
    'two controllers',
    'ValidateOwnerReferences',
    [
      'POST',
      `${core}/configmaps`,
      labelled({
        ownerReferences: ['a', 'b'].map((name) => ({
          apiVersion: 'v1',
          kind: 'Pod',
          name,
          uid: name,
          controller: true,
        })),
      }),
    ],
    422,
    /Only one reference can have Controller set to true\. Found "true" in references for Pod\/a and Pod\/b$/,
  ),
  row(
    'a label key of 64 characters',
    'ValidateLabels',
    ['POST', `${core}/configmaps`, labelled({ labels: { ['a'.repeat(64)]: 'x' } })],
    422,
    /name part must be no more than 63/,
  ),
  row(
    '__proto__ as an annotation key',
    'ValidateAnnotations',
    [
      'POST',
      `${core}/configmaps`,
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","annotations":{"__proto__":"x"}}}',
      json,
    ],
    422,
    /^metadata\.annotations: FieldValueInvalid: Invalid value: "__proto__"/,
  ),
  row(
    '__proto__ for the identity',
    'API-10',
    ['POST', `${core}/configmaps?fieldValidation=Strict`, '{"__proto__":{"metadata":{"name":"x"}}}', json],
    400,
    /unknown field "__proto__"$/,
  ),
  row(
    'a field manager that cannot be printed',
    'ValidateFieldManager',
    ['POST', `${core}/configmaps?fieldManager=a%0Ab`, configMap('x')],
    422,
    'fieldManager: FieldValueInvalid: Invalid value: "a\\nb": should only contain printable characters',
  ),
  row(
    'the type of a Secret that changes',
    'ValidateSecretUpdate',
    ['PATCH', `${core}/secrets/present`, { type: 'other' }, merge],
    422,
    /^type: FieldValueInvalid: .*field is immutable$/,
  ),
  // Apply
  row(
    'apply without saying what',
    'API-9',
    ['PATCH', `${present}?fieldManager=m`, { metadata: { name: 'present' } }, apply],
    400,
  ),
  row('apply of a list', 'API-9', ['PATCH', `${present}?fieldManager=m`, '- a\n- b', apply], 400),
  row(
    'apply to another name',
    'API-9',
    ['PATCH', `${present}?fieldManager=m`, configMap('absent'), apply],
    400,
    /does not match the name on the URL \(present\)$/,
  ),
  row(
    'apply to another namespace',
    'API-9',
    ['PATCH', `${present}?fieldManager=m`, configMap('present', { metadata: { namespace: 'other' } }), apply],
    400,
    /does not match the namespace/,
  ),
  row(
    'apply of a key that stands twice',
    'API-9',
    [
      'PATCH',
      `${deployment}?fieldManager=m`,
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        spec: { template: { spec: { containers: [{ name: 'a' }, { name: 'a' }] } } },
      },
      apply,
    ],
    400,
    /duplicate entries/,
  ),
  row(
    'apply to the uid of nobody',
    'handlers/patch.go',
    [
      'PATCH',
      `${core}/configmaps/absent?fieldManager=m`,
      configMap('absent', { metadata: { uid: '5' } }),
      apply,
    ],
    409,
    /uid mismatch: the provided object specified uid 5, and no existing object was found$/,
  ),
  // Deletes
  row(
    'options of a delete that are something else',
    'handlers/delete.go',
    ['DELETE', present, { apiVersion: 'v1', kind: 'Pod' }],
    400,
    /^decoded object cannot be converted to DeleteOptions/,
  ),
  row('options of a delete that are a list', 'handlers/delete.go', ['DELETE', present, '[]', json], 400),
  row(
    'options of a delete as text',
    'API-7',
    ['DELETE', present, 'x', { 'content-type': 'text/plain' }],
    415,
  ),
  row(
    'two policies for one delete',
    'ValidateDeleteOptions',
    ['DELETE', present, { propagationPolicy: 'Orphan', orphanDependents: true }],
    422,
    'propagationPolicy: FieldValueInvalid: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
  ),
  row(
    'a dry run that is a string',
    'API-7',
    ['DELETE', present, { dryRun: 'All' }],
    400,
    /of type \[\]string$/,
  ),
  row(
    'a delete of another version',
    'API-7',
    ['DELETE', present, { preconditions: { resourceVersion: '1' } }],
    409,
    /Precondition failed: ResourceVersion in precondition: 1/,
  ),
  // Custom objects
  row(
    'a string where there is a pattern',
    'API-15',
    ['POST', gadgets, gadget({ code: 'A!' })],
    422,
    'spec.code: FieldValueInvalid: Invalid value: "A!": spec.code in body should match \'^[a-z]+$\'',
  ),
  row(
    'a string that is too long',
    'API-15',
    ['POST', gadgets, gadget({ code: 'abcdef' })],
    422,
    /^spec\.code: FieldValueTooLong/,
  ),
  row(
    'a string that is too short',
    'API-15',
    ['POST', gadgets, gadget({ code: 'a' })],
    422,
    'spec.code: FieldValueInvalid: Invalid value: "a": spec.code in body should be at least 2 chars long',
  ),
  row(
    'a number above the maximum',
    'API-15',
    ['POST', gadgets, gadget({ size: 9 })],
    422,
    'spec.size: FieldValueInvalid: Invalid value: 9: spec.size in body should be less than or equal to 5',
  ),
  row(
    'a fraction for an integer of a custom object',
    'API-15',
    ['POST', gadgets, gadget({ size: 1.5 })],
    422,
    /^spec\.size: FieldValueTypeInvalid: .*must be of type integer: "number"$/,
  ),
  row(
    'a set with a value twice',
    'API-15',
    ['POST', gadgets, gadget({ tags: ['a', 'a'] })],
    422,
    'spec.tags[1]: FieldValueDuplicate: Duplicate value: "a"',
  ),
  row(
    'a list that is too long',
    'API-15',
    ['POST', gadgets, gadget({ tags: ['a', 'b', 'c'] })],
    422,
    /^spec\.tags: FieldValueTooMany: Too many: 3: must have at most 2 items$/,
  ),
  row(
    'a date that is none',
    'API-15',
    ['POST', gadgets, gadget({ when: 'x' })],
    422,
    /^spec\.when: FieldValueTypeInvalid: .*must be of type date-time: "x"$/,
  ),
  row(
    'an object for an int-or-string',
    'API-15',
    ['POST', gadgets, gadget({ port: {} })],
    422,
    /must be of type integer,string: "object"$/,
  ),
  row(
    'a wrong value in a map',
    'API-15',
    ['POST', gadgets, gadget({ map: { a: 'b' } })],
    422,
    /^spec\.map\.a: FieldValueTypeInvalid/,
  ),
  row(
    'a spec that is a string',
    'API-15',
    ['POST', gadgets, gadget('x')],
    422,
    /^spec: FieldValueTypeInvalid/,
  ),
  // Definitions
  row(
    'a definition without a spec',
    'apiextensions validation',
    ['POST', crds, { ...crd([]), spec: null }],
    422,
    /^spec\.group: FieldValueRequired/,
  ),
  row(
    'a definition whose spec goes',
    'apiextensions validation',
    ['PATCH', `${crds}/gadgets.example.com`, { spec: null }, merge],
    422,
    /^spec\.versions: FieldValueRequired/,
  ),
  row(
    'a definition whose versions are null',
    'apiextensions validation',
    ['PATCH', `${crds}/gadgets.example.com`, { spec: { versions: [null] } }, merge],
    422,
    /^spec\.versions\[0\]\.name: FieldValueInvalid/,
  ),
  row(
    'a definition without versions',
    'apiextensions validation',
    ['POST', crds, crd([])],
    422,
    /^spec\.versions: FieldValueRequired/,
  ),
  row(
    'no storage version',
    'apiextensions validation',
    ['POST', crds, crd([version({ type: 'object' }, { storage: false })])],
    422,
    /must have exactly one version marked as storage version$/,
  ),
  row(
    'a version name that is none',
    'apiextensions validation',
    ['POST', crds, crd([version({ type: 'object' }, { name: 'V1!' })])],
    422,
    /^spec\.versions\[0\]\.name: FieldValueInvalid/,
  ),
  row(
    'one name for kind and list',
    'apiextensions validation',
    [
      'POST',
      crds,
      crd([version({ type: 'object' })], { names: { plural: 'things', kind: 'Thing', listKind: 'Thing' } }),
    ],
    422,
    /^spec\.names\.listKind: FieldValueInvalid: .*kind and listKind may not be the same$/,
  ),
  row(
    'a group without a dot',
    'apiextensions validation',
    ['POST', crds, crd([version({ type: 'object' })], { group: 'nodots' }, 'things.nodots')],
    422,
    /^spec\.group: FieldValueInvalid: .*should be a domain with at least one dot$/,
  ),
  row(
    'a group of Kubernetes without approval',
    'API-15',
    ['POST', crds, crd([version({ type: 'object' })], { group: 'x.k8s.io' }, 'things.x.k8s.io')],
    422,
    /^metadata\.annotations\[api-approved\.kubernetes\.io\]: FieldValueRequired/,
  ),
  row(
    'a schema whose root is a list',
    'API-15',
    ['POST', crds, crd([version({ type: 'array', items: { type: 'string' } })])],
    422,
    new RegExp(`^${schemaPath}\\.type: FieldValueInvalid`),
  ),
  row(
    'a pattern that does not compile',
    'API-15',
    ['POST', crds, property({ type: 'string', pattern: '(' })],
    422,
    /must be a valid regular expression/,
  ),
  row(
    'a default of the wrong type',
    'API-15',
    ['POST', crds, property({ type: 'integer', default: 'x' })],
    422,
    new RegExp(`^${schemaPath}\\.properties\\[a\\]\\.default: FieldValueTypeInvalid`),
  ),
  row(
    'a schema that is a string',
    'API-15',
    ['POST', crds, property('x')],
    400,
    /of type v1\.JSONSchemaProps$/,
  ),
  row(
    'a reference in a schema',
    'API-15',
    ['POST', crds, property({ $ref: '#/x' })],
    422,
    /\$ref: FieldValueForbidden/,
  ),
  row(
    'a list map without keys',
    'API-15',
    ['POST', crds, property({ type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } })],
    422,
    /x-kubernetes-list-map-keys: FieldValueRequired/,
  ),
  row(
    'a printer column that is none',
    'API-15',
    [
      'POST',
      crds,
      crd([
        version({ type: 'object' }, { additionalPrinterColumns: [{ name: 'a', type: 'x', jsonPath: '.a' }] }),
      ]),
    ],
    422,
    /additionalPrinterColumns\[0\]\.type: FieldValueInvalid: .*must be one of boolean,date,integer,number,string$/,
  ),
  row(
    'a scope that changes',
    'API-15',
    ['PATCH', `${crds}/gadgets.example.com`, { spec: { scope: 'Cluster' } }, merge],
    422,
    'spec.scope: FieldValueInvalid: Invalid value: "Cluster": field is immutable',
  ),
];

const fixtures: readonly (readonly [string, object])[] = [
  [
    crds,
    crd(
      [
        version({
          type: 'object',
          properties: {
            spec: {
              type: 'object',
              properties: {
                code: { type: 'string', pattern: '^[a-z]+$', minLength: 2, maxLength: 4 },
                size: { type: 'integer', maximum: 5 },
                tags: {
                  type: 'array',
                  'x-kubernetes-list-type': 'set',
                  maxItems: 2,
                  items: { type: 'string' },
                },
                when: { type: 'string', format: 'date-time' },
                port: { 'x-kubernetes-int-or-string': true },
                map: { type: 'object', additionalProperties: { type: 'integer' } },
                open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              },
            },
          },
        }),
      ],
      { names: { plural: 'gadgets', kind: 'Gadget' } },
      'gadgets.example.com',
    ),
  ],
  [`${core}/configmaps`, configMap('present', { data: { a: '1' } })],
  [`${core}/secrets`, { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { name: 'present' } }],
  [
    '/apis/apps/v1/namespaces/default/deployments',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'present' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'd' } },
        template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    },
  ],
];

describe('hostile requests', () => {
  const folder = temporaryFolder();
  let cluster: EmbeddedCluster;
  let atFirst: JsonValue;
  const transports = new Map<string, Transport>();
  /** Everything these requests could have changed. */
  const state = async (transport: Transport): Promise<JsonValue> => {
    const paths = [
      '/api/v1/configmaps',
      '/api/v1/secrets',
      '/apis/apps/v1/deployments',
      crds,
      gadgets,
      '/api/v1/nodes',
    ];
    const lists = await Promise.all(paths.map((path) => transport.request({ method: 'GET', path })));
    // Over HTTPS, items of built-in kinds do not say what they are.
    return lists.map(({ body }) =>
      (body as { items: JsonObject[] }).items.map(({ apiVersion: _, kind: __, ...rest }) => rest),
    );
  };

  before(async () => {
    cluster = await EmbeddedCluster.start({
      controllers: false,
      dataDir: folder.path,
      https: {},
      tokens: new Map([['root', { username: 'root', groups: ['system:masters'] }]]),
    });
    const inProcess = cluster.transport();
    transports.set('in process', inProcess);
    transports.set('over HTTPS', (await connect({ kubeconfig: cluster.kubeconfig as string })).transport);
    for (const [path, object] of fixtures) {
      const response = await inProcess.request({ method: 'POST', path, body: structuredClone(object) });
      expect(response.status, JSON.stringify(response.body)).to.equal(201);
    }
    // The definition settles: it is served, and has its finalizer.
    const settled = async () =>
      JSON.stringify((await inProcess.request({ method: 'GET', path: `${crds}/gadgets.example.com` })).body);
    for (let i = 0; i < 1000 && !(await settled()).includes('customresourcecleanup'); i++)
      await Promise.resolve();
    atFirst = await state(inProcess);
  });
  after(async () => {
    transports.get('over HTTPS')?.close();
    await cluster.stop();
    folder[Symbol.dispose]();
  });

  for (const way of ['in process', 'over HTTPS']) {
    describe(way, () => {
      for (const one of rows) {
        it(`${one.title} → ${one.code} ${one.reason ?? ''} (${one.source})`, async () => {
          check(one, await send(transports.get(way) as Transport, one.request));
        });
      }

      it('change nothing, pollute nothing and leave the server up', async () => {
        const transport = transports.get(way) as Transport;
        expect(await state(transport)).to.deep.equal(atFirst);
        expect(({} as { polluted?: string }).polluted).to.equal(undefined);
        expect((await transport.request({ method: 'GET', path: '/readyz' })).body).to.equal('ok');
      });
    });
  }

  describe('no built-in kind answers 500', () => {
    const creatable = builtinResources.filter((r) => r.verbs.includes('create') && schemaOfKind(r));
    const listsOf = new Map<string, (items: Schema | undefined) => JsonValue[]>([
      ['null', () => [null]],
      ['empty objects', (items) => (items?.properties ? [{}] : [])],
      ['one item', (items) => [sample(items, 'one item', 0)]],
    ]);
    function sample(schema: Schema | undefined, lists: string, depth: number): JsonValue {
      if (!schema || depth > 9) return {};
      if (schema['x-kubernetes-int-or-string']) return '80';
      switch (schema.type) {
        case 'string':
          return schema.format === 'date-time' ? '2026-01-01T00:00:00Z' : schema.format === 'byte' ? '' : 'x';
        case 'integer':
        case 'number':
          return -1;
        case 'boolean':
          return true;
        case 'array':
          return lists === 'one item'
            ? [sample(schema.items, lists, depth + 1)]
            : (listsOf.get(lists) as (items: Schema | undefined) => JsonValue[])(schema.items);
        default:
          return Object.fromEntries(
            Object.entries(schema.properties ?? {}).map(([key, child]) => [
              key,
              sample(child, lists, depth + 1),
            ]),
          );
      }
    }

    for (const lists of ['nothing at all', ...listsOf.keys()]) {
      it(`to an object whose lists hold ${lists}`, async () => {
        const transport = transports.get('in process') as Transport;
        const failures: string[] = [];
        for (const facts of creatable) {
          const { group, kind, plural, scope } = facts;
          const apiVersion = apiVersionOf(facts);
          const at = scope === 'Namespaced' ? '/namespaces/default' : '';
          const path = `/${group === '' ? 'api' : 'apis'}/${apiVersion}${at}/${plural}`;
          const filled =
            lists === 'nothing at all' ? {} : (sample(schemaOfKind(facts), lists, 0) as JsonObject);
          for (const change of [{}, { status: undefined }, { spec: {} }, { spec: null }]) {
            const body = { ...filled, ...change, apiVersion, kind, metadata: { name: 'x' } };
            const { status } = await transport.request({
              method: 'POST',
              path,
              query: { dryRun: 'All' },
              body: JSON.stringify(body),
            });
            if (status >= 500) failures.push(`${kind} ${JSON.stringify(change)} ${status}`);
          }
        }
        expect(failures).to.deep.equal([]);
      });
    }
  });

  describe('on the wire', () => {
    /** A request as no client library would send it. */
    function raw(
      method: string,
      path: string,
      headers: Record<string, string> = {},
    ): Promise<{ code: number; body: string }> {
      const ca = readFileSync(join(folder.path, 'pki/ca.crt'), 'utf8');
      const { hostname, port } = new URL(cluster.url as string);
      return new Promise((resolve, reject) => {
        const outgoing = httpsRequest(
          { hostname, port, method, path, ca, headers, agent: false },
          (response) => {
            let body = '';
            response.setEncoding('utf8').on('data', (text: string) => {
              body += text;
            });
            response.once('end', () => resolve({ code: response.statusCode ?? 0, body }));
          },
        );
        outgoing.once('error', reject);
        outgoing.end();
      });
    }

    it('a target that is no URL gets an answer', async () => {
      for (const path of ['//[', '//', '/%', '*', '/?%'])
        expect((await raw('GET', path)).code, path).to.be.oneOf([400, 403, 404]);
    });

    it('dots in a path are a name like any other, not a way out', async () => {
      expect((await raw('GET', '/x/../readyz')).code).to.equal(403);
      const authorization = 'Bearer root';
      const path = `/api/v1/namespaces/x/%2e%2e/default/configmaps/present`;
      expect((await raw('GET', path, { authorization })).code).to.equal(404);
      expect((await raw('GET', present, { authorization })).code).to.equal(200);
    });

    it('a method that does not exist here is 405', async () => {
      for (const method of ['OPTIONS', 'TRACE', 'PROPFIND'])
        expect((await raw(method, '/version')).code, method).to.equal(405);
    });

    it('a long target is served, headers beyond all bounds are 431', async () => {
      expect((await raw('GET', `/readyz?${'x'.repeat(30_000)}`)).code).to.equal(200);
      // The server does not wait for the rest: the answer may be cut off by the end of the connection.
      const outcome = await raw('GET', '/readyz', { 'x-long': 'x'.repeat(100_000) }).then(
        ({ code }) => code,
        (error: NodeJS.ErrnoException) => error.code,
      );
      expect(outcome).to.be.oneOf([431, 'ECONNRESET', 'EPIPE']);
      expect((await raw('GET', '/readyz')).body).to.equal('ok');
    });
  });
});
