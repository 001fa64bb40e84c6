/** Waiting for what may be aborted meanwhile. */
import { setMaxListeners } from 'node:events';

/** Settles like the promise, or rejects with the signal's reason if that comes first. */
export function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Does one thing for all at once; when one fails, the others are aborted and waited for. @throws the first error */
export async function together<T>(
  items: readonly T[],
  aborted: AbortSignal,
  act: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([aborted, failed.signal]);
  setMaxListeners(0, signal);
  let first: { readonly error: unknown } | undefined;
  await Promise.all(
    items.map(async (item) => {
      try {
        await act(item, signal);
      } catch (error) {
        first ??= { error };
        failed.abort(error);
      }
    }),
  );
  if (first) throw first.error;
}
