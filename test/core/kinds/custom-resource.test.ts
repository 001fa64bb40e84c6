import { expect } from 'chai';
import { IsInt, IsISO8601, IsOptional, IsString } from 'class-validator';
import {
  CustomResource,
  type CustomResourceOptions,
  Default,
  isCustomResource,
  RegistrationError,
} from 'gyre';
import { Deployment } from 'gyre/kinds';
import { pluralOf } from 'gyre/api';
import { Website } from '../website.js';

class Spec {
  @IsString() name!: string;
}
class Status {
  @IsInt() @IsOptional() replicas?: number;
  @IsISO8601() @IsOptional() seen?: string;
  @IsInt() @IsOptional() observedGeneration?: number;
}
const valid = { group: 'x.example.com', version: 'v1', kind: 'Thing', spec: Spec };

async function messageOf(options: CustomResourceOptions): Promise<string> {
  try {
    await CustomResource(options).crd();
  } catch (error) {
    expect(error).to.be.instanceOf(RegistrationError);
    return (error as Error).message;
  }
  throw new Error('was not refused');
}

describe('CustomResource', () => {
  it('is a kind: its class carries the identity', () => {
    expect(Website.group).to.equal('apps.example.com');
    expect(Website.version).to.equal('v1');
    expect(Website.kind).to.equal('Website');
    expect(Website.plural).to.equal('websites');
    expect(Website.scope).to.equal('Namespaced');
    expect(Website.observesGeneration).to.equal(true);
    expect(CustomResource(valid).observesGeneration).to.equal(false);
    expect([isCustomResource(Website), isCustomResource(Deployment), isCustomResource(Spec)]).to.deep.equal([
      true,
      false,
      false,
    ]);
  });

  it('builds an input from key, spec and metadata', () => {
    expect(Website.of('default/blog', { image: 'nginx', replicas: 3 }, { labels: { a: 'b' } })).to.deep.equal(
      {
        apiVersion: 'apps.example.com/v1',
        kind: 'Website',
        metadata: { labels: { a: 'b' }, namespace: 'default', name: 'blog' },
        spec: { image: 'nginx', replicas: 3 },
      },
    );
    const Cluster = CustomResource({ ...valid, scope: 'Cluster' });
    expect(Cluster.of('thing', { name: 'x' }).metadata).to.deep.equal({ name: 'thing' });
  });

  it('refuses a key without a namespace', () => {
    expect(() => Website.of('blog' as never, { image: 'x' })).to.throw(
      TypeError,
      "its key is 'namespace/name'",
    );
  });

  it('is never instantiated', () => {
    const Instantiable = Website as unknown as new () => unknown;
    expect(() => new Instantiable()).to.throw(
      TypeError,
      'Website describes plain JSON and is never instantiated',
    );
  });

  it('knows English plurals', () => {
    expect(['website', 'policy', 'gateway', 'ingress', 'box', 'batch', 'mesh'].map(pluralOf)).to.deep.equal([
      'websites',
      'policies',
      'gateways',
      'ingresses',
      'boxes',
      'batches',
      'meshes',
    ]);
  });

  describe('crd()', () => {
    it('is named after plural and group', async () => {
      const crd = await Website.crd();
      expect(crd.apiVersion).to.equal('apiextensions.k8s.io/v1');
      expect(crd.kind).to.equal('CustomResourceDefinition');
      expect(crd.metadata).to.deep.equal({ name: 'websites.apps.example.com' });
      expect(crd.spec.group).to.equal('apps.example.com');
      expect(crd.spec.scope).to.equal('Namespaced');
      expect(crd.spec.names).to.deep.equal({
        plural: 'websites',
        singular: 'website',
        kind: 'Website',
        listKind: 'WebsiteList',
        shortNames: ['web'],
      });
    });

    it('serves and stores one version with a status subresource', async () => {
      const [version, ...others] = (await Website.crd()).spec.versions;
      expect(others).to.have.lengthOf(0);
      expect(version).to.include({ name: 'v1', served: true, storage: true });
      expect(version?.subresources).to.deep.equal({ status: {} });
      expect(version?.additionalPrinterColumns).to.deep.equal([
        { name: 'Ready', type: 'integer', jsonPath: '.status.readyReplicas' },
        { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      ]);
    });

    it('describes spec and status, observedGeneration included', async () => {
      const schema = (await Website.crd()).spec.versions[0]?.schema?.openAPIV3Schema;
      expect(schema?.type).to.equal('object');
      expect(schema?.required).to.deep.equal(['spec']);
      expect(Object.keys(schema?.properties ?? {})).to.deep.equal([
        'apiVersion',
        'kind',
        'metadata',
        'spec',
        'status',
      ]);
      expect(schema?.properties?.spec).to.deep.equal({
        type: 'object',
        properties: {
          image: { type: 'string' },
          replicas: { type: 'integer', minimum: 0, maximum: 50, default: 1 },
        },
        required: ['image'],
      });
      const status = schema?.properties?.status;
      expect(Object.keys(status?.properties ?? {})).to.deep.equal([
        'observedGeneration',
        'conditions',
        'readyReplicas',
      ]);
      expect(status?.properties?.observedGeneration).to.include({ type: 'integer', format: 'int64' });
      expect(status).to.not.have.property('required');
    });

    it('is JSON and nothing else', async () => {
      const crd = await Website.crd();
      expect(JSON.parse(JSON.stringify(crd))).to.deep.equal(crd);
    });

    it('has neither subresources nor columns unless asked for', async () => {
      const [version] = (await CustomResource(valid).crd()).spec.versions;
      expect(version).to.not.have.any.keys('subresources', 'additionalPrinterColumns');
      expect(version?.schema?.openAPIV3Schema?.properties).to.not.have.property('status');
    });

    it('takes columns in full, scale, and an observedGeneration of the author', async () => {
      const scale = { specReplicasPath: '.spec.name', statusReplicasPath: '.status.replicas' };
      const [version] = (
        await CustomResource({
          ...valid,
          status: Status,
          scale,
          columns: {
            Seen: '.status.seen',
            Label: ".metadata.labels['x']",
            Wide: { path: '.status.replicas', priority: 1, type: 'string', description: 'how many' },
            Age: '.metadata.creationTimestamp',
          },
        }).crd()
      ).spec.versions;
      expect(version?.subresources).to.deep.equal({ status: {}, scale });
      expect(version?.additionalPrinterColumns).to.deep.equal([
        { name: 'Seen', type: 'date', jsonPath: '.status.seen' },
        { name: 'Label', type: 'string', jsonPath: ".metadata.labels['x']" },
        { name: 'Wide', type: 'string', jsonPath: '.status.replicas', priority: 1, description: 'how many' },
        { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      ]);
      expect(
        version?.schema?.openAPIV3Schema?.properties?.status?.properties?.observedGeneration,
      ).to.deep.equal({ type: 'integer' });
    });
  });

  describe('refuses with class and remedy', () => {
    class BadDefault {
      @IsInt() @Default('x') n!: number;
    }
    class Empty {}
    const cases: readonly [string, CustomResourceOptions, string][] = [
      [
        'a kind in lower case',
        { ...valid, kind: 'thing' },
        "not CamelCase: write letters and digits beginning with a capital, e.g. 'Website'",
      ],
      ['a group that is no domain', { ...valid, group: 'apps' }, 'which is not a domain: use one you own'],
      ['a protected group', { ...valid, group: 'apps.k8s.io' }, 'has the protected group apps.k8s.io'],
      ['a version', { ...valid, version: '1' }, 'has the version "1"'],
      ['a plural in capitals', { ...valid, plural: 'Things' }, 'has the plural "Things"'],
      ['a short name', { ...valid, shortNames: ['t!'] }, 'has the short name "t!"'],
      ['a missing spec class', { ...valid, spec: undefined as never }, 'has no spec class'],
      [
        'scale without a status',
        { ...valid, scale: { specReplicasPath: '.spec.name', statusReplicasPath: '.status.x' } },
        'add a status class',
      ],
      [
        'a class without decorated fields',
        { ...valid, spec: Empty },
        'Empty has no decorated fields: decorate each field',
      ],
      [
        'a column of no field',
        { ...valid, columns: { Ready: '.status.ready' } },
        'reads .status.ready, and no class has the field status',
      ],
      ['a column path without a dot', { ...valid, columns: { Name: 'spec.name' } }, 'begin it with a dot'],
      [
        'a default of another type',
        { ...valid, spec: BadDefault },
        'Thing has a schema that the API server refuses (properties[spec].properties[n].default',
      ],
    ];
    for (const [what, options, message] of cases) {
      it(what, async () => {
        expect(await messageOf(options)).to.contain(message);
      });
    }

    it('members on the kind class itself', async () => {
      class Busy extends CustomResource(valid) {
        get shout(): string {
          return this.spec.name;
        }
      }
      try {
        await Busy.crd();
        expect.fail('was not refused');
      } catch (error) {
        expect((error as Error).message).to.contain('Busy.shout is an accessor');
      }
    });
  });
});
