import { expect } from 'chai';
import { strategyFor } from '#src/apiserver/builtin/index.js';
import { tagOf } from '#src/apiserver/builtin/pod-spec/image.js';
import { container, created, createErrors, defaulted, pod, texts, updated, type Loose } from './cases.js';

const errors = (spec: object): string[] => createErrors('', 'Pod', pod(spec));
const specOf = (object: { [key: string]: unknown }): Loose => object.spec;

describe('Pod defaults (OC-16)', () => {
  it('fills in what every pod has', () => {
    const { spec, status } = created('', 'Pod', pod()) as Loose;
    expect(spec).to.deep.equal({
      containers: [
        {
          ...container,
          imagePullPolicy: 'Always',
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          resources: {},
        },
      ],
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      terminationGracePeriodSeconds: 30,
      schedulerName: 'default-scheduler',
      securityContext: {},
      enableServiceLinks: true,
    });
    expect(status).to.deep.equal({ phase: 'Pending', qosClass: 'BestEffort' });
  });

  it('changes nothing the second time', () => {
    const once = defaulted('', 'Pod', pod({ volumes: [{ name: 'v' }], serviceAccount: 'robot' }));
    expect(defaulted('', 'Pod', once)).to.deep.equal(once);
  });

  for (const [image, tag] of [
    ['nginx', 'latest'],
    ['nginx:1.27', '1.27'],
    ['registry:5000/team/nginx', 'latest'],
    ['registry:5000/team/nginx:v2', 'v2'],
    ['nginx@sha256:abc', ''],
    ['nginx:1@sha256:abc', '1'],
  ] as const) {
    it(`reads the tag of ${image} as "${tag}"`, () => expect(tagOf(image)).to.equal(tag));
  }

  it('pulls an image with a fixed tag only when it is missing', () => {
    const { containers } = specOf(
      defaulted('', 'Pod', pod({ containers: [{ name: 'a', image: 'nginx:1.27' }] })),
    );
    expect(containers[0].imagePullPolicy).to.equal('IfNotPresent');
  });

  it('gives probes their numbers, and HTTP checks their path and scheme', () => {
    const probed = { ...container, readinessProbe: { httpGet: { port: 80 } } };
    const { containers } = specOf(defaulted('', 'Pod', pod({ containers: [probed] })));
    expect(containers[0].readinessProbe).to.deep.equal({
      httpGet: { port: 80, path: '/', scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    });
  });

  it('asks for what is limited, and publishes ports on the host network', () => {
    const limited = { ...container, ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1' } } };
    const { containers } = specOf(defaulted('', 'Pod', pod({ hostNetwork: true, containers: [limited] })));
    expect(containers[0].resources.requests).to.deep.equal({ cpu: '1' });
    expect(containers[0].ports).to.deep.equal([{ containerPort: 80, hostPort: 80, protocol: 'TCP' }]);
  });

  it('makes scratch space of a volume without a source, and sets file modes', () => {
    const volumes = [{ name: 'a' }, { name: 's', secret: { secretName: 'x' } }];
    expect(specOf(defaulted('', 'Pod', pod({ volumes }))).volumes).to.deep.equal([
      { name: 'a', emptyDir: {} },
      { name: 's', secret: { secretName: 'x', defaultMode: 420 } },
    ]);
  });

  for (const [name, resources, expected] of [
    ['nothing asked for', {}, 'BestEffort'],
    ['requests only', { requests: { cpu: '1' } }, 'Burstable'],
    ['limits for one resource', { limits: { cpu: '1' } }, 'Burstable'],
    ['limits for both', { limits: { cpu: '1', memory: '1Gi' } }, 'Guaranteed'],
    [
      'requests below limits',
      { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } },
      'Burstable',
    ],
    [
      'equal amounts in other words',
      { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m' } },
      'Guaranteed',
    ],
  ] as const) {
    it(`is of class ${expected} with ${name}`, () => {
      const { status } = created('', 'Pod', pod({ containers: [{ ...container, resources }] })) as Loose;
      expect(status.qosClass).to.equal(expected);
    });
  }
});

describe('Pod validation (OC-16)', () => {
  it('accepts an ordinary pod', () => expect(errors({})).to.deep.equal([]));

  const cases: readonly (readonly [string, object, readonly string[]])[] = [
    ['no containers', { containers: [] }, ['spec.containers: Required value']],
    ['no image', { containers: [{ name: 'a' }] }, ['spec.containers[0].image: Required value']],
    [
      'two containers of one name',
      { containers: [container, container] },
      ['spec.containers[1].name: Duplicate value: "web"'],
    ],
    [
      'a mount of no volume',
      {
        volumes: [{ name: 'data' }],
        containers: [
          {
            ...container,
            volumeMounts: [
              { name: 'data', mountPath: '/a' },
              { name: 'test-volume', mountPath: '/b' },
            ],
          },
        ],
      },
      ['spec.containers[0].volumeMounts[1].name: Not found: "test-volume"'],
    ],
    [
      'a port out of range',
      { containers: [{ ...container, ports: [{ containerPort: 70000 }] }] },
      [
        'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
      ],
    ],
    [
      'an unknown restart policy',
      { restartPolicy: 'Sometimes' },
      [
        'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
      ],
    ],
    [
      'a request above its limit',
      { containers: [{ ...container, resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }] },
      [
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
      ],
    ],
    [
      'a negative amount',
      { containers: [{ ...container, resources: { requests: { memory: '-1Gi' } } }] },
      [
        'spec.containers[0].resources.requests[memory]: Invalid value: "-1Gi": must be greater than or equal to 0',
      ],
    ],
    [
      'a liveness probe that must succeed twice',
      { containers: [{ ...container, livenessProbe: { tcpSocket: { port: 80 }, successThreshold: 2 } }] },
      ['spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1'],
    ],
    [
      'a probe without a handler',
      { containers: [{ ...container, readinessProbe: {} }] },
      ['spec.containers[0].readinessProbe: Required value: must specify a handler type'],
    ],
    [
      'two sources of one volume',
      { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }] },
      ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
    ],
    [
      'the same host port twice',
      {
        containers: [
          { ...container, ports: [{ containerPort: 1, hostPort: 80 }] },
          { ...container, name: 'b', ports: [{ containerPort: 2, hostPort: 80 }] },
        ],
      },
      ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"'],
    ],
    [
      'a toleration of everything without Exists',
      { tolerations: [{ operator: 'Equal', value: 'x' }] },
      [
        'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
    [
      'an environment from nowhere',
      { containers: [{ ...container, env: [{ name: 'A', valueFrom: {} }] }] },
      [
        'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
      ],
    ],
    [
      'a lifecycle of an init container',
      { initContainers: [{ name: 'i', image: 'x', readinessProbe: { tcpSocket: { port: 1 } } }] },
      [
        'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
      ],
    ],
    [
      'a deadline of nothing',
      { activeDeadlineSeconds: 0 },
      ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
    ],
  ];
  for (const [name, spec, expected] of cases) {
    it(`refuses ${name}`, () => expect(errors(spec)).to.deep.equal(expected));
  }

  it('lets a sidecar have probes', () => {
    const sidecar = {
      name: 's',
      image: 'x',
      restartPolicy: 'Always',
      startupProbe: { tcpSocket: { port: 1 } },
    };
    expect(errors({ initContainers: [sidecar] })).to.deep.equal([]);
  });
});

describe('Pod updates (OC-16)', () => {
  const update = (change: (draft: Loose) => void, spec: object = {}): string[] =>
    updated('', 'Pod', pod(spec), change).errors;

  it('may change images, deadlines and add tolerations', () => {
    const change = (draft: Loose): void => {
      draft.spec.containers[0].image = 'nginx:2';
      draft.spec.activeDeadlineSeconds = 10;
      draft.spec.tolerations = [{ key: 'a', operator: 'Exists' }];
    };
    expect(update(change)).to.deep.equal([]);
  });

  it('may not change anything else, and says what may be changed', () => {
    const [error, ...more] = update((draft) => {
      draft.spec.restartPolicy = 'Never';
    });
    expect(more).to.deep.equal([]);
    expect(error).to.match(
      /^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`,`spec\.initContainers\[\*\]\.image`,/,
    );
    expect(error).to.match(/spec\.restartPolicy$/);
  });

  it('may not add containers', () => {
    const add = (draft: Loose): void => void draft.spec.containers.push({ name: 'b', image: 'x' });
    expect(update(add)).to.deep.equal([
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ]);
  });

  it('may not take tolerations away', () => {
    const spec = { tolerations: [{ key: 'a', operator: 'Exists' }] };
    expect(update((draft) => void (draft.spec.tolerations = []), spec)).to.deep.equal([
      'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
    ]);
  });

  it('may remove scheduling gates but not add one', () => {
    const gated = { schedulingGates: [{ name: 'example.com/a' }] };
    expect(update((draft) => void delete draft.spec.schedulingGates, gated)).to.deep.equal([]);
    expect(update((draft) => void (draft.spec.schedulingGates = [{ name: 'example.com/b' }]))).to.deep.equal([
      "spec.schedulingGates: Forbidden: only deletion is allowed, but found new scheduling gate 'example.com/b'",
    ]);
  });

  it('may not let a deadline grow', () => {
    const later = (draft: Loose): void => void (draft.spec.activeDeadlineSeconds = 20);
    expect(update(later, { activeDeadlineSeconds: 10 })).to.deep.equal([
      'spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value',
    ]);
  });

  it('may not bring a finished container back where nothing is restarted', () => {
    const old: Loose = created('', 'Pod', pod({ restartPolicy: 'Never' }));
    old.status.containerStatuses = [{ name: 'web', state: { terminated: { exitCode: 0 } } }];
    const now = structuredClone(old);
    now.status.containerStatuses[0].state = { running: {} };
    expect(texts(strategyFor('', 'Pod').validateStatusUpdate?.(now, old, 'status') ?? [])).to.deep.equal([
      'status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state',
    ]);
  });
});

describe('Pod deletion and selection', () => {
  const grace = (spec: object, status: object = {}): number | undefined =>
    strategyFor('', 'Pod').gracePeriodSeconds?.({ spec, status } as never);

  it('waits as long as the spec says, but not for what never ran or has ended (API-7)', () => {
    expect(grace({ nodeName: 'n', terminationGracePeriodSeconds: 7 })).to.equal(7);
    expect(grace({ nodeName: 'n' })).to.equal(30);
    expect(grace({ terminationGracePeriodSeconds: 7 })).to.equal(0);
    expect(grace({ nodeName: 'n' }, { phase: 'Succeeded' })).to.equal(0);
    expect(grace({ nodeName: 'n', terminationGracePeriodSeconds: -5 })).to.equal(1);
  });

  it('can be selected by node, phase and the rest (API-13)', () => {
    const fields = strategyFor('', 'Pod').selectableFields?.({
      spec: { nodeName: 'n' },
      status: { phase: 'Running' },
    });
    expect(fields).to.include({
      'spec.nodeName': 'n',
      'status.phase': 'Running',
      'spec.hostNetwork': 'false',
    });
  });
});
