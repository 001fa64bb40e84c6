/**
 * Asks the webhooks of the cluster about writes (API-17).
 *
 * Guarantees: mutating webhooks are asked one after the other, by the name of their configuration, each
 * seeing what those before it have made of the object; validating ones all at once. Nothing is written
 * before all have agreed. The webhook configurations themselves are never asked about, nor are the
 * server's own writes: no webhook can lock a cluster up for good.
 */
import {
  applyJsonPatch,
  forbidden,
  internalError,
  isWebhookUnreachable,
  type JsonObject,
  type JsonValue,
  notFound,
  type Random,
  type UserInfo,
  type WebhookDialer,
} from '../../../api/index.js';
import type { Logger } from '../../../telemetry/index.js';
import type { Authorizer } from '../../auth/authorizer.js';
import type { StampedObject } from '../../cache/resource-cache.js';
import { storagePrefix, type WatchCache } from '../../cache/watch-cache.js';
import type { ServedResource } from '../../resource.js';
import type { AdmissionAttributes, MutationRound } from '../admission.js';
import { evaluateConditions } from '../policies/match-conditions.js';
import { requestValues } from '../policies/request-variables.js';
import { Reinvocation } from '../reinvocation.js';
import { type Hook, HookSource } from './hook.js';
import type { RuleTarget } from './matching.js';
import {
  admissionReview,
  denial,
  dryRunUnsupported,
  InvalidAnswer,
  type Served,
  type Verdict,
  verdictOf,
} from './review.js';
import { VersionedObjects } from './versioned-objects.js';

export interface WebhookAdmissionDeps {
  readonly cache: WatchCache;
  readonly dialer: WebhookDialer;
  readonly random: Random;
  readonly log: Logger;
  /** Asked by match conditions. */
  readonly authorizer: Authorizer;
  /** Whether this is the server itself, and not merely somebody of its name. */
  readonly isServer: (user: UserInfo) => boolean;
  /** The same resource in its other served versions. */
  readonly otherVersions: (resource: ServedResource) => readonly ServedResource[];
}

const group = 'admissionregistration.k8s.io';
const exempt = new Set([
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
]);
const namespaces = { group: '', plural: 'namespaces' };
const namespacePrefix = storagePrefix(namespaces);

/** Asking a webhook did not work; its failurePolicy decides what that means. */
class CallFailed extends Error {
  override readonly name = 'CallFailed';
}

export class WebhookAdmission {
  readonly #mutating: HookSource;
  readonly #validating: HookSource;

  constructor(private readonly deps: WebhookAdmissionDeps) {
    const source = (plural: string) => new HookSource(deps.cache.resource(storagePrefix({ group, plural })));
    this.#mutating = source('mutatingwebhookconfigurations');
    this.#validating = source('validatingwebhookconfigurations');
  }

  /** The mutating webhooks' turn with one request; undefined when there is nobody to ask. */
  mutation(attributes: AdmissionAttributes): MutationRound | undefined {
    const hooks = this.#hooks(this.#mutating, attributes);
    return hooks.length === 0 ? undefined : new WebhookRound(attributes, hooks, new HookCaller(this.deps));
  }

  /** @throws ApiError of the first webhook, in their order, that refuses or cannot be asked */
  validate(attributes: AdmissionAttributes): Promise<void> | undefined {
    const hooks = this.#hooks(this.#validating, attributes);
    return hooks.length === 0 ? undefined : this.#askAll(attributes, hooks);
  }

  async #askAll(attributes: AdmissionAttributes, hooks: readonly Hook[]): Promise<void> {
    const caller = new HookCaller(this.deps);
    const objects = new VersionedObjects(attributes, attributes.object);
    const wanted: (readonly [Hook, ServedResource])[] = [];
    for (const hook of hooks) {
      const shown = caller.match(hook, attributes, objects);
      if (shown && (await caller.conditionsHold(hook, shown, attributes, objects)))
        wanted.push([hook, shown]);
    }
    const asked = wanted.map(([hook, shown]) => caller.ask(hook, shown, attributes, objects, false));
    const outcomes = await Promise.allSettled(asked);
    for (const outcome of outcomes) {
      const warnings = outcome.status === 'fulfilled' ? outcome.value?.warnings : warningsOf(outcome.reason);
      attributes.warnings?.push(...(warnings ?? []));
    }
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw unwrapped(outcome.reason);
  }

  #hooks(source: HookSource, { resource, user }: AdmissionAttributes): readonly Hook[] {
    const { facts } = resource;
    if (facts.group === group && exempt.has(facts.plural)) return [];
    return this.deps.isServer(user) ? [] : source.current();
  }
}

