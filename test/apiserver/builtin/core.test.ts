import { expect } from 'chai';
import { strategyFor } from '#src/apiserver/builtin/index.js';
import { copyOf, created, createErrors, defaulted, type Loose, texts, updated } from './cases.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const meta = { metadata: { name: 'a', namespace: 'default' } };

describe('ConfigMap', () => {
  const errors = (fields: object): string[] => createErrors('', 'ConfigMap', { ...meta, ...fields });

  it('holds text and bytes under keys that could be file names', () => {
    expect(errors({ data: { 'a.b_c-d': 'x' }, binaryData: { e: base64('y') } })).to.deep.equal([]);
    expect(errors({ data: { 'a/b': 'x' } })[0]).to.match(
      /^data\[a\/b\]: Invalid value: "a\/b": a valid config key must consist/,
    );
    expect(errors({ data: { '..': 'x' } })).to.deep.equal([
      `data[..]: Invalid value: "..": must not be '..'`,
    ]);
  });

  it('holds a key once', () => {
    expect(errors({ data: { a: 'x' }, binaryData: { a: base64('y') } })).to.deep.equal([
      'data[a]: Invalid value: "a": duplicate of key present in binaryData',
    ]);
  });

  it('is at most 1 MiB, bytes counted as bytes', () => {
    const mib = 1024 * 1024;
    expect(errors({ data: { a: 'x'.repeat(mib) } })).to.deep.equal([]);
    expect(errors({ data: { a: `${'x'.repeat(mib - 1)}é` } })).to.deep.equal([
      ': Too long: may not be more than 1048576 bytes',
    ]);
    expect(errors({ binaryData: { a: base64('x'.repeat(mib)) } })).to.deep.equal([]);
  });

  it('stays as it is once it is immutable', () => {
    const { errors: refused } = updated(
      '',
      'ConfigMap',
      { ...meta, immutable: true, data: { a: '1' } },
      (draft) => {
        draft.immutable = false;
        draft.data.a = '2';
      },
    );
    expect(refused).to.deep.equal([
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ]);
  });

  it('has no generation', () => expect(strategyFor('', 'ConfigMap').hasGeneration ?? false).to.equal(false));
});

describe('Secret', () => {
  const errors = (fields: object): string[] => createErrors('', 'Secret', { ...meta, ...fields });

  it('is opaque unless it says otherwise', () =>
    expect(defaulted('', 'Secret', meta)).to.include({ type: 'Opaque' }));

  it('turns stringData into data, over what data says', () => {
    const secret = defaulted('', 'Secret', {
      ...meta,
      data: { a: base64('old'), b: base64('b') },
      stringData: { a: 'new' },
    });
    expect(secret.data).to.deep.equal({ a: base64('new'), b: base64('b') });
    expect(secret).not.to.have.property('stringData');
  });

  it('takes a hostile key for a key', () => {
    const stringData = JSON.parse('{"__proto__":"x"}') as object;
    const { data } = defaulted('', 'Secret', { ...meta, stringData }) as Loose;
    expect(Object.keys(data)).to.deep.equal(['__proto__']);
    expect(Object.getPrototypeOf(data)).to.equal(Object.prototype);
  });

  it('keeps its type', () => {
    expect(updated('', 'Secret', meta, (draft) => void (draft.type = 'x')).errors).to.deep.equal([
      'type: Invalid value: "x": field is immutable',
    ]);
  });

  for (const [type, data, expected] of [
    ['kubernetes.io/tls', { 'tls.crt': '' }, ['data[tls.key]: Required value']],
    ['kubernetes.io/basic-auth', {}, ['data[username]: Required value', 'data[password]: Required value']],
    ['kubernetes.io/basic-auth', { username: '' }, []],
    ['kubernetes.io/ssh-auth', {}, ['data[ssh-privatekey]: Required value']],
    ['kubernetes.io/dockerconfigjson', {}, ['data[.dockerconfigjson]: Required value']],
    ['kubernetes.io/dockerconfigjson', { '.dockerconfigjson': base64('{}') }, []],
    [
      'kubernetes.io/service-account-token',
      {},
      ['metadata.annotations[kubernetes.io/service-account.name]: Required value'],
    ],
  ] as const) {
    it(`of type ${type} with ${JSON.stringify(Object.keys(data))} lacks ${expected.length} things`, () => {
      expect(errors({ type, data })).to.deep.equal(expected);
    });
  }

  it('does not show what it holds when it is refused', () => {
    const [error] = errors({
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': base64('hunter2') },
    });
    expect(error).to.match(/^data\[\.dockerconfigjson\]: Invalid value: "<secret contents redacted>"/);
  });

  it('can be selected by type (API-13)', () => {
    expect(strategyFor('', 'Secret').selectableFields?.({ type: 'x' })).to.deep.equal({ type: 'x' });
  });
});

