/** What the audit log says of which request (API-18). */
import { expect } from 'chai';
import type { ApiRequest, Transport, UserInfo } from 'gyre/api';
import {
  ApiServer,
  type AuditEvent,
  type AuditPolicy,
  type AuditRule,
  BadAuditPolicy,
  readAuditPolicy,
} from 'gyre/apiserver';
import { MemoryStore } from 'gyre/store';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { planFor } from '#src/apiserver/audit/policy.js';
import { parseResourcePath } from '#src/apiserver/rest/request.js';

const jane: UserInfo = { username: 'jane', groups: ['dev', 'system:masters'], uid: '7' };
const secrets = '/api/v1/namespaces/default/secrets';
const maps = '/api/v1/namespaces/default/configmaps';

describe('the audit log', () => {
  let clock: VirtualClock;
  let server: ApiServer;
  let events: AuditEvent[];
  async function serve(policy: AuditPolicy): Promise<Transport> {
    events = [];
    clock = new VirtualClock();
    server = await ApiServer.start({
      store: new MemoryStore({ clock }),
      clock,
      random: seededRandom(),
      freeze: true,
      audit: { policy, sink: (event) => events.push(JSON.parse(JSON.stringify(event)) as AuditEvent) },
    });
    // What the server does by itself is none of these tests' business.
    events = [];
    return server.transport(jane);
  }
  afterEach(() => server.stop());

  const all = (rule: Partial<AuditRule>): AuditPolicy => ({ rules: [{ level: 'Metadata', ...rule }] });
  const create = (path: string, name: string, more: object = {}): ApiRequest => ({
    method: 'POST',
    path,
    body: { metadata: { name }, ...more },
  });

  it('API-18 of a request at Metadata: who asked for what, when, with what outcome, in two stages', async () => {
    const k = await serve(all({}));
    const { headers } = await k.request({
      ...create(maps, 'm', { data: { a: 'b' } }),
      query: { fieldManager: 'me' },
      headers: { 'user-agent': 'test/1' },
    });
    const [received, complete, ...more] = events;
    expect(more).to.deep.equal([]);
    const [{ auditID = '', requestReceivedTimestamp = '' } = {}] = events;
    const base = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'Metadata',
      auditID,
      requestURI: `${maps}?fieldManager=me`,
      verb: 'create',
      user: { username: 'jane', uid: '7', groups: ['dev', 'system:masters', 'system:authenticated'] },
      userAgent: 'test/1',
      requestReceivedTimestamp,
      stageTimestamp: requestReceivedTimestamp,
    };
    expect(received).to.deep.equal({
      ...base,
      stage: 'RequestReceived',
      objectRef: { resource: 'configmaps', namespace: 'default', apiVersion: 'v1' },
    });
    expect(complete).to.deep.equal({
      ...base,
      stage: 'ResponseComplete',
      objectRef: { resource: 'configmaps', namespace: 'default', name: 'm', apiVersion: 'v1' },
      responseStatus: { metadata: {}, code: 201 },
      annotations: {
        'authorization.k8s.io/decision': 'allow',
        'authorization.k8s.io/reason': '',
      },
    });
    expect(requestReceivedTimestamp).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(headers['audit-id']).to.equal(auditID);
  });

  it('API-18 at Metadata no body is written, whatever it is; at Request that of the request; at RequestResponse both', async () => {
    const secret = create(secrets, 's', { stringData: { password: 'hunter2' } });
    const told = async (level: 'Metadata' | 'Request' | 'RequestResponse') => {
      const k = await serve(all({ level, omitStages: ['RequestReceived'] }));
      await k.request(structuredClone(secret) as ApiRequest);
      await k.request({ method: 'GET', path: `${secrets}/s` });
      await k.request({ method: 'GET', path: secrets });
      const text = events.map((event) => JSON.stringify(event));
      if (level !== 'RequestResponse') await server.stop();
      return text;
    };
    for (const line of await told('Metadata')) {
      expect(line).not.to.match(/hunter2|aHVudGVyMg|password/);
      expect(line).not.to.include('Object"');
    }
    const [made = '', read = '', listed = ''] = await told('Request');
    expect(made).to.include('"requestObject":{"metadata":{"name":"s"},"stringData":{"password":"hunter2"}}');
    for (const line of [made, read, listed]) expect(line).not.to.match(/aHVudGVyMg|responseObject/);
    const [madeToo = '', readToo = '', listedToo = ''] = await told('RequestResponse');
    for (const line of [madeToo, readToo, listedToo]) expect(line).to.include('aHVudGVyMg');
  });

  it('API-18 a watch is told when it starts and when it ends, not what it shows', async () => {
    const k = await serve(all({ level: 'RequestResponse' }));
    const stop = new AbortController();
    const { events: watched } = await k.watch({
      method: 'GET',
      path: maps,
      query: { watch: 'true' },
      signal: stop.signal,
    });
    const reading = (async () => {
      for await (const _ of watched);
    })();
    await clock.advance('10s');
    expect(events.map(({ stage, verb }) => `${verb} ${stage}`)).to.deep.equal([
      'watch RequestReceived',
      'watch ResponseStarted',
    ]);
    stop.abort();
    await reading;
    const last = events.at(-1);
    expect(last).to.include({ stage: 'ResponseComplete' });
    expect(last).not.to.have.property('responseObject');
    expect(last?.stageTimestamp).not.to.equal(last?.requestReceivedTimestamp);
  });

  it('API-18 a refusal is told with its Status, and what was decided', async () => {
    await serve(all({ omitStages: ['RequestReceived'] }));
    const nobody = server.transport({ username: 'nobody' });
    await nobody.request({ method: 'GET', path: maps });
    expect(events[0]?.responseStatus).to.deep.equal({
      metadata: {},
      status: 'Failure',
      message:
        'configmaps is forbidden: User "nobody" cannot list resource "configmaps" in API group "" in the namespace "default"',
      reason: 'Forbidden',
      details: { kind: 'configmaps' },
      code: 403,
    });
    expect(events[0]?.annotations).to.deep.equal({
      'authorization.k8s.io/decision': 'forbid',
      'authorization.k8s.io/reason': '',
    });
  });

  it('API-18 who acts as another is told with both', async () => {
    const k = await serve(all({ omitStages: ['RequestReceived'] }));
    await k.request({ method: 'GET', path: maps, headers: { 'impersonate-user': 'bob' } });
    expect(events[0]?.user.username).to.equal('jane');
    expect(events[0]?.impersonatedUser).to.deep.equal({ username: 'bob', groups: ['system:authenticated'] });
  });

  it('API-18 credentials that prove nobody are told as that, once', async () => {
    await serve(all({}));
    await server.handle({
      method: 'GET',
      path: maps,
      query: new URLSearchParams(),
      headers: { authorization: 'Bearer s3cr3t-token' },
      sourceIP: '10.0.0.9',
    });
    expect(events.map(({ stage }) => stage)).to.deep.equal(['RequestReceived', 'ResponseStarted']);
    expect(events[1]).to.deep.include({
      user: {},
      sourceIPs: ['10.0.0.9'],
      responseStatus: {
        metadata: {},
        status: 'Failure',
        reason: 'Unauthorized',
        message: 'Authentication failed, attempted: bearer',
        code: 401,
      },
    });
    expect(JSON.stringify(events)).not.to.include('s3cr3t');
  });

  it('API-18 what goes wrong unforeseen is told in the stage Panic', async () => {
    clock = new VirtualClock();
    events = [];
    let broken = false;
    server = await ApiServer.start({
      store: new MemoryStore({ clock }),
      clock,
      random: seededRandom(),
      audit: { policy: all({}), sink: (event) => events.push(event) },
      authorizer: {
        authorize: () => {
          if (broken) throw new Error('out of order');
          return { allowed: true };
        },
        authorizeNonResource: () => ({ allowed: true }),
        rulesFor: () => [],
      },
    });
    events = [];
    broken = true;
    await server.transport(jane).request({ method: 'GET', path: maps });
    expect(events.map(({ stage }) => stage)).to.deep.equal(['RequestReceived', 'Panic']);
    expect(events[1]?.responseStatus).to.include({ code: 500, message: "APIServer panic'd: out of order" });
  });

  it('API-18 managed fields are left out where the policy wants it, in lists as well', async () => {
    const k = await serve({
      rules: [
        { level: 'RequestResponse', verbs: ['list'], omitManagedFields: false },
        { level: 'RequestResponse' },
      ],
      omitManagedFields: true,
      omitStages: ['RequestReceived'],
    });
    await k.request(create(maps, 'm', { data: { a: 'b' } }));
    await k.request({ method: 'GET', path: `${maps}/m` });
    await k.request({ method: 'GET', path: maps });
    const has = events.map((event) => JSON.stringify(event.responseObject).includes('managedFields'));
    expect(has).to.deep.equal([false, false, true]);
    const { body } = await k.request({ method: 'GET', path: `${maps}/m` });
    expect((body as { metadata: object }).metadata, 'the answer keeps them').to.have.property(
      'managedFields',
    );
  });

  it('API-17 pod security says what a namespace audits', async () => {
    const k = await serve(all({ omitStages: ['RequestReceived'], resources: [{ resources: ['pods'] }] }));
    await k.request({
      method: 'POST',
      path: '/api/v1/namespaces',
      body: { metadata: { name: 'n', labels: { 'pod-security.kubernetes.io/audit': 'baseline' } } },
    });
    await k.request({
      method: 'POST',
      path: '/api/v1/namespaces/n/serviceaccounts',
      body: { metadata: { name: 'default' } },
    });
    const { status } = await k.request({
      method: 'POST',
      path: '/api/v1/namespaces/n/pods',
      body: { metadata: { name: 'p' }, spec: { hostPID: true, containers: [{ name: 'c', image: 'i' }] } },
    });
    expect(status).to.equal(201);
    expect(events).to.have.length(1);
    expect(events[0]?.annotations).to.deep.include({
      'pod-security.kubernetes.io/enforce-policy': 'privileged:latest',
      'pod-security.kubernetes.io/audit-violations':
        'would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)',
    });
  });

  describe('its policy', () => {
    before(async () => {
      await serve(all({}));
    });
    const user = { username: 'jane', groups: ['dev'] };
    const planned = (rules: readonly AuditRule[], method: 'GET' | 'POST', path: string): string =>
      planFor(
        { rules },
        {
          user,
          verb: method === 'GET' ? 'get' : 'create',
          path,
          resource: parseResourcePath(method, path, new URLSearchParams()),
        },
      )?.level ?? 'None';
    const log = '/api/v1/namespaces/a/pods/p/log';
    const cases: readonly [string, Omit<AuditRule, 'level'>, string, boolean][] = [
      ['a rule without fields', {}, log, true],
      ['a user of the list', { users: ['jane', 'bob'] }, log, true],
      ['a user not of the list', { users: ['bob'] }, log, false],
      ['a group', { userGroups: ['dev'] }, log, true],
      ['another group', { userGroups: ['ops'] }, log, false],
      ['another verb', { verbs: ['create'] }, log, false],
      ['the core group', { resources: [{ group: '' }] }, log, true],
      ['another group of resources', { resources: [{ group: 'apps' }] }, log, false],
      ['all groups', { resources: [{ group: '*', resources: ['*'] }] }, log, true],
      [
        'a resource, of whose subresource it says nothing',
        { resources: [{ resources: ['pods'] }] },
        log,
        false,
      ],
      ['a subresource', { resources: [{ resources: ['pods/log'] }] }, log, true],
      ['all of one resource', { resources: [{ resources: ['pods/*'] }] }, log, true],
      ['one subresource of all', { resources: [{ resources: ['*/log'] }] }, log, true],
      ['its name', { resources: [{ resources: ['pods/log'], resourceNames: ['p'] }] }, log, true],
      ['another name', { resources: [{ resources: ['pods/log'], resourceNames: ['q'] }] }, log, false],
      ['its namespace', { namespaces: ['a'] }, log, true],
      ['another namespace', { namespaces: ['b', ''] }, log, false],
      ['none, for what has none', { namespaces: [''] }, '/api/v1/nodes/n', true],
      ['resources, for a path', { resources: [{ group: '*' }] }, '/metrics', false],
      ['paths, for a resource', { nonResourceURLs: ['*'] }, log, false],
      ['a path', { nonResourceURLs: ['/healthz*'] }, '/healthz/etcd', true],
      ['another path', { nonResourceURLs: ['/healthz'] }, '/healthz/etcd', false],
    ];
    for (const [what, rule, path, matched] of cases)
      it(`API-18 ${matched ? 'matches' : 'does not match'} ${what}`, () => {
        expect(planned([{ level: 'Request', ...rule }], 'GET', path)).to.equal(matched ? 'Request' : 'None');
      });

    it('API-18 the first rule that matches counts, and without one nothing is written', () => {
      const rules: AuditRule[] = [
        { level: 'None', verbs: ['get'] },
        { level: 'Metadata', users: ['jane'] },
      ];
      expect(planned(rules, 'GET', log)).to.equal('None');
      expect(planned(rules, 'POST', log)).to.equal('Metadata');
      expect(planned([{ level: 'Request', users: ['bob'] }], 'GET', log)).to.equal('None');
    });

    const head = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';
    const refused: readonly [string, string][] = [
      [head, 'loaded illegal policy with 0 rules'],
      ['apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: [{level: None}]', 'audit.k8s.io/v1'],
      [`${head}rules: [{}]`, 'rules[0].level: Required value'],
      [`${head}rules: [{level: All}]`, 'rules[0].level: Unsupported value: "All"'],
      [
        `${head}rules: [{level: None, omitStages: [Never]}]`,
        'rules[0].omitStages[0]: Invalid value: "Never"',
      ],
      [`${head}rules: [{level: None, nonResourceURLs: [healthz]}]`, "must begin with a '/' character"],
      [`${head}rules: [{level: None, nonResourceURLs: ['/a*b']}]`, 'must be the final character'],
      [
        `${head}rules: [{level: None, nonResourceURLs: [/a], namespaces: [b]}]`,
        'rules cannot apply to both regular resources and non-resource URLs',
      ],
      [`${head}rules: [{level: None, resources: [{resourceNames: [a]}]}]`, 'requires at least one resource'],
    ];
    for (const [text, why] of refused)
      it(`API-18 is refused: ${why}`, async () => {
        const error = await readAuditPolicy(text).catch((reason: unknown) => reason);
        expect(error).to.be.instanceOf(BadAuditPolicy);
        expect((error as Error).message).to.include(why);
      });

    it('API-18 is read as it is written for Kubernetes', async () => {
      const text = `${head}omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:kube-proxy"]
  verbs: [watch]
  resources: [{group: "", resources: [endpoints, services]}]
- level: RequestResponse
  resources: [{group: "", resources: [pods]}]
`;
      const { rules, omitStages } = await readAuditPolicy(text);
      expect(omitStages).to.deep.equal(['RequestReceived']);
      expect(rules.map(({ level }) => level)).to.deep.equal(['None', 'RequestResponse']);
    });
  });
});
