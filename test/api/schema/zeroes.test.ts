/** What Kubernetes always writes about its own kinds, though nobody said it. */
import { expect } from 'chai';
import { builtinResources, schemaOfKind } from '#src/api/facts/index.js';
import { type JsonValue, zeroFiller } from '#src/api/index.js';

function fillerOf(kind: string, group = '') {
  const facts = builtinResources.find((each) => each.kind === kind && each.group === group);
  const schema = facts && schemaOfKind(facts);
  if (!schema) throw new Error(`no ${kind}`);
  return zeroFiller(schema) ?? ((value: JsonValue) => value);
}

describe('what is always there', () => {
  it('is the creationTimestamp of templates, null, wherever they are', () => {
    const meta = { labels: { a: 'b' } };
    const filled = { labels: { a: 'b' }, creationTimestamp: null };
    expect(
      fillerOf('Deployment', 'apps')({ spec: { template: { metadata: meta } }, status: {} }),
    ).to.deep.equal({
      spec: { template: { metadata: filled } },
      status: {},
    });
    const claim = {
      spec: { volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: { metadata: meta } } }] },
    };
    expect(fillerOf('Pod')({ ...claim, status: {} })).to.deep.equal({
      spec: { volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: { metadata: filled } } }] },
      status: {},
    });
  });

  it('are the plain fields of structs: counts that are 0, names that are empty', () => {
    expect(fillerOf('ReplicaSet', 'apps')({ status: {}, spec: {} })).to.have.nested.property(
      'status.replicas',
      0,
    );
    const node = fillerOf('Node')({ metadata: { name: 'n' } }) as Record<string, Record<string, unknown>>;
    expect(node.spec).to.deep.equal({});
    expect(node.status?.daemonEndpoints).to.deep.equal({ kubeletEndpoint: { Port: 0 } });
    expect(node.status?.nodeInfo).to.include({ machineID: '', kubeletVersion: '' });
    expect(fillerOf('Service')({ spec: {}, status: {} })).to.deep.equal({
      spec: {},
      status: { loadBalancer: {} },
    });
  });

  it('changes nothing that is complete, and gives the very same object then', () => {
    const pod = {
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'c' }] },
      status: { phase: 'Running' },
    };
    expect(fillerOf('Pod')(pod)).to.equal(pod);
    const config = { metadata: { name: 'c' }, data: { a: 'b' } };
    expect(fillerOf('ConfigMap')(config)).to.equal(config);
  });

  it('ends for kinds that hold themselves', () => {
    const properties = { a: { properties: { b: { type: 'string' } } } };
    const crd = { spec: { versions: [{ schema: { openAPIV3Schema: { properties } } }] }, status: {} };
    expect(fillerOf('CustomResourceDefinition', 'apiextensions.k8s.io')(crd)).to.have.nested.property(
      'spec.versions[0].schema.openAPIV3Schema.properties.a.properties.b.type',
      'string',
    );
  });
});