describe('Namespace', () => {
  const namespace = { metadata: { name: 'a' } };

  it('is active, waits for its contents when deleted, and can be selected by its name', () => {
    expect(created('', 'Namespace', namespace)).to.deep.include({
      metadata: { name: 'a', labels: { 'kubernetes.io/metadata.name': 'a' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  });

  it('keeps its finalizers through an update', () => {
    for (const change of [(d: Loose) => void delete d.spec, (d: Loose) => void (d.spec.finalizers = [])]) {
      expect(updated('', 'Namespace', namespace, change).object.spec).to.deep.equal({
        finalizers: ['kubernetes'],
      });
    }
  });

  it('keeps them while it is being deleted too: they change through /finalize alone', () => {
    const old = created('', 'Namespace', {
      metadata: { name: 'a', deletionTimestamp: '2026-01-01T00:00:00Z' },
    });
    const object = { ...copyOf(old), spec: { finalizers: [] } };
    strategyFor('', 'Namespace').prepareForUpdate?.(object, old as never);
    expect(object.spec.finalizers).to.deep.equal(['kubernetes']);
  });

  it('is Terminating exactly while it is being deleted', () => {
    const check = (metadata: object, phase: string): string[] =>
      texts(
        strategyFor('', 'Namespace').validateStatusUpdate?.(
          { metadata, status: { phase } } as never,
          {},
          'status',
        ) ?? [],
      );
    const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(check({}, 'Active')).to.deep.equal([]);
    expect(check(deleted, 'Terminating')).to.deep.equal([]);
    expect(check({}, 'Terminating')).to.deep.equal([
      `status.phase: Invalid value: "Terminating": may only be 'Active' if \`deletionTimestamp\` is empty`,
    ]);
    expect(check(deleted, 'Active')).to.have.length(1);
  });

  it('has a DNS label for a name', () => {
    expect(strategyFor('', 'Namespace').nameRule?.('a.b')).to.deep.equal(['must not contain dots']);
  });
});

describe('Service (OC-17)', () => {
  const service = (spec: object): object => ({ ...meta, spec: { ports: [{ port: 80 }], ...spec } });
  const errors = (spec: object): string[] => createErrors('', 'Service', service(spec));

  it('is reachable inside the cluster by default', () => {
    expect(defaulted('', 'Service', service({})).spec).to.deep.equal({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    });
  });

  it('is reachable from everywhere through any node when it is outer', () => {
    expect(defaulted('', 'Service', service({ type: 'LoadBalancer' })).spec).to.deep.include({
      externalTrafficPolicy: 'Cluster',
      allocateLoadBalancerNodePorts: true,
    });
    expect(defaulted('', 'Service', service({ type: 'NodePort' })).spec).not.to.have.property(
      'allocateLoadBalancerNodePorts',
    );
  });

  it('remembers clients for three hours', () => {
    expect(defaulted('', 'Service', service({ sessionAffinity: 'ClientIP' })).spec).to.deep.include({
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
    });
  });

  for (const [name, spec, expected] of [
    ['ports', {}, []],
    ['no ports', { ports: [] }, ['spec.ports: Required value']],
    ['no ports but no address either', { ports: [], clusterIP: 'None' }, []],
    ['an outer name', { type: 'ExternalName', externalName: 'example.com', ports: [] }, []],
    ['no outer name', { type: 'ExternalName', ports: [] }, ['spec.externalName: Required value']],
    [
      'two ports without names',
      { ports: [{ port: 1 }, { port: 2 }] },
      ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
    ],
    [
      'two ports of one name',
      {
        ports: [
          { name: 'a', port: 1 },
          { name: 'a', port: 2 },
        ],
      },
      ['spec.ports[1].name: Duplicate value: "a"'],
    ],
    [
      'a port out of range',
      { ports: [{ port: 0, targetPort: 1 }] },
      ['spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
    ],
    [
      'an unknown type',
      { type: 'Magic' },
      [
        'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      ],
    ],
    [
      'a node port of an inner Service',
      { ports: [{ port: 80, nodePort: 30000 }] },
      ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ],
    [
      'an address that is none',
      { clusterIP: '10.0.0.256' },
      [
        'spec.clusterIPs[0]: Invalid value: "10.0.0.256": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
    ],
  ] as const) {
    it(`${expected.length === 0 ? 'accepts' : 'refuses'} ${name}`, () =>
      expect(errors(spec)).to.deep.equal(expected));
  }

  const addressed = service({ clusterIP: '10.0.0.1' });

  it('keeps its address when an update leaves it out', () => {
    const { object, errors: refused } = updated('', 'Service', addressed, (draft) => {
      delete draft.spec.clusterIP;
      delete draft.spec.clusterIPs;
    });
    expect(refused).to.deep.equal([]);
    expect(object.spec).to.deep.include({ clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] });
  });

  it('never changes its address', () => {
    expect(
      updated('', 'Service', addressed, (d) => void (d.spec.clusterIP = '10.0.0.2')).errors,
    ).to.deep.equal(['spec.clusterIPs[0]: Invalid value: []string{"10.0.0.2"}: may not change once set']);
  });

  it('gives its address up when it becomes an outer name', () => {
    const { object, errors: refused } = updated('', 'Service', addressed, (draft) => {
      draft.spec.type = 'ExternalName';
      draft.spec.externalName = 'example.com';
    });
    expect(refused).to.deep.equal([]);
    expect(object.spec).not.to.have.any.keys('clusterIP', 'clusterIPs');
    expect(texts(strategyFor('', 'Service').validate?.(object as never) ?? [])).to.deep.equal([]);
  });

  it('keeps node ports while it is outer, and loses them when it becomes inner', () => {
    const outer = service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30000 }] });
    const same = updated('', 'Service', outer, (d) => void delete d.spec.ports[0].nodePort).object
      .spec as Loose;
    expect(same.ports[0].nodePort).to.equal(30000);
    const inner = updated('', 'Service', outer, (d) => void (d.spec.type = 'ClusterIP')).object;
    expect((inner.spec as Loose).ports[0]).not.to.have.property('nodePort');
    expect(texts(strategyFor('', 'Service').validate?.(inner as never) ?? [])).to.deep.equal([]);
  });

  it('has a DNS-1035 label for a name', () =>
    expect(strategyFor('', 'Service').nameRule?.('1a')).to.have.length(1));
});

describe('Endpoints', () => {
  const errors = (ip: string): string[] =>
    createErrors('', 'Endpoints', { ...meta, subsets: [{ addresses: [{ ip }], ports: [{ port: 80 }] }] });

  it('leads to places in the network', () => {
    expect(errors('10.1.2.3')).to.deep.equal([]);
    expect(errors('127.0.0.1')).to.deep.equal([
      'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ]);
    expect(errors('x')).to.have.length(1);
  });

  it('may lead to pods on loopback, where a cluster without a network keeps them', () => {
    expect(errors('127.64.0.1')).to.deep.equal([]);
    expect(errors('127.79.255.1')).to.deep.equal([]);
    expect(errors('127.80.0.1')).to.have.length(1);
  });
});

describe('EndpointSlice', () => {
  const slice = {
    ...meta,
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'] }],
    ports: [{ port: 80 }],
  };

  it('names its ports, be it with nothing', () => {
    expect(defaulted('discovery.k8s.io', 'EndpointSlice', slice).ports).to.deep.equal([
      { port: 80, name: '', protocol: 'TCP' },
    ]);
    expect(createErrors('discovery.k8s.io', 'EndpointSlice', slice)).to.deep.equal([]);
  });

  it('holds addresses of one type, for good', () => {
    expect(
      createErrors('discovery.k8s.io', 'EndpointSlice', { ...slice, addressType: 'IPv6' }),
    ).to.deep.equal(['endpoints[0].addresses[0]: Invalid value: "10.0.0.1": must be a valid IPv6 address']);
    expect(
      updated('discovery.k8s.io', 'EndpointSlice', slice, (d) => void (d.addressType = 'FQDN')).errors,
    ).to.deep.equal(['addressType: Invalid value: "FQDN": field is immutable']);
  });
});

describe('Event', () => {
  const event = (fields: object): object => ({
    ...meta,
    involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
    ...fields,
  });

  it('is told where its object lives', () => {
    expect(createErrors('', 'Event', event({}))).to.deep.equal([]);
    expect(createErrors('', 'Event', event({ involvedObject: { kind: 'Node', name: 'n' } }))).to.deep.equal(
      [],
    );
    expect(createErrors('', 'Event', event({ involvedObject: { namespace: 'b' } }))).to.deep.equal([
      'involvedObject.namespace: Invalid value: "b": does not match event.namespace',
    ]);
  });

  it('says who tells it, when it is told the newer way', () => {
    const told = { eventTime: '2026-01-01T00:00:00.000000Z', type: 'Normal', reason: 'R', action: 'A' };
    expect(createErrors('', 'Event', event(told))).to.deep.equal([
      'reportingController: Required value',
      'reportingInstance: Required value',
    ]);
  });

  it('can be selected by its object even when asked of nothing (API-13)', () => {
    const declared = strategyFor('', 'Event').selectableFields?.({ metadata: {}, spec: {}, status: {} });
    expect(declared).to.include.all.keys(
      'involvedObject.name',
      'involvedObject.uid',
      'reason',
      'type',
      'source',
    );
  });
});

describe('Node', () => {
  it('keeps its provider', () => {
    const node = { metadata: { name: 'n' }, spec: { providerID: 'a' } };
    expect(updated('', 'Node', node, (d) => void (d.spec.providerID = 'b')).errors).to.deep.equal([
      'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
    ]);
  });
  it('has every taint once', () => {
    const taint = { key: 'a', effect: 'NoSchedule' };
    expect(
      createErrors('', 'Node', { metadata: { name: 'n' }, spec: { taints: [taint, taint] } }),
    ).to.have.length(1);
    expect(
      createErrors('', 'Node', { metadata: { name: 'n' }, spec: { taints: [{ key: 'a', effect: 'x' }] } }),
    ).to.deep.equal([
      'spec.taints[0].effect: Unsupported value: "x": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ]);
  });
});
