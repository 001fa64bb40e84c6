import { expect } from 'chai';
import fc from 'fast-check';
import type { EndpointSlice } from 'gyre/kinds/discovery/v1';
import type { Service } from 'gyre/kinds';
import { type ProxyView, ruleKey, rulesOf } from '#src/runtime/proxy/service-ports.js';

const view: ProxyView = { nodeName: 'local', nodePortAddresses: ['127.0.0.1'] };

function service(spec: Partial<NonNullable<Service['spec']>>): Service {
  return {
    metadata: { name: 'web', namespace: 'default' },
    spec: { clusterIP: '127.96.0.10', clusterIPs: ['127.96.0.10'], ports: [{ port: 80 }], ...spec },
  } as unknown as Service;
}

interface At {
  readonly ip: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly node?: string;
}

function slice(port: number, endpoints: readonly At[], name?: string): EndpointSlice {
  return {
    metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ port, protocol: 'TCP', ...(name === undefined ? {} : { name }) }],
    endpoints: endpoints.map(({ ip, node, ...conditions }) => ({
      addresses: [ip],
      conditions,
      ...(node === undefined ? {} : { nodeName: node }),
    })),
  } as unknown as EndpointSlice;
}

const addresses = (rules: ReturnType<typeof rulesOf>): string[][] =>
  rules.map((rule) => rule.targets.map(({ address, port }) => `${address}:${port}`));

describe('rules of a Service', () => {
  it('KP-2 listens on the cluster address and, for a node port, on the node', () => {
    const rules = rulesOf(
      service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }),
      [slice(8080, [{ ip: '127.64.0.2', ready: true }])],
      view,
    );
    expect(rules.map(ruleKey)).to.deep.equal(['tcp/127.96.0.10:80', 'tcp/127.0.0.1:30080']);
    expect(addresses(rules)).to.deep.equal([['127.64.0.2:8080'], ['127.64.0.2:8080']]);
  });

  it('KP-2 gives headless and ExternalName services no rules', () => {
    expect(rulesOf(service({ clusterIP: 'None' }), [], view)).to.deep.equal([]);
    expect(rulesOf(service({ type: 'ExternalName', externalName: 'a.b' }), [], view)).to.deep.equal([]);
  });

  it('KP-1 sends to ready endpoints, and where there are none to those that serve while they end', () => {
    const ending: At = { ip: '127.64.0.3', ready: false, serving: true, terminating: true };
    const notReady: At = { ip: '127.64.0.4', ready: false, serving: false, terminating: false };
    const ready: At = { ip: '127.64.0.2', ready: true, serving: true };
    expect(addresses(rulesOf(service({}), [slice(80, [ready, ending, notReady])], view))).to.deep.equal([
      ['127.64.0.2:80'],
    ]);
    expect(addresses(rulesOf(service({}), [slice(80, [ending, notReady])], view))).to.deep.equal([
      ['127.64.0.3:80'],
    ]);
    expect(addresses(rulesOf(service({}), [slice(80, [notReady])], view))).to.deep.equal([[]]);
  });

  it('KP-1 keeps traffic of a Local policy on the node', () => {
    const slices = [
      slice(80, [
        { ip: '127.64.0.2', ready: true, node: 'local' },
        { ip: '127.64.0.3', ready: true, node: 'other' },
      ]),
    ];
    const rules = rulesOf(
      service({
        type: 'NodePort',
        externalTrafficPolicy: 'Local',
        ports: [{ port: 80, nodePort: 30_080 }],
      }),
      slices,
      view,
    );
    expect(addresses(rules)).to.deep.equal([['127.64.0.2:80', '127.64.0.3:80'], ['127.64.0.2:80']]);
  });

  it('EP-4 finds a named port under whatever number each slice has for it', () => {
    const rules = rulesOf(
      service({ ports: [{ name: 'http', port: 80, targetPort: 'http' }] as never }),
      [
        slice(8080, [{ ip: '127.64.0.2', ready: true }], 'http'),
        slice(9090, [{ ip: '127.64.0.3', ready: true }], 'http'),
        slice(7070, [{ ip: '127.64.0.4', ready: true }], 'other'),
      ],
      view,
    );
    expect(addresses(rules)).to.deep.equal([['127.64.0.2:8080', '127.64.0.3:9090']]);
  });

  it('carries session affinity with its timeout', () => {
    const [rule] = rulesOf(
      service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } }),
      [],
      view,
    );
    expect(rule?.affinityMs).to.equal(5000);
  });

  it('names every target once, also while an endpoint is in two slices (property)', () => {
    const at = fc.record({
      ip: fc.integer({ min: 1, max: 6 }).map((n) => `127.64.0.${n}`),
      ready: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.array(at, { maxLength: 5 }), { maxLength: 4 }), (groups) => {
        const [rule] = rulesOf(
          service({}),
          groups.map((group) => slice(80, group)),
          view,
        );
        const targets = (rule?.targets ?? []).map((t) => t.address);
        expect(new Set(targets).size).to.equal(targets.length);
      }),
    );
  });
});