/** A refusal, with the warnings that came with it. */
class Refused extends Error {
  constructor(
    override readonly cause: unknown,
    readonly warnings: readonly string[],
  ) {
    super();
  }
}

function warningsOf(reason: unknown): readonly string[] {
  return reason instanceof Refused ? reason.warnings : [];
}
function unwrapped(reason: unknown): unknown {
  return reason instanceof Refused ? reason.cause : reason;
}

/** One request's way past the mutating webhooks. */
class WebhookRound implements MutationRound {
  readonly #reinvocation = new Reinvocation();

  constructor(
    private readonly attributes: AdmissionAttributes,
    private readonly hooks: readonly Hook[],
    private readonly caller: HookCaller,
  ) {}

  get changed(): boolean {
    return this.#reinvocation.changed;
  }

  /** @throws ApiError of a webhook that refuses, cannot be asked, or gives a patch that does not fit */
  async run(object: JsonObject | undefined): Promise<JsonObject | undefined> {
    const { attributes, caller } = this;
    this.#reinvocation.begin(object);
    const objects = new VersionedObjects(attributes, object);
    for (const hook of this.hooks) {
      const shown = caller.match(hook, attributes, objects);
      if (!shown || !this.#reinvocation.isAsked(hook.id)) continue;
      if (!(await caller.conditionsHold(hook, shown, attributes, objects))) continue;
      let verdict: Verdict | undefined;
      try {
        verdict = await caller.ask(hook, shown, attributes, objects, true);
      } catch (error) {
        attributes.warnings?.push(...warningsOf(error));
        throw unwrapped(error);
      }
      attributes.warnings?.push(...(verdict?.warnings ?? []));
      const patch = verdict?.patch;
      const changed = patch !== undefined && (await apply(hook, patch, shown, objects));
      this.#reinvocation.asked(hook.id, { changed, reinvoke: hook.reinvoke });
    }
    this.#reinvocation.end(objects.object);
    return objects.object;
  }
}

/** @returns whether the object is another one now */
async function apply(
  hook: Hook,
  patch: JsonValue,
  resource: ServedResource,
  objects: VersionedObjects,
): Promise<boolean> {
  if (Array.isArray(patch) && patch.length === 0) return false;
  const object = await objects.objectAt(resource);
  if (!object) {
    throw internalError(
      `admission webhook ${JSON.stringify(hook.name)} attempted to modify the object, which is not supported for this operation`,
    );
  }
  let patched;
  try {
    patched = applyJsonPatch(object, patch);
  } catch (error) {
    throw internalError((error as Error).message);
  }
  if (typeof patched !== 'object' || patched === null || Array.isArray(patched))
    throw internalError(`admission webhook ${JSON.stringify(hook.name)} patched the object away`);
  return objects.replace(resource, patched as JsonObject);
}

/** Whether a webhook is to be asked, and asking it. */
class HookCaller {
  constructor(private readonly deps: WebhookAdmissionDeps) {}

  /**
   * The resource at the version the webhook wants to see; undefined when the request is none of its business.
   * @throws ApiError NotFound when its namespace is not there
   */
  match(hook: Hook, attributes: AdmissionAttributes, objects: VersionedObjects): ServedResource | undefined {
    const shown = this.#byRules(hook, attributes);
    if (!shown) return undefined;
    if (!this.#inNamespaces(hook, attributes, objects.object)) return undefined;
    const { objectSelector } = hook;
    const selected =
      objectSelector.isEmpty ||
      [objects.object, attributes.oldObject].some((o) => o && objectSelector.matches(labelsOf(o)));
    return selected ? shown : undefined;
  }

  /**
   * Whether its match conditions want the webhook asked.
   * @throws ApiError Forbidden when that cannot be told and the webhook has to be asked
   */
  async conditionsHold(
    hook: Hook,
    shown: ServedResource,
    attributes: AdmissionAttributes,
    objects: VersionedObjects,
  ): Promise<boolean> {
    if (hook.conditions.length === 0) return true;
    const values = requestValues({
      attributes,
      shown,
      object: await objects.objectAt(shown),
      oldObject: await objects.oldAt(shown),
      authorizer: this.deps.authorizer,
    });
    const verdict = evaluateConditions(hook.conditions, values);
    if ('matches' in verdict) return verdict.matches;
    if (!hook.failOpen) throw forbidden(attributes.resource.facts, attributes.name, verdict.error);
    this.deps.log.warn('failed evaluating match conditions, failing open', {
      webhook: hook.name,
      error: verdict.error,
    });
    return false;
  }

  #byRules(hook: Hook, attributes: AdmissionAttributes): ServedResource | undefined {
    const { resource, operation, subresource, namespace } = attributes;
    const aboutVersion = ({ facts }: ServedResource): RuleTarget => ({
      operation,
      group: facts.group,
      version: facts.version,
      resource: facts.plural,
      subresource,
      namespace,
    });
    const own = aboutVersion(resource);
    if (hook.rules.some((rule) => rule(own))) return resource;
    if (!hook.equivalent) return undefined;
    // An earlier rule goes before an earlier version.
    const others = this.deps
      .otherVersions(resource)
      .filter(({ facts }) => subresource === '' || facts.subresources.some((s) => s.name === subresource));
    for (const rule of others.length === 0 ? [] : hook.rules) {
      const found = others.find((other) => rule(aboutVersion(other)));
      if (found) return found;
    }
    return undefined;
  }

