import { expect } from 'chai';
import { strategyFor } from '#src/apiserver/builtin/index.js';
import { scheduleProblem, timeZoneProblem } from '#src/apiserver/builtin/batch/schedule.js';
import {
  container,
  created,
  createErrors,
  defaulted,
  template,
  updated,
  workload,
  type Loose,
} from './cases.js';

const kinds = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'] as const;
const specOf = (object: object): Loose => (object as Loose).spec;

describe('defaults of workloads', () => {
  it('lets a Deployment roll a quarter at a time (D-5)', () => {
    const spec = specOf(defaulted('apps', 'Deployment', workload('Deployment')));
    expect(spec).to.include({ replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    expect(spec.strategy).to.deep.equal({
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' },
    });
  });

  it('leaves replicas of zero alone', () => {
    expect(
      specOf(defaulted('apps', 'Deployment', workload('Deployment', { replicas: 0 }))).replicas,
    ).to.equal(0);
  });

  it('lets a StatefulSet go in order and keep its claims', () => {
    const spec = specOf(
      defaulted(
        'apps',
        'StatefulSet',
        workload('StatefulSet', { volumeClaimTemplates: [{ metadata: { name: 'd' } }] }),
      ),
    );
    expect(spec.podManagementPolicy).to.equal('OrderedReady');
    expect(spec.updateStrategy).to.deep.equal({ type: 'RollingUpdate', rollingUpdate: { partition: 0 } });
    expect(spec.persistentVolumeClaimRetentionPolicy).to.deep.equal({
      whenDeleted: 'Retain',
      whenScaled: 'Retain',
    });
    expect(spec.volumeClaimTemplates[0]).to.deep.include({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      spec: { volumeMode: 'Filesystem' },
      status: { phase: 'Pending' },
    });
  });

  it('lets a DaemonSet replace one pod at a time (OC-2)', () => {
    expect(specOf(defaulted('apps', 'DaemonSet', workload('DaemonSet'))).updateStrategy).to.deep.equal({
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: 1, maxSurge: 0 },
    });
  });

  for (const kind of kinds) {
    it(`gives the template of a ${kind} a pod's defaults, and counts its generations`, () => {
      expect(specOf(defaulted('apps', kind, workload(kind))).template.spec.restartPolicy).to.equal('Always');
      expect(strategyFor('apps', kind).hasGeneration).to.equal(true);
      expect(createErrors('apps', kind, workload(kind))).to.deep.equal([]);
    });
  }
});

describe('validation of workloads', () => {
  it('tells all that a Deployment without a selector lacks', () => {
    expect(createErrors('apps', 'Deployment', workload('Deployment', { selector: undefined }))).to.deep.equal(
      [
        'spec.selector: Required value',
        'spec.template.metadata.labels: Invalid value: map[string]string{"app":"web"}: `selector` does not match template `labels`',
      ],
    );
  });

  for (const kind of kinds) {
    it(`refuses a ${kind} whose selector does not select its template`, () => {
      const object = workload(kind, { template: template({ b: '2', a: '1' }) });
      expect(createErrors('apps', kind, object)).to.deep.equal([
        'spec.template.metadata.labels: Invalid value: map[string]string{"a":"1", "b":"2"}: `selector` does not match template `labels`',
      ]);
    });

    it(`refuses a ${kind} whose pods are not always restarted`, () => {
      const object = workload(kind, { template: template({ app: 'web' }, { restartPolicy: 'OnFailure' }) });
      expect(createErrors('apps', kind, object)).to.deep.equal([
        'spec.template.spec.restartPolicy: Unsupported value: "OnFailure": supported values: "Always"',
      ]);
    });
  }

  for (const kind of ['Deployment', 'ReplicaSet', 'DaemonSet']) {
    it(`never changes the selector of a ${kind}`, () => {
      const { errors } = updated('apps', kind, workload(kind), (draft) => {
        draft.spec.selector.matchLabels = { app: 'x' };
      });
      expect(errors).to.deep.equal([
        'spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"app":"x"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable',
      ]);
    });
  }

  it('says which parts of a StatefulSet may change', () => {
    const scaled = updated(
      'apps',
      'StatefulSet',
      workload('StatefulSet'),
      (draft) => void (draft.spec.replicas = 3),
    );
    expect(scaled.errors).to.deep.equal([]);
    const renamed = updated(
      'apps',
      'StatefulSet',
      workload('StatefulSet'),
      (d) => void (d.spec.serviceName = 'x'),
    );
    expect(renamed.errors[0]).to.match(
      /^spec: Forbidden: updates to statefulset spec for fields other than 'replicas'/,
    );
  });

  const strategies: readonly (readonly [string, object, readonly string[]])[] = [
    ['rolling with counts', { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }, []],
    ['Recreate', { type: 'Recreate' }, []],
    [
      'Recreate with numbers for rolling',
      { type: 'Recreate', rollingUpdate: {} },
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
    [
      'standing still',
      { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } },
      [
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: intstr.IntOrString{Type:0, IntVal:0, StrVal:""}: may not be 0 when `maxSurge` is 0',
      ],
    ],
    [
      'more than all',
      { rollingUpdate: { maxUnavailable: '101%' } },
      [
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: intstr.IntOrString{Type:1, IntVal:0, StrVal:"101%"}: must not be greater than 100%',
      ],
    ],
  ];
  for (const [name, strategy, expected] of strategies) {
    it(`${expected.length === 0 ? 'accepts' : 'refuses'} a Deployment strategy: ${name}`, () => {
      expect(createErrors('apps', 'Deployment', workload('Deployment', { strategy }))).to.deep.equal(
        expected,
      );
    });
  }

  it('needs the deadline of a Deployment to lie beyond minReadySeconds', () => {
    const spec = { minReadySeconds: 600 };
    expect(createErrors('apps', 'Deployment', workload('Deployment', spec))).to.deep.equal([
      'spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds',
    ]);
  });

  it('takes selector and labels of a ReplicationController from its template', () => {
    const object = { metadata: { name: 'rc' }, spec: { template: template() } };
    const { spec, metadata } = defaulted('', 'ReplicationController', object) as Loose;
    expect(spec.selector).to.deep.equal({ app: 'web' });
    expect(metadata.labels).to.deep.equal({ app: 'web' });
    expect(createErrors('', 'ReplicationController', object)).to.deep.equal([]);
  });
});

describe('Jobs (OC-7, OC-8)', () => {
  const job = (spec: object = {}): object => ({
    metadata: { name: 'pi', uid: 'u-1' },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } }, ...spec },
  });

  it('selects its pods by its own uid', () => {
    const { spec } = created('batch', 'Job', job()) as Loose;
    expect(spec.selector).to.deep.equal({ matchLabels: { 'batch.kubernetes.io/controller-uid': 'u-1' } });
    expect(spec.template.metadata.labels).to.deep.equal({
      'controller-uid': 'u-1',
      'job-name': 'pi',
      'batch.kubernetes.io/controller-uid': 'u-1',
      'batch.kubernetes.io/job-name': 'pi',
    });
    expect(createErrors('batch', 'Job', job())).to.deep.equal([]);
  });

  it('runs one pod to completion by default; a work queue has no count', () => {
    expect(specOf(defaulted('batch', 'Job', job()))).to.include({
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      podReplacementPolicy: 'TerminatingOrFailed',
    });
    expect(specOf(defaulted('batch', 'Job', job({ parallelism: 3 })))).not.to.have.property('completions');
  });

  it('cannot restart its pods forever', () => {
    const template = { spec: { containers: [container] } };
    expect(createErrors('batch', 'Job', job({ template }))).to.deep.equal([
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ]);
  });

  it('takes an update that leaves out what was generated', () => {
    const { object, errors } = updated('batch', 'Job', job(), (draft) => void delete draft.spec.selector);
    expect(errors).to.deep.equal([]);
    expect(specOf(object).selector).to.have.property('matchLabels');
  });

  it('keeps its completions and its template', () => {
    const { errors } = updated('batch', 'Job', job(), (draft) => {
      draft.spec.completions = 5;
      draft.spec.template.spec.restartPolicy = 'OnFailure';
    });
    expect(errors.map((e) => e.split(':')[0])).to.deep.equal(['spec.completions', 'spec.template']);
  });
});

