/** Volumes, claims and classes with little to write, and directories that are only names. */
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from 'gyre/kinds';
import type { LocalVolumes } from 'gyre/controllers';

type Annotations = Readonly<Record<string, string>>;

const meta = (name: string, uid: string, more: object = {}) => ({
  name,
  uid,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...more,
});

/** As a server has it: Available unless said otherwise. */
export function volume(
  name: string,
  spec: Partial<NonNullable<PersistentVolume['spec']>> = {},
  more: {
    readonly phase?: NonNullable<PersistentVolume['status']>['phase'];
    readonly labels?: Annotations;
    readonly annotations?: Annotations;
    readonly finalizers?: readonly string[];
    readonly deleting?: boolean;
  } = {},
): PersistentVolume {
  const { phase = 'Available', deleting = false, ...metadata } = more;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: meta(name, `uid-${name}`, {
      ...metadata,
      ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    }),
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: `/data/${name}` },
      ...spec,
    },
    status: { phase },
  };
}

/** `request` is the storage asked for. */
export function claim(
  name: string,
  {
    request = '1Gi',
    ...spec
  }: Partial<NonNullable<PersistentVolumeClaim['spec']>> & {
    readonly request?: string;
  } = {},
  more: {
    readonly phase?: NonNullable<PersistentVolumeClaim['status']>['phase'];
    readonly annotations?: Annotations;
  } = {},
): PersistentVolumeClaim {
  const { phase = 'Pending', ...metadata } = more;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: meta(name, `uid-${name}`, { namespace: 'default', ...metadata }),
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: request } }, ...spec },
    status: { phase },
  };
}

export function storageClass(
  name: string,
  more: Partial<StorageClass> & { readonly annotations?: Annotations; readonly createdAt?: string } = {},
): StorageClass {
  const { annotations = {}, createdAt = '2026-01-01T00:00:00Z', ...rest } = more;
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: meta(name, `uid-${name}`, { annotations, creationTimestamp: createdAt }),
    provisioner: 'gyre.dev/local-path',
    ...rest,
  };
}

export const isDefault = { 'storageclass.kubernetes.io/is-default-class': 'true' };

/** claimRef as a bind writes it, or, without UID, as a user does. */
export const refTo = (name: string, uid?: string) => ({
  namespace: 'default',
  name,
  ...(uid === undefined ? {} : { uid }),
});

/** What a client creates of such an object: no server's fields. */
export function fresh<T extends { readonly metadata: { readonly name: string } }>(object: T): T {
  const {
    uid: _u,
    resourceVersion: _r,
    creationTimestamp: _c,
    ...metadata
  } = object.metadata as object & {
    uid?: string;
    resourceVersion?: string;
    creationTimestamp?: string;
  };
  const { status: _s, ...rest } = object as T & { status?: unknown };
  return { ...rest, metadata } as unknown as T;
}

export function pod(name: string, claimName: string, more: { readonly nodeName?: string } = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: meta(name, `uid-${name}`, { namespace: 'default' }),
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
      ...more,
    },
  } as Pod;
}

/** Directories that are only remembered; `failing` makes the next ones fail. */
export class RememberedVolumes implements LocalVolumes {
  readonly present = new Set<string>();
  readonly removed: string[] = [];
  failing: { create?: Error; remove?: Error } = {};

  async create(name: string): Promise<string> {
    if (this.failing.create) throw this.failing.create;
    this.present.add(`/volumes/${name}`);
    return `/volumes/${name}`;
  }

  async remove(path: string): Promise<void> {
    if (this.failing.remove) throw this.failing.remove;
    this.present.delete(path);
    this.removed.push(path);
  }
}
