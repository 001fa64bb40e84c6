/**
 * Admission webhooks as functions of a kind: what fills in defaults, and what refuses. A review goes in and an answer
 * comes out; who carries them is of no concern here.
 *
 * ```ts
 * const websites = webhookFor(Website)
 *   .defaults((site) => { site.spec.image ??= 'nginx'; })
 *   .validates((site, { oldObject }) =>
 *     oldObject && site.spec.image !== oldObject.spec.image ? [{ field: 'spec.image', message: 'is immutable' }] : []);
 * ```
 * Guarantees: whatever a function does, the answer is a review: a throw becomes a refusal that says so and is logged, never
 * an admission. Objects are readonly to those that validate, and a draft to those that fill in.
 */
import type { Draft, JsonObject, KindOf, UserInfo } from '../../api/index.js';
import { draftPatch } from '../../client/index.js';
import type { LabelSelector } from '../../api/kinds/meta/v1.js';
import type { Logger } from '../../telemetry/index.js';

export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE';

/** What is asked. */
export interface AdmissionRequest<T> {
  readonly operation: AdmissionOperation;
  /** The object before; absent on CREATE. */
  readonly oldObject: T | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly subresource: string | undefined;
  /** Shown to the user as a warning; the request goes on. */
  warn(text: string): void;
}

/** Why an object is refused. */
export interface FieldProblem {
  /** `spec.image`. */
  readonly field: string;
  readonly message: string;
}

export type Defaulter<T> = (draft: Draft<T>, request: AdmissionRequest<T>) => void;
/** Gives problems, if any; on DELETE it is given the object that goes. */
export type Validator<T> = (
  object: T,
  request: AdmissionRequest<T>,
) => readonly FieldProblem[] | undefined | void | Promise<readonly FieldProblem[] | undefined | void>;

export interface WebhookSettings {
  /** What happens when the webhook cannot be reached. Default `Fail`. */
  readonly failurePolicy?: 'Fail' | 'Ignore';
  /** 1 to 30. Default 10. */
  readonly timeoutSeconds?: number;
  /** Default CREATE and UPDATE. */
  readonly operations?: readonly AdmissionOperation[];
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
}

/** The webhooks of one kind. */
export interface AdmissionDefinition {
  readonly kind: KindOf<unknown>;
  readonly settings: WebhookSettings;
  readonly defaulters: readonly Defaulter<never>[];
  readonly validators: readonly Validator<never>[];
}

export interface WebhookBuilder<T> extends AdmissionDefinition {
  with(settings: WebhookSettings): WebhookBuilder<T>;
  /** Fills in what is missing; synchronous, and must come to the same when it is called again. */
  defaults(defaulter: Defaulter<T>): WebhookBuilder<T>;
  validates(validator: Validator<T>): WebhookBuilder<T>;
}

/** Begins the webhooks of a kind, custom or built in; each step gives a new builder. */
export function webhookFor<T>(kind: KindOf<T>): WebhookBuilder<T> {
  return builder<T>({ kind: kind as KindOf<unknown>, settings: {}, defaulters: [], validators: [] });
}

function builder<T>(so: AdmissionDefinition): WebhookBuilder<T> {
  return {
    ...so,
    with: (settings) => builder({ ...so, settings: { ...so.settings, ...settings } }),
    defaults: (defaulter) =>
      builder({ ...so, defaulters: [...so.defaulters, defaulter as Defaulter<never>] }),
    validates: (validator) =>
      builder({ ...so, validators: [...so.validators, validator as Validator<never>] }),
  };
}

export type AdmissionMode = 'mutating' | 'validating';

interface Review {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly request?: {
    readonly uid?: unknown;
    readonly operation?: AdmissionOperation;
    readonly object?: JsonObject | null;
    readonly oldObject?: JsonObject | null;
    readonly userInfo?: UserInfo;
    readonly dryRun?: boolean;
    readonly subResource?: string;
  };
}

/** What became of a review, besides its answer. */
export interface Answered {
  readonly review: JsonObject;
  /** A function of the author's threw. */
  readonly failed: boolean;
}

/** @throws TypeError for what is no AdmissionReview v1 */
export async function answerAdmission(
  definition: AdmissionDefinition,
  mode: AdmissionMode,
  body: JsonObject,
  log: Logger,
): Promise<Answered> {
  const { apiVersion, kind, request } = body as Review;
  if (apiVersion !== 'admission.k8s.io/v1' || kind !== 'AdmissionReview' || typeof request?.uid !== 'string')
    throw new TypeError('the body is no AdmissionReview of admission.k8s.io/v1');
  const warnings: string[] = [];
  const asked: AdmissionRequest<never> = {
    operation: request.operation ?? 'CREATE',
    oldObject: (request.oldObject ?? undefined) as never,
    user: request.userInfo ?? { username: '' },
    dryRun: request.dryRun === true,
    subresource: request.subResource || undefined,
    warn: (text) => void warnings.push(text),
  };
  const object = (request.object ?? request.oldObject ?? {}) as JsonObject;
  let decided: JsonObject;
  let failed = false;
  try {
    decided =
      mode === 'mutating' ? mutate(definition, object, asked) : await validate(definition, object, asked);
  } catch (error) {
    failed = true;
    log.error('a webhook failed', {
      webhook: `${mode} ${definition.kind.kind}`,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    decided = refusal(500, 'InternalError', error instanceof Error ? error.message : String(error));
  }
  const response = { uid: request.uid, ...decided, ...(warnings.length > 0 ? { warnings } : {}) };
  return { review: { apiVersion, kind, response } as JsonObject, failed };
}

function mutate(
  { defaulters }: AdmissionDefinition,
  object: JsonObject,
  request: AdmissionRequest<never>,
): JsonObject {
  if (request.operation === 'DELETE') return { allowed: true };
  const patch = draftPatch(object, (draft) => {
    for (const fill of defaulters) {
      const given: unknown = fill(draft as never, request);
      if (typeof (given as Promise<unknown> | undefined)?.then === 'function') {
        (given as Promise<unknown>).then(undefined, () => {});
        throw new TypeError('what fills in defaults must not be async');
      }
    }
  });
  if (patch.length === 0) return { allowed: true };
  return {
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
  };
}

async function validate(
  { kind, validators }: AdmissionDefinition,
  object: JsonObject,
  request: AdmissionRequest<never>,
): Promise<JsonObject> {
  const problems: FieldProblem[] = [];
  for (const check of validators) problems.push(...((await check(object as never, request)) ?? []));
  if (problems.length === 0) return { allowed: true };
  const { name = '' } = (object as { readonly metadata?: { readonly name?: string } }).metadata ?? {};
  const texts = problems.map(({ field, message }) => `${field}: ${message}`);
  const told = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const identity = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  return refusal(422, 'Invalid', `${identity} ${JSON.stringify(name)} is invalid: ${told}`, {
    group: kind.group,
    kind: kind.kind,
    name,
    causes: problems.map(({ field, message }) => ({ reason: 'FieldValueInvalid', field, message })),
  });
}

function refusal(code: number, reason: string, message: string, details?: JsonObject): JsonObject {
  return {
    allowed: false,
    status: { status: 'Failure', code, reason, message, ...(details ? { details } : {}) },
  };
}
