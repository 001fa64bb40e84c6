/** Which class a claim or a volume is of, and what the class asks for. */
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from 'gyre/kinds';
import { annotation, classAnnotation, defaultClassMarks, isAnnotated, selectedNode } from './names.js';

/** The class a claim or volume names; `''` for none. */
export function classOf(object: PersistentVolume | PersistentVolumeClaim): string {
  return annotation(object, classAnnotation) ?? object.spec?.storageClassName ?? '';
}

/** True for a claim that may still be given the default class: one that asks for `''` wants none (PV-11). */
export function leavesClassOpen(claim: PersistentVolumeClaim): boolean {
  return claim.spec?.storageClassName === undefined && !isAnnotated(claim, classAnnotation);
}

export function isDefaultClass(storageClass: StorageClass): boolean {
  return defaultClassMarks.some((mark) => annotation(storageClass, mark) === 'true');
}

/** Of several default classes the newest wins, then the first by name (PV-11). */
export function newestDefault(classes: readonly StorageClass[]): StorageClass | undefined {
  const [newest] = classes.filter(isDefaultClass).sort((a, b) => {
    const [x, y] = [Date.parse(a.metadata.creationTimestamp), Date.parse(b.metadata.creationTimestamp)];
    return y - x || (a.metadata.name < b.metadata.name ? -1 : 1);
  });
  return newest;
}

/** True while the claim waits for the scheduler to choose a node for its first consumer (PV-6). */
export function waitsForConsumer(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass | undefined,
): boolean {
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !isAnnotated(claim, selectedNode);
}
