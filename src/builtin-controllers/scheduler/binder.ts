/**
 * Binds a pod to its node and finds out how that ended (SC-8).
 *
 * Guarantees: it is settled only when it is known whether the pod is bound there. A request that got no
 * answer is repeated for the same node: a second binding is refused, so that repeating it is safe, and
 * deciding anew is not.
 */
import { type Client, type Clock, isApiError, isConflict, isNotFound, sleep } from 'gyre';
import { Binding, Pod } from 'gyre/kinds';

const firstRetryMs = 1000;
const longestRetryMs = 10_000;

export type BindOutcome =
  | { readonly bound: true }
  /** `gone`: the pod is deleted, being deleted, or somewhere else; there is nothing to tell it. */
  | { readonly bound: false; readonly gone: boolean; readonly error: Error };

export interface BinderDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** @throws the signal's reason, when it aborts while the outcome is unknown */
export async function bind(
  { client, clock, signal }: BinderDeps,
  pod: Pod,
  node: string,
): Promise<BindOutcome> {
  const { name, namespace = '', uid } = pod.metadata;
  const key = { namespace, name };
  for (let retryMs = firstRetryMs; ; retryMs = Math.min(longestRetryMs, retryMs * 2)) {
    try {
      await client.createSubresource(Pod, key, 'binding', Binding, {
        metadata: { name, namespace, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      });
      return { bound: true };
    } catch (error) {
      signal.throwIfAborted();
      if (isRefusal(error)) {
        const gone = isNotFound(error) || isConflict(error);
        // It may be an earlier request of ours that is in the way.
        const bound = isConflict(error) && (await nodeNow(client, key, uid)) === node;
        return bound ? { bound } : { bound, gone, error };
      }
    }
    await sleep(clock, retryMs, signal);
  }
}

/** The server said no, and meant it: what went wrong on its own side it may have done all the same. */
function isRefusal(error: unknown): error is Error {
  return (
    isApiError(error) &&
    error.status.code !== undefined &&
    error.status.code < 500 &&
    error.status.code !== 429
  );
}

async function nodeNow(
  client: Client,
  key: { readonly namespace: string; readonly name: string },
  uid: string,
): Promise<string | undefined> {
  const pod = await client.find(Pod, key).catch(() => undefined);
  return pod?.metadata.uid === uid ? pod.spec.nodeName : undefined;
}
