/** Custom kinds of several versions (API-15): conversion by name and by webhook, on every way in and out. */
import { expect } from 'chai';
import type { JsonObject } from 'gyre/api';
import { type Answer, applyPatch, type Event, mergePatch, VirtualServer } from './virtual-server.js';

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const at = (version: string) => `/apis/example.com/${version}/namespaces/default/gizmos`;
const schema = (spec: object) => ({
  openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: spec } } },
});
const text = { type: 'string' };
const versionOf = (name: string, spec: object, more: object = {}) => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: schema(spec),
  ...more,
});
/** `size` of v1beta1 is `width` and `height` of v1. */
const versions = [
  versionOf('v1beta1', { size: text, color: text }),
  versionOf('v1', { width: text, height: text, color: { ...text, default: 'red' } }),
];
const conversion = {
  strategy: 'Webhook',
  webhook: {
    clientConfig: { url: 'https://convert.example.com/convert' },
    conversionReviewVersions: ['v1'],
  },
};
const definition = (spec: object) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gizmos.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'gizmos', kind: 'Gizmo' },
    versions,
    ...spec,
  },
});
const gizmo = (version: string, name: string, spec: object) => ({
  apiVersion: `example.com/${version}`,
  kind: 'Gizmo',
  metadata: { name },
  spec,
});

const answerOf = (event: Event | undefined): Answer => (event as { object: Answer }).object;

interface Convertible {
  apiVersion: string;
  metadata: Record<string, unknown>;
  spec: Record<string, string>;
}

/** Between the two versions above. */
function convertOne(object: Convertible, desired: string): object {
  if (object.apiVersion === desired) return object;
  const { size, width, height, ...rest } = object.spec;
  const [w, h] = (size ?? '').split('x');
  const spec = desired.endsWith('/v1')
    ? { width: w, height: h, ...rest }
    : { size: `${width}x${height}`, ...rest };
  return { ...object, apiVersion: desired, spec };
}

