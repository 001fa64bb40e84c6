/** How the kinds that scale and protect workloads are printed. */
import type { HorizontalPodAutoscaler as V1Autoscaler, Scale } from '../../api/kinds/autoscaling/v1.js';
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from '../../api/kinds/autoscaling/v2.js';
import type { FlowSchema, PriorityLevelConfiguration } from '../../api/kinds/flowcontrol/v1.js';
import type { PodDisruptionBudget } from '../../api/kinds/policy/v1.js';
import type { Given } from '../builtin/given.js';
import { ageColumn, nameColumn, type Printer, printer } from './column.js';
import { firstOf, none, unknown, unset } from './format.js';

const shownMetrics = 2;

interface Amounts {
  readonly averageUtilization?: number;
  readonly averageValue?: string;
  readonly value?: string;
}

/** `current/target`, where the current amount may not be known yet. */
function amountsText(current: Amounts | undefined, target: Amounts | undefined, average: string): string {
  if (target?.averageValue !== undefined)
    return `${current?.averageValue ?? unknown}/${target.averageValue}${average}`;
  return `${current?.value ?? unknown}/${target?.value ?? '0'}`;
}

function utilizationText(name: string, current: Amounts | undefined, target: Amounts | undefined): string {
  if (target?.averageValue !== undefined) return `${name}: ${amountsText(current, target, '')}`;
  const now = current?.averageUtilization === undefined ? unknown : `${current.averageUtilization}%`;
  const wanted = target?.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`;
  return `${name}: ${now}/${wanted}`;
}

function metricText(metric: Given<MetricSpec>, status: Given<MetricStatus> | undefined): string {
  switch (metric.type) {
    case 'External':
      return amountsText(status?.external?.current, metric.external?.target, ' (avg)');
    case 'Object':
      return amountsText(status?.object?.current, metric.object?.target, ' (avg)');
    case 'Pods':
      return amountsText(status?.pods?.current, metric.pods?.target, '');
    case 'Resource':
      return utilizationText(metric.resource?.name ?? '', status?.resource?.current, metric.resource?.target);
    case 'ContainerResource':
      return utilizationText(
        metric.containerResource?.name ?? '',
        status?.containerResource?.current,
        metric.containerResource?.target,
      );
    default:
      return '<unknown type>';
  }
}

function targetsText({ spec, status }: Given<HorizontalPodAutoscaler>): string {
  const old = spec as Given<V1Autoscaler['spec']> | undefined;
  if (old?.targetCPUUtilizationPercentage !== undefined) {
    const current = (status as Given<V1Autoscaler['status']>)?.currentCPUUtilizationPercentage;
    return utilizationText('cpu', current === undefined ? undefined : { averageUtilization: current }, {
      averageUtilization: old.targetCPUUtilizationPercentage,
    });
  }
  const texts = (spec?.metrics ?? []).map((metric, i) => metricText(metric, status?.currentMetrics?.[i]));
  return firstOf(texts, texts.length, shownMetrics, ', ') || none;
}

function danglingText({ status }: Given<FlowSchema>): string {
  return status?.conditions?.find((c) => c.type === 'Dangling')?.status ?? '?';
}

export const policyPrinters: Readonly<Record<string, Printer>> = {
  'policy/PodDisruptionBudget': printer<PodDisruptionBudget>([
    nameColumn,
    { name: 'Min Available', cell: (o) => `${o.spec?.minAvailable ?? 'N/A'}` },
    { name: 'Max Unavailable', cell: (o) => `${o.spec?.maxUnavailable ?? 'N/A'}` },
    { name: 'Allowed Disruptions', type: 'integer', cell: (o) => o.status?.disruptionsAllowed ?? 0 },
    ageColumn,
  ]),
  'autoscaling/HorizontalPodAutoscaler': printer<HorizontalPodAutoscaler>([
    nameColumn,
    {
      name: 'Reference',
      cell: (o) => `${o.spec?.scaleTargetRef?.kind ?? ''}/${o.spec?.scaleTargetRef?.name ?? ''}`,
    },
    { name: 'Targets', cell: targetsText },
    { name: 'MinPods', cell: (o) => (o.spec?.minReplicas === undefined ? unset : `${o.spec.minReplicas}`) },
    { name: 'MaxPods', cell: (o) => o.spec?.maxReplicas ?? 0 },
    { name: 'Replicas', cell: (o) => o.status?.currentReplicas ?? 0 },
    ageColumn,
  ]),
  'autoscaling/Scale': printer<Scale>([
    nameColumn,
    { name: 'Desired', type: 'integer', cell: (o) => o.spec?.replicas ?? 0 },
    { name: 'Available', type: 'integer', cell: (o) => o.status?.replicas ?? 0 },
    ageColumn,
  ]),
  'flowcontrol.apiserver.k8s.io/FlowSchema': printer<FlowSchema>([
    nameColumn,
    { name: 'PriorityLevel', cell: (o) => o.spec?.priorityLevelConfiguration?.name || none },
    { name: 'MatchingPrecedence', type: 'integer', cell: (o) => o.spec?.matchingPrecedence ?? 0 },
    { name: 'DistinguisherMethod', cell: (o) => o.spec?.distinguisherMethod?.type ?? none },
    ageColumn,
    { name: 'MissingPL', cell: danglingText },
  ]),
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': printer<PriorityLevelConfiguration>([
    nameColumn,
    { name: 'Type', cell: (o) => o.spec?.type ?? '' },
    {
      name: 'NominalConcurrencyShares',
      cell: (o) =>
        o.spec?.limited?.nominalConcurrencyShares ?? o.spec?.exempt?.nominalConcurrencyShares ?? none,
    },
    { name: 'Queues', cell: (o) => o.spec?.limited?.limitResponse?.queuing?.queues ?? none },
    { name: 'HandSize', cell: (o) => o.spec?.limited?.limitResponse?.queuing?.handSize ?? none },
    {
      name: 'QueueLengthLimit',
      cell: (o) => o.spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? none,
    },
    ageColumn,
  ]),
};
