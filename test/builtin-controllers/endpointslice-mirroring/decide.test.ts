/** Endpoints that somebody keeps by hand, as slices. */
import { expect } from 'chai';
import type { Endpoints, EndpointSlice } from 'gyre/kinds';
import { decide } from '#src/builtin-controllers/endpointslice-mirroring/decide.js';

const endpoints = (subsets: object[], metadata: object = {}): Endpoints =>
  ({
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'custom', namespace: 'default', uid: 'u', ...metadata },
    subsets,
  }) as unknown as Endpoints;
const port = { name: 'http', port: 80, protocol: 'TCP' };
const ip = (n: number) => ({ ip: `10.0.${n >> 8}.${n & 255}` });

/** The slices that a decision leaves behind. */
function after(of: Endpoints, present: readonly EndpointSlice[] = []): EndpointSlice[] {
  const { create, update, remove } = decide(of, present);
  const kept = present.filter(
    (slice) => !remove.includes(slice) && !update.some((u) => u.metadata.name === slice.metadata.name),
  );
  const made = create.map((slice, i) => ({
    ...slice,
    metadata: { ...slice.metadata, name: `made-${i}`, uid: `m${i}` },
  }));
  return [...kept, ...update, ...(made as unknown as EndpointSlice[])];
}

describe('mirrored slices', () => {
  it('EP-8 have one slice per family and list of ports, ready or not, and say whose they are', () => {
    const slices = after(
      endpoints([{ addresses: [ip(1), { ip: 'fd00::1' }], notReadyAddresses: [ip(2)], ports: [port] }], {
        labels: { app: 'a' },
      }),
    );
    expect(slices.map(({ addressType }) => addressType)).to.have.members(['IPv4', 'IPv6']);
    const [v4] = slices;
    expect(v4?.endpoints).to.deep.equal([
      { addresses: ['10.0.0.1'], conditions: { ready: true } },
      { addresses: ['10.0.0.2'], conditions: { ready: false } },
    ]);
    expect(v4?.metadata.labels).to.deep.equal({
      app: 'a',
      'kubernetes.io/service-name': 'custom',
      'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    });
    expect(v4?.metadata.ownerReferences?.[0]).to.include({
      kind: 'Endpoints',
      name: 'custom',
      controller: true,
    });
  });

  it('EP-8 hold at most 1,000 addresses of a subset', () => {
    const many = Array.from({ length: 1_100 }, (_, i) => ip(i));
    const slices = after(endpoints([{ addresses: many, ports: [port] }]));
    expect(slices.flatMap((slice) => slice.endpoints ?? [])).to.have.length(1_000);
  });

  it('EP-8 are written again only when something differs, and go with their ports', () => {
    const first = endpoints([{ addresses: [ip(1)], ports: [port] }], {
      annotations: { mine: 'yes', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
    });
    const slices = after(first);
    expect(slices[0]?.metadata.annotations).to.deep.equal({ mine: 'yes' });
    const again = decide(first, slices);
    expect([again.create, again.update, again.remove].map((list) => list.length)).to.deep.equal([0, 0, 0]);
    const moved = after(
      endpoints([{ addresses: [ip(2)], ports: [port] }], { annotations: { mine: 'yes' } }),
      slices,
    );
    expect(moved.flatMap((slice) => (slice.endpoints ?? []).flatMap((e) => e.addresses))).to.deep.equal([
      '10.0.0.2',
    ]);
    expect(after(endpoints([]), slices)).to.deep.equal([]);
  });
});
