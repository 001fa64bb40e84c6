/** The volumes of the local-path provisioner (PV-10). Pure. */
import type { Input } from 'gyre';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from 'gyre/kinds';
import {
  annotation,
  boundByController,
  localPathProvisioner,
  provisionedBy,
  provisionerFinalizer,
  storageProvisioner,
} from './names.js';

/** One claim, one name: a repeated attempt finds what the first one made. */
export function provisionedName(claim: PersistentVolumeClaim): string {
  return `pvc-${claim.metadata.uid}`;
}

/** What claimRef says of a claim. */
export function referenceTo({ metadata }: PersistentVolumeClaim) {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion };
}

/** Why a directory cannot be what the claim asks for; undefined if it can. */
export function refusal(claim: PersistentVolumeClaim, storageClass: StorageClass): string | undefined {
  if (claim.spec?.volumeMode === 'Block') return `${localPathProvisioner} does not support block volumes`;
  if (claim.spec?.selector) return 'claim.Spec.Selector is not supported';
  if (claim.spec?.dataSource || claim.spec?.dataSourceRef)
    return `${localPathProvisioner} does not support data sources`;
  if (storageClass.mountOptions?.length)
    return `Mount options are not supported by the provisioner but StorageClass ${JSON.stringify(storageClass.metadata.name)} has mount options [${storageClass.mountOptions.join(' ')}]`;
  return undefined;
}

/** The volume for a claim, already promised to it. */
export function provisionedVolume(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  path: string,
): Input<PersistentVolume> {
  const policy = storageClass.reclaimPolicy ?? 'Delete';
  return {
    metadata: {
      name: provisionedName(claim),
      annotations: { [boundByController]: 'yes', [provisionedBy]: localPathProvisioner },
      ...(policy === 'Delete' ? { finalizers: [provisionerFinalizer] } : {}),
    },
    spec: {
      accessModes: claim.spec?.accessModes ?? [],
      capacity: { storage: claim.spec?.resources?.requests?.storage ?? '0' },
      claimRef: referenceTo(claim),
      hostPath: { path, type: 'DirectoryOrCreate' },
      persistentVolumeReclaimPolicy: policy,
      storageClassName: storageClass.metadata.name,
      volumeMode: 'Filesystem',
    },
  };
}

/** The annotations that say who provisions for the claim, or undefined when they are there. */
export function provisionerMarks(
  claim: PersistentVolumeClaim,
  provisioner: string,
): Readonly<Record<string, string>> | undefined {
  const marks = Object.fromEntries(storageProvisioner.map((name) => [name, provisioner]));
  return storageProvisioner.every((name) => annotation(claim, name) === provisioner) ? undefined : marks;
}
