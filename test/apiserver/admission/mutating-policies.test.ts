/** MutatingAdmissionPolicies (API-17, KEP-3962). */
import { expect } from 'chai';
import { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from 'gyre/kinds';
import { type Answer, applyPatch, mergePatch, VirtualServer } from '../requests/virtual-server.js';
import {
  configuration,
  configurationsUrl,
  handler,
  patchOf,
  type ReviewRequest,
  rule,
  urlOf,
  webhook,
} from './webhook-objects.js';

const apiVersion = 'admissionregistration.k8s.io/v1alpha1';
const policies = `/apis/${apiVersion}/mutatingadmissionpolicies`;
const bindings = `/apis/${apiVersion}/mutatingadmissionpolicybindings`;
const maps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';

const about = (resource: string, apiGroup = '', operations: readonly string[] = ['CREATE', 'UPDATE']) => ({
  resourceRules: [{ apiGroups: [apiGroup], apiVersions: ['*'], operations, resources: [resource] }],
});
const aboutDeployments = { matchConstraints: about('deployments', 'apps') };
const policy = (name: string, spec: object) => ({
  apiVersion,
  kind: 'MutatingAdmissionPolicy',
  metadata: { name },
  spec: { matchConstraints: about('configmaps'), reinvocationPolicy: 'Never', ...spec },
});
const binding = (name: string, spec: object = {}) => ({
  apiVersion,
  kind: 'MutatingAdmissionPolicyBinding',
  metadata: { name: `${name}-binding` },
  spec: { policyName: name, ...spec },
});
const apply = (expression: string) => ({
  patchType: 'ApplyConfiguration',
  applyConfiguration: { expression },
});
const operations = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } });
/** Adds a key to the data of a config map. */
const put = (key: string, value: string) => apply(`Object{data: {"${key}": ${value}}}`);

const configMap = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...more,
});
const deployment = (name: string, spec: object = {}, pod: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels: { app: name } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'a', image: 'a:1' }], ...pod },
    },
    ...spec,
  },
});

