/**
 * Taking an operator away without leaving anything behind: its custom resources are deleted while the controllers still
 * run, so that every finalizer does its work; then, if asked for, the definitions.
 *
 * Deleting the operator first is the usual accident: its finalizers then hold objects, and namespaces, for ever.
 */
import {
  type Clock,
  durationMs,
  type Duration,
  isNoSuchKind,
  isNotFound,
  keyOf,
  type KindOf,
  sleep,
} from '../../api/index.js';
import { CustomResourceDefinition } from '../../api/kinds/apiextensions/v1.js';
import type { Client } from '../../client/index.js';
import type { Logger } from '../../telemetry/index.js';

export interface UninstallOptions {
  /** Deletes the definitions of the kinds too. Default false. */
  readonly deleteCrds?: boolean;
  /** Default 5m. */
  readonly timeout?: Duration;
  readonly signal?: AbortSignal;
}

export interface UninstallDeps extends UninstallOptions {
  readonly client: Client;
  readonly kinds: readonly KindOf<unknown>[];
  readonly clock: Clock;
  readonly log: Logger;
}

const brand: unique symbol = Symbol.for('gyre.uninstall-timeout') as never;

/** Something is still there. Nothing was forced: it can be tried again. */
export class UninstallTimeout extends Error {
  readonly [brand] = true;
  override readonly name = 'UninstallTimeout';
  constructor(
    /** What is left, and the finalizers that hold it. */
    readonly left: readonly {
      readonly kind: string;
      readonly key: string;
      readonly finalizers: readonly string[];
    }[],
  ) {
    const shown = left
      .slice(0, 10)
      .map(({ kind, key, finalizers }) => `${kind} ${key} (${finalizers.join(', ') || 'no finalizers'})`);
    super(`${left.length} objects are left: ${shown.join('; ')}`);
  }
}

interface Leaving {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
  };
}

const pollMs = 1_000;
/** The garbage collector must see that owners are gone while it can still ask for their kind. */
const beforeDefinitionsMs = 5_000;

/** @throws UninstallTimeout naming what is left; ApiError; the abort reason */
export async function uninstall(deps: UninstallDeps): Promise<void> {
  const { client, kinds, clock, log, deleteCrds = false, timeout = '5m', signal } = deps;
  const deadline = clock.monotonic() + durationMs(timeout);
  let told = -1;
  for (;;) {
    const left: UninstallTimeout['left'][number][] = [];
    // New ones may come until the definitions are gone: each round looks again.
    for (const kind of kinds) left.push(...(await deleteOf(client, kind, signal)));
    if (left.length === 0) break;
    if (left.length !== told) log.info('uninstalling: waiting for objects to go', { left: left.length });
    told = left.length;
    if (clock.monotonic() >= deadline) throw new UninstallTimeout(left);
    await sleep(clock, pollMs, signal);
  }
  if (!deleteCrds) return;
  await sleep(clock, beforeDefinitionsMs, signal);
  for (const { plural, group } of kinds) {
    await client.delete(CustomResourceDefinition, `${plural}.${group}`).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
  log.info('uninstalled', { definitions: kinds.length });
}

/** Asks for the deletion of all there are; gives those that are still there. */
async function deleteOf(client: Client, kind: KindOf<unknown>, signal: AbortSignal | undefined) {
  const left: UninstallTimeout['left'][number][] = [];
  try {
    for await (const object of client.list(kind, signal ? { signal } : {})) {
      const { metadata } = object as Leaving;
      const key = keyOf(object as Leaving);
      if (metadata.deletionTimestamp === undefined)
        await client
          .delete(
            kind,
            (metadata.namespace
              ? { namespace: metadata.namespace, name: metadata.name }
              : { name: metadata.name }) as never,
          )
          .catch((error: unknown) => {
            if (!isNotFound(error)) throw error;
          });
      left.push({ kind: kind.kind, key, finalizers: metadata.finalizers ?? [] });
    }
  } catch (error) {
    if (!isNoSuchKind(error)) throw error;
  }
  return left;
}
