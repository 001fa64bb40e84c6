/** What every controller definition must satisfy, wherever it came from. */
import {
  dns1123Subdomain,
  durationMs,
  parseFieldSelector,
  parseLabelSelector,
  qualifiedName,
} from '../../api/index.js';
import type { ControllerDefinition, Selection } from './definition.js';
import { RegistrationError } from '../registration/registration-error.js';

/** Field managers are at most this long. */
const maxNameLength = 128;

/**
 * @param where how messages name the definition: its class, or the builder
 * @throws RegistrationError
 */
export function checkDefinition<T>(where: string, definition: ControllerDefinition<T>): void {
  const { name, cleanups, maxConcurrent, watches } = definition;
  if (dns1123Subdomain(name).length > 0 || name.length > maxNameLength) {
    throw new RegistrationError(
      where,
      `has the name ${JSON.stringify(name)}`,
      "write lower-case letters, digits, '-' and '.', e.g. 'website'",
    );
  }
  if (typeof definition.reconcile !== 'function') {
    throw new RegistrationError(where, 'has no reconcile', 'add a method reconcile(object, ctx)');
  }
  const seen = new Set<string>();
  for (const { finalizer } of cleanups) {
    if (!finalizer.includes('/') || qualifiedName(finalizer).length > 0) {
      throw new RegistrationError(
        where,
        `has @Finalizer(${JSON.stringify(finalizer)}), which is not qualified`,
        "put a domain you own before it, e.g. 'example.com/cleanup'",
      );
    }
    if (seen.has(finalizer)) {
      throw new RegistrationError(
        where,
        `has @Finalizer(${JSON.stringify(finalizer)}) twice`,
        'give each its own name',
      );
    }
    seen.add(finalizer);
  }
  if (maxConcurrent !== undefined && (!Number.isInteger(maxConcurrent) || maxConcurrent < 1)) {
    throw new RegistrationError(where, `has maxConcurrent ${maxConcurrent}`, 'write a whole number from 1');
  }
  for (const watch of watches) {
    if (watch.relation === 'owns' && watch.cluster !== undefined) {
      throw new RegistrationError(
        where,
        `owns ${watch.kind.kind} in cluster ${JSON.stringify(watch.cluster)}: owner references end at a cluster's border`,
        `write @Watches(${watch.kind.kind}, { cluster: '${watch.cluster}', map }) and a @Finalizer that deletes them`,
      );
    }
    if (watch.relation === 'watches' && typeof watch.map !== 'function') {
      throw new RegistrationError(
        where,
        `watches ${watch.kind.kind} without map`,
        'give a function that names the objects a change concerns',
      );
    }
  }
  checkTimes(where, definition);
  checkSelection(where, definition);
  for (const watch of watches) checkSelection(`${where}, watching ${watch.kind.kind},`, watch);
  checkRetries(where, definition);
  const { pausedBy } = definition;
  if (typeof pausedBy === 'string' && qualifiedName(pausedBy).length > 0) {
    throw new RegistrationError(
      where,
      `has pausedBy ${JSON.stringify(pausedBy)}, which is no annotation`,
      "write a qualified name, e.g. 'example.com/paused'",
    );
  }
  for (const { resources, verbs } of definition.rbac ?? []) {
    if (resources.length === 0 || verbs.length === 0) {
      throw new RegistrationError(
        where,
        'has @Rbac without resources or without verbs',
        "name both, e.g. { resources: ['secrets'], verbs: ['get'] }",
      );
    }
  }
}

function checkTimes<T>(where: string, definition: ControllerDefinition<T>): void {
  const { timeout, cacheSyncTimeout, every, debounce, backoff, timers = [] } = definition;
  const times = {
    timeout,
    cacheSyncTimeout,
    every,
    debounce,
    'backoff.first': backoff?.first,
    'backoff.max': backoff?.max,
    ...Object.fromEntries(timers.map((timer) => [`@Timer of ${timer.name}`, timer.every])),
  };
  for (const [option, time] of Object.entries(times)) {
    refuseThrown(where, option, () => {
      // Nothing happens every 0 ms, and nothing is done within that.
      if (time !== undefined && durationMs(time) <= 0)
        throw new TypeError(`it must be longer than ${JSON.stringify(time)}`);
    });
  }
}

function checkSelection(
  where: string,
  { namespace, namespaces, labelSelector, fieldSelector }: Selection,
): void {
  refuseThrown(
    where,
    'labelSelector',
    () => labelSelector !== undefined && parseLabelSelector(labelSelector),
  );
  refuseThrown(
    where,
    'fieldSelector',
    () => fieldSelector !== undefined && parseFieldSelector(fieldSelector),
  );
  if (namespace !== undefined && namespaces !== undefined)
    throw new RegistrationError(where, 'has both namespace and namespaces', 'keep one of them');
  for (const each of [...(namespaces ?? []), ...(namespace === undefined ? [] : [namespace])]) {
    if (dns1123Subdomain(each).length > 0)
      throw new RegistrationError(
        where,
        `has the namespace ${JSON.stringify(each)}`,
        'write the name of a namespace',
      );
  }
}

function checkRetries<T>(where: string, { retries, fairness }: ControllerDefinition<T>): void {
  if (retries && !(retries.perSecond > 0 && retries.burst >= 1)) {
    throw new RegistrationError(
      where,
      `has retries ${JSON.stringify(retries)}`,
      'write perSecond above 0 and burst from 1',
    );
  }
  if (fairness !== undefined && fairness !== 'namespace' && typeof fairness !== 'function') {
    throw new RegistrationError(
      where,
      `has fairness ${JSON.stringify(fairness)}`,
      "write 'namespace', or a function from a key to its group",
    );
  }
}

function refuseThrown(where: string, option: string, read: () => unknown): void {
  try {
    read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RegistrationError(where, `has a ${option} that cannot be read`, why, { cause });
  }
}