describe('CronJobs (OC-9)', () => {
  const cron = (spec: object = {}, name = 'c'): object => ({
    metadata: { name },
    spec: {
      schedule: '*/5 * * * *',
      jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } } },
      ...spec,
    },
  });

  it('keeps three successful jobs and one failed one', () => {
    expect(specOf(defaulted('batch', 'CronJob', cron()))).to.include({
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    });
    expect(createErrors('batch', 'CronJob', cron())).to.deep.equal([]);
  });

  it('leaves room in its name for those of its jobs', () => {
    expect(createErrors('batch', 'CronJob', cron({}, 'x'.repeat(53)))[0]).to.match(
      /must be no more than 52 characters$/,
    );
  });

  for (const schedule of [
    '0 0 1 1 *',
    '*/15 9-17 * * mon-fri',
    '@daily',
    '@every 1h30m',
    '0,30 * ? * SUN',
    '5/10 * * * *',
  ]) {
    it(`accepts the schedule "${schedule}"`, () => expect(scheduleProblem(schedule)).to.equal(undefined));
  }
  for (const schedule of [
    '* * * *',
    '60 * * * *',
    '* * 0 * *',
    '5-1 * * * *',
    'x * * * *',
    '@never',
    'TZ=UTC * * * * *',
    '*/0 * * * *',
  ]) {
    it(`refuses the schedule "${schedule}"`, () => expect(scheduleProblem(schedule)).to.be.a('string'));
  }

  it('knows time zones', () => {
    expect(timeZoneProblem('Europe/Berlin')).to.equal(undefined);
    expect(timeZoneProblem('Mars/Base')).to.equal('unknown time zone Mars/Base');
    expect(timeZoneProblem('Local')).to.be.a('string');
  });
});
