/** Running a kind's strategy the way the server does. */
import type { JsonObject, StatusCause } from 'gyre/api';
import { type KindStrategy, strategyFor } from '#src/apiserver/builtin/index.js';

/** An object whose members a test knows better than the compiler. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Loose = any;

type Mutable = { [key: string]: unknown };

export function copyOf(object: object): Mutable {
  return structuredClone(object) as Mutable;
}

/** The object with its defaults. */
export function defaulted(group: string, kind: string, object: object): Mutable {
  const own = copyOf(object);
  strategyFor(group, kind).applyDefaults?.(own);
  return own;
}

/** The object as it would be stored at create. */
export function created(group: string, kind: string, object: object): Mutable {
  const own = defaulted(group, kind, object);
  strategyFor(group, kind).prepareForCreate?.(own, {
    user: { username: 'jane', groups: ['system:authenticated'] },
    now: '2026-01-01T00:00:00Z',
    subresource: '',
  });
  return own;
}

/** `field: message` of every cause a create is refused for. */
export function createErrors(group: string, kind: string, object: object): string[] {
  return texts(strategyFor(group, kind).validate?.(created(group, kind, object) as JsonObject) ?? []);
}

/** The object after an update, and why the update is refused. */
export function updated(
  group: string,
  kind: string,
  old: object,
  change: (draft: Loose) => void,
): { object: Mutable; errors: string[] } {
  const strategy: KindStrategy = strategyFor(group, kind);
  const before = created(group, kind, old);
  const object = copyOf(before);
  change(object);
  strategy.applyDefaults?.(object);
  strategy.prepareForUpdate?.(object, before as JsonObject);
  return {
    object,
    errors: texts(strategy.validateUpdate?.(object as JsonObject, before as JsonObject, '') ?? []),
  };
}

export function texts(causes: readonly StatusCause[]): string[] {
  return causes.map(({ field, message }) => `${field}: ${message}`);
}

export const container = { name: 'web', image: 'nginx' };

export function pod(spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default' },
    spec: { containers: [container], ...spec },
  };
}

export function template(labels: Record<string, string> = { app: 'web' }, spec: object = {}): object {
  return { metadata: { labels }, spec: { containers: [container], ...spec } };
}

export function workload(kind: string, spec: object = {}): object {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'web', namespace: 'default', uid: 'u-1' },
    spec: { selector: { matchLabels: { app: 'web' } }, template: template(), ...spec },
  };
}
