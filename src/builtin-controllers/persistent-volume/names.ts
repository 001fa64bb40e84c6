/** The annotations and finalizers through which the binder, provisioners and the scheduler speak. */

/** On a claim: its bind was completed once, so it never looks for another volume (PV-1). */
export const bindCompleted = 'pv.kubernetes.io/bind-completed';
/** On a claim or a volume: the controller, not a user, chose the other side (PV-5). */
export const boundByController = 'pv.kubernetes.io/bound-by-controller';
/** On a volume: the provisioner that made it, and that deletes it (PV-10). */
export const provisionedBy = 'pv.kubernetes.io/provisioned-by';
/** On a claim: who is to provision a volume for it (PV-10), in both spellings that provisioners look for. */
export const storageProvisioner = [
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
] as const;
/** On a claim of a WaitForFirstConsumer class: the node the scheduler chose (PV-6). */
export const selectedNode = 'volume.kubernetes.io/selected-node';
/** On a class: claims that name no class get it (PV-11). */
export const defaultClassMarks = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
] as const;
/** On a claim or a volume: its class, from before there was a field for it. */
export const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

/** Holds a provisioned volume of policy Delete until its data is gone (PV-10). */
export const provisionerFinalizer = 'kubernetes.io/pv-controller';

/** The provisioner this package brings: a directory of its own for every claim. */
export const localPathProvisioner = 'gyre.dev/local-path';

type Annotated = { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };

export function annotation({ metadata }: Annotated, name: string): string | undefined {
  const { annotations } = metadata;
  return annotations && Object.hasOwn(annotations, name) ? annotations[name] : undefined;
}

export function isAnnotated(object: Annotated, name: string): boolean {
  return annotation(object, name) !== undefined;
}
