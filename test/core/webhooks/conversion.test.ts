/** Versions of a custom kind, hub and spokes: as functions, and asked by an API server. */
import { IsInt, IsOptional, IsString } from 'class-validator';
import { expect } from 'chai';
import {
  type AnyCustomResource,
  answerConversion,
  checkRoundTrip,
  controllerFor,
  conversionFor,
  CustomResource,
  done,
  RegistrationError,
  silentLogger,
} from 'gyre';
import { CustomResourceDefinition } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';

class OldSpec {
  @IsString() picture!: string;
  @IsInt() @IsOptional() count?: number;
}
class OldSite extends CustomResource({
  group: 'apps.example.com',
  version: 'v1beta1',
  kind: 'Site',
  spec: OldSpec,
  deprecated: 'use v1',
}) {}

class SiteSpec {
  @IsString() image!: string;
  @IsInt() @IsOptional() replicas?: number;
}
class Site extends CustomResource({
  group: 'apps.example.com',
  version: 'v1',
  kind: 'Site',
  spec: SiteSpec,
  versions: () => [OldSite],
}) {}

const sites = conversionFor(Site).version(OldSite, {
  toHub: ({ spec }) => ({
    spec: { image: spec.picture, ...(spec.count === undefined ? {} : { replicas: spec.count }) },
  }),
  fromHub: ({ spec }) => ({
    spec: { picture: spec.image, ...(spec.replicas === undefined ? {} : { count: spec.replicas }) },
  }),
});
const v1 = {
  apiVersion: 'apps.example.com/v1',
  kind: 'Site',
  metadata: { name: 'a' },
  spec: { image: 'x', replicas: 2 },
};

describe('conversions', () => {
  it('answer a review for all its objects, and leave what they are called alone', () => {
    const { review, failed } = answerConversion(
      sites,
      {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'ConversionReview',
        request: { uid: 'u', desiredAPIVersion: 'apps.example.com/v1beta1', objects: [v1, v1] },
      } as never,
      silentLogger,
    );
    expect(failed).to.equal(false);
    const { uid, result, convertedObjects } = review.response as never as {
      uid: string;
      result: object;
      convertedObjects: object[];
    };
    expect([uid, result]).to.deep.equal(['u', { status: 'Success' }]);
    expect(convertedObjects).to.have.length(2);
    expect(convertedObjects[0]).to.deep.equal({
      apiVersion: 'apps.example.com/v1beta1',
      kind: 'Site',
      metadata: { name: 'a' },
      spec: { picture: 'x', count: 2 },
    });
  });

  it('that fail say so in the answer: a throw, a version nobody knows', () => {
    const broken = conversionFor(Site).version(OldSite, {
      toHub: () => {
        throw new Error('no such picture');
      },
      fromHub: () => ({ spec: { picture: '' } }),
    });
    for (const [from, message] of [
      ['apps.example.com/v1beta1', 'no such picture'],
      ['apps.example.com/v2', 'nobody knows how to convert Site of apps.example.com/v2'],
    ] as const) {
      const { review, failed } = answerConversion(
        broken,
        {
          apiVersion: 'apiextensions.k8s.io/v1',
          kind: 'ConversionReview',
          request: {
            uid: 'u',
            desiredAPIVersion: 'apps.example.com/v1',
            objects: [{ ...v1, apiVersion: from }],
          },
        } as never,
        silentLogger,
      );
      expect(failed).to.equal(true);
      expect((review.response as never as { result: object }).result).to.deep.equal({
        status: 'Failure',
        message,
      });
    }
  });

  it('can be checked for what they lose', () => {
    checkRoundTrip(sites, v1);
    const forgetful = conversionFor(Site).version(OldSite, {
      toHub: ({ spec }) => ({ spec: { image: spec.picture } }),
      fromHub: ({ spec }) => ({ spec: { picture: spec.image } }),
    });
    expect(() => checkRoundTrip(forgetful, v1)).to.throw(
      /does not survive apps.example.com\/v1beta1: spec.replicas/,
    );
  });

  it('are of versions of one kind', async () => {
    class Other extends CustomResource({
      group: 'other.example.com',
      version: 'v1',
      kind: 'Site',
      spec: SiteSpec,
    }) {}
    expect(() => conversionFor(Site).version(Other as never, {} as never)).to.throw(
      TypeError,
      /no version of/,
    );
    class Wrong extends CustomResource({
      group: 'apps.example.com',
      version: 'v1',
      kind: 'Site',
      spec: SiteSpec,
      versions: (): AnyCustomResource[] => [Other],
    }) {}
    let refusal: unknown;
    await Wrong.crd().catch((error: unknown) => {
      refusal = error;
    });
    expect(refusal).to.be.instanceOf(RegistrationError);
  });

  it('are what an API server asks: each version is read and written as itself, the hub is stored', async () => {
    const seen: unknown[] = [];
    const controller = controllerFor(Site).reconcile((site) => {
      seen.push(site.spec);
      return done;
    });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller], webhooks: [sites] });
    const { spec } = t.get(CustomResourceDefinition, 'sites.apps.example.com');
    expect(spec.versions.map(({ name, storage, deprecated }) => [name, storage, deprecated])).to.deep.equal([
      ['v1', true, undefined],
      ['v1beta1', false, true],
    ]);
    expect(spec.conversion?.strategy).to.equal('Webhook');
    await t.client.create(OldSite, OldSite.of('default/a', { picture: 'nginx', count: 3 }));
    await t.settle();
    expect(seen).to.deep.equal([{ image: 'nginx', replicas: 3 }]);
    expect((await t.client.get(Site, 'default/a')).spec).to.deep.equal({ image: 'nginx', replicas: 3 });
    await t.client.patch(Site, 'default/a', (draft) => {
      draft.spec.replicas = 4;
    });
    expect((await t.client.get(OldSite, 'default/a')).spec).to.deep.equal({ picture: 'nginx', count: 4 });
  });
});
