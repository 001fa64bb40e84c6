/**
 * Admission: the last word before an object is stored (API-17). Plugins run in order, then mutating policies and
 * mutating webhooks; when one of those has changed something, all of it once more; after validation plugins and webhooks
 * may refuse.
 */
import type { GroupVersionKind, JsonObject, UserInfo } from '../../api/index.js';
import type { ServedResource } from '../resource.js';
import type { MutatingPolicyAdmission } from './policies/mutating-admission.js';
import type { WebhookAdmission } from './webhooks/webhook-admission.js';

export interface AdmissionAttributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly resource: ServedResource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** The object as it will be stored, at the version of the request; absent on DELETE. */
  readonly object: JsonObject | undefined;
  readonly oldObject: JsonObject | undefined;
  /** What the objects are where they are not the resource's own: a Scale, a Binding. */
  readonly kind?: GroupVersionKind;
  /** `CreateOptions`, `UpdateOptions` or `DeleteOptions` of the request. */
  readonly options?: JsonObject;
  /** Takes what the client is to be told. */
  readonly warnings?: string[];
  /** Says something in the audit log; undefined where nobody keeps one. */
  readonly annotate?: (key: string, value: string) => void;
  /** Aborted when the client is gone; a function, as most requests are over before anybody asks. */
  readonly signal?: () => AbortSignal | undefined;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Gives a changed object, or undefined to leave it. @throws ApiError to refuse */
  mutate?(attributes: AdmissionAttributes): JsonObject | undefined;
  /** @throws ApiError to refuse */
  validate?(attributes: AdmissionAttributes): Promise<void> | undefined | void;
  /**
   * When nobody else has refused: takes what the object is to have from what there is left.
   * @throws ApiError when that is too little
   */
  charge?(attributes: AdmissionAttributes): Promise<void> | undefined;
}

/** One request's way past those that the cluster has in it to change objects: twice at most. */
export interface MutationRound {
  /** @throws ApiError of whoever refuses */
  run(object: JsonObject | undefined): Promise<JsonObject | undefined>;
  /** True when the object is another one since the round began: everybody gets a second look. */
  readonly changed: boolean;
}

export class AdmissionChain {
  constructor(
    private readonly plugins: readonly AdmissionPlugin[],
    private readonly webhooks?: WebhookAdmission,
    private readonly policies?: MutatingPolicyAdmission,
  ) {}

  /**
   * The object as it is to be, with defaults; the given one when nothing has to change.
   * @throws ApiError
   */
  async mutate(attributes: AdmissionAttributes): Promise<JsonObject | undefined> {
    let object = this.#plugins(attributes);
    const rounds = [this.policies?.mutation(attributes), this.webhooks?.mutation(attributes)].filter(
      (round) => round !== undefined,
    );
    if (rounds.length === 0) return object;
    for (const round of rounds) object = await round.run(object);
    if (!rounds.some(({ changed }) => changed)) return object;
    object = this.#plugins({ ...attributes, object });
    for (const round of rounds) object = await round.run(object);
    return object;
  }

  /** @throws ApiError */
  async validate(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.plugins) {
      const pending = plugin.validate?.(attributes);
      // Most have nothing to wait for, and nobody waits for them.
      if (pending) await pending;
    }
    const asked = this.webhooks?.validate(attributes);
    if (asked) await asked;
    for (const plugin of this.plugins) {
      const pending = plugin.charge?.(attributes);
      if (pending) await pending;
    }
  }

  #plugins(attributes: AdmissionAttributes): JsonObject | undefined {
    let current = attributes;
    for (const plugin of this.plugins) {
      const object = plugin.mutate?.(current);
      if (object && object !== current.object) current = { ...current, object };
    }
    return current.object;
  }
}
