/**
 * Puts the definition of a custom kind into the cluster and waits until the kind is served.
 *
 * Level-triggered: whatever goes wrong is a state that is waited out with back-off. Only a definition that
 * the server calls invalid is final, because sending it again cannot help.
 */
import {
  type ApiError,
  type Clock,
  isApiError,
  isForbidden,
  isInvalid,
  jitter,
  type Random,
  sleep,
} from '../../api/index.js';
import { CustomResourceDefinition } from '../../api/kinds/apiextensions/v1.js';
import type { Client } from '../../client/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { AnyCustomResource, IdentifiedInput } from './custom-resource.js';

export interface CrdInstallDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const firstDelayMs = 200;
const longestDelayMs = 30_000;
/** How long one look at the definition lasts before it is applied again. */
const watchSeconds = 60;

/**
 * Resolves when the kind is served.
 * @throws RegistrationError when no schema can be made of its classes
 * @throws ApiError Invalid or BadRequest when the server refuses the definition for good
 * @throws the signal's reason when it aborts
 */
export async function installCrd(kind: AnyCustomResource, deps: CrdInstallDeps): Promise<void> {
  const { clock, random, signal } = deps;
  const crd = await kind.crd();
  const log = deps.log.with({ crd: crd.metadata.name });
  for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, longestDelayMs)) {
    signal.throwIfAborted();
    try {
      if (await tryInstall(crd, { ...deps, log })) return;
      log.info('custom resource definition is not established yet');
    } catch (error) {
      signal.throwIfAborted();
      if (isInvalid(error) || isApiError(error, 'BadRequest')) throw error;
      log.warn('custom resource definition is not installed yet', { error, retryInMs: delayMs });
    }
    await sleep(clock, jitter(random, delayMs, 0.2), signal);
  }
}

/** True once the kind is served; false when the watch ended before that. */
async function tryInstall(
  crd: IdentifiedInput<CustomResourceDefinition>,
  deps: CrdInstallDeps,
): Promise<boolean> {
  const { client, signal, log } = deps;
  const name = crd.metadata.name ?? '';
  let installed: CustomResourceDefinition;
  try {
    installed = await client.apply(CustomResourceDefinition, crd, { force: true, signal });
  } catch (error) {
    if (!isForbidden(error)) throw error;
    const present = await foundInstead(client, name, signal, error);
    log.warn('not allowed to write the custom resource definition; using the one that is installed');
    installed = present;
  }
  if (isServed(installed)) return true;
  const watch = await client.watch(CustomResourceDefinition, {
    fieldSelector: `metadata.name=${name}`,
    resourceVersion: installed.metadata.resourceVersion,
    timeoutSeconds: watchSeconds,
    signal,
  });
  for await (const events of watch.events) {
    for (const event of events) {
      if (event.type === 'ERROR' || event.type === 'DELETED') return false;
      if (event.type !== 'BOOKMARK' && isServed(event.object)) return true;
      if (event.type !== 'BOOKMARK') warnOfConflict(event.object, log);
    }
  }
  return false;
}

async function foundInstead(
  client: Client,
  name: string,
  signal: AbortSignal,
  refusal: ApiError,
): Promise<CustomResourceDefinition> {
  const present = await client.find(CustomResourceDefinition, name, { signal });
  if (!present) throw refusal;
  return present;
}

function conditionOf(crd: CustomResourceDefinition, type: string) {
  return crd.status?.conditions?.find((c) => c.type === type);
}

function isServed(crd: CustomResourceDefinition): boolean {
  return conditionOf(crd, 'Established')?.status === 'True' && crd.metadata.deletionTimestamp === undefined;
}

function warnOfConflict(crd: CustomResourceDefinition, log: Logger): void {
  const names = conditionOf(crd, 'NamesAccepted');
  if (names?.status === 'False')
    log.warn('the names of the custom resource definition are taken', {
      reason: names.reason,
      message: names.message,
    });
}
