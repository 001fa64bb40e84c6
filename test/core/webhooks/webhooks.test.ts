/** Webhooks: reviews as functions, in process with the embedded cluster, and over HTTPS on a laptop. */
import { IsInt, IsOptional, IsString } from 'class-validator';
import { expect } from 'chai';
import {
  Admission,
  admissionOf,
  type AdmissionRequest,
  answerAdmission,
  CustomResource,
  controllerFor,
  Defaults,
  done,
  type Draft,
  isInvalid,
  Manager,
  RegistrationError,
  silentLogger,
  Validates,
  webhookFor,
  WebhookServer,
} from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import { ConfigMap, MutatingWebhookConfiguration, Secret, ValidatingWebhookConfiguration } from 'gyre/kinds';
import { seededRandom, TestCluster, VirtualClock } from 'gyre/testing';
import { createClient } from 'gyre/client';
import { authorityOf, serveCertificates } from '#src/core/webhooks/certificates.js';

class SiteSpec {
  @IsString() @IsOptional() image?: string;
  @IsInt() replicas!: number;
}
class Site extends CustomResource({
  group: 'apps.example.com',
  version: 'v1',
  kind: 'Site',
  spec: SiteSpec,
}) {}

const sites = webhookFor(Site)
  .defaults((draft, { user }) => {
    draft.spec.image ??= 'nginx';
    draft.metadata.annotations = { ...draft.metadata.annotations, 'example.com/by': user.username };
  })
  .validates((site, { oldObject, warn }) => {
    if (site.spec.replicas > 10) warn('that is many');
    if (oldObject && oldObject.spec.image !== site.spec.image)
      return [{ field: 'spec.image', message: 'is immutable' }];
    return site.spec.replicas % 2 === 0 ? [] : [{ field: 'spec.replicas', message: 'must be even' }];
  })
  .validates(async (site) => {
    await Promise.resolve();
    return site.metadata.name === 'forbidden' ? [{ field: 'metadata.name', message: 'is taken' }] : [];
  });

const review = (request: object) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { uid: 'u', operation: 'CREATE', ...request },
});
const site = (spec: object, name = 'a') => ({
  apiVersion: 'apps.example.com/v1',
  kind: 'Site',
  metadata: { name, namespace: 'default' },
  spec,
});
const responseOf = async (
  definition: Parameters<typeof answerAdmission>[0],
  mode: 'mutating' | 'validating',
  request: object,
) => {
  const { review: answer } = await answerAdmission(definition, mode, review(request) as never, silentLogger);
  return answer.response as {
    uid: string;
    allowed: boolean;
    patch?: string;
    warnings?: string[];
    status?: { code: number; reason: string; message: string; details?: { causes: unknown[] } };
  };
};

describe('a review', () => {
  it('is answered with what is to be filled in, as a JSON patch', async () => {
    const { patch = '', ...rest } = await responseOf(sites, 'mutating', {
      object: site({ replicas: 2 }),
      userInfo: { username: 'jo' },
    });
    expect(rest).to.deep.equal({ uid: 'u', allowed: true, patchType: 'JSONPatch' });
    expect(JSON.parse(Buffer.from(patch, 'base64').toString())).to.have.deep.members([
      { op: 'add', path: '/spec/image', value: 'nginx' },
      { op: 'add', path: '/metadata/annotations', value: { 'example.com/by': 'jo' } },
    ]);
    const nothing = await responseOf(
      webhookFor(Site).defaults(() => {}),
      'mutating',
      { object: site({ replicas: 2 }) },
    );
    expect(nothing).to.deep.equal({ uid: 'u', allowed: true });
  });

  it('is refused with every problem as a cause, and carries warnings', async () => {
    const { allowed, status, warnings } = await responseOf(sites, 'validating', {
      object: site({ replicas: 11 }, 'forbidden'),
    });
    expect(allowed).to.equal(false);
    expect(warnings).to.deep.equal(['that is many']);
    expect(status).to.deep.include({
      code: 422,
      reason: 'Invalid',
      message:
        'Site.apps.example.com "forbidden" is invalid: [spec.replicas: must be even, metadata.name: is taken]',
    });
    expect(status?.details?.causes).to.have.length(2);
  });

  it('never becomes an admission when a function throws, is late where it may not be, or gives nonsense', async () => {
    const broken = webhookFor(Site)
      .defaults(() => {
        throw new Error('no database');
      })
      .validates(() => {
        throw new Error('no database');
      });
    const late = webhookFor(Site).defaults((async () => {}) as never);
    const nonsense = webhookFor(Site).validates((() => 7) as never);
    for (const [definition, mode] of [
      [broken, 'mutating'],
      [broken, 'validating'],
      [late, 'mutating'],
      [nonsense, 'validating'],
    ] as const) {
      const { allowed, status } = await responseOf(definition, mode, { object: site({ replicas: 2 }) });
      expect([allowed, status?.code]).to.deep.equal([false, 500]);
    }
    let refusal: unknown;
    await answerAdmission(sites, 'mutating', { kind: 'Pod' }, silentLogger).catch((error: unknown) => {
      refusal = error;
    });
    expect(refusal).to.be.instanceOf(TypeError);
  });
});

