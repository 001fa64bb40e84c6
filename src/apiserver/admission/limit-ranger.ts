/**
 * What pods and claims of a namespace may ask for (OC-12): defaults where a container says nothing, then the bounds of every
 * LimitRange, all violations told at once.
 */
import { compareQuantity, forbidden, parseQuantity, podTotal, quantityMillis } from '../../api/index.js';
import type { LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../api/kinds/core/v1.js';
import type { Given } from '../builtin/given.js';
import type { AdmissionAttributes } from './admission.js';
import type { Lookup } from './lookup.js';
import { isPodCreate, type NewPod, type PodContainer, PodPlugin, type PodSpec } from './pods/pod-plugin.js';

const limitRanges = { group: '', plural: 'limitranges' };
const annotation = 'kubernetes.io/limit-ranger';

type Amounts = Readonly<Record<string, string | undefined>>;
interface Asked {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

export class LimitRanger extends PodPlugin {
  readonly name = 'LimitRanger';

  constructor(private readonly lookup: Lookup) {
    super();
  }

  protected fillIn(pod: NewPod & { spec: PodSpec }, { namespace }: AdmissionAttributes): boolean {
    const told: string[] = [];
    for (const item of this.#items(namespace)) {
      if (item.type !== 'Container') continue;
      for (const container of pod.spec.containers ?? [])
        told.push(...setDefaults(container, item, 'container'));
      for (const container of pod.spec.initContainers ?? [])
        told.push(...setDefaults(container, item, 'init container'));
    }
    if (told.length === 0) return false;
    pod.metadata ??= {};
    pod.metadata.annotations = {
      ...pod.metadata.annotations,
      [annotation]: `LimitRanger plugin set: ${told.join('; ')}`,
    } as Record<string, string>;
    return true;
  }

  validate(attributes: AdmissionAttributes): void {
    const { resource, name, namespace, object } = attributes;
    const violations: string[] = [];
    if (object && isPodCreate(attributes)) {
      for (const item of this.#items(namespace))
        violations.push(...violationsOfPod(object as Given<Pod>, item));
    } else if (object && isClaimWrite(attributes)) {
      const { resources } = (object as Given<PersistentVolumeClaim>).spec ?? {};
      const asked = { requests: resources?.requests ?? {}, limits: {} };
      for (const item of this.#items(namespace))
        if (item.type === 'PersistentVolumeClaim') violations.push(...violationsOf(item, asked, true));
    }
    if (violations.length === 0) return;
    throw forbidden(
      resource.facts,
      name,
      violations.length === 1 ? (violations[0] as string) : `[${violations.join(', ')}]`,
    );
  }

  *#items(namespace: string): IterableIterator<Given<LimitRangeItem>> {
    for (const { spec } of this.lookup.list<Given<LimitRange>>(limitRanges, namespace))
      yield* spec?.limits ?? [];
  }
}

function isClaimWrite({ operation, resource, subresource }: AdmissionAttributes): boolean {
  const { group, kind } = resource.facts;
  const writes = operation === 'CREATE' || operation === 'UPDATE';
  return writes && subresource === '' && group === '' && kind === 'PersistentVolumeClaim';
}

/** Gives a line per kind of amount that was set. */
function setDefaults(container: PodContainer, item: Given<LimitRangeItem>, what: string): string[] {
  const resources = (container.resources ??= {});
  const told: string[] = [];
  for (const [field, defaults, word] of [
    ['requests', item.defaultRequest ?? {}, 'request'],
    ['limits', item.default ?? {}, 'limit'],
  ] as const) {
    const present = resources[field] ?? {};
    const missing = Object.entries(defaults).filter(([resource]) => !Object.hasOwn(present, resource));
    if (missing.length === 0) continue;
    resources[field] = { ...present, ...Object.fromEntries(missing) } as Record<string, string>;
    const names = missing.map(([resource]) => resource).sort();
    told.push(`${names.join(', ')} ${word} for ${what} ${container.name}`);
  }
  return told;
}

function violationsOfPod({ spec = {} }: Given<Pod>, item: Given<LimitRangeItem>): string[] {
  const init = spec.initContainers ?? [];
  const regular = spec.containers ?? [];
  if (item.type === 'Container')
    return [...regular, ...init].flatMap(({ resources }) =>
      violationsOf(item, { requests: resources?.requests ?? {}, limits: resources?.limits ?? {} }),
    );
  if (item.type !== 'Pod') return [];
  const sum = (field: 'requests' | 'limits'): Amounts =>
    Object.fromEntries(podTotal(spec as Pod['spec'], field));
  return violationsOf(item, { requests: sum('requests'), limits: sum('limits') });
}

/** @param requestsOnly claims have no limits, and what bounds their size bounds the request */
function violationsOf(item: Given<LimitRangeItem>, asked: Asked, requestsOnly = false): string[] {
  const { type = '', min = {}, max = {}, maxLimitRequestRatio = {} } = item;
  const violations: string[] = [];
  for (const [name, bound = '0'] of Object.entries(min)) {
    const [request, limit] = [amount(asked.requests, name), amount(asked.limits, name)];
    const text = `minimum ${name} usage per ${type} is ${bound}`;
    if (request === undefined) violations.push(`${text}.  No request is specified`);
    else if (compareQuantity(request, bound) < 0) violations.push(`${text}, but request is ${request}`);
    else if (limit !== undefined && compareQuantity(limit, bound) < 0)
      violations.push(`${text}, but limit is ${limit}`);
  }
  for (const [name, bound = '0'] of Object.entries(max)) {
    const [request, limit] = [amount(asked.requests, name), amount(asked.limits, name)];
    const text = `maximum ${name} usage per ${type} is ${bound}`;
    if (limit === undefined && !requestsOnly) violations.push(`${text}.  No limit is specified`);
    else if (limit !== undefined && compareQuantity(limit, bound) > 0)
      violations.push(`${text}, but limit is ${limit}`);
    else if (request !== undefined && compareQuantity(request, bound) > 0)
      violations.push(`${text}, but request is ${request}`);
  }
  for (const [name, bound = '0'] of Object.entries(maxLimitRequestRatio)) {
    const [request, limit] = [amount(asked.requests, name), amount(asked.limits, name)];
    const text = `${name} max limit to request ratio per ${type} is ${bound}`;
    if (request === undefined || parseQuantity(request) === 0n)
      violations.push(`${text}, but no request is specified or request is 0`);
    else if (limit === undefined || parseQuantity(limit) === 0n)
      violations.push(`${text}, but no limit is specified or limit is 0`);
    else {
      const ratio = quantityMillis(limit) / quantityMillis(request);
      if (ratio > quantityMillis(bound) / 1000)
        violations.push(`${text}, but provided ratio is ${ratio.toFixed(6)}`);
    }
  }
  return violations;
}

function amount(amounts: Amounts, name: string): string | undefined {
  return Object.hasOwn(amounts, name) ? amounts[name] : undefined;
}