  #inNamespaces(
    { namespaceSelector }: Hook,
    attributes: AdmissionAttributes,
    object: JsonObject | undefined,
  ): boolean {
    if (namespaceSelector.isEmpty) return true;
    const { resource, namespace, subresource } = attributes;
    const isNamespace = resource.facts.group === '' && resource.facts.plural === 'namespaces';
    if (namespace === '' && !isNamespace) return true;
    // A namespace that is being written is judged by what it will be.
    if (isNamespace && subresource === '' && object) return namespaceSelector.matches(labelsOf(object));
    const found = this.deps.cache.resource(namespacePrefix).get(`${namespacePrefix}${namespace}`);
    if (!found) throw notFound(namespaces, namespace);
    return namespaceSelector.matches(found.object.metadata.labels);
  }

  /**
   * The webhook's verdict, which is not a refusal; undefined when it could not be asked and need not be.
   * @throws Refused, or ApiError BadRequest on a dry run it cannot take part in
   */
  async ask(
    hook: Hook,
    shown: ServedResource,
    attributes: AdmissionAttributes,
    objects: VersionedObjects,
    mutating: boolean,
  ): Promise<Verdict | undefined> {
    if (attributes.dryRun && !hook.dryRunnable) throw dryRunUnsupported(hook.name);
    let verdict: Verdict;
    try {
      verdict = await this.#call(hook, shown, attributes, objects, mutating);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      const message = `failed calling webhook ${JSON.stringify(hook.name)}: ${error.message}`;
      if (hook.failOpen && !attributes.signal?.()?.aborted) {
        this.deps.log.warn('failed calling webhook, failing open', { webhook: hook.name, error: message });
        return undefined;
      }
      throw internalError(message);
    }
    if (verdict.allowed) return verdict;
    throw new Refused(denial(hook.name, verdict.status), verdict.warnings);
  }

  async #call(
    hook: Hook,
    shown: ServedResource,
    attributes: AdmissionAttributes,
    objects: VersionedObjects,
    mutating: boolean,
  ): Promise<Verdict> {
    const uid = this.deps.random.uuid();
    const review = admissionReview({
      uid,
      attributes,
      requested: servedAs(attributes.resource, attributes),
      shown: servedAs(shown, attributes),
      object: await objects.objectAt(shown),
      oldObject: await objects.oldAt(shown),
    });
    const signal = attributes.signal?.();
    let answer: JsonObject;
    try {
      answer = await this.deps.dialer.call(hook.client, review, {
        timeoutMs: hook.timeoutMs,
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      if (!isWebhookUnreachable(error)) throw error;
      throw new CallFailed(`failed to call webhook: ${error.message}`, { cause: error });
    }
    try {
      return verdictOf(answer, uid, mutating);
    } catch (error) {
      if (!(error instanceof InvalidAnswer)) throw error;
      throw new CallFailed(`received invalid webhook response: ${error.message}`);
    }
  }
}

function servedAs({ facts }: ServedResource, { kind }: AdmissionAttributes): Served {
  return { kind: kind ?? facts, version: facts.version };
}

function labelsOf(object: JsonObject): Readonly<Record<string, string>> | undefined {
  return (object as Partial<StampedObject>).metadata?.labels;
}
