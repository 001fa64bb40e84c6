/** How nodes, namespaces, events, configuration and the cluster's own bookkeeping are printed. */
import type { Lease } from '../../api/kinds/coordination/v1.js';
import type {
  ComponentStatus,
  ConfigMap,
  Event as CoreEvent,
  Namespace,
  Node,
  ResourceQuota,
  Secret,
  ServiceAccount,
} from '../../api/kinds/core/v1.js';
import type { Event } from '../../api/kinds/events/v1.js';
import type { APIService } from '../../api/kinds/apiregistration/v1.js';
import type { RuntimeClass } from '../../api/kinds/node/v1.js';
import type { PriorityClass } from '../../api/kinds/scheduling/v1.js';
import type { Given } from '../builtin/given.js';
import { ageColumn, type Column, nameColumn, type Printer, printer, viewPrinter } from './column.js';
import { none, unknown } from './format.js';
import { since } from './human-duration.js';

const rolePrefix = 'node-role.kubernetes.io/';

function serviceText(service: NonNullable<Given<APIService>['spec']>['service']): string {
  return service ? `${service.namespace}/${service.name}` : 'Local';
}

function availabilityText(conditions: NonNullable<Given<APIService>['status']>['conditions']): string {
  const available = conditions?.find(({ type }) => type === 'Available');
  if (!available) return unknown;
  return available.status === 'True' ? 'True' : `${available.status} (${available.reason ?? ''})`;
}

function nodeStatus({ spec, status }: Given<Node>): string {
  const ready = status?.conditions?.find((c) => c.type === 'Ready');
  const state = !ready ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return spec?.unschedulable ? `${state},SchedulingDisabled` : state;
}

function nodeRoles({ metadata }: Given<Node>): string {
  const roles = Object.entries(metadata?.labels ?? {}).map(([key, value]) => {
    if (key.startsWith(rolePrefix)) return key.slice(rolePrefix.length);
    return key === 'kubernetes.io/role' ? (value ?? '') : '';
  });
  return [...new Set(roles.filter((role) => role !== ''))].sort().join(',') || none;
}

function nodeAddress({ status }: Given<Node>, type: string): string {
  return status?.addresses?.find((a) => a.type === type)?.address ?? none;
}

/** An event as both of its API versions tell it. */
interface EventView {
  readonly name: string;
  readonly type: string;
  readonly reason: string;
  readonly object: string;
  readonly subobject: string;
  readonly source: string;
  readonly message: string;
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly count: number;
}

function eventView(event: Given<CoreEvent> & Given<Event>, now: number): EventView {
  const about = event.involvedObject ?? event.regarding ?? {};
  const source = event.source ?? event.deprecatedSource ?? {};
  const kind = (about.kind ?? '').toLowerCase();
  const first = event.firstTimestamp ?? event.deprecatedFirstTimestamp ?? event.eventTime;
  const last =
    event.series?.lastObservedTime ?? event.lastTimestamp ?? event.deprecatedLastTimestamp ?? first;
  const component = source.component || event.reportingComponent || event.reportingController || '';
  const host = source.host || event.reportingInstance || '';
  return {
    name: event.metadata?.name ?? '',
    type: event.type ?? '',
    reason: event.reason ?? '',
    object: about.name ? `${kind}/${about.name}` : kind,
    subobject: about.fieldPath ?? '',
    source: host === '' ? component : `${component}, ${host}`,
    message: (event.message ?? event.note ?? '').trim(),
    firstSeen: since(first, now),
    lastSeen: since(last, now),
    count: event.series?.count || event.count || event.deprecatedCount || 1,
  };
}

const eventColumns: readonly Column<EventView>[] = [
  { name: 'Last Seen', cell: (e) => e.lastSeen },
  { name: 'Type', cell: (e) => e.type },
  { name: 'Reason', cell: (e) => e.reason },
  { name: 'Object', cell: (e) => e.object },
  { name: 'Subobject', wide: true, cell: (e) => e.subobject },
  { name: 'Source', wide: true, cell: (e) => e.source },
  { name: 'Message', cell: (e) => e.message },
  { name: 'First Seen', wide: true, cell: (e) => e.firstSeen },
  { name: 'Count', wide: true, cell: (e) => e.count },
  { name: 'Name', format: 'name', wide: true, cell: (e) => e.name },
];

const eventPrinter = viewPrinter<CoreEvent & Event, EventView>(
  (event, now) => eventView(event as unknown as Given<CoreEvent> & Given<Event>, now),
  eventColumns,
);

