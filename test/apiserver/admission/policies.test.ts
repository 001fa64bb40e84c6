/** ValidatingAdmissionPolicies and matchConditions of webhooks (API-17). */
import { expect } from 'chai';
import type { JsonObject } from 'gyre/api';
import { mergePatch, VirtualServer } from '../requests/virtual-server.js';
import { configuration, configurationsUrl, handler, rule, urlOf, webhook } from './webhook-objects.js';

const group = '/apis/admissionregistration.k8s.io/v1';
const policies = `${group}/validatingadmissionpolicies`;
const bindings = `${group}/validatingadmissionpolicybindings`;
const maps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';

const apiVersion = 'admissionregistration.k8s.io/v1';
const about = (resource: string, apiGroup = '', operations = ['CREATE', 'UPDATE']) => ({
  resourceRules: [{ apiGroups: [apiGroup], apiVersions: ['v1'], operations, resources: [resource] }],
});
const policy = (name: string, spec: object) => ({
  apiVersion,
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name },
  spec: { matchConstraints: about('configmaps'), ...spec },
});
const binding = (name: string, spec: object = {}) => ({
  apiVersion,
  kind: 'ValidatingAdmissionPolicyBinding',
  metadata: { name: `${name}-binding` },
  spec: { policyName: name, validationActions: ['Deny'], ...spec },
});
const configMap = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...more,
});
const deployment = (name: string, replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels: { app: name } },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'c', image: 'nginx' }] },
    },
  },
});

