/** How volumes, claims and the drivers behind them are printed. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/kinds/core/v1.js';
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
} from '../../api/kinds/storage/v1.js';
import type { Given } from '../builtin/given.js';
import { ageColumn, nameColumn, type Printer, printer } from './column.js';
import { none, unset } from './format.js';

const shortModes: readonly (readonly [string, string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

function modesText(modes: readonly string[] | undefined): string {
  return shortModes
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',');
}

/** The class of the beta annotation counts before the field. */
function className({ metadata, spec }: Given<PersistentVolume> | Given<PersistentVolumeClaim>): string {
  return metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';
}

function phaseText({ metadata, status }: Given<PersistentVolume> | Given<PersistentVolumeClaim>): string {
  return metadata?.deletionTimestamp ? 'Terminating' : (status?.phase ?? '');
}

function isDefaultClass({ metadata }: Given<StorageClass>): boolean {
  const { annotations } = metadata ?? {};
  return [
    'storageclass.kubernetes.io/is-default-class',
    'storageclass.beta.kubernetes.io/is-default-class',
  ].some((key) => annotations?.[key] === 'true');
}

function claimText({ spec }: Given<PersistentVolume>): string {
  const claim = spec?.claimRef;
  return claim ? `${claim.namespace ?? ''}/${claim.name ?? ''}` : '';
}

export const storagePrinters: Readonly<Record<string, Printer>> = {
  '/PersistentVolume': printer<PersistentVolume>([
    nameColumn,
    { name: 'Capacity', cell: (o) => o.spec?.capacity?.storage ?? '0' },
    { name: 'Access Modes', cell: (o) => modesText(o.spec?.accessModes) },
    { name: 'Reclaim Policy', cell: (o) => o.spec?.persistentVolumeReclaimPolicy ?? '' },
    { name: 'Status', cell: phaseText },
    { name: 'Claim', cell: claimText },
    { name: 'StorageClass', cell: className },
    { name: 'VolumeAttributesClass', cell: (o) => o.spec?.volumeAttributesClassName ?? unset },
    { name: 'Reason', cell: (o) => o.status?.reason ?? '' },
    ageColumn,
    { name: 'VolumeMode', wide: true, cell: (o) => o.spec?.volumeMode ?? unset },
  ]),
  '/PersistentVolumeClaim': printer<PersistentVolumeClaim>([
    nameColumn,
    { name: 'Status', cell: phaseText },
    { name: 'Volume', cell: (o) => o.spec?.volumeName ?? '' },
    { name: 'Capacity', cell: (o) => (o.spec?.volumeName ? (o.status?.capacity?.storage ?? '0') : '') },
    { name: 'Access Modes', cell: (o) => (o.spec?.volumeName ? modesText(o.status?.accessModes) : '') },
    { name: 'StorageClass', cell: className },
    { name: 'VolumeAttributesClass', cell: (o) => o.spec?.volumeAttributesClassName ?? unset },
    ageColumn,
    { name: 'VolumeMode', wide: true, cell: (o) => o.spec?.volumeMode ?? unset },
  ]),
  'storage.k8s.io/StorageClass': printer<StorageClass>([
    {
      ...nameColumn,
      cell: (o: Given<StorageClass>) => `${o.metadata?.name ?? ''}${isDefaultClass(o) ? ' (default)' : ''}`,
    },
    { name: 'Provisioner', cell: (o) => o.provisioner ?? '' },
    { name: 'ReclaimPolicy', cell: (o) => o.reclaimPolicy ?? 'Delete' },
    { name: 'VolumeBindingMode', cell: (o) => o.volumeBindingMode ?? 'Immediate' },
    { name: 'AllowVolumeExpansion', cell: (o) => o.allowVolumeExpansion ?? false },
    ageColumn,
  ]),
  'storage.k8s.io/VolumeAttachment': printer<VolumeAttachment>([
    nameColumn,
    { name: 'Attacher', format: 'name', cell: (o) => o.spec?.attacher ?? '' },
    { name: 'PV', cell: (o) => o.spec?.source?.persistentVolumeName ?? '' },
    { name: 'Node', cell: (o) => o.spec?.nodeName ?? '' },
    { name: 'Attached', type: 'boolean', cell: (o) => o.status?.attached ?? false },
    ageColumn,
  ]),
  'storage.k8s.io/CSINode': printer<CSINode>([
    nameColumn,
    { name: 'Drivers', type: 'integer', cell: (o) => o.spec?.drivers?.length ?? 0 },
    ageColumn,
  ]),
  'storage.k8s.io/CSIDriver': printer<CSIDriver>([
    nameColumn,
    { name: 'AttachRequired', type: 'boolean', cell: (o) => o.spec?.attachRequired ?? true },
    { name: 'PodInfoOnMount', type: 'boolean', cell: (o) => o.spec?.podInfoOnMount ?? false },
    { name: 'StorageCapacity', type: 'boolean', cell: (o) => o.spec?.storageCapacity ?? false },
    {
      name: 'TokenRequests',
      cell: (o) => (o.spec?.tokenRequests ?? []).map((t) => t.audience ?? '').join(',') || unset,
    },
    { name: 'RequiresRepublish', type: 'boolean', cell: (o) => o.spec?.requiresRepublish ?? false },
    { name: 'Modes', cell: (o) => (o.spec?.volumeLifecycleModes ?? []).join(',') || none },
    ageColumn,
  ]),
  'storage.k8s.io/CSIStorageCapacity': printer<CSIStorageCapacity>([
    nameColumn,
    { name: 'StorageClassName', cell: (o) => o.storageClassName ?? '' },
    { name: 'Capacity', cell: (o) => o.capacity ?? unset },
  ]),
};
