/**
 * Admission: the last word before an object is stored (API-17). Plugins run in order, then mutating webhooks;
 * when a webhook has changed something, once more; after validation plugins and webhooks may refuse.
 */
import type { GroupVersionKind, JsonObject, UserInfo } from '../../api/index.js';
import type { ServedResource } from '../resource.js';
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
  readonly signal?: AbortSignal;
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

export class AdmissionChain {
  constructor(
    private readonly plugins: readonly AdmissionPlugin[],
    private readonly webhooks?: WebhookAdmission,
  ) {}

  /**
   * The object as it is to be, with defaults; the given one when nothing has to change.
   * @throws ApiError
   */
  async mutate(attributes: AdmissionAttributes): Promise<JsonObject | undefined> {
    const object = this.#plugins(attributes);
    const round = this.webhooks?.mutation(attributes);
    if (!round) return object;
    const first = await round.run(object);
    return round.repeats ? round.run(this.#plugins({ ...attributes, object: first })) : first;
  }

  /** @throws ApiError */
  async validate(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.plugins) {
      const pending = plugin.validate?.(attributes);
      // Most have nothing to wait for, and nobody waits for them.
      if (pending) await pending;
    }
    await this.webhooks?.validate(attributes);
    for (const plugin of this.plugins) {
      const pending = plugin.charge?.(attributes);
      if (pending) await pending;
    }
  }

  #plugins(attributes: AdmissionAttributes): JsonObject | undefined {
    let { object } = attributes;
    for (const plugin of this.plugins) object = plugin.mutate?.({ ...attributes, object }) ?? object;
    return object;
  }
}
