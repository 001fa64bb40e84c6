/** Jobs and CronJobs (OC-7 to OC-9). */
import { FieldPath, fieldError, type JsonObject, setOwn, type StatusCause } from '../../../api/index.js';
import type { CronJob, Job, JobSpec } from '../../../api/kinds/batch/v1.js';
import { templateMatches } from '../apps/template.js';
import { immutable, nonNegative, oneOf, requiredOneOf } from '../checks.js';
import { type Fillable, fillable, type Given, given } from '../given.js';
import { goLabelSelector, labelSelector, selects } from '../label-selector.js';
import { defaultPodTemplate } from '../pod-spec/defaults.js';
import { validatePodTemplate } from '../pod-spec/validate.js';
import type { KindStrategy } from '../strategy.js';
import { scheduleProblem, timeZoneProblem } from './schedule.js';

const path = FieldPath.of('spec');
const maxInt32 = 2147483647;

function defaultConditions(spec: Fillable<JobSpec>): void {
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True';
  }
}

function applyDefaults(job: Fillable<Job>): void {
  const spec = (job.spec ??= {});
  defaultPodTemplate((spec.template ??= {}));
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : maxInt32;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  const labels = spec.template?.metadata?.labels;
  if (labels && job.metadata && Object.keys(job.metadata.labels ?? {}).length === 0)
    job.metadata.labels = { ...labels };
  defaultConditions(spec);
}

/** A job finds its pods by its own uid, unless it insists on a selector (OC-8). */
function generateSelector(job: Fillable<Job>): void {
  const spec = (job.spec ??= {});
  if (spec.manualSelector) return;
  const { uid = '', name = '' } = job.metadata ?? {};
  const metadata = ((spec.template ??= {}).metadata ??= {});
  const labels = (metadata.labels ??= {});
  const own: readonly (readonly [string, string])[] = [
    ['controller-uid', uid],
    ['job-name', name],
    ['batch.kubernetes.io/controller-uid', uid],
    ['batch.kubernetes.io/job-name', name],
  ];
  for (const [key, value] of own) if (!Object.hasOwn(labels, key)) setOwn(labels, key, value);
  const selector = ((spec.selector ??= {}).matchLabels ??= {});
  if (!Object.hasOwn(selector, 'batch.kubernetes.io/controller-uid')) {
    selector['batch.kubernetes.io/controller-uid'] = uid;
  }
}

/** What holds for a job and for a template of jobs. */
function validateJobSpec(at: FieldPath, spec: Given<JobSpec>): StatusCause[] {
  const causes: StatusCause[] = [];
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const) {
    causes.push(...nonNegative(at.child(field), spec[field]));
  }
  const indexed = spec.completionMode === 'Indexed';
  causes.push(...oneOf(at.child('completionMode'), spec.completionMode, ['Indexed', 'NonIndexed']));
  if (indexed && spec.completions === undefined) {
    causes.push(fieldError.required(at.child('completions'), 'when completion mode is Indexed'));
  }
  if (!indexed && spec.backoffLimitPerIndex !== undefined) {
    causes.push(
      fieldError.invalid(
        at.child('backoffLimitPerIndex'),
        spec.backoffLimitPerIndex,
        'requires indexed completion mode',
      ),
    );
  }
  if (!indexed && spec.successPolicy) {
    causes.push(
      fieldError.invalid(at.child('successPolicy'), spec.successPolicy, 'requires indexed completion mode'),
    );
  }
  const restart = spec.template?.spec?.restartPolicy;
  const restartPath = at.child('template').child('spec').child('restartPolicy');
  if (spec.podFailurePolicy && restart !== 'Never') {
    causes.push(
      fieldError.invalid(
        restartPath,
        restart,
        'only "Never" is supported when podFailurePolicy is specified',
      ),
    );
  }
  causes.push(
    ...oneOf(at.child('podReplacementPolicy'), spec.podReplacementPolicy, ['Failed', 'TerminatingOrFailed']),
  );
  causes.push(...validatePodTemplate(at.child('template'), spec.template));
  if (restart === 'Always') {
    causes.push(fieldError.required(restartPath, `valid values: "OnFailure", "Never"`));
  }
  return causes;
}

function validate(object: JsonObject): StatusCause[] {
  const { spec = {} } = given<Job>(object);
  const at = path.child('selector');
  const causes = spec.selector ? labelSelector(at, spec.selector) : [fieldError.required(at)];
  if (spec.selector) {
    const matches = selects(spec.selector, spec.template?.metadata?.labels);
    causes.push(...templateMatches(path.child('template'), spec.template, matches));
  }
  return [...causes, ...validateJobSpec(path, spec)];
}

