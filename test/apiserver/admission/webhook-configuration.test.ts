import { expect } from 'chai';
import { VirtualServer } from '../requests/virtual-server.js';
import { configuration, configurationsUrl, webhook } from './webhook-objects.js';

const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
const https = '; desired format: https://host[/path]';

const refused: readonly (readonly [what: string, hook: object, message: string])[] = [
  [
    'a name of two parts',
    { name: 'a.b' },
    'webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots',
  ],
  [
    'no side effects',
    { sideEffects: undefined },
    'webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun',
  ],
  [
    'unknown side effects',
    { sideEffects: 'Some' },
    'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
  ],
  [
    'no review versions',
    { admissionReviewVersions: [] },
    'webhooks[0].admissionReviewVersions: Required value: must specify one of v1',
  ],
  [
    'no known review version',
    { admissionReviewVersions: ['v7'] },
    'webhooks[0].admissionReviewVersions: Invalid value: ["v7"]: must include at least one of v1',
  ],
  [
    'a review version twice',
    { admissionReviewVersions: ['v1', 'v1'] },
    'webhooks[0].admissionReviewVersions[1]: Invalid value: "v1": duplicate version',
  ],
  [
    'no time',
    { timeoutSeconds: 0 },
    'webhooks[0].timeoutSeconds: Invalid value: 0: the timeout value must be between 1 and 30 seconds',
  ],
  [
    'too much time',
    { timeoutSeconds: 31 },
    'webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds',
  ],
  [
    'http',
    { clientConfig: { url: 'http://a.example/x' } },
    `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme${https}`,
  ],
  [
    'a query',
    { clientConfig: { url: 'https://a.example/x?y=1' } },
    'webhooks[0].clientConfig.url: Invalid value: "y=1": query parameters are not permitted in the URL',
  ],
  [
    'url and service',
    { clientConfig: { url: 'https://a', service: { name: 'a', namespace: 'b' } } },
    'webhooks[0].clientConfig: Required value: exactly one of url or service is required',
  ],
  [
    'neither url nor service',
    { clientConfig: {} },
    'webhooks[0].clientConfig: Required value: exactly one of url or service is required',
  ],
  [
    'a service path without a slash',
    { clientConfig: { service: { name: 'a', namespace: 'b', path: 'x' } } },
    `[webhooks[0].clientConfig.service.path: Invalid value: "x": must start with a '/', webhooks[0].clientConfig.service.path: Invalid value: "x": segment[0] may not be empty]`,
  ],
  [
    'a service port out of range',
    { clientConfig: { service: { name: 'a', namespace: 'b', port: 70_000 } } },
    'webhooks[0].clientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive',
  ],
  [
    'an unknown failurePolicy',
    { failurePolicy: 'Maybe' },
    'webhooks[0].failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore"',
  ],
  [
    'an unknown matchPolicy',
    { matchPolicy: 'Near' },
    'webhooks[0].matchPolicy: Unsupported value: "Near": supported values: "Equivalent", "Exact"',
  ],
  [
    'an unknown operation',
    { rules: [{ ...rule, operations: ['READ'] }] },
    'webhooks[0].rules[0].operations[0]: Unsupported value: "READ": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
  ],
  [
    'a wildcard among operations',
    { rules: [{ ...rule, operations: ['*', 'CREATE'] }] },
    `webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations`,
  ],
  ['no groups', { rules: [{ ...rule, apiGroups: [] }] }, 'webhooks[0].rules[0].apiGroups: Required value'],
  [
    'a resource beside all of its subresources',
    { rules: [{ ...rule, resources: ['pods/*', 'pods/log'] }] },
    `webhooks[0].rules[0].resources[1]: Invalid value: "pods/log": if 'pods/*' is present, must not specify pods/log`,
  ],
  [
    'an unknown scope',
    { rules: [{ ...rule, scope: 'World' }] },
    'webhooks[0].rules[0].scope: Unsupported value: "World": supported values: "*", "Cluster", "Namespaced"',
  ],
  [
    'a selector that is none',
    { objectSelector: { matchExpressions: [{ key: 'a', operator: 'Near' }] } },
    'webhooks[0].objectSelector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator',
  ],
  [
    'a condition of unknown names',
    { matchConditions: [{ name: 'a', expression: 'nope' }] },
    `webhooks[0].matchConditions[0].expression: Invalid value: "nope": compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^`,
  ],
  [
    'a condition that gives no bool',
    { matchConditions: [{ name: 'a', expression: "'true'" }] },
    `webhooks[0].matchConditions[0].expression: Invalid value: "'true'": must evaluate to bool but got string`,
  ],
  [
    'a condition without a name',
    { matchConditions: [{ expression: 'true' }] },
    'webhooks[0].matchConditions[0].name: Required value',
  ],
];

describe('webhook configurations', () => {
  let server: VirtualServer;
  before(async () => {
    server = await VirtualServer.start();
  });
  after(() => server[Symbol.asyncDispose]());

  for (const [what, hook, message] of refused) {
    it(`API-17 are refused with ${what}`, async () => {
      // What is undefined is left out.
      const whole = JSON.parse(JSON.stringify({ ...webhook('a.example.com', [rule]), ...hook })) as object;
      const given = configuration('Validating', 'bad', [whole]);
      const status = await server.refused(422, 'POST', configurationsUrl('Validating'), given);
      expect(status.message).to.equal(
        `ValidatingWebhookConfiguration.admissionregistration.k8s.io "bad" is invalid: ${message}`,
      );
    });
  }

  it('API-17 are refused with one name twice', async () => {
    const hooks = [webhook('a.example.com', [rule]), webhook('a.example.com', [rule])];
    const given = configuration('Mutating', 'twice', hooks);
    const status = await server.refused(422, 'POST', configurationsUrl('Mutating'), given);
    expect(status.details?.causes?.[0]).to.include({
      field: 'webhooks[1].name',
      reason: 'FieldValueDuplicate',
    });
  });

  it('API-17 get their defaults', async () => {
    const service = { name: 's', namespace: 'n' };
    const hook = {
      name: 'a.example.com',
      rules: [rule],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      clientConfig: { service },
    };
    const made = await server.post(configurationsUrl('Mutating'), configuration('Mutating', 'plain', [hook]));
    expect(made.webhooks).to.deep.equal([
      {
        ...hook,
        clientConfig: { service: { ...service, port: 443 } },
        rules: [{ ...rule, scope: '*' }],
        failurePolicy: 'Fail',
        matchPolicy: 'Equivalent',
        namespaceSelector: {},
        objectSelector: {},
        timeoutSeconds: 10,
        reinvocationPolicy: 'Never',
      },
    ]);
    expect(made.metadata.generation).to.equal(1);
  });
});
