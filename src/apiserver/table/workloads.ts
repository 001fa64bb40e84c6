/** How the kinds that run pods are printed. */
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from '../../api/kinds/apps/v1.js';
import type { CronJob, Job } from '../../api/kinds/batch/v1.js';
import type { ReplicationController } from '../../api/kinds/core/v1.js';
import type { Given } from '../builtin/given.js';
import { ageColumn, type Column, nameColumn, type Printer, printer } from './column.js';
import { containerColumns, labelsText, none, orNone, selectorText } from './format.js';
import { humanDuration, since } from './human-duration.js';

interface Templated {
  readonly spec?: Given<Pick<Deployment['spec'], 'template'>>;
}

const templateColumns = containerColumns<Templated>((o) => o.spec?.template?.spec?.containers);

const selectorColumn: Column<{
  readonly spec?: { readonly selector?: Given<Deployment['spec']['selector']> };
}> = {
  name: 'Selector',
  wide: true,
  description: 'Which pods belong to the object.',
  cell: (o) => selectorText(o.spec?.selector),
};

type Replicated = Pick<ReplicaSet, 'status'> & { readonly spec: { readonly replicas?: number } };

const replicaColumns: readonly Column<Given<Replicated>>[] = [
  { name: 'Desired', type: 'integer', cell: (o) => o.spec?.replicas ?? 0 },
  { name: 'Current', type: 'integer', cell: (o) => o.status?.replicas ?? 0 },
  { name: 'Ready', type: 'integer', cell: (o) => o.status?.readyReplicas ?? 0 },
];

function jobStatus(job: Given<Job>): string {
  const is = (type: string): boolean =>
    job.status?.conditions?.some((c) => c.type === type && c.status === 'True') ?? false;
  if (is('Complete')) return 'Complete';
  if (is('Failed')) return 'Failed';
  if (job.metadata?.deletionTimestamp) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(is) ?? 'Running';
}

function jobCompletions({ spec, status }: Given<Job>): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration({ status }: Given<Job>, now: number): string {
  if (!status?.startTime) return '';
  const end = status.completionTime ? Date.parse(status.completionTime) : now;
  return humanDuration(end - Date.parse(status.startTime));
}

function controllerOf({ metadata }: Given<ControllerRevision>): string {
  const owner = metadata?.ownerReferences?.find((o) => o.controller);
  if (!owner) return none;
  const group = owner.apiVersion?.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
  return `${(owner.kind ?? '').toLowerCase()}${group}/${owner.name ?? ''}`;
}

export const workloadPrinters: Readonly<Record<string, Printer>> = {
  'apps/Deployment': printer<Deployment>([
    nameColumn,
    { name: 'Ready', cell: (o) => `${o.status?.readyReplicas ?? 0}/${o.spec?.replicas ?? 0}` },
    { name: 'Up-to-date', cell: (o) => o.status?.updatedReplicas ?? 0 },
    { name: 'Available', cell: (o) => o.status?.availableReplicas ?? 0 },
    ageColumn,
    ...templateColumns,
    selectorColumn,
  ]),
  'apps/ReplicaSet': printer<ReplicaSet>([
    nameColumn,
    ...replicaColumns,
    ageColumn,
    ...templateColumns,
    selectorColumn,
  ]),
  '/ReplicationController': printer<ReplicationController>([
    nameColumn,
    ...replicaColumns,
    ageColumn,
    ...templateColumns,
    { name: 'Selector', wide: true, cell: (o) => labelsText(o.spec?.selector) },
  ]),
  'apps/StatefulSet': printer<StatefulSet>([
    nameColumn,
    { name: 'Ready', cell: (o) => `${o.status?.readyReplicas ?? 0}/${o.spec?.replicas ?? 0}` },
    ageColumn,
    ...templateColumns,
  ]),
  'apps/DaemonSet': printer<DaemonSet>([
    nameColumn,
    { name: 'Desired', type: 'integer', cell: (o) => o.status?.desiredNumberScheduled ?? 0 },
    { name: 'Current', type: 'integer', cell: (o) => o.status?.currentNumberScheduled ?? 0 },
    { name: 'Ready', type: 'integer', cell: (o) => o.status?.numberReady ?? 0 },
    { name: 'Up-to-date', type: 'integer', cell: (o) => o.status?.updatedNumberScheduled ?? 0 },
    { name: 'Available', type: 'integer', cell: (o) => o.status?.numberAvailable ?? 0 },
    { name: 'Node Selector', cell: (o) => labelsText(o.spec?.template?.spec?.nodeSelector) },
    ageColumn,
    ...templateColumns,
    selectorColumn,
  ]),
  'apps/ControllerRevision': printer<ControllerRevision>([
    nameColumn,
    { name: 'Controller', cell: controllerOf },
    { name: 'Revision', cell: (o) => o.revision ?? 0 },
    ageColumn,
  ]),
  'batch/Job': printer<Job>([
    nameColumn,
    { name: 'Status', cell: jobStatus },
    { name: 'Completions', cell: jobCompletions },
    { name: 'Duration', cell: jobDuration },
    ageColumn,
    ...templateColumns,
    selectorColumn,
  ]),
  'batch/CronJob': printer<CronJob>([
    nameColumn,
    { name: 'Schedule', cell: (o) => o.spec?.schedule ?? '' },
    { name: 'Timezone', cell: (o) => orNone(o.spec?.timeZone) },
    { name: 'Suspend', type: 'boolean', cell: (o) => (o.spec?.suspend ? 'True' : 'False') },
    { name: 'Active', type: 'integer', cell: (o) => o.status?.active?.length ?? 0 },
    {
      name: 'Last Schedule',
      cell: (o, now) => (o.status?.lastScheduleTime ? since(o.status.lastScheduleTime, now) : none),
    },
    ageColumn,
    ...containerColumns<Given<CronJob>>((o) => o.spec?.jobTemplate?.spec?.template?.spec?.containers),
    { name: 'Selector', wide: true, cell: (o) => selectorText(o.spec?.jobTemplate?.spec?.selector) },
  ]),
};