function quotaText({ status }: Given<ResourceQuota>, limits: boolean): string {
  return Object.keys(status?.hard ?? {})
    .filter((resource) => resource.startsWith('limits') === limits)
    .sort()
    .map((resource) => `${resource}: ${status?.used?.[resource] ?? '0'}/${status?.hard?.[resource] ?? '0'}`)
    .join(', ');
}

const size = (map: object | undefined): number => Object.keys(map ?? {}).length;

export const clusterPrinters: Readonly<Record<string, Printer>> = {
  '/Node': printer<Node>([
    nameColumn,
    { name: 'Status', cell: nodeStatus },
    { name: 'Roles', cell: nodeRoles },
    ageColumn,
    { name: 'Version', cell: (o) => o.status?.nodeInfo?.kubeletVersion ?? '' },
    { name: 'Internal-IP', wide: true, cell: (o) => nodeAddress(o, 'InternalIP') },
    { name: 'External-IP', wide: true, cell: (o) => nodeAddress(o, 'ExternalIP') },
    { name: 'OS-Image', wide: true, cell: (o) => o.status?.nodeInfo?.osImage || unknown },
    { name: 'Kernel-Version', wide: true, cell: (o) => o.status?.nodeInfo?.kernelVersion || unknown },
    {
      name: 'Container-Runtime',
      wide: true,
      cell: (o) => o.status?.nodeInfo?.containerRuntimeVersion || unknown,
    },
  ]),
  '/Event': eventPrinter,
  'events.k8s.io/Event': eventPrinter,
  '/Namespace': printer<Namespace>([
    nameColumn,
    { name: 'Status', cell: (o) => o.status?.phase ?? '' },
    ageColumn,
  ]),
  '/Secret': printer<Secret>([
    nameColumn,
    { name: 'Type', cell: (o) => o.type ?? '' },
    { name: 'Data', cell: (o) => size(o.data) },
    ageColumn,
  ]),
  '/ConfigMap': printer<ConfigMap>([
    nameColumn,
    { name: 'Data', cell: (o) => size(o.data) + size(o.binaryData) },
    ageColumn,
  ]),
  '/ServiceAccount': printer<ServiceAccount>([
    nameColumn,
    { name: 'Secrets', cell: (o) => o.secrets?.length ?? 0 },
    ageColumn,
  ]),
  '/ComponentStatus': printer<ComponentStatus>([
    nameColumn,
    {
      name: 'Status',
      cell: ({ conditions }) => {
        const status = conditions?.find((c) => c.type === 'Healthy')?.status;
        return status === 'True' ? 'Healthy' : status === 'False' ? 'Unhealthy' : 'Unknown';
      },
    },
    { name: 'Message', cell: (o) => o.conditions?.find((c) => c.type === 'Healthy')?.message ?? '' },
    { name: 'Error', cell: (o) => o.conditions?.find((c) => c.type === 'Healthy')?.error ?? '' },
  ]),
  '/ResourceQuota': printer<ResourceQuota>([
    nameColumn,
    { name: 'Request', cell: (o) => quotaText(o, false) },
    { name: 'Limit', cell: (o) => quotaText(o, true) },
    ageColumn,
  ]),
  'coordination.k8s.io/Lease': printer<Lease>([
    nameColumn,
    { name: 'Holder', cell: (o) => o.spec?.holderIdentity ?? '' },
    ageColumn,
  ]),
  'apiregistration.k8s.io/APIService': printer<APIService>([
    nameColumn,
    { name: 'Service', cell: ({ spec }) => serviceText(spec?.service) },
    { name: 'Available', cell: ({ status }) => availabilityText(status?.conditions) },
    ageColumn,
  ]),
  'scheduling.k8s.io/PriorityClass': printer<PriorityClass>([
    nameColumn,
    { name: 'Value', type: 'integer', cell: (o) => o.value ?? 0 },
    { name: 'Global-Default', type: 'boolean', cell: (o) => o.globalDefault ?? false },
    ageColumn,
    { name: 'PreemptionPolicy', cell: (o) => o.preemptionPolicy ?? 'PreemptLowerPriority' },
  ]),
  'node.k8s.io/RuntimeClass': printer<RuntimeClass>([
    nameColumn,
    { name: 'Handler', cell: (o) => o.handler ?? '' },
    ageColumn,
  ]),
};
