/**
 * What is known of values besides what they say: that one could not be decrypted, and that one was written with what is no
 * longer the first key. Kept beside the values, so that nothing of it is ever stored or sent.
 */
import { internalError } from '../../api/index.js';

const unreadable = new WeakSet();
const stale = new WeakSet();

/**
 * Stands for a value that could not be decrypted: whoever looks into it gets the 500 that says so, and whoever only passes
 * it on does not.
 */
export function unreadableValue(key: string, why: string): object {
  const refuse = (): never => {
    throw internalError(`unable to transform key ${JSON.stringify(key)}: ${why}`);
  };
  const value = new Proxy(
    {},
    { get: refuse, has: refuse, ownKeys: refuse, getOwnPropertyDescriptor: refuse },
  );
  unreadable.add(value);
  return value;
}

/** The name of the one field of an encrypted value starts with it, as in etcd. */
export const sealedPrefix = 'k8s:enc:';

/** The name of the one field of an encrypted value; undefined for a plain one, which has a kind beside all else. */
export function sealedField(stored: object): string | undefined {
  let only: string | undefined;
  for (const field in stored) {
    if (only !== undefined || !field.startsWith(sealedPrefix)) return undefined;
    only = field;
  }
  return only;
}

/** A value as it came from the store; one that nobody there has decrypted cannot be read. */
export function unsealed(key: string, value: object): object {
  return isUnreadable(value) || sealedField(value) === undefined
    ? value
    : unreadableValue(key, 'identity transformer tried to read encrypted data');
}

/** True for what `unreadableValue` made. */
export function isUnreadable(value: object): boolean {
  return unreadable.has(value);
}

export function markStale(value: object): void {
  stale.add(value);
}

/** True for a value that is to be written anew, even when nothing in it changes: its key is no longer the first. */
export function isStale(value: object): boolean {
  return stale.has(value);
}