describe('custom kinds of several versions', () => {
  let server: VirtualServer;
  let asked: { readonly objects: readonly Convertible[]; readonly desiredAPIVersion: string }[];
  /** Changes the webhook's answer. */
  let twist: (response: { uid: string; result: object; convertedObjects: object[] }) => object;

  beforeEach(async () => {
    server = await VirtualServer.start();
    asked = [];
    twist = (response) => response;
    server.webhooks.register({ url: conversion.webhook.clientConfig.url }, (review) => {
      const { uid, objects, desiredAPIVersion } = review.request as unknown as {
        uid: string;
        objects: Convertible[];
        desiredAPIVersion: string;
      };
      asked.push({ objects, desiredAPIVersion });
      const convertedObjects = objects.map((object) => convertOne(object, desiredAPIVersion));
      const response = twist({ uid, result: { status: 'Success' }, convertedObjects });
      return {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'ConversionReview',
        response,
      } as unknown as JsonObject;
    });
  });
  afterEach(() => server[Symbol.asyncDispose]());

  async function define(spec: object = { conversion }): Promise<void> {
    await server.post(crds, definition(spec));
    await server.settle();
  }
  async function redefine(spec: object): Promise<Answer> {
    const crd = await server.patch(`${crds}/gizmos.example.com`, { spec });
    await server.settle();
    return crd;
  }
  const failing = (message: string) => (): object => ({
    uid: 'x',
    result: { status: 'Failed', message },
    convertedObjects: [],
  });

  it('API-15 conversion None renames the version, and keeps what the target’s schema knows', async () => {
    await define({ conversion: { strategy: 'None' } });
    const made = await server.post(at('v1beta1'), gizmo('v1beta1', 'a', { size: '2x3', color: 'blue' }));
    expect([made.apiVersion, made.spec]).to.deep.equal(['example.com/v1beta1', { color: 'blue' }]);
    const read = await server.get(`${at('v1')}/a`);
    expect([read.apiVersion, read.spec]).to.deep.equal(['example.com/v1', { color: 'blue' }]);
    expect(asked).to.deep.equal([]);
  });

  it('API-15 objects are stored at the storage version and read at any', async () => {
    await define();
    const made = await server.post(at('v1beta1'), gizmo('v1beta1', 'a', { size: '2x3' }));
    expect([made.apiVersion, made.spec.size]).to.deep.equal(['example.com/v1beta1', '2x3']);
    expect(asked.map((a) => a.desiredAPIVersion)).to.deep.equal(['example.com/v1', 'example.com/v1beta1']);
    asked.length = 0;
    expect((await server.get(`${at('v1')}/a`)).spec).to.deep.equal({ width: '2', height: '3', color: 'red' });
    expect((await server.get(`${at('v1beta1')}/a`)).spec).to.deep.equal({ size: '2x3', color: 'red' });
    const { resourceVersion } = (await server.get(`${at('v1beta1')}/a`)).metadata;
    expect(resourceVersion).to.equal(made.metadata.resourceVersion);
    // Converted when it was answered after the write; nobody has to be asked again.
    expect(asked).to.deep.equal([]);
  });

  it('API-15 lists are converted in batches, and every object once', async () => {
    await define();
    for (const name of ['a', 'b', 'c'])
      await server.post(at('v1'), gizmo('v1', name, { width: '1', height: name }));
    asked.length = 0;
    const list = await server.get(at('v1beta1'));
    expect(list.apiVersion).to.equal('example.com/v1beta1');
    expect(list.items.map((i) => `${i.apiVersion} ${i.spec.size}`)).to.deep.equal([
      'example.com/v1beta1 1xa',
      'example.com/v1beta1 1xb',
      'example.com/v1beta1 1xc',
    ]);
    expect(asked.map(({ objects }) => objects.length)).to.deep.equal([3]);
    await server.patch(`${at('v1')}/b`, { spec: { width: '2' } });
    const again = await server.get(at('v1beta1'));
    expect(again.items.map((i) => i.spec.size)).to.deep.equal(['1xa', '2xb', '1xc']);
    expect(asked.map(({ objects }) => objects.length)).to.deep.equal([3, 1]);
  });

  it('API-15 watchers see events at their own version, converted once for all of them', async () => {
    await define();
    const old = [await server.watch(at('v1beta1')), await server.watch(at('v1beta1'))];
    const current = await server.watch(at('v1'));
    await server.post(at('v1'), gizmo('v1', 'a', { width: '1', height: '2' }));
    await server.patch(`${at('v1')}/a`, { spec: { height: '3' } });
    await server.delete(`${at('v1')}/a`);
    await server.settle();
    const told = (events: readonly Event[]) =>
      events.map(
        ({ type, object }) => `${type} ${(object as Answer).spec.size ?? (object as Answer).spec.height}`,
      );
    for (const events of old)
      expect(told(events)).to.deep.equal(['ADDED 1x2', 'MODIFIED 1x3', 'DELETED 1x3']);
    expect(told(current)).to.deep.equal(['ADDED 2', 'MODIFIED 3', 'DELETED 3']);
    expect(asked).to.have.length(3);
    expect((old[0]?.[1]?.object as Answer) === (old[1]?.[1]?.object as Answer)).to.equal(true);
  });

  it('API-15 a watcher’s object that leaves the selector is DELETED at its version', async () => {
    await define();
    const events = await server.watch(`${at('v1beta1')}?labelSelector=on%3Dyes`);
    await server.post(at('v1'), {
      ...gizmo('v1', 'a', { width: '1', height: '2' }),
      metadata: { name: 'a', labels: { on: 'yes' } },
    });
    const left = await server.patch(`${at('v1')}/a`, { metadata: { labels: { on: 'no' } } });
    await server.settle();
    const [, gone] = events;
    expect(gone?.type).to.equal('DELETED');
    expect(answerOf(gone).spec.size).to.equal('1x2');
    expect(answerOf(gone).metadata.resourceVersion).to.equal(left.metadata.resourceVersion);
  });

  it('API-15 update, patch and apply at a version that is not stored', async () => {
    await define();
    const made = await server.post(at('v1'), gizmo('v1', 'a', { width: '1', height: '2' }));
    const read = await server.get(`${at('v1beta1')}/a`);
    const put = await server.put(`${at('v1beta1')}/a`, { ...read, spec: { ...read.spec, size: '3x4' } });
    expect([put.spec.size, put.metadata.generation]).to.deep.equal(['3x4', 2]);
    const patched = await server.patch(`${at('v1beta1')}/a`, { spec: { size: '5x6' } }, mergePatch);
    expect(patched.spec.size).to.equal('5x6');
    const url = `${at('v1beta1')}/a?fieldManager=me&force=true`;
    const applied = await server.patch(url, gizmo('v1beta1', 'a', { size: '7x8' }), applyPatch);
    expect(applied.spec.size).to.equal('7x8');
    const stored = await server.get(`${at('v1')}/a`);
    expect(stored.spec).to.deep.equal({ width: '7', height: '8', color: 'red' });
    expect(stored.metadata.uid).to.equal(made.metadata.uid);
    const moved = await server.patch(
      `${at('v1')}/a?fieldManager=me&force=true`,
      gizmo('v1', 'a', { width: '9', height: '8' }),
      applyPatch,
    );
    expect(moved.spec.width).to.equal('9');
    const mine = moved.metadata.managedFields?.filter((m) => m.manager === 'me');
    expect(mine?.map((m) => (m as unknown as JsonObject).apiVersion)).to.deep.equal(['example.com/v1']);
  });

  it('API-15 a write that changes nothing writes nothing, at whichever version', async () => {
    await define();
    await server.post(at('v1'), gizmo('v1', 'a', { width: '1', height: '2' }));
    const read = await server.get(`${at('v1beta1')}/a`);
    const put = await server.put(`${at('v1beta1')}/a`, read);
    expect(put.metadata.resourceVersion).to.equal(read.metadata.resourceVersion);
  });

  for (const [what, answer, why] of [
    ['says so', failing('no idea'), 'failed: expected response.uid='],
    [
      'fails',
      (r: { uid: string }) => ({ uid: r.uid, result: { status: 'Failed', message: 'no idea' } }),
      'conversion webhook for example.com/v1beta1, Kind=Gizmo failed: no idea',
    ],
    [
      'fails without a word',
      (r: { uid: string }) => ({ uid: r.uid, result: { status: 'Failed' } }),
      "failed: response.result.status was 'Failed', not 'Success'",
    ],
    [
      'loses an object',
      (r: object) => ({ ...r, convertedObjects: [] }),
      'conversion webhook for example.com/v1beta1, Kind=Gizmo returned 0 objects, expected 1',
    ],
    [
      'renames an object',
      (r: { convertedObjects: Convertible[] }) => ({
        ...r,
        convertedObjects: r.convertedObjects.map((o) => ({ ...o, metadata: { ...o.metadata, name: 'b' } })),
      }),
      'returned invalid converted object: must have the same name: a != b',
    ],
    [
      'does not convert',
      (r: { convertedObjects: Convertible[] }) => ({
        ...r,
        convertedObjects: r.convertedObjects.map((o) => ({ ...o, apiVersion: 'example.com/v1beta1' })),
      }),
      'returned invalid converted object: invalid groupVersion (expected example.com/v1, received example.com/v1beta1)',
    ],
    [
      'forgets the metadata',
      (r: { convertedObjects: Convertible[] }) => ({
        ...r,
        convertedObjects: r.convertedObjects.map(({ metadata: _, ...o }) => o),
      }),
      'returned invalid metadata: missing metadata in converted object',
    ],
    [
      'gives a label that is none',
      (r: { convertedObjects: Convertible[] }) => ({
        ...r,
        convertedObjects: r.convertedObjects.map((o) => ({
          ...o,
          metadata: { ...o.metadata, labels: { a: 1 } },
        })),
      }),
      'returned invalid metadata: metadata.labels[a] must be a string, but is number in converted object',
    ],
  ] as const) {
    it(`API-15 a conversion webhook that ${what}: 500, and nothing is written`, async () => {
      await define();
      const before = (await server.get(at('v1'))).metadata.resourceVersion;
      twist = answer as typeof twist;
      const status = await server.refused(500, 'POST', at('v1beta1'), gizmo('v1beta1', 'a', { size: '1x2' }));
      expect(status.message).to.contain(why);
      expect((await server.get(at('v1'))).metadata.resourceVersion).to.equal(before);
    });
  }

  it('API-15 a webhook may change labels and annotations, and no other metadata', async () => {
    await define();
    twist = (response) => ({
      ...response,
      convertedObjects: (response.convertedObjects as Convertible[]).map((o) => ({
        ...o,
        metadata: {
          ...o.metadata,
          labels: { converted: 'yes' },
          finalizers: ['example.com/mine'],
          generation: 77,
        },
      })),
    });
    const { metadata } = await server.post(at('v1beta1'), gizmo('v1beta1', 'a', { size: '1x2' }));
    expect(metadata.labels).to.deep.equal({ converted: 'yes' });
    expect([metadata.finalizers, metadata.generation]).to.deep.equal([undefined, 1]);
  });

  it('API-15 reads fail while the webhook does, and go on when it is back; the stored version is always there', async () => {
    await define();
    await server.post(at('v1'), gizmo('v1', 'a', { width: '1', height: '2' }));
    const right = twist;
    twist = (r) => ({ ...r, result: { status: 'Failed', message: 'down' } });
    const down = 'conversion webhook for example.com/v1, Kind=Gizmo failed: down';
    expect((await server.refused(500, 'GET', `${at('v1beta1')}/a`)).message).to.equal(down);
    expect((await server.refused(500, 'GET', at('v1beta1'))).message).to.equal(down);
    const events = await server.watch(at('v1beta1'));
    expect(events.map((e) => [e.type, (e.object as { message?: string }).message])).to.deep.equal([
      ['ERROR', down],
    ]);
    expect(events.ended).to.equal(true);
    await server.get(`${at('v1')}/a`);
    twist = right;
    expect((await server.get(`${at('v1beta1')}/a`)).spec.size).to.equal('1x2');
  });

  it('API-15 a write that cannot be converted back is answered as it was sent: it has happened', async () => {
    await define();
    const right = twist;
    twist = (r) => {
      twist = (later) => ({ ...later, result: { status: 'Failed', message: 'down' } });
      return r;
    };
    const made = await server.post(at('v1beta1'), gizmo('v1beta1', 'a', { size: '1x2' }));
    expect([made.apiVersion, made.spec.size]).to.deep.equal(['example.com/v1beta1', '1x2']);
    twist = right;
    const read = await server.get(`${at('v1beta1')}/a`);
    expect(read.metadata.resourceVersion).to.equal(made.metadata.resourceVersion);
  });

  it('API-15 a new storage version is in storedVersions from that write on, and old objects stay readable', async () => {
    await define();
    await server.post(at('v1'), gizmo('v1', 'a', { width: '1', height: '2' }));
    const flipped = versions.map((v) => ({ ...v, storage: v.name === 'v1beta1' }));
    expect((await redefine({ versions: flipped })).status.storedVersions).to.deep.equal(['v1', 'v1beta1']);
    expect((await server.get(`${at('v1beta1')}/a`)).spec.size).to.equal('1x2');
    // Any write brings an object to the new storage version.
    const before = (await server.get(`${at('v1')}/a`)).metadata.resourceVersion;
    const touched = await server.patch(`${at('v1')}/a`, {});
    expect(touched.metadata.resourceVersion).to.not.equal(before);
    expect((await server.patch(`${at('v1')}/a`, {})).metadata.resourceVersion).to.equal(
      touched.metadata.resourceVersion,
    );
  });

  it('API-15 a version that objects may be stored at cannot go', async () => {
    await define();
    const [, v1] = versions;
    const onlyBeta = [{ ...versions[0], storage: true }];
    const url = `${crds}/gizmos.example.com`;
    const status = await server.refused(422, 'PATCH', url, { spec: { versions: onlyBeta } }, mergePatch);
    expect(status.message).to.contain(
      'status.storedVersions[0]: Invalid value: "v1": must appear in spec.versions',
    );
    await redefine({ versions: [v1] });
    await server.refused(404, 'GET', at('v1beta1'));
  });

  it('API-15 versions are preferred by stability, then by number', async () => {
    const names = ['v1alpha1', 'v1beta1', 'v2', 'v1', 'foo', 'v2beta1'];
    await define({
      versions: names.map((name) => versionOf(name, {}, { storage: name === 'v1' })),
    });
    const group = (await server.get('/apis/example.com')) as unknown as {
      versions: { version: string }[];
      preferredVersion: { version: string };
    };
    expect(group.preferredVersion.version).to.equal('v2');
    expect(group.versions.map((v) => v.version)).to.deep.equal([
      'v2',
      'v1',
      'v2beta1',
      'v1beta1',
      'v1alpha1',
      'foo',
    ]);
  });

  it('API-15 users of a deprecated version are warned, whatever they do', async () => {
    const [beta, v1] = versions;
    await define({ conversion, versions: [{ ...beta, deprecated: true }, v1] });
    const said = '299 - "example.com/v1beta1 Gizmo is deprecated; use example.com/v1 Gizmo"';
    expect((await server.ask('GET', at('v1beta1'))).headers.warning).to.equal(said);
    expect((await server.ask('GET', at('v1'))).headers.warning).to.equal(undefined);
    await redefine({ versions: [{ ...beta, deprecated: true, deprecationWarning: 'go on' }, v1] });
    const missing = await server.ask('GET', `${at('v1beta1')}/none`);
    expect([missing.status, missing.headers.warning]).to.deep.equal([404, '299 - "go on"']);
  });

  it('API-15 every version has columns and subresources of its own', async () => {
    const [beta, v1] = versions;
    const column = (name: string) => [{ name, type: 'string', jsonPath: '.spec.color' }];
    await define({
      conversion: { strategy: 'None' },
      versions: [
        { ...beta, additionalPrinterColumns: column('Old') },
        { ...v1, additionalPrinterColumns: column('New'), subresources: { status: {} } },
      ],
    });
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const columns = async (version: string) =>
      ((await server.get(at(version), accept)).columnDefinitions as { name: string }[]).map((c) => c.name);
    expect(await columns('v1beta1')).to.deep.equal(['Name', 'Old']);
    expect(await columns('v1')).to.deep.equal(['Name', 'New']);
    await server.post(at('v1'), gizmo('v1', 'a', {}));
    await server.get(`${at('v1')}/a/status`);
    await server.refused(404, 'GET', `${at('v1beta1')}/a/status`);
  });

  it('API-15 a watch that is open converts by the definition as it is now', async () => {
    await define({ conversion: { strategy: 'None' } });
    const events = await server.watch(at('v1beta1'));
    await redefine({ conversion });
    await server.post(at('v1'), gizmo('v1', 'a', { width: '1', height: '2' }));
    await server.settle();
    expect(answerOf(events[0]).spec.size).to.equal('1x2');
  });

  it('API-15 a definition with instances is deleted without asking the webhook', async () => {
    await define();
    await server.post(at('v1'), gizmo('v1', 'a', { width: '1', height: '2' }));
    twist = (r) => ({ ...r, result: { status: 'Failed', message: 'down' } });
    await server.delete(`${crds}/gizmos.example.com`);
    await server.settle();
    await server.refused(404, 'GET', `${crds}/gizmos.example.com`);
  });

  const refusals: readonly (readonly [what: string, spec: object, message: string])[] = [
    [
      'no storage version',
      { versions: versions.map((v) => ({ ...v, storage: false })) },
      'must have exactly one version marked as storage version',
    ],
    [
      'two storage versions',
      { versions: versions.map((v) => ({ ...v, storage: true })) },
      'must have exactly one version marked as storage version',
    ],
    ['one name twice', { versions: [...versions, { ...versions[0] }] }, 'must contain unique version names'],
    [
      'a warning about nothing deprecated',
      { versions: versions.map((v) => ({ ...v, deprecationWarning: 'x' })) },
      'spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions',
    ],
    [
      'an unknown strategy',
      { conversion: { strategy: 'Magic' } },
      'spec.conversion.strategy: Unsupported value: "Magic": supported values: "None", "Webhook"',
    ],
    [
      'strategy Webhook without one',
      { conversion: { strategy: 'Webhook' } },
      'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook',
    ],
    [
      'strategy None with a webhook',
      { conversion: { ...conversion, strategy: 'None' } },
      'spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook',
    ],
    [
      'an unknown review version',
      { conversion: { ...conversion, webhook: { ...conversion.webhook, conversionReviewVersions: ['v9'] } } },
      'spec.conversion.conversionReviewVersions: Invalid value: ["v9"]: must include at least one of v1',
    ],
    [
      'a webhook by http',
      {
        conversion: { ...conversion, webhook: { ...conversion.webhook, clientConfig: { url: 'http://a/' } } },
      },
      "'https' is the only allowed URL scheme",
    ],
  ];
  for (const [what, spec, message] of refusals) {
    it(`API-15 a definition is refused with ${what}`, async () => {
      const status = await server.refused(
        422,
        'POST',
        crds,
        definition({ conversion: { strategy: 'None' }, ...spec }),
      );
      expect(status.message).to.contain(message);
    });
  }
});

