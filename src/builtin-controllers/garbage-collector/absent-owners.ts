/**
 * Owners that were looked up and are not there. A UID never comes back, so that stays true; only the last
 * few hundred are remembered, which is what a big owner's many dependents need.
 */
import type { OwnerReference } from 'gyre';

const remembered = 500;

export class AbsentOwners {
  readonly #absent = new Set<string>();

  has(reference: OwnerReference, namespace: string): boolean {
    return this.#absent.has(identityOf(reference, namespace));
  }

  add(reference: OwnerReference, namespace: string): void {
    this.#absent.add(identityOf(reference, namespace));
    if (this.#absent.size <= remembered) return;
    const [oldest] = this.#absent;
    this.#absent.delete(oldest as string);
  }
}

/** All of it: a wrong name or namespace with the right UID is absent too. */
function identityOf({ apiVersion, kind, name, uid }: OwnerReference, namespace: string): string {
  return JSON.stringify([apiVersion, kind, namespace, name, uid]);
}