describe('mutating admission policies', () => {
  let server: VirtualServer;
  beforeEach(async () => {
    server = await VirtualServer.start({ runtimeConfig: { [apiVersion]: true } });
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const enforce = async (spec: object, bound: object = {}, name = 'p'): Promise<void> => {
    await server.post(policies, policy(name, spec));
    await server.post(bindings, binding(name, bound));
    await server.settle();
  };
  const denied = (why: string) => `policy 'p' with binding 'p-binding' denied request: ${why}`;

  describe('apply configurations', () => {
    const pod = (object: Answer) => object.spec.template.spec;
    const rows: readonly (readonly [
      what: string,
      expression: string,
      given: object,
      read: (made: Answer) => unknown,
      expected: unknown,
    ])[] = [
      [
        'set a field, and leave the others',
        'Object{spec: Object.spec{replicas: object.spec.replicas + 4}}',
        deployment('d', { paused: true }),
        ({ spec }) => [spec.replicas, spec.paused],
        [5, true],
      ],
      [
        'add to a map',
        'Object{metadata: Object.metadata{labels: {"team": "x"}}}',
        deployment('d'),
        ({ metadata }) => metadata.labels,
        { app: 'd', team: 'x' },
      ],
      [
        'add an item to a keyed list, with its defaults',
        'Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{name: "b", image: "b:1"}]}}}}',
        deployment('d'),
        (made) =>
          pod(made).containers.map((c: { name: string; imagePullPolicy: string }) => [
            c.name,
            c.imagePullPolicy,
          ]),
        [
          ['a', 'IfNotPresent'],
          ['b', 'IfNotPresent'],
        ],
      ],
      [
        'change an item of a keyed list by its key',
        'Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: object.spec.template.spec.containers.map(c, Object.spec.template.spec.containers{name: c.name, image: c.image + "-patched"})}}}}',
        deployment('d', {}, { containers: [{ name: 'a', image: 'a:1', command: ['run'] }] }),
        (made) => [pod(made).containers[0].image, pod(made).containers[0].command],
        ['a:1-patched', ['run']],
      ],
      [
        'say nothing where an optional is none',
        'Object{spec: Object.spec{?replicas: has(object.metadata.annotations) ? optional.of(7) : optional.none(), paused: true}}',
        deployment('d'),
        ({ spec }) => [spec.replicas, spec.paused],
        [1, true],
      ],
      [
        'see the request, the namespace and who asks',
        'Object{metadata: Object.metadata{annotations: {"made": request.operation + " in " + namespaceObject.metadata.name + " by " + request.userInfo.username}}}',
        deployment('d'),
        ({ metadata }) => metadata.annotations?.made,
        'CREATE in default by admin',
      ],
    ];
    for (const [what, expression, given, read, expected] of rows)
      it(`API-17 ${what}`, async () => {
        await enforce({ ...aboutDeployments, mutations: [apply(expression)] });
        expect(read(await server.post(deployments, given))).to.deep.equal(expected);
      });

    const refusals: readonly (readonly [what: string, expression: string, why: string])[] = [
      [
        'a field the kind has not',
        'Object{spec: Object.spec{replicasx: 1}}',
        'error applying patch: failed to convert patch object to typed object: .spec.replicasx: field not declared in schema',
      ],
      [
        'a type called by another place',
        'Object{spec: Object.specx{replicas: 1}}',
        'type mismatch: unexpected type name "Object.specx", expected "Object.spec", which matches field name path from root Object type',
      ],
      [
        'a type called by another place, in a list',
        'Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.containers{name: "a"}]}}}}',
        'type mismatch: unexpected type name "Object.spec.containers", expected "Object.spec.template.spec.containers", which matches field name path from root Object type',
      ],
      [
        'a struct that is one whole',
        'Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {"l": "v"}}}}',
        'error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.selector',
      ],
      [
        'a list that is one whole',
        'Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{name: "a", args: ["x"]}]}}}}',
        'error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.template.spec.containers[0].args',
      ],
      [
        'a map that is one whole',
        'Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{nodeSelector: {"a": "b"}}}}}',
        'error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.template.spec.nodeSelector',
      ],
      [
        'an item without its key',
        'Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{image: "x"}]}}}}',
        'error applying patch: failed to merge patch: associative list with keys has an element that omits key field "name"',
      ],
      [
        'a value of another type',
        'Object{spec: Object.spec{replicas: "three"}}',
        'error applying patch: failed to convert patch object to typed object: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
      ],
      [
        'a key that is no text',
        'Object{metadata: Object.metadata{labels: {1: "x"}}}',
        'invalid return type: a key of type int is none of JSON: it must be a string',
      ],
      ['an error on the way', 'Object{spec: Object.spec{replicas: object.spec.nope}}', 'no such key: nope'],
    ];
    for (const [what, expression, why] of refusals)
      it(`API-17 are refused for ${what}`, async () => {
        await enforce({ ...aboutDeployments, mutations: [apply(expression)] });
        const status = await server.refused(403, 'POST', deployments, deployment('d'));
        expect(status.reason).to.equal('Invalid');
        expect(status.message).to.contain(denied(why));
        expect(status.details).to.deep.include({
          name: 'd',
          group: 'apps',
          kind: 'deployments',
          causes: [{ message: status.message }],
        });
      });
  });

  describe('JSON patches', () => {
    const data = (made: Answer) => made.data;
    const rows: readonly (readonly [what: string, expression: string, expected: object | undefined])[] = [
      ['add', '[JSONPatch{op: "add", path: "/data/b", value: "2"}]', { a: '1', b: '2' }],
      ['remove', '[JSONPatch{op: "remove", path: "/data/a"}]', undefined],
      ['replace', '[JSONPatch{op: "replace", path: "/data/a", value: object.data.a + "!"}]', { a: '1!' }],
      ['move', '[JSONPatch{op: "move", from: "/data/a", path: "/data/b"}]', { b: '1' }],
      ['copy', '[JSONPatch{op: "copy", from: "/data/a", path: "/data/b"}]', { a: '1', b: '1' }],
      [
        'test, and go on where it holds',
        '[JSONPatch{op: "test", path: "/data/a", value: "1"}, JSONPatch{op: "add", path: "/data/b", value: "2"}]',
        { a: '1', b: '2' },
      ],
      [
        'change nothing at all where a test fails',
        '[JSONPatch{op: "add", path: "/data/b", value: "2"}, JSONPatch{op: "test", path: "/data/a", value: "2"}]',
        { a: '1' },
      ],
      [
        'set a whole map',
        '[JSONPatch{op: "replace", path: "/data", value: {"x": "1", "y": "2"}}]',
        { x: '1', y: '2' },
      ],
      ['be none', 'object.data.a == "1" ? [] : [JSONPatch{op: "remove", path: "/data"}]', { a: '1' }],
      [
        'be as many as there are keys',
        'object.data.map(k, JSONPatch{op: "add", path: "/data/" + k + "-copy", value: object.data[k]})',
        { a: '1', 'a-copy': '1' },
      ],
    ];
    for (const [what, expression, expected] of rows)
      it(`API-17 ${what}`, async () => {
        await enforce({ mutations: [operations(expression)] });
        expect(data(await server.post(maps, configMap('x', { data: { a: '1' } })))).to.deep.equal(expected);
      });

    it('API-17 reach keys with slashes', async () => {
      const path = '"/metadata/annotations/" + jsonpatch.escapeKey("example.com/key")';
      await enforce({ mutations: [operations(`[JSONPatch{op: "add", path: ${path}, value: "2"}]`)] });
      const given = { ...configMap('x'), metadata: { name: 'x', annotations: { own: '1' } } };
      const { annotations } = (await server.post(maps, given)).metadata;
      expect(annotations).to.deep.equal({ own: '1', 'example.com/key': '2' });
    });

    it('API-17 are written with objects, and get defaults', async () => {
      await enforce({
        ...aboutDeployments,
        mutations: [
          operations(
            '[JSONPatch{op: "add", path: "/spec/template/spec/containers/-", value: Object.spec.template.spec.containers{name: "b", image: "b", ports: [Object.spec.template.spec.containers.ports{containerPort: 80}]}}]',
          ),
        ],
      });
      const made = await server.post(deployments, deployment('d'));
      expect(made.spec.template.spec.containers[1]).to.deep.include({
        name: 'b',
        imagePullPolicy: 'Always',
        ports: [{ containerPort: 80, protocol: 'TCP' }],
      });
    });

    const refusals: readonly (readonly [what: string, expression: string, why: string])[] = [
      [
        'what is not there',
        '[JSONPatch{op: "remove", path: "/data/nope"}]',
        'JSONPath: remove operation does not apply: doc is missing path: "/data/nope": missing value',
      ],
      [
        'an operation nobody knows',
        '[JSONPatch{op: "frob", path: "/data"}]',
        'JSONPath: error decoding patch: Unexpected kind: frob',
      ],
      [
        'a value that is no JSON',
        '[JSONPatch{op: "add", path: "/data/a", value: optional.of("x")}]',
        'JSONPath valueExpression evaluated to a type that could not marshal to JSON: unsupported conversion of optional_type to JSON',
      ],
      [
        'a type called by another place',
        '[JSONPatch{op: "add", path: "/data", value: Object.data{x: Object.y{}}}]',
        'type mismatch: unexpected type name "Object.y", expected "Object.data.x", which matches field name path from root Object type',
      ],
    ];
    for (const [what, expression, why] of refusals)
      it(`API-17 are refused for ${what}`, async () => {
        await enforce({ mutations: [operations(expression)] });
        const status = await server.refused(403, 'POST', maps, configMap('x', { data: { a: '1' } }));
        expect(status.message).to.equal(denied(why));
      });

    it('API-17 that make fields the kind has not are an internal error, whatever the failurePolicy', async () => {
      await enforce({
        failurePolicy: 'Ignore',
        mutations: [operations('[JSONPatch{op: "add", path: "/nope", value: 1}]')],
      });
      const { message } = await server.refused(500, 'POST', maps, configMap('x'));
      expect(message).to.contain('strict decoding error: unknown field "nope"');
    });
  });

  it('API-17 mutations of a policy run in their order, each seeing what those before have made', async () => {
    await enforce({
      ...aboutDeployments,
      variables: [{ name: 'now', expression: 'object.spec.replicas' }],
      mutations: [
        apply('Object{spec: Object.spec{replicas: variables.now + 100}}'),
        operations('[JSONPatch{op: "replace", path: "/spec/replicas", value: variables.now + 10}]'),
      ],
    });
    expect((await server.post(deployments, deployment('d'))).spec.replicas).to.equal(111);
  });

  it('API-17 policies run by their name', async () => {
    for (const name of ['b', 'a', 'c'])
      await enforce({ mutations: [put('order', `object.?data.?order.orValue("") + "${name}"`)] }, {}, name);
    expect((await server.post(maps, configMap('x'))).data).to.deep.equal({ order: 'abc' });
  });

  it('API-17 an update is changed too, and shows what was there', async () => {
    await server.post(maps, configMap('x', { data: { a: '1' } }));
    await enforce({ mutations: [put('was', 'oldObject.data.a')] });
    const changed = await server.patch(`${maps}/x`, { data: { a: '2' } });
    expect(changed.data).to.deep.equal({ a: '2', was: '1' });
    const applied = await server.patch(
      `${maps}/x?fieldManager=m&force=true`,
      configMap('x', { data: { a: '3' } }),
      applyPatch,
    );
    expect(applied.data).to.deep.equal({ a: '3', was: '2' });
  });

  it('API-17 what goes is not changed, not even by rules about all operations', async () => {
    await server.post(maps, configMap('x'));
    await enforce({
      matchConstraints: about('configmaps', '', ['*']),
      matchConditions: [{ name: 'fails', expression: 'object.nope == 1' }],
      mutations: [put('a', '"1"')],
    });
    await server.delete(`${maps}/x`);
  });

  it('API-17 a dry run is changed, and kept nowhere', async () => {
    await enforce({ mutations: [put('dry', 'string(request.dryRun)')] });
    expect((await server.post(`${maps}?dryRun=All`, configMap('x'))).data).to.deep.equal({ dry: 'true' });
    await server.refused(404, 'GET', `${maps}/x`);
  });

  it('API-17 nothing is in force without a binding', async () => {
    await server.post(policies, policy('p', { mutations: [put('a', '"1"')] }));
    await server.settle();
    expect(await server.post(maps, configMap('x'))).not.to.have.property('data');
  });

  it('API-17 a binding narrows where its policy is in force', async () => {
    await enforce(
      { mutations: [put('a', '"1"')] },
      { matchResources: { objectSelector: { matchLabels: { wanted: 'yes' } } } },
    );
    expect(await server.post(maps, configMap('x'))).not.to.have.property('data');
    const wanted = { ...configMap('y'), metadata: { name: 'y', labels: { wanted: 'yes' } } };
    expect((await server.post(maps, wanted)).data).to.deep.equal({ a: '1' });
  });

  it('API-17 every binding has its turn', async () => {
    await enforce({ mutations: [put('n', 'object.?data.?n.orValue("") + "x"')] });
    await server.post(bindings, { ...binding('p'), metadata: { name: 'second' } });
    await server.settle();
    expect((await server.post(maps, configMap('x'))).data).to.deep.equal({ n: 'xx' });
  });

  it('API-17 match conditions keep a policy out of what is not its business', async () => {
    await enforce({
      matchConditions: [{ name: 'mine', expression: 'object.metadata.name.startsWith("mine")' }],
      mutations: [put('a', '"1"')],
    });
    expect(await server.post(maps, configMap('x'))).not.to.have.property('data');
    expect((await server.post(maps, configMap('mine'))).data).to.deep.equal({ a: '1' });
  });

  it('API-17 match conditions of a later policy see what an earlier one has made', async () => {
    await enforce({ mutations: [put('a', '"1"')] }, {}, 'a');
    await enforce(
      {
        matchConditions: [{ name: 'c', expression: 'has(object.data) && object.data.a == "1"' }],
        mutations: [put('b', '"2"')],
      },
      {},
      'b',
    );
    expect((await server.post(maps, configMap('x'))).data).to.deep.equal({ a: '1', b: '2' });
  });

  describe('failures', () => {
    const rows: readonly (readonly [what: string, spec: object, why: string, reason: string])[] = [
      ['an expression', { mutations: [put('a', 'object.nope')] }, 'no such key: nope', 'Invalid'],
      [
        'a match condition',
        {
          matchConditions: [{ name: 'c', expression: 'object.nope == 1' }],
          mutations: [put('a', '"1"')],
        },
        "expression 'object.nope == 1' resulted in error: no such key: nope",
        'Invalid',
      ],
      [
        'a variable',
        {
          variables: [{ name: 'v', expression: 'object.nope' }],
          mutations: [put('a', 'variables.v')],
        },
        'composited variable "v" fails to evaluate: no such key: nope',
        'Invalid',
      ],
      [
        'parameters of a kind nobody serves',
        { paramKind: { apiVersion: 'no.example.com/v1', kind: 'Nope' }, mutations: [put('a', '"1"')] },
        "failed to configure policy: failed to find resource referenced by paramKind: 'no.example.com/v1, Kind=Nope'",
        'Forbidden',
      ],
      [
        'what costs too much',
        {
          mutations: [
            put(
              'a',
              `${'abcdefg'
                .split('')
                .reduce((inner, v) => `[1,2,3,4,5,6,7,8,9,10].all(${v}, ${inner})`, 'true')} ? "1" : "2"`,
            ),
          ],
        },
        'operation cancelled: actual cost limit exceeded',
        'Invalid',
      ],
    ];
    const bound = { paramRef: { name: 'none', parameterNotFoundAction: 'Deny' } };
    for (const [what, spec, why, reason] of rows) {
      it(`API-17 of ${what} refuse with failurePolicy Fail, the default`, async () => {
        await enforce(spec, bound);
        const status = await server.refused(403, 'POST', maps, configMap('x'));
        expect(status).to.deep.include({ reason, message: denied(why) });
      });
      it(`API-17 of ${what} change nothing with failurePolicy Ignore`, async () => {
        await enforce({ ...spec, failurePolicy: 'Ignore' }, bound);
        expect(await server.post(maps, configMap('x'))).not.to.have.property('data');
      });
    }

    it('API-17 of several policies are all among the causes', async () => {
      await enforce({ mutations: [put('a', 'object.nope')] }, {}, 'a');
      await enforce({ mutations: [put('b', 'object.nein')] }, {}, 'b');
      const { message, details } = await server.refused(403, 'POST', maps, configMap('x'));
      const why = (name: string, key: string) =>
        `policy '${name}' with binding '${name}-binding' denied request: no such key: ${key}`;
      expect(message).to.equal(why('a', 'nope'));
      expect(details?.causes).to.deep.equal([{ message: why('a', 'nope') }, { message: why('b', 'nein') }]);
    });
  });

  describe('parameters', () => {
    const labelled = {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConstraints: about('secrets'),
      mutations: [apply('Object{metadata: Object.metadata{labels: params.data}}')],
    };
    const secrets = '/api/v1/namespaces/default/secrets';
    const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } });
    const param = (name: string, data: object) => ({
      ...configMap(name, { data }),
      metadata: { name, labels: { params: 'yes' } },
    });
    const labelsOf = async (name: string) => (await server.post(secrets, secret(name))).metadata.labels;

    it('API-17 are read by name, as they are now', async () => {
      await server.post(maps, param('one', { team: 'a' }));
      await enforce(labelled, { paramRef: { name: 'one', namespace: 'default' } });
      expect(await labelsOf('x')).to.deep.equal({ team: 'a' });
      await server.patch(`${maps}/one`, { data: { team: 'b' } });
      await server.settle();
      expect(await labelsOf('y')).to.deep.equal({ team: 'b' });
    });

    it('API-17 are read by selector, and each has its turn', async () => {
      await server.post(maps, param('one', { a: '1' }));
      await server.post(maps, param('two', { b: '2' }));
      await enforce(labelled, { paramRef: { selector: { matchLabels: { params: 'yes' } } } });
      expect(await labelsOf('x')).to.deep.equal({ a: '1', b: '2' });
    });

    it('API-17 are null where the binding names none', async () => {
      await enforce({
        ...labelled,
        mutations: [apply('Object{metadata: Object.metadata{labels: {"none": string(params == null)}}}')],
      });
      expect(await labelsOf('x')).to.deep.equal({ none: 'true' });
    });

    it('API-17 that are not there refuse, unless the binding allows it', async () => {
      await enforce(labelled, { paramRef: { name: 'none' } });
      const { message } = await server.refused(403, 'POST', secrets, secret('x'));
      expect(message).to.equal(
        denied(
          'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
        ),
      );
      await server.patch(`${bindings}/p-binding`, {
        spec: { paramRef: { parameterNotFoundAction: 'Allow' } },
      });
      await server.settle();
      expect(await labelsOf('x')).to.equal(undefined);
    });
  });

  describe('reinvocation', () => {
    /** Writes down that it ran. */
    const trace = (name: string) => [
      operations(
        `[JSONPatch{op: "add", path: "/data/trace", value: object.?data.?trace.orValue("") + "${name}"}]`,
      ),
    ];
    const once = (name: string) => ({
      matchConditions: [{ name: 'once', expression: `!object.data.trace.contains("${name}")` }],
      mutations: trace(name),
    });
    const made = async () => (await server.post(maps, configMap('x', { data: { trace: '' } }))).data.trace;

    it('API-17 IfNeeded: once more when a later policy has changed the object', async () => {
      await enforce({ reinvocationPolicy: 'IfNeeded', mutations: trace('a') }, {}, 'a');
      await enforce({ reinvocationPolicy: 'Never', mutations: trace('b') }, {}, 'b');
      expect(await made()).to.equal('aba');
    });

    it('API-17 Never: nobody looks twice', async () => {
      await enforce({ mutations: trace('a') }, {}, 'a');
      await enforce({ mutations: trace('b') }, {}, 'b');
      expect(await made()).to.equal('ab');
    });

    it('API-17 nobody looks twice at what has not changed since', async () => {
      await enforce({ reinvocationPolicy: 'IfNeeded', ...once('a') }, {}, 'a');
      await enforce({ reinvocationPolicy: 'IfNeeded', mutations: trace('b') }, {}, 'b');
      expect(await made()).to.equal('ab');
    });

    it('API-17 nobody is asked for the first time in a second look', async () => {
      await enforce(
        {
          matchConditions: [{ name: 'late', expression: 'object.data.trace.contains("b")' }],
          reinvocationPolicy: 'IfNeeded',
          mutations: trace('a'),
        },
        {},
        'a',
      );
      await enforce({ mutations: trace('b') }, {}, 'b');
      expect(await made()).to.equal('b');
    });

    it('API-17 webhooks come after policies; each looks again at what the other has made', async () => {
      const seen: string[] = [];
      server.webhooks.register(
        { url: urlOf('w.example.com') },
        handler(({ object }: ReviewRequest) => {
          seen.push(object.data.trace);
          return object.data.hook ? undefined : patchOf({ op: 'add', path: '/data/hook', value: 'h' });
        }),
      );
      const hook = webhook('w.example.com', [rule('configmaps')], { reinvocationPolicy: 'IfNeeded' });
      await server.post(configurationsUrl('Mutating'), configuration('Mutating', 'w', [hook]));
      await enforce(
        {
          reinvocationPolicy: 'IfNeeded',
          mutations: [
            operations(
              '[JSONPatch{op: "add", path: "/data/trace", value: object.data.trace + (has(object.data.hook) ? "2" : "1")}]',
            ),
          ],
        },
        {},
        'a',
      );
      expect(await made()).to.equal('12');
      expect(seen).to.deep.equal(['1', '12']);
    });

    it('API-17 the built-in plugins look again at what a policy has made', async () => {
      await enforce({
        matchConstraints: about('pods'),
        mutations: [operations('[JSONPatch{op: "remove", path: "/spec/tolerations"}]')],
      });
      const pod = await server.post('/api/v1/namespaces/default/pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'x' },
        spec: { containers: [{ name: 'c', image: 'i' }] },
      });
      const keys = pod.spec.tolerations?.map(({ key }: { key: string }) => key);
      expect(keys).to.deep.equal(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']);
    });
  });

  it('API-17 policies, bindings and webhook configurations are not changed by policies', async () => {
    await enforce({
      matchConstraints: {
        resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }],
      },
      mutations: [apply('Object{metadata: Object.metadata{labels: {"touched": "yes"}}}')],
    });
    expect((await server.post(maps, configMap('x'))).metadata.labels).to.deep.equal({ touched: 'yes' });
    const other = await server.post(policies, policy('other', { mutations: [put('a', '"1"')] }));
    expect(other.metadata).not.to.have.property('labels');
    expect((await server.post(bindings, binding('other'))).metadata).not.to.have.property('labels');
    const hooks = configuration('Mutating', 'w', []);
    expect((await server.post(configurationsUrl('Mutating'), hooks)).metadata).not.to.have.property('labels');
    await server.delete(`${policies}/p`);
    await server.settle();
    expect((await server.post(maps, configMap('y'))).metadata).not.to.have.property('labels');
  });

  it('API-17 a custom resource is merged by its own schema, defaulted and pruned', async () => {
    await server.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'things.x.example.com' },
      spec: {
        group: 'x.example.com',
        scope: 'Namespaced',
        names: { plural: 'things', kind: 'Thing' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: {
                    type: 'object',
                    properties: {
                      parts: {
                        type: 'array',
                        'x-kubernetes-list-type': 'map',
                        'x-kubernetes-list-map-keys': ['name'],
                        items: {
                          type: 'object',
                          required: ['name'],
                          properties: {
                            name: { type: 'string' },
                            size: { type: 'integer', default: 3 },
                          },
                        },
                      },
                    },
                  },
                },
              },
            },
          },
        ],
      },
    });
    await server.settle();
    await enforce({
      matchConstraints: about('things', 'x.example.com'),
      mutations: [
        apply('Object{spec: Object.spec{parts: [Object.spec.parts{name: "b"}]}}'),
        operations('[JSONPatch{op: "add", path: "/spec/unknown", value: 1}]'),
      ],
    });
    const made = await server.post('/apis/x.example.com/v1/namespaces/default/things', {
      apiVersion: 'x.example.com/v1',
      kind: 'Thing',
      metadata: { name: 't' },
      spec: { parts: [{ name: 'a', size: 1 }] },
    });
    expect(made.spec).to.deep.equal({
      parts: [
        { name: 'a', size: 1 },
        { name: 'b', size: 3 },
      ],
    });
  });

  it('API-17 a policy about another version of a resource sees it at that', async () => {
    await enforce({
      matchConstraints: {
        matchPolicy: 'Equivalent',
        resourceRules: [
          {
            apiGroups: ['autoscaling'],
            apiVersions: ['v1'],
            operations: ['CREATE'],
            resources: ['horizontalpodautoscalers'],
          },
        ],
      },
      mutations: [apply('Object{spec: Object.spec{targetCPUUtilizationPercentage: 42}}')],
    });
    const made = await server.post('/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'h' },
      spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } },
    });
    expect(made.spec.metrics[0].resource.target).to.deep.equal({
      type: 'Utilization',
      averageUtilization: 42,
    });
  });

  it('API-17 the scale of a Deployment is changed as a Scale', async () => {
    await server.post(deployments, deployment('d'));
    await enforce({
      matchConstraints: about('deployments/scale', 'apps'),
      mutations: [apply('Object{spec: Object.spec{replicas: object.spec.replicas * 2}}')],
    });
    const scaled = await server.patch(`${deployments}/d/scale`, { spec: { replicas: 3 } }, mergePatch);
    expect(scaled.spec.replicas).to.equal(6);
  });

  it('API-17 policies and bindings have defaults, generations and columns', async () => {
    const made = await server.post(policies, policy('p', { mutations: [put('a', '"1"')] }));
    expect(made.metadata.generation).to.equal(1);
    expect(made.spec).to.deep.include({ failurePolicy: 'Fail', reinvocationPolicy: 'Never' });
    expect(made.spec.matchConstraints).to.deep.include({
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
    });
    expect(made.spec.matchConstraints.resourceRules[0].scope).to.equal('*');
    const changed = await server.patch(`${policies}/p`, { spec: { failurePolicy: 'Ignore' } });
    expect(changed.metadata.generation).to.equal(2);
    const bound = await server.post(bindings, binding('p', { paramRef: { name: 'x' } }));
    expect(bound.spec.paramRef).to.deep.equal({ name: 'x', parameterNotFoundAction: 'Deny' });
    const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    expect((await server.get(policies, table)).rows[0].cells.slice(0, 3)).to.deep.equal(['p', 1, '<unset>']);
    expect((await server.get(bindings, table)).rows[0].cells.slice(0, 3)).to.deep.equal([
      'p-binding',
      'p',
      'x',
    ]);
  });

  const bad: readonly (readonly [what: string, spec: object, message: string])[] = [
    ['no constraints', { matchConstraints: undefined }, 'spec.matchConstraints: Required value'],
    [
      'no rules',
      { matchConstraints: { resourceRules: [] } },
      'spec.matchConstraints.resourceRules: Required value',
    ],
    [
      'DELETE',
      { matchConstraints: about('configmaps', '', ['DELETE']) },
      'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
    ],
    [
      'no mutations',
      { mutations: [] },
      'spec.mutations: Required value: mutations must contain at least one item',
    ],
    ['no word on reinvocation', { reinvocationPolicy: undefined }, 'spec.reinvocationPolicy: Required value'],
    [
      'another word on reinvocation',
      { reinvocationPolicy: 'Sometimes' },
      'spec.reinvocationPolicy: Unsupported value: "Sometimes": supported values: "IfNeeded", "Never"',
    ],
    [
      'an unknown sort of patch',
      { mutations: [{ patchType: 'Merge' }] },
      'spec.mutations[0].patchType: Unsupported value: "Merge": supported values: "ApplyConfiguration", "JSONPatch"',
    ],
    [
      'a patch that is not there',
      { mutations: [{ patchType: 'JSONPatch', applyConfiguration: { expression: 'Object{}' } }] },
      'spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch',
    ],
    [
      'a patch of the other sort',
      {
        mutations: [{ ...apply('Object{}'), jsonPatch: { expression: '[]' } }],
      },
      'spec.mutations[0].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration',
    ],
    [
      'an empty expression',
      { mutations: [apply('  ')] },
      'spec.mutations[0].applyConfiguration.expression: Required value',
    ],
    [
      'unknown names',
      { mutations: [put('a', '"1"'), apply('Object{spec: Object.spec{replicas: nope}}')] },
      "spec.mutations[1].applyConfiguration.expression: Invalid value: \"Object{spec: Object.spec{replicas: nope}}\": compilation failed: ERROR: <input>:1:36: undeclared reference to 'nope' (in container '')\n | Object{spec: Object.spec{replicas: nope}}\n | ...................................^",
    ],
    [
      'a type that is none',
      { mutations: [apply('Objekt{}')] },
      "spec.mutations[0].applyConfiguration.expression: Invalid value: \"Objekt{}\": compilation failed: ERROR: <input>:1:7: undeclared reference to 'Objekt' (in container '')",
    ],
    [
      'fields that are no names',
      { mutations: [apply('Object{"spec": 1}')] },
      'compilation failed: ERROR: <input>:1:8: Syntax error: a field of a message must be a name, not "spec"',
    ],
    [
      'an unknown part of an operation',
      { mutations: [operations('[JSONPatch{op: "add", where: "/"}]')] },
      "compilation failed: ERROR: <input>:1:23: undefined field 'where'",
    ],
    ['what is no object', { mutations: [apply('"teapot"')] }, 'must evaluate to Object but got string'],
    [
      'a part of an object',
      { mutations: [apply('Object.spec{}')] },
      'must evaluate to Object but got Object.spec',
    ],
    ['who knows what', { mutations: [apply('object')] }, 'must evaluate to Object but got dyn'],
    [
      'one operation alone',
      { mutations: [operations('JSONPatch{op: "add", path: "/a"}')] },
      'spec.mutations[0].jsonPatch.expression: Invalid value: "JSONPatch{op: \\"add\\", path: \\"/a\\"}": must evaluate to list(JSONPatch) but got JSONPatch',
    ],
    [
      'objects in variables',
      { variables: [{ name: 'v', expression: 'Object{}' }] },
      "spec.variables[0].expression: Invalid value: \"Object{}\": compilation failed: ERROR: <input>:1:7: undeclared reference to 'Object' (in container '')",
    ],
    ['params without a kind', { mutations: [put('a', 'params.x')] }, "undeclared reference to 'params'"],
    [
      'conditions without a name',
      { matchConditions: [{ name: '', expression: 'true' }] },
      'spec.matchConditions[0].name: Required value',
    ],
  ];
  for (const [what, spec, message] of bad)
    it(`API-17 a policy is refused for ${what}`, async () => {
      const given = policy('p', { mutations: [apply('Object{}')], ...spec });
      const status = await server.refused(422, 'POST', policies, JSON.parse(JSON.stringify(given)));
      expect(status.message).to.contain(message);
    });

  const badBindings: readonly (readonly [what: string, spec: object, message: string])[] = [
    ['no policy', { policyName: '' }, 'spec.policyName: Required value'],
    ['a policy of no possible name', { policyName: '!' }, 'spec.policyName: Invalid value: "!"'],
    [
      'parameters nobody names',
      { paramRef: {} },
      'spec.paramRef: Required value: one of name or selector must be specified',
    ],
    [
      'DELETE',
      { matchResources: about('pods', '', ['DELETE']) },
      'spec.matchResources.resourceRules.operations: Unsupported value: "DELETE"',
    ],
  ];
  for (const [what, spec, message] of badBindings)
    it(`API-17 a binding is refused for ${what}`, async () => {
      const status = await server.refused(422, 'POST', bindings, binding('p', spec));
      expect(status.message).to.contain(message);
    });

  it('API-17 their kinds are among those of the client', () => {
    expect([MutatingAdmissionPolicy.plural, MutatingAdmissionPolicyBinding.version]).to.deep.equal([
      'mutatingadmissionpolicies',
      'v1alpha1',
    ]);
  });
});
