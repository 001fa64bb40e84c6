/** Admission of storage (PV-11): the default class for claims that name none, and protection of what is in use. */
import type { JsonObject } from '../../api/index.js';
import type { StampedObject } from '../cache/resource-cache.js';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.js';

const defaultClassAnnotation = 'storageclass.kubernetes.io/is-default-class';

function creates(kind: string, { operation, subresource, resource }: AdmissionAttributes): boolean {
  const { facts } = resource;
  return operation === 'CREATE' && subresource === '' && facts.group === '' && facts.kind === kind;
}

/** A claim without a class gets the default one; of several the newest, then the first by name. */
export class DefaultStorageClass implements AdmissionPlugin {
  readonly name = 'DefaultStorageClass';

  /** @param classes the StorageClasses there are now */
  constructor(private readonly classes: () => Iterable<StampedObject>) {}

  mutate(attributes: AdmissionAttributes): JsonObject | undefined {
    const { object } = attributes;
    if (!object || !creates('PersistentVolumeClaim', attributes)) return undefined;
    const spec = (object.spec ?? {}) as JsonObject;
    // An empty name is a choice: no class at all.
    if (spec.storageClassName !== undefined && spec.storageClassName !== null) return undefined;
    const chosen = this.#default();
    return chosen === undefined ? undefined : { ...object, spec: { ...spec, storageClassName: chosen } };
  }

  #default(): string | undefined {
    const [newest] = [...this.classes()]
      .filter(({ metadata }) => annotationsOf(metadata)[defaultClassAnnotation] === 'true')
      .sort((a, b) => {
        const [x, y] = [String(a.metadata.creationTimestamp), String(b.metadata.creationTimestamp)];
        return x === y ? (a.metadata.name < b.metadata.name ? -1 : 1) : x > y ? -1 : 1;
      });
    return newest?.metadata.name;
  }
}

function annotationsOf(metadata: object): Readonly<Record<string, string>> {
  return (metadata as { readonly annotations?: Readonly<Record<string, string>> }).annotations ?? {};
}

const finalizers: Readonly<Record<string, string>> = {
  PersistentVolumeClaim: 'kubernetes.io/pvc-protection',
  PersistentVolume: 'kubernetes.io/pv-protection',
};

/** New claims and volumes carry the finalizer that their protection controller takes off when nothing uses them. */
export class StorageObjectInUseProtection implements AdmissionPlugin {
  readonly name = 'StorageObjectInUseProtection';

  mutate(attributes: AdmissionAttributes): JsonObject | undefined {
    const { object, resource } = attributes;
    const { kind } = resource.facts;
    const finalizer = Object.hasOwn(finalizers, kind) ? finalizers[kind] : undefined;
    if (!object || finalizer === undefined || !creates(kind, attributes)) return undefined;
    const metadata = object.metadata as JsonObject;
    const present = (metadata.finalizers as readonly string[] | undefined) ?? [];
    if (present.includes(finalizer)) return undefined;
    return { ...object, metadata: { ...metadata, finalizers: [...present, finalizer] } };
  }
}
