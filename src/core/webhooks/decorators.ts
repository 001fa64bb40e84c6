/**
 * Admission webhooks as a class.
 *
 * ```ts
 * @Admission(Website)
 * class WebsiteAdmission {
 *   @Defaults() image(draft: Draft<Website>) { draft.spec.image ??= 'nginx'; }
 *   @Validates() immutable(site: Website, { oldObject }: AdmissionRequest<Website>) { … }
 * }
 * new WebhookServer(options, admissionOf(new WebsiteAdmission()))
 * ```
 */
import type { KindOf } from '../../api/index.js';
import { type AnyClass, factsOfClass, factsOfLineage, type KindRef } from '../registration/metadata.js';
import { nameOfClass, RegistrationError } from '../registration/registration-error.js';
import type { AdmissionDefinition, Defaulter, Validator, WebhookSettings } from './admission.js';

/** Marks a class of webhooks of a kind. */
export function Admission<T>(kind: KindOf<T>, settings: WebhookSettings = {}) {
  return (cls: AnyClass): void => {
    factsOfClass(cls).admission = { kind: kind as KindRef<unknown>, settings };
  };
}

/** The method fills in what is missing; synchronous, and must come to the same when it is called again. */
export function Defaults() {
  return <M extends Defaulter<never>>(
    prototype: object,
    method: string,
    _descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    factsOfClass(prototype.constructor).defaulters.push(method);
  };
}

/** The method gives problems, if any. */
export function Validates() {
  return <M extends Validator<never>>(
    prototype: object,
    method: string,
    _descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    factsOfClass(prototype.constructor).validators.push(method);
  };
}

/**
 * The webhooks of an instance, for a WebhookServer or a TestCluster.
 * @throws RegistrationError for a class without @Admission, or with nothing to ask
 */
export function admissionOf(instance: object): AdmissionDefinition {
  const cls = instance.constructor as AnyClass;
  const lineage = factsOfLineage(cls);
  const admission = lineage.find((facts) => facts.admission)?.admission;
  if (!admission)
    throw new RegistrationError(
      nameOfClass(cls),
      'is not decorated with @Admission',
      'write @Admission(Kind) above it',
    );
  const call = (method: string) =>
    ((...args: unknown[]) =>
      (instance as Record<string, (...given: unknown[]) => unknown>)[method]?.apply(instance, args)) as never;
  const defaulters = lineage.flatMap((facts) => facts.defaulters).map(call);
  const validators = lineage.flatMap((facts) => facts.validators).map(call);
  if (defaulters.length + validators.length === 0)
    throw new RegistrationError(
      nameOfClass(cls),
      'has no webhook',
      'write @Defaults() or @Validates() above a method',
    );
  return { kind: admission.kind as KindOf<unknown>, settings: admission.settings, defaulters, validators };
}
