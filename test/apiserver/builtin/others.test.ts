import { expect } from 'chai';
import { builtinResources } from '#src/api/facts/index.js';
import { strategyFor } from '#src/apiserver/builtin/index.js';
import { created, createErrors, defaulted, updated } from './cases.js';

const meta = { metadata: { name: 'a', namespace: 'default' } };
const rbac = 'rbac.authorization.k8s.io';

describe('volumes and claims', () => {
  const claim = {
    ...meta,
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
  const volume = {
    metadata: { name: 'v' },
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/x' } },
  };

  it('start out pending, of files, kept after use', () => {
    expect(created('', 'PersistentVolume', volume)).to.have.nested.property(
      'spec.persistentVolumeReclaimPolicy',
      'Retain',
    );
    for (const [kind, object] of [
      ['PersistentVolume', volume],
      ['PersistentVolumeClaim', claim],
    ] as const) {
      expect(created('', kind, object)).to.deep.include({ status: { phase: 'Pending' } });
      expect(created('', kind, object)).to.have.nested.property('spec.volumeMode', 'Filesystem');
      expect(createErrors('', kind, object)).to.deep.equal([]);
    }
  });

  it('need a size, a way of access and, for a volume, a place', () => {
    expect(createErrors('', 'PersistentVolumeClaim', { ...meta, spec: {} })).to.deep.equal([
      'spec.accessModes: Required value: at least 1 access mode is required',
      'spec.resources[storage]: Required value',
    ]);
    expect(createErrors('', 'PersistentVolume', { metadata: { name: 'v' }, spec: {} })).to.deep.equal([
      'spec.accessModes: Required value',
      'spec.capacity: Required value',
      'spec: Required value: must specify a volume type',
    ]);
  });

  it('a claim is bound once, may get a class once, and stays as it is otherwise', () => {
    const bind = updated('', 'PersistentVolumeClaim', claim, (d) => {
      d.spec.volumeName = 'v';
      d.spec.storageClassName = 'fast';
    });
    expect(bind.errors).to.deep.equal([]);
    const grow = updated(
      '',
      'PersistentVolumeClaim',
      claim,
      (d) => void (d.spec.resources.requests.storage = '2Gi'),
    );
    expect(grow.errors).to.deep.equal([
      'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
    ]);
  });

  it('a volume stays where it is', () => {
    const moved = updated('', 'PersistentVolume', volume, (d) => void (d.spec.hostPath.path = '/y'));
    expect(moved.errors).to.deep.equal([
      'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation',
    ]);
  });

  it('a class is decided once', () => {
    const storageClass = { metadata: { name: 'fast' }, provisioner: 'example.com/disk' };
    expect(defaulted('storage.k8s.io', 'StorageClass', storageClass)).to.include({
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'Immediate',
    });
    const { errors } = updated('storage.k8s.io', 'StorageClass', storageClass, (d) => {
      d.provisioner = 'x';
      d.parameters = { a: 'b' };
      d.volumeBindingMode = 'WaitForFirstConsumer';
      d.allowVolumeExpansion = true;
    });
    expect(errors).to.deep.equal([
      'parameters: Forbidden: updates to parameters are forbidden.',
      'provisioner: Forbidden: updates to provisioner are forbidden.',
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ]);
  });
});

describe('roles and bindings', () => {
  const binding = {
    ...meta,
    roleRef: { kind: 'Role', name: 'r' },
    subjects: [
      { kind: 'User', name: 'u' },
      { kind: 'ServiceAccount', name: 's', namespace: 'default' },
    ],
  };

  it('name the API group of roles and users by default', () => {
    const { roleRef, subjects } = defaulted(rbac, 'RoleBinding', binding);
    expect(roleRef).to.have.property('apiGroup', rbac);
    expect(subjects).to.deep.equal([
      { kind: 'User', name: 'u', apiGroup: rbac },
      { kind: 'ServiceAccount', name: 's', namespace: 'default' },
    ]);
    expect(createErrors(rbac, 'RoleBinding', binding)).to.deep.equal([]);
  });

  it('keep the role they bind', () => {
    expect(updated(rbac, 'RoleBinding', binding, (d) => void (d.roleRef.name = 'x')).errors).to.deep.equal([
      `roleRef: Invalid value: rbac.RoleRef{APIGroup:"${rbac}", Kind:"Role", Name:"x"}: cannot change roleRef`,
    ]);
  });

  it('bind a whole cluster to cluster roles only', () => {
    expect(createErrors(rbac, 'ClusterRoleBinding', binding)).to.deep.equal([
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    ]);
  });

  it('say what a rule is about', () => {
    expect(createErrors(rbac, 'Role', { ...meta, rules: [{ verbs: ['get'] }] })).to.deep.equal([
      'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
      'rules[0].resources: Required value: resource rules must supply at least one resource',
    ]);
    const urls = { rules: [{ verbs: ['get'], nonResourceURLs: ['/metrics'] }] };
    expect(createErrors(rbac, 'ClusterRole', urls)).to.deep.equal([]);
    expect(createErrors(rbac, 'Role', urls)).to.deep.equal([
      'rules[0].nonResourceURLs: Invalid value: []string{"/metrics"}: namespaced rules cannot apply to non-resource URLs',
    ]);
  });

  it('may have colons in their names', () =>
    expect(strategyFor(rbac, 'ClusterRole').nameRule?.('system:node')).to.deep.equal([]));
});

describe('policies', () => {
  it('a budget bounds one side', () => {
    const spec = { minAvailable: 1, maxUnavailable: '101%', selector: {} };
    const errors = createErrors('policy', 'PodDisruptionBudget', { ...meta, spec });
    expect(errors[0]).to.match(/minAvailable and maxUnavailable cannot be both set$/);
    expect(errors[1]).to.match(/^spec\.maxUnavailable: .*must not be greater than 100%$/);
  });

  it('an autoscaler keeps at least one and looks at the cpu', () => {
    const scaler = {
      ...meta,
      apiVersion: 'autoscaling/v2',
      spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd' } },
    };
    const { spec } = defaulted('autoscaling', 'HorizontalPodAutoscaler', scaler) as {
      spec: { metrics: unknown; minReplicas: number };
    };
    expect(spec.minReplicas).to.equal(1);
    expect(spec.metrics).to.deep.equal([
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
      },
    ]);
    expect(
      createErrors('autoscaling', 'HorizontalPodAutoscaler', {
        ...scaler,
        spec: { maxReplicas: 0, minReplicas: 2 },
      }),
    ).to.deep.equal([
      'spec.maxReplicas: Invalid value: 0: must be greater than 0',
      'spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`',
      'spec.scaleTargetRef.kind: Required value',
      'spec.scaleTargetRef.name: Required value',
    ]);
  });

  it('a priority is decided once, below those of the system', () => {
    const priority = { metadata: { name: 'high' }, value: 1000 };
    expect(
      updated('scheduling.k8s.io', 'PriorityClass', priority, (d) => void (d.value = 1)).errors,
    ).to.deep.equal(['value: Forbidden: may not be changed in an update.']);
    expect(
      createErrors('scheduling.k8s.io', 'PriorityClass', { ...priority, value: 1_000_000_001 }),
    ).to.deep.equal(['value: Forbidden: maximum allowed value of a user defined priority is 1000000000']);
    const system = { metadata: { name: 'system-node-critical' }, value: 2_000_001_000 };
    expect(createErrors('scheduling.k8s.io', 'PriorityClass', system)).to.deep.equal([]);
    expect(createErrors('scheduling.k8s.io', 'PriorityClass', { ...system, value: 1 })).to.have.length(1);
  });

  it('a range fills in limits from its bounds, and they must be in order (OC-12)', () => {
    const range = (item: object): object => ({ ...meta, spec: { limits: [{ type: 'Container', ...item }] } });
    const { spec } = defaulted('', 'LimitRange', range({ max: { cpu: '2' } })) as {
      spec: { limits: unknown[] };
    };
    expect(spec.limits[0]).to.deep.include({ default: { cpu: '2' }, defaultRequest: { cpu: '2' } });
    expect(createErrors('', 'LimitRange', range({ min: { cpu: '2' }, max: { cpu: '1' } }))).to.include(
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    );
  });

  it('a network policy is about what comes in, and about what goes out when it says so', () => {
    const policy = (spec: object): object => ({ ...meta, spec: { podSelector: {}, ...spec } });
    const group = 'networking.k8s.io';
    const typesOf = (spec: object): unknown =>
      (defaulted(group, 'NetworkPolicy', policy(spec)).spec as { policyTypes: unknown }).policyTypes;
    expect(typesOf({})).to.deep.equal(['Ingress']);
    expect(typesOf({ egress: [{}] })).to.deep.equal(['Ingress', 'Egress']);
    expect(
      createErrors(
        group,
        'NetworkPolicy',
        policy({ ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/33' } }] }] }),
      ),
    ).to.have.length(1);
    expect(createErrors(group, 'NetworkPolicy', policy({ ingress: [{ from: [{}] }] }))).to.deep.equal([
      'spec.ingress[0].from[0]: Required value: must specify a peer',
    ]);
  });

  it('an ingress leads somewhere', () => {
    const ingress = (spec: object): string[] =>
      createErrors('networking.k8s.io', 'Ingress', { ...meta, spec });
    expect(ingress({})).to.deep.equal([
      'spec: Invalid value: []: either `defaultBackend` or `rules` must be specified',
    ]);
    const path = { path: 'x', pathType: 'Prefix', backend: { service: { name: 's' } } };
    expect(ingress({ rules: [{ http: { paths: [path] } }] })).to.deep.equal([
      'spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path',
      'spec.rules[0].http.paths[0].backend.service.port: Required value: port name or number is required',
    ]);
  });
});

describe('strategies of all built-in kinds', () => {
  const empty = { metadata: { name: 'a' } };

  for (const { group, version, kind } of builtinResources) {
    it(`${group || 'core'}/${version} ${kind}: survives an object without anything, and declares its fields on it`, () => {
      const strategy = strategyFor(group, kind);
      expect(strategy).to.include({ group, kind });
      const object = created(group, kind, empty) as never;
      strategy.validate?.(object);
      strategy.validateUpdate?.(object, empty as never, '');
      strategy.validateStatusUpdate?.(object, empty as never, 'status');
      strategy.prepareForUpdate?.(structuredClone(object), empty as never);
      strategy.gracePeriodSeconds?.(object);
      const declared = Object.keys(strategy.selectableFields?.({}) ?? {});
      expect(declared).to.deep.equal(Object.keys(strategy.selectableFields?.(object) ?? {}));
    });
    it(`${group || 'core'}/${version} ${kind}: gives an object its defaults once`, () => {
      const once = defaulted(group, kind, empty);
      expect(defaulted(group, kind, once)).to.deep.equal(once);
    });
  }

  it('are neutral for kinds nobody knows', () => {
    expect(strategyFor('example.com', 'Thing')).to.deep.equal({ group: 'example.com', kind: 'Thing' });
  });
});
