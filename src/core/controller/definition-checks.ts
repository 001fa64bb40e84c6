/** What every controller definition must satisfy, wherever it came from. */
import { dns1123Subdomain, durationMs, parseLabelSelector, qualifiedName } from '../../api/index.js';
import type { ControllerDefinition } from './definition.js';
import { RegistrationError } from '../registration/registration-error.js';

/** Field managers are at most this long. */
const maxNameLength = 128;

/**
 * @param where how messages name the definition: its class, or the builder
 * @throws RegistrationError
 */
export function checkDefinition<T>(where: string, definition: ControllerDefinition<T>): void {
  const { name, cleanups, maxConcurrent, timeout, labelSelector, watches } = definition;
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
    if (watch.relation === 'watches' && typeof watch.map !== 'function') {
      throw new RegistrationError(
        where,
        `watches ${watch.kind.kind} without map`,
        'give a function that names the objects a change concerns',
      );
    }
  }
  refuseThrown(where, 'timeout', () => timeout !== undefined && durationMs(timeout));
  refuseThrown(
    where,
    'labelSelector',
    () => labelSelector !== undefined && parseLabelSelector(labelSelector),
  );
}

function refuseThrown(where: string, option: string, read: () => unknown): void {
  try {
    read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RegistrationError(where, `has a ${option} that cannot be read`, why, { cause });
  }
}