describe('validating admission policies', () => {
  let server: VirtualServer;
  beforeEach(async () => {
    server = await VirtualServer.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const enforce = async (spec: object, bound: object = {}, name = 'p'): Promise<void> => {
    await server.post(policies, policy(name, spec));
    await server.post(bindings, binding(name, bound));
    await server.settle();
  };
  const refusal = async (body: object, url = maps, code = 422): Promise<string> => {
    const { message = '' } = await server.refused(code, 'POST', url, body);
    return message;
  };
  const denied = (why: string, what = 'configmaps "a"') =>
    `${what} is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-binding' denied request: ${why}`;

  it('API-17 validates against a Deployment', async () => {
    await enforce({
      matchConstraints: about('deployments', 'apps'),
      validations: [
        {
          expression: 'object.spec.replicas > 1',
          messageExpression: "'wants replicas > 1, got ' + string(object.spec.replicas)",
        },
        { expression: "namespaceObject.metadata.name == 'default'", message: 'wrong place' },
      ],
    });
    await server.post(deployments, deployment('good', 2));
    const status = await server.refused(422, 'POST', deployments, deployment('bad', 1));
    const message = denied('wants replicas > 1, got 1', 'deployments.apps "bad"');
    expect(status).to.include({ reason: 'Invalid', message });
    expect(status.details?.causes).to.deep.equal([{ message: message.replace(/^.* is forbidden: /, '') }]);
  });

  it('API-17 expressions refer to variables, and those to others', async () => {
    await enforce({
      variables: [
        { name: 'data', expression: 'object.?data.orValue({})' },
        { name: 'count', expression: 'variables.data.size()' },
      ],
      validations: [{ expression: 'variables.count <= 1' }],
    });
    await server.post(maps, configMap('b', { data: { x: '1' } }));
    expect(await refusal(configMap('a', { data: { x: '1', y: '2' } }))).to.equal(
      denied('failed expression: variables.count <= 1'),
    );
  });

  it('API-17 nothing is in force without a binding', async () => {
    await server.post(policies, policy('p', { validations: [{ expression: 'false' }] }));
    await server.settle();
    await server.post(maps, configMap('a'));
  });

  it('API-17 the reason of a validation is that of the refusal', async () => {
    await enforce({ validations: [{ expression: 'false', reason: 'Forbidden', message: 'never' }] });
    expect(await refusal(configMap('a'), maps, 403)).to.equal(denied('never'));
  });

  it('API-17 errors refuse, unless the policy is to be ignored then', async () => {
    await enforce({ validations: [{ expression: "object.data.x == '1'" }] });
    expect(await refusal(configMap('a'))).to.equal(
      denied("expression 'object.data.x == '1'' resulted in error: no such key: data"),
    );
    await server.patch(`${policies}/p`, { spec: { failurePolicy: 'Ignore' } });
    await server.settle();
    await server.post(maps, configMap('a'));
  });

  it('API-17 an expression that costs too much is an error', async () => {
    const ten = '[1,2,3,4,5,6,7,8,9,10]';
    const dear = 'abcdef'.split('').reduce((inner, v) => `${ten}.all(${v}, ${inner})`, 'true');
    await enforce({ validations: [{ expression: dear }] });
    expect(await refusal(configMap('a'))).to.contain('operation cancelled: actual cost limit exceeded');
  });

  it('API-17 match conditions keep a policy out of what is not its business', async () => {
    await enforce({
      matchConditions: [{ name: 'not-mine', expression: "!object.metadata.name.startsWith('free')" }],
      validations: [{ expression: 'false' }],
    });
    await server.post(maps, configMap('free'));
    await refusal(configMap('a'));
  });

  it('API-17 Warn tells and lets pass', async () => {
    await enforce(
      { validations: [{ expression: 'false', message: 'not nice' }] },
      { validationActions: ['Warn', 'Audit'] },
    );
    const response = await server.ask('POST', maps, configMap('a'));
    expect(response.status).to.equal(201);
    expect(response.headers.warning).to.equal(
      `299 - "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-binding': not nice"`,
    );
  });

  it('API-17 a binding narrows where its policy is in force', async () => {
    await enforce(
      { validations: [{ expression: 'false' }] },
      { matchResources: { objectSelector: { matchLabels: { strict: 'yes' } } } },
    );
    await server.post(maps, configMap('a'));
    await refusal({ ...configMap('b'), metadata: { name: 'b', labels: { strict: 'yes' } } });
  });

  it('API-17 excluded and named resources', async () => {
    await enforce({
      matchConstraints: {
        ...about('configmaps'),
        excludeResourceRules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['*'],
            resources: ['configmaps'],
            resourceNames: ['free'],
          },
        ],
      },
      validations: [{ expression: 'false' }],
    });
    await server.post(maps, configMap('free'));
    await refusal(configMap('a'));
  });

  it('API-17 an update shows what was there', async () => {
    await enforce({
      validations: [
        { expression: "request.operation != 'UPDATE' || object.data == oldObject.data", message: 'fixed' },
      ],
    });
    await server.post(maps, configMap('a', { data: { x: '1' } }));
    const status = await server.refused(422, 'PATCH', `${maps}/a`, { data: { x: '2' } }, mergePatch);
    expect(status.message).to.equal(denied('fixed'));
  });

  it('API-17 the authorizer knows what the user may do', async () => {
    await enforce({
      validations: [
        {
          expression:
            "authorizer.group('').resource('secrets').namespace('default').check('delete').allowed() && authorizer.requestResource.check('create').allowed() && request.userInfo.username != ''",
        },
      ],
    });
    await server.post(maps, configMap('a'));
  });

  describe('parameters', () => {
    const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
    const limits = {
      paramKind,
      matchConstraints: about('secrets'),
      validations: [
        {
          expression:
            'object.?stringData.orValue({}).size() + object.?data.orValue({}).size() <= int(params.data.max)',
        },
      ],
    };
    const secrets = '/api/v1/namespaces/default/secrets';
    const secret = (name: string, count: number) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      data: Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'YQ=='])),
    });

    it('API-17 are read by name', async () => {
      await server.post(maps, configMap('limits', { data: { max: '1' } }));
      await enforce(limits, { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } });
      await server.post(secrets, secret('a', 1));
      await refusal(secret('b', 2), secrets);
      await server.patch(`${maps}/limits`, { data: { max: '2' } });
      await server.settle();
      await server.post(secrets, secret('b', 2));
    });

    it('API-17 are read by selector, and each has its say', async () => {
      for (const [name, max] of [
        ['one', '1'],
        ['three', '3'],
      ] as const)
        await server.post(maps, {
          ...configMap(name, { data: { max } }),
          metadata: { name, labels: { limits: 'yes' } },
        });
      await enforce(limits, {
        paramRef: { selector: { matchLabels: { limits: 'yes' } }, parameterNotFoundAction: 'Deny' },
      });
      await refusal(secret('b', 2), secrets);
      await server.post(secrets, secret('a', 1));
    });

    it('API-17 that are not there refuse or allow, as the binding says', async () => {
      await enforce(limits, { paramRef: { name: 'none', parameterNotFoundAction: 'Deny' } });
      expect(await refusal(secret('a', 1), secrets)).to.contain(
        'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
      );
      await server.patch(`${bindings}/p-binding`, {
        spec: { paramRef: { parameterNotFoundAction: 'Allow' } },
      });
      await server.settle();
      await server.post(secrets, secret('a', 1));
    });
  });

  it('API-17 policies and bindings have defaults, and say what they have seen', async () => {
    const made = await server.post(policies, policy('p', { validations: [{ expression: 'true' }] }));
    expect(made.spec).to.deep.include({ failurePolicy: 'Fail' });
    expect(made.spec.matchConstraints).to.deep.include({
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
    });
    expect(made.status).to.deep.equal({ observedGeneration: 1, typeChecking: {} });
    const changed = await server.patch(`${policies}/p`, { spec: { failurePolicy: 'Ignore' } });
    expect(changed.metadata.generation).to.equal(2);
    expect(changed.status.observedGeneration).to.equal(2);
  });

  const bad: readonly (readonly [string, object, string])[] = [
    [
      'nothing to validate',
      {},
      'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
    ],
    [
      'no constraints',
      { matchConstraints: undefined, validations: [{ expression: 'true' }] },
      'spec.matchConstraints: Required value',
    ],
    [
      'unknown names',
      { validations: [{ expression: 'nope' }] },
      `spec.validations[0].expression: Invalid value: "nope": compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^`,
    ],
    [
      'params without a kind',
      { validations: [{ expression: 'params.x' }] },
      "undeclared reference to 'params'",
    ],
    [
      'no truth',
      { validations: [{ expression: '1' }] },
      'spec.validations[0].expression: Invalid value: "1": must evaluate to bool',
    ],
    [
      'a message that is no text',
      { validations: [{ expression: 'true', messageExpression: '1' }] },
      'spec.validations[0].messageExpression: Invalid value: "1": must evaluate to string',
    ],
    [
      'a later variable in an earlier one',
      {
        variables: [
          { name: 'a', expression: 'variables.b' },
          { name: 'b', expression: '1' },
        ],
        validations: [{ expression: 'true' }],
      },
      "undefined field 'b'",
    ],
    [
      'fields a request has not',
      { validations: [{ expression: 'request.nope == 1' }] },
      "undefined field 'nope'",
    ],
    [
      'an unknown reason',
      { validations: [{ expression: 'true', reason: 'Because' }] },
      'spec.validations[0].reason: Unsupported value: "Because"',
    ],
  ];
  for (const [what, spec, message] of bad) {
    it(`API-17 a policy is refused for ${what}`, async () => {
      const given = JSON.parse(JSON.stringify(policy('p', spec))) as object;
      const status = await server.refused(422, 'POST', policies, given);
      expect(status.message).to.contain(message);
    });
  }

  const badBindings: readonly (readonly [string, object, string])[] = [
    [
      'no actions',
      { validationActions: [] },
      'spec.validationActions: Required value: at least one validation action is required',
    ],
    ['Deny beside Warn', { validationActions: ['Deny', 'Warn'] }, 'must not contain both Deny and Warn'],
    ['no policy', { policyName: '' }, 'spec.policyName: Required value'],
    [
      'parameters nobody names',
      { paramRef: { parameterNotFoundAction: 'Deny' } },
      'spec.paramRef: Required value: one of name or selector must be specified',
    ],
  ];
  for (const [what, spec, message] of badBindings) {
    it(`API-17 a binding is refused for ${what}`, async () => {
      const status = await server.refused(422, 'POST', bindings, binding('p', spec));
      expect(status.message).to.contain(message);
    });
  }

  describe('matchConditions of webhooks', () => {
    const listen = async (
      kind: 'Mutating' | 'Validating',
      expression: string,
      name = 'a.example.com',
      more: object = {},
    ): Promise<JsonObject[]> => {
      const seen: JsonObject[] = [];
      server.webhooks.register(
        { url: urlOf(name) },
        handler((request) => {
          seen.push({ name: request.name ?? '' });
          return undefined;
        }),
      );
      const hook = webhook(name, [rule('configmaps')], {
        matchConditions: [{ name: 'c', expression }],
        ...more,
      });
      await server.post(configurationsUrl(kind), configuration(kind, 'a', [hook]));
      await server.settle();
      return seen;
    };
    for (const kind of ['Mutating', 'Validating'] as const) {
      it(`API-17 a ${kind.toLowerCase()} webhook is asked where they hold`, async () => {
        const seen = await listen(kind, "object.metadata.name == 'x' && request.operation == 'CREATE'");
        await server.post(maps, configMap('y'));
        await server.post(maps, configMap('x'));
        expect(seen).to.deep.equal([{ name: 'x' }]);
      });

      it(`API-17 errors in them refuse, or leave a ${kind.toLowerCase()} webhook out`, async () => {
        await listen(kind, "object.data.x == '1'");
        const status = await server.refused(403, 'POST', maps, configMap('a'));
        expect(status.message).to.equal(
          `configmaps "a" is forbidden: expression 'object.data.x == '1'' resulted in error: no such key: data`,
        );
        await server.delete(`${configurationsUrl(kind)}/a`);
        const seen = await listen(kind, "object.data.x == '1'", 'b.example.com', { failurePolicy: 'Ignore' });
        await server.post(maps, configMap('a'));
        expect(seen).to.deep.equal([]);
      });
    }
  });
});