function validateUpdate(object: JsonObject, oldObject: JsonObject): StatusCause[] {
  const [job, oldJob] = [given<Job>(object), given<Job>(oldObject)];
  const [spec, old] = [job.spec ?? {}, oldJob.spec ?? {}];
  const causes: StatusCause[] = [];
  const elastic = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  if (!elastic) causes.push(...immutable(path.child('completions'), spec.completions, old.completions));
  causes.push(
    ...immutable(path.child('selector'), spec.selector, old.selector, goLabelSelector(spec.selector)),
  );
  // A job that has not started yet may still be told where to run.
  const waiting = old.suspend === true && oldJob.status?.startTime === undefined;
  causes.push(
    ...immutable(path.child('template'), fixedTemplate(spec, waiting), fixedTemplate(old, waiting)),
  );
  for (const field of [
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
    'managedBy',
    'successPolicy',
  ] as const) {
    causes.push(...immutable(path.child(field), spec[field], old[field]));
  }
  return causes;
}

function fixedTemplate({ template }: Given<JobSpec>, waiting: boolean): unknown {
  if (!waiting || !template) return template;
  const { metadata: _, spec, ...rest } = template;
  const { nodeSelector: _n, affinity: _a, tolerations: _t, schedulingGates: _g, ...fixed } = spec ?? {};
  return { ...rest, spec: fixed };
}

export const jobStrategy: KindStrategy = {
  group: 'batch',
  kind: 'Job',
  hasGeneration: true,
  applyDefaults: (object) => applyDefaults(fillable<Job>(object)),
  prepareForCreate(object) {
    generateSelector(fillable<Job>(object));
    object.status = {};
  },
  prepareForUpdate(object, old) {
    // Whoever writes the job as it was created left out what the server generated.
    const [spec, before] = [fillable<Job>(object).spec, given<Job>(old).spec];
    if (spec && !spec.selector && before?.selector) {
      spec.selector = structuredClone(before.selector) as NonNullable<typeof spec.selector>;
    }
  },
  validate,
  validateUpdate,
  selectableFields: (object) => ({ 'status.successful': String(given<Job>(object).status?.succeeded ?? 0) }),
};

/** Names of its jobs get eleven characters more, and must stay labels. */
const maxCronJobName = 52;

export const cronJobStrategy: KindStrategy = {
  group: 'batch',
  kind: 'CronJob',
  hasGeneration: true,
  applyDefaults(object) {
    const spec = (fillable<CronJob>(object).spec ??= {});
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    const job = ((spec.jobTemplate ??= {}).spec ??= {});
    defaultPodTemplate((job.template ??= {}));
    defaultConditions(job);
  },
  prepareForCreate(object) {
    object.status = {};
  },
  validate(object) {
    const { spec = {}, metadata } = given<CronJob>(object);
    const causes: StatusCause[] = [];
    if (!spec.schedule) causes.push(fieldError.required(path.child('schedule')));
    else {
      const problem = scheduleProblem(spec.schedule);
      if (problem) causes.push(fieldError.invalid(path.child('schedule'), spec.schedule, problem));
    }
    if (spec.timeZone !== undefined) {
      const problem = timeZoneProblem(spec.timeZone);
      if (problem) causes.push(fieldError.invalid(path.child('timeZone'), spec.timeZone, problem));
    }
    for (const field of [
      'startingDeadlineSeconds',
      'successfulJobsHistoryLimit',
      'failedJobsHistoryLimit',
    ] as const) {
      causes.push(...nonNegative(path.child(field), spec[field]));
    }
    causes.push(
      ...requiredOneOf(path.child('concurrencyPolicy'), spec.concurrencyPolicy, [
        'Allow',
        'Forbid',
        'Replace',
      ]),
    );
    const at = path.child('jobTemplate').child('spec');
    const job = spec.jobTemplate?.spec ?? {};
    if (job.manualSelector) {
      causes.push(fieldError.notSupported(at.child('manualSelector'), job.manualSelector, ['nil', 'false']));
    }
    causes.push(...validateJobSpec(at, job));
    if ((metadata?.name?.length ?? 0) > maxCronJobName) {
      causes.push(
        fieldError.invalid(
          FieldPath.of('metadata', 'name'),
          metadata?.name,
          `must be no more than ${maxCronJobName} characters`,
        ),
      );
    }
    return causes;
  },
};