describe('webhooks as a class', () => {
  it('are its decorated methods, called on the instance, inherited ones too', async () => {
    class Base {
      protected readonly image = 'nginx';
      @Defaults() fill(draft: Draft<Site>): void {
        draft.spec.image ??= this.image;
      }
    }
    @Admission(Site, { timeoutSeconds: 3 })
    class SiteAdmission extends Base {
      @Validates() even({ spec }: Site, { operation }: AdmissionRequest<Site>) {
        return spec.replicas % 2 === 0
          ? []
          : [{ field: 'spec.replicas', message: `must be even on ${operation}` }];
      }
    }
    const definition = admissionOf(new SiteAdmission());
    expect(definition.settings).to.deep.equal({ timeoutSeconds: 3 });
    const { patch = '' } = await responseOf(definition, 'mutating', { object: site({ replicas: 2 }) });
    expect(Buffer.from(patch, 'base64').toString()).to.include('nginx');
    const { status } = await responseOf(definition, 'validating', { object: site({ replicas: 1 }) });
    expect(status?.message).to.include('must be even on CREATE');
    expect(() => admissionOf(new Base())).to.throw(RegistrationError, /@Admission/);
    @Admission(Site)
    class Nothing {}
    expect(() => admissionOf(new Nothing())).to.throw(RegistrationError, /no webhook/);
  });
});

describe('webhooks in the process of the cluster', () => {
  it('are found by the API server without a socket, under virtual time, and gone with the Manager', async () => {
    const clock = new VirtualClock();
    await Manager.preload();
    const starting = EmbeddedCluster.start({ clock, random: seededRandom(1), controllers: false });
    await clock.advance('1s');
    const cluster = await starting;
    const manager = Manager.create({
      cluster: cluster.target,
      clock,
      random: seededRandom(2),
      log: silentLogger,
    })
      .register(controllerFor(Site).reconcile(() => done))
      .add(new WebhookServer({ inProcess: cluster.webhooks }, sites));
    const started = manager.start();
    await clock.advance('5s');
    await started;
    const client = cluster.client();
    const made = await client.create(Site, Site.of('default/a', { replicas: 2 }));
    expect(made.spec.image).to.equal('nginx');
    let refused: unknown;
    await client.create(Site, Site.of('default/b', { replicas: 3 })).catch((error: unknown) => {
      refused = error;
    });
    expect(isInvalid(refused), String(refused)).to.equal(true);
    expect(String(refused)).to.include('must be even');
    await client
      .patch(Site, 'default/a', (draft) => {
        draft.spec.image = 'other';
      })
      .catch((error: unknown) => {
        refused = error;
      });
    expect(String(refused)).to.include('spec.image: is immutable');
    const stopping = manager.stop();
    await clock.advance('10s');
    await stopping;
    const ending = cluster.stop();
    await clock.advance('10s');
    await ending;
  });
});

describe('webhooks in a TestCluster', () => {
  it('are given beside the controllers', async () => {
    await using t = await TestCluster.start({
      builtin: false,
      controllers: [controllerFor(Site).reconcile(() => done)],
      webhooks: [sites],
    });
    await t.apply(Site.of('default/a', { replicas: 2 }));
    expect(t.get(Site, 'default/a').spec.image).to.equal('nginx');
    let refused: unknown;
    await t.apply(Site.of('default/b', { replicas: 3 })).catch((error: unknown) => {
      refused = error;
    });
    expect(String(refused)).to.include('spec.replicas: must be even');
  });
});

