/** Pods are held to the level their namespace asks for (API-17). */
import { expect } from 'chai';
import type { ApiResponse, Status } from 'gyre/api';
import { mergePatch, VirtualServer } from '../requests/virtual-server.js';

const label = (name: string): string => `pod-security.kubernetes.io/${name}`;
type Spec = Readonly<Record<string, unknown>>;

/** A pod spec that the level restricted allows, with changes of its container and of itself. */
function restricted(container: Spec = {}, pod: Spec = {}, securityContext: Spec = {}): Spec {
  return {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'c',
        image: 'i',
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          ...securityContext,
        },
        ...container,
      },
    ],
    ...pod,
  };
}

describe('pod security', () => {
  let k: VirtualServer;
  before(async () => {
    k = await VirtualServer.start();
  });
  after(() => k[Symbol.asyncDispose]());

  let count = 0;
  async function namespace(labels: Readonly<Record<string, string>>): Promise<string> {
    const name = `level-${++count}`;
    const given = Object.fromEntries(Object.entries(labels).map(([key, value]) => [label(key), value]));
    await k.post('/api/v1/namespaces', { metadata: { name, labels: given } });
    return name;
  }
  const create = (ns: string, spec: Spec, metadata: object = {}, name = 'p'): Promise<ApiResponse> =>
    k.ask('POST', `/api/v1/namespaces/${ns}/pods`, { metadata: { name, ...metadata }, spec });
  const messageOf = ({ body }: ApiResponse): string => (body as Status).message ?? '';
  const warningOf = ({ headers }: ApiResponse): string => (headers.warning ?? '').replaceAll('\\"', '"');

  it('API-17 a namespace without labels takes every pod, without a word', async () => {
    const answer = await create(await namespace({}), {
      hostPID: true,
      containers: [{ name: 'c', image: 'i', securityContext: { privileged: true } }],
    });
    expect(answer.status).to.equal(201);
    expect(answer.headers).not.to.have.property('warning');
  });

  it('API-17 a plain pod is refused by restricted, with everything that is missing', async () => {
    const ns = await namespace({ enforce: 'restricted' });
    const answer = await create(ns, { containers: [{ name: 'c', image: 'i' }] });
    expect(answer.status).to.equal(403);
    expect(answer.body).to.deep.include({
      reason: 'Forbidden',
      message:
        'pods "p" is forbidden: violates PodSecurity "restricted:latest": ' +
        'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ' +
        'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
      details: { name: 'p', kind: 'pods' },
    });
    expect((await create(ns, restricted())).status).to.equal(201);
  });

  const two = (securityContext: Spec): Spec => ({
    initContainers: [{ name: 'a', image: 'i', securityContext }],
    containers: [{ name: 'b', image: 'i', securityContext }],
  });
  const baseline: readonly [string, Spec, object?][] = [
    [
      'privileged (containers "a", "b" must not set securityContext.privileged=true)',
      two({ privileged: true }),
    ],
    [
      'host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)',
      { hostNetwork: true, hostPID: true, hostIPC: true, containers: [{ name: 'c', image: 'i' }] },
    ],
    [
      'hostPath volumes (volumes "x", "y")',
      {
        volumes: ['x', 'y'].map((name) => ({ name, hostPath: { path: `/${name}` } })),
        containers: [{ name: 'c', image: 'i' }],
      },
    ],
    [
      'hostPort (container "c" uses hostPorts 53, 80)',
      {
        containers: [
          {
            name: 'c',
            image: 'i',
            ports: [
              { containerPort: 80, hostPort: 80 },
              { containerPort: 53, hostPort: 53 },
            ],
          },
        ],
      },
    ],
    [
      'non-default capabilities (container "c" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add)',
      {
        containers: [
          {
            name: 'c',
            image: 'i',
            securityContext: { capabilities: { add: ['SYS_ADMIN', 'NET_RAW', 'CHOWN'] } },
          },
        ],
      },
    ],
    [
      'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
      {
        hostUsers: false,
        containers: [{ name: 'c', image: 'i', securityContext: { procMount: 'Unmasked' } }],
      },
    ],
    [
      'seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
      {
        securityContext: { seLinuxOptions: { user: 'u', role: 'r' } },
        containers: [{ name: 'c', image: 'i', securityContext: { seLinuxOptions: { type: 'spc_t' } } }],
      },
    ],
    [
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
      {
        securityContext: { seccompProfile: { type: 'Unconfined' } },
        containers: [{ name: 'c', image: 'i' }],
      },
    ],
    [
      'forbidden sysctls (net.core.somaxconn)',
      {
        securityContext: {
          sysctls: [
            { name: 'net.core.somaxconn', value: '1' },
            { name: 'net.ipv4.tcp_rmem', value: '1' },
          ],
        },
        containers: [{ name: 'c', image: 'i' }],
      },
    ],
    [
      'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
      {
        containers: [{ name: 'c', image: 'i', securityContext: { appArmorProfile: { type: 'Unconfined' } } }],
      },
    ],
  ];
  for (const [what, spec] of baseline)
    it(`API-17 baseline refuses ${what}`, async () => {
      const answer = await create(await namespace({ enforce: 'baseline' }), spec);
      expect(messageOf(answer)).to.equal(
        `pods "p" is forbidden: violates PodSecurity "baseline:latest": ${what}`,
      );
    });

  const stricter: readonly [string, Spec][] = [
    [
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)',
      restricted({}, {}, { allowPrivilegeEscalation: true }),
    ],
    [
      'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; container "c" must not include "SYS_TIME" in securityContext.capabilities.add)',
      restricted({}, {}, { capabilities: { add: ['SYS_TIME', 'NET_BIND_SERVICE'] } }),
    ],
    [
      'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")',
      restricted(
        {},
        {
          volumes: [
            { name: 'a', nfs: { server: 's', path: '/' } },
            { name: 'b', hostPath: { path: '/' } },
            { name: 'c', emptyDir: {} },
          ],
        },
      ),
    ],
    [
      'runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false)',
      restricted({}, {}, { runAsNonRoot: false }),
    ],
    ['runAsUser=0 (container "c" must not set runAsUser=0)', restricted({}, {}, { runAsUser: 0 })],
    [
      'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
      restricted({}, {}, { seccompProfile: { type: 'Unconfined' } }),
    ],
  ];
  for (const [what, spec] of stricter)
    it(`API-17 restricted refuses ${what}`, async () => {
      const answer = await create(await namespace({ enforce: 'restricted' }), spec);
      expect(messageOf(answer)).to.equal(
        `pods "p" is forbidden: violates PodSecurity "restricted:latest": ${what}`,
      );
    });

  it('API-17 the version of the standards is that of the label', async () => {
    const spec = restricted({}, {}, { capabilities: {}, runAsUser: 0 });
    const old = await namespace({ enforce: 'restricted', 'enforce-version': 'v1.21' });
    expect((await create(old, spec)).status).to.equal(201);
    const later = await namespace({ enforce: 'restricted', 'enforce-version': 'v1.22' });
    expect(messageOf(await create(later, spec))).to.equal(
      'pods "p" is forbidden: violates PodSecurity "restricted:v1.22": unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"])',
    );
    const future = await namespace({ enforce: 'restricted', 'enforce-version': 'v1.99' });
    expect(messageOf(await create(future, spec))).to.include('"restricted:v1.99": unrestricted capabilities');
  });

  it('API-17 a Windows pod is let off what it cannot set', async () => {
    const spec = {
      os: { name: 'windows' },
      securityContext: { runAsNonRoot: true },
      containers: [{ name: 'c', image: 'i' }],
    };
    expect((await create(await namespace({ enforce: 'restricted' }), spec)).status).to.equal(201);
  });

  it('API-17 what is only warned of goes through, with a warning', async () => {
    const ns = await namespace({ warn: 'baseline' });
    const answer = await create(ns, { hostPID: true, containers: [{ name: 'c', image: 'i' }] });
    expect(answer.status).to.equal(201);
    expect(warningOf(answer)).to.equal(
      '299 - "would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)"',
    );
  });

  it('API-17 a template of pods is warned of at the level that is enforced, and never refused', async () => {
    const ns = await namespace({ enforce: 'baseline' });
    const template = {
      metadata: { labels: { a: 'b' } },
      spec: { hostNetwork: true, containers: [{ name: 'c', image: 'i' }] },
    };
    const selector = { matchLabels: { a: 'b' } };
    const once = { metadata: template.metadata, spec: { ...template.spec, restartPolicy: 'Never' } };
    const cases: readonly [string, object][] = [
      ['apps/v1/namespaces/$/deployments', { spec: { selector, template } }],
      ['apps/v1/namespaces/$/replicasets', { spec: { selector, template } }],
      ['apps/v1/namespaces/$/statefulsets', { spec: { selector, template, serviceName: 's' } }],
      ['apps/v1/namespaces/$/daemonsets', { spec: { selector, template } }],
      ['batch/v1/namespaces/$/jobs', { spec: { template: once } }],
      [
        'batch/v1/namespaces/$/cronjobs',
        { spec: { schedule: '* * * * *', jobTemplate: { spec: { template: once } } } },
      ],
    ];
    for (const [path, object] of cases) {
      const answer = await k.ask('POST', `/apis/${path.replace('$', ns)}`, {
        metadata: { name: 'w' },
        ...object,
      });
      expect(answer.status, path).to.equal(201);
      expect(warningOf(answer), path).to.equal(
        '299 - "would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)"',
      );
    }
  });

  it('API-17 an update is looked at when an image changes or a container comes', async () => {
    const ns = await namespace({});
    await create(ns, { containers: [{ name: 'c', image: 'i' }] });
    await k.patch(`/api/v1/namespaces/${ns}`, { metadata: { labels: { [label('enforce')]: 'restricted' } } });
    const url = `/api/v1/namespaces/${ns}/pods/p`;
    await k.patch(url, { metadata: { labels: { a: 'b' } } });
    await k.patch(`${url}/status`, { status: { phase: 'Running' } });
    expect(
      messageOf(
        await k.ask(
          'PATCH',
          url,
          { spec: { containers: [{ name: 'c', image: 'j' }] } },
          {
            'content-type': 'application/strategic-merge-patch+json',
          },
        ),
      ),
    ).to.include('violates PodSecurity "restricted:latest"');
    expect(
      messageOf(
        await k.ask(
          'PATCH',
          `${url}/ephemeralcontainers`,
          { spec: { ephemeralContainers: [{ name: 'e', image: 'i' }] } },
          mergePatch,
        ),
      ),
    ).to.include('violates PodSecurity "restricted:latest"');
  });

  it('API-17 who raises the level of a namespace is told which pods are against it', async () => {
    const ns = await namespace({});
    const plain = { containers: [{ name: 'c', image: 'i' }] };
    await create(ns, plain, {}, 'b');
    await create(ns, plain, {}, 'a');
    await create(ns, { ...plain, hostPID: true }, {}, 'z');
    await create(ns, restricted(), {}, 'fine');
    const raise = (enforce: string, query = '') =>
      k.ask(
        'PATCH',
        `/api/v1/namespaces/${ns}${query}`,
        { metadata: { labels: { [label('enforce')]: enforce } } },
        mergePatch,
      );
    const all =
      'allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile';
    expect(warningOf(await raise('restricted', '?dryRun=All'))).to.equal(
      [
        `299 - "existing pods in namespace "${ns}" violate the new PodSecurity enforce level "restricted:latest""`,
        `299 - "a (and 1 other pod): ${all}"`,
        `299 - "z: host namespaces, ${all}"`,
      ].join(', '),
    );
    expect(warningOf(await raise('baseline'))).to.include('299 - "z: host namespaces"');
    expect((await raise('baseline')).headers).not.to.have.property('warning');
    expect((await raise('privileged')).headers).not.to.have.property('warning');
  });

  it('API-17 a level or version that is none is refused, each by its label', async () => {
    const status = await k.refused(422, 'POST', '/api/v1/namespaces', {
      metadata: { name: 'bad', labels: { [label('enforce')]: 'none', [label('warn-version')]: '1.20' } },
    });
    expect(status.details?.causes?.map(({ field, message }) => `${field}: ${message}`)).to.deep.equal([
      `metadata.labels[${label('enforce')}]: Invalid value: "none": must be one of privileged, baseline, restricted`,
      `metadata.labels[${label('warn-version')}]: Invalid value: "1.20": must be "latest" or "v1.x"`,
    ]);
  });
});
