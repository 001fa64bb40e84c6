/** Admission: the last word before an object is stored (API-17). Plugins run in order. */
import type { JsonObject, UserInfo } from '../../api/index.js';
import type { ServedResource } from '../resource.js';

export interface AdmissionAttributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly resource: ServedResource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** The object as it will be stored; absent on DELETE. */
  readonly object: JsonObject | undefined;
  readonly oldObject: JsonObject | undefined;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Gives a changed object, or undefined to leave it. */
  mutate?(attributes: AdmissionAttributes): JsonObject | undefined;
  /** @throws ApiError to refuse */
  validate?(attributes: AdmissionAttributes): void;
}

export class AdmissionChain {
  constructor(private readonly plugins: readonly AdmissionPlugin[]) {}

  mutate(attributes: AdmissionAttributes): JsonObject | undefined {
    let { object } = attributes;
    for (const plugin of this.plugins) object = plugin.mutate?.({ ...attributes, object }) ?? object;
    return object;
  }

  validate(attributes: AdmissionAttributes): void {
    for (const plugin of this.plugins) plugin.validate?.(attributes);
  }
}