describe('webhooks on a laptop', function () {
  this.timeout(30_000);

  it('are served over HTTPS with certificates of their own, which the API server is told to believe', async () => {
    await using cluster = await EmbeddedCluster.start({ controllers: false });
    const server = new WebhookServer(
      { port: 0 },
      sites,
      webhookFor(ConfigMap).validates((object) =>
        object.data?.bad ? [{ field: 'data.bad', message: 'is bad' }] : [],
      ),
    );
    await using manager = Manager.create({ cluster: cluster.target, log: silentLogger })
      .register(controllerFor(Site).reconcile(() => done))
      .add(server);
    await manager.start();
    expect(server.port).to.be.a('number');
    const client = cluster.client();
    expect((await client.create(Site, Site.of('default/a', { replicas: 2 }))).spec.image).to.equal('nginx');
    let refused: unknown;
    await client
      .create(ConfigMap, { metadata: { name: 'x', namespace: 'default' }, data: { bad: 'yes' } })
      .catch((error: unknown) => {
        refused = error;
      });
    expect(String(refused)).to.include('data.bad: is bad');
    const { webhooks = [] } = await client.get(ValidatingWebhookConfiguration, 'gyre-webhooks');
    expect(webhooks.map(({ name }) => name)).to.deep.equal([
      'validating.sites.apps.example.com',
      'validating.configmaps.core.k8s.io',
    ]);
    for (const { clientConfig } of webhooks) {
      expect(clientConfig.url).to.match(/^https:\/\/127\.0\.0\.1:\d+\/validate\//);
      expect(Buffer.from(clientConfig.caBundle ?? '', 'base64').toString()).to.include('BEGIN CERTIFICATE');
    }
    expect((await client.get(MutatingWebhookConfiguration, 'gyre-webhooks')).webhooks).to.have.length(1);
    // Nobody answers any more: the default is to refuse.
    await manager.stop();
    await client
      .create(ConfigMap, { metadata: { name: 'y', namespace: 'default' } })
      .catch((error: unknown) => {
        refused = error;
      });
    expect(String(refused)).to.include('failed calling webhook "validating.configmaps.core.k8s.io"');
  });

  it('answer only what they are for: path, method, size, JSON, reviews', async () => {
    await using cluster = await EmbeddedCluster.start({ controllers: false });
    const server = new WebhookServer(
      { port: 0, name: 'plain' },
      webhookFor(ConfigMap).validates(() => []),
    );
    await using manager = Manager.create({ cluster: cluster.target, log: silentLogger }).add(server);
    await manager.start();
    const { request } = await import('node:https');
    const ask = (method: string, path: string, body = ''): Promise<number> =>
      new Promise((resolve, reject) => {
        const outgoing = request(
          { host: '127.0.0.1', port: server.port, method, path, rejectUnauthorized: false, agent: false },
          (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          },
        );
        outgoing.once('error', reject);
        outgoing.end(body);
      });
    const path = '/validate/v1/configmaps';
    expect(await ask('POST', '/other')).to.equal(404);
    expect(await ask('GET', path)).to.equal(405);
    expect(await ask('POST', path, 'not json')).to.equal(400);
    expect(await ask('POST', path, '{"kind":"Pod"}')).to.equal(400);
    expect(await ask('POST', path, JSON.stringify(review({ object: {} })))).to.equal(200);
    const large = await ask('POST', path, 'x'.repeat(9 * 1024 * 1024)).catch(() => 413);
    expect(large).to.equal(413);
  });

  it('renew their certificate long before it ends, without a pause', async () => {
    const clock = new VirtualClock();
    await using t = await TestCluster.start({ builtin: false });
    const authority = await authorityOf(undefined, { client: t.client, clock });
    const used: string[] = [];
    const end = await serveCertificates(
      authority,
      { dnsNames: ['x.svc'], ipAddresses: [] },
      clock,
      ({ cert }) => used.push(cert),
    );
    expect(used).to.have.length(1);
    await clock.advance('7199h');
    expect(used).to.have.length(1);
    await clock.advance('2h');
    for (let i = 0; i < 200 && used.length < 2; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(new Set(used).size).to.equal(2);
    end();
    expect(clock.pending).to.equal(0);
  });

  it('share one authority between replicas: whoever writes first', async () => {
    await using cluster = await EmbeddedCluster.start({ controllers: false });
    const secret = { namespace: 'default', name: 'tls' };
    const deps = {
      client: createClient(cluster.transport()),
      clock: new VirtualClock({ startAt: Date.now() }),
    };
    const all = await Promise.all([1, 2, 3].map(() => authorityOf(secret, deps)));
    expect(new Set(all.map(({ cert }) => cert)).size).to.equal(1);
    expect((await cluster.client().get(Secret, secret)).type).to.equal('kubernetes.io/tls');
  });
});

describe('WebhookServer', () => {
  it('refuses what cannot work when it is made', () => {
    const twice = webhookFor(ConfigMap).validates(() => []);
    expect(() => new WebhookServer({}, twice, twice)).to.throw(/two definitions of ConfigMap/);
    expect(() => new WebhookServer({ url: 'http://laptop' }, twice)).to.throw(/https only/);
  });
});
