/**
 * Nothing is made that would exceed a ResourceQuota of its namespace (OC-11). What it uses is charged to the quota's status
 * by compare-and-swap before the object is stored, so that two writers never share the last place; who recounts is the
 * quota controller, and until it has counted a quota for the first time nothing is held against it.
 */
import {
  addUsage,
  ApiError,
  compareQuantity,
  forbidden,
  growth,
  inQuotaScope,
  internalError,
  quotaUsage,
  type Status,
  type Transport,
  unspecified,
  type Usage,
} from '../../api/index.js';
import type { Pod, ResourceQuota as Quota } from '../../api/kinds/core/v1.js';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.js';
import type { Lookup } from './lookup.js';
import { isPodCreate } from './pods/pod-plugin.js';

const quotas = { group: '', plural: 'resourcequotas' };
const maxAttempts = 10;
/** Of these an update may use more than before. */
const growing = new Set(['services', 'persistentvolumeclaims']);

export interface ResourceQuotaDeps {
  readonly lookup: Lookup;
  /** As the server itself. */
  readonly transport: () => Transport;
}

export class ResourceQuota implements AdmissionPlugin {
  readonly name = 'ResourceQuota';

  constructor(private readonly deps: ResourceQuotaDeps) {}

  charge(attributes: AdmissionAttributes): Promise<void> | undefined {
    const { operation, resource, subresource, namespace, object, oldObject, dryRun } = attributes;
    const { group, plural } = resource.facts;
    const grows = operation === 'UPDATE' && group === '' && growing.has(plural);
    if (subresource !== '' || namespace === '' || !object || !(operation === 'CREATE' || grows))
      return undefined;
    const names = [...this.deps.lookup.list<Quota>(quotas, namespace)]
      .filter((quota) => quota.status?.hard !== undefined && inQuotaScope(quota.spec, resource.facts, object))
      .map(({ metadata }) => metadata.name);
    if (names.length === 0) return undefined;
    const charge = growth(
      quotaUsage(resource.facts, object),
      oldObject ? quotaUsage(resource.facts, oldObject) : new Map(),
    );
    return this.#charge(attributes, names, charge, dryRun);
  }

  async #charge(
    attributes: AdmissionAttributes,
    names: readonly string[],
    charge: Usage,
    dryRun: boolean,
  ): Promise<void> {
    // All are asked before any is charged.
    for (const name of names) this.#next(attributes, name, charge);
    if (dryRun) return;
    for (const name of names) await this.#write(attributes, name, charge);
  }

  /** The quota with the charge added; undefined when it counts none of it. @throws ApiError Forbidden */
  #next(attributes: AdmissionAttributes, name: string, charge: Usage): Quota | undefined {
    const quota = this.deps.lookup.get<Quota>(quotas, attributes.namespace, name);
    const hard = Object.entries(quota?.status?.hard ?? {});
    if (!quota) return undefined;
    if (isPodCreate(attributes)) {
      const missing = unspecified(
        hard.map(([each]) => each),
        attributes.object as unknown as Pod,
      );
      if (missing !== undefined) throw refused(attributes, `failed quota: ${name}: must specify ${missing}`);
    }
    const used = new Map(
      Object.entries(quota.status?.used ?? {}).map(([key, value]) => [key, String(value)]),
    );
    const before = new Map(used);
    const counted = [...charge].filter(([each]) => hard.some(([limited]) => limited === each));
    if (counted.length === 0) return undefined;
    addUsage(used, counted);
    const exceeded = counted.filter(([each]) => {
      const limit = hard.find(([limited]) => limited === each)?.[1] ?? '0';
      return compareQuantity(used.get(each) ?? '0', limit) > 0;
    });
    if (exceeded.length > 0) {
      const list = (value: (resource: string) => string): string =>
        exceeded
          .map(([each]) => `${each}=${value(each)}`)
          .sort()
          .join(',');
      const limits = new Map(hard.map(([key, value]) => [key, String(value)]));
      throw refused(
        attributes,
        `exceeded quota: ${name}, requested: ${list((each) => charge.get(each) ?? '0')}, used: ${list((each) => before.get(each) ?? '0')}, limited: ${list((each) => limits.get(each) ?? '0')}`,
      );
    }
    return { ...quota, status: { ...quota.status, used: Object.fromEntries(used) } } as Quota;
  }

  async #write(attributes: AdmissionAttributes, name: string, charge: Usage): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const next = this.#next(attributes, name, charge);
      if (!next) return;
      const { status, body } = await this.deps.transport().request({
        method: 'PUT',
        path: `/api/v1/namespaces/${attributes.namespace}/resourcequotas/${name}/status`,
        query: { fieldManager: 'kube-apiserver' },
        body: structuredClone(next),
      });
      if (status < 400 || status === 404) return;
      if (status !== 409) throw new ApiError(body as Status);
      if (attempt >= maxAttempts)
        throw internalError(`quota ${name} is written by too many at once; please try again`);
    }
  }
}

function refused({ resource, name }: AdmissionAttributes, why: string): ApiError {
  return forbidden(resource.facts, name, why);
}