describe('admission webhooks of custom kinds', () => {
  it('API-17 matchPolicy Equivalent: a webhook sees, and patches, the version its rules name', async () => {
    await using server = await VirtualServer.start();
    await server.post(
      crds,
      definition({
        conversion: { strategy: 'None' },
        versions: [versionOf('v1beta1', { color: text }), versionOf('v1', { color: text })],
      }),
    );
    await server.settle();
    const seen: JsonObject[] = [];
    server.webhooks.register({ url: 'https://eq.example.com/' }, (review) => {
      const request = review.request as { uid: string } & JsonObject;
      seen.push(request);
      const patch = [
        { op: 'add', path: '/spec/color', value: 'green' },
        { op: 'add', path: '/spec/pruned', value: 'yes' },
      ];
      return {
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: {
          uid: request.uid,
          allowed: true,
          patchType: 'JSONPatch',
          patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
        },
      };
    });
    const hook = (matchPolicy: string) => ({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'eq' },
      webhooks: [
        {
          name: 'eq.example.com',
          matchPolicy,
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          clientConfig: { url: 'https://eq.example.com/' },
          rules: [
            { operations: ['*'], apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['gizmos'] },
          ],
        },
      ],
    });
    const configurations = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    await server.post(configurations, hook('Exact'));
    const exact = await server.post(at('v1beta1'), gizmo('v1beta1', 'a', { color: 'blue' }));
    expect([seen.length, exact.spec.color]).to.deep.equal([0, 'blue']);
    await server.delete(`${configurations}/eq`);
    await server.post(configurations, hook('Equivalent'));
    const made = await server.post(at('v1beta1'), gizmo('v1beta1', 'b', { color: 'blue' }));
    expect([made.apiVersion, made.spec]).to.deep.equal(['example.com/v1beta1', { color: 'green' }]);
    expect(seen[0]).to.deep.include({
      kind: { group: 'example.com', version: 'v1', kind: 'Gizmo' },
      resource: { group: 'example.com', version: 'v1', resource: 'gizmos' },
      requestKind: { group: 'example.com', version: 'v1beta1', kind: 'Gizmo' },
      requestResource: { group: 'example.com', version: 'v1beta1', resource: 'gizmos' },
    });
    expect((seen[0] as { object: JsonObject }).object.apiVersion).to.equal('example.com/v1');
  });
});
