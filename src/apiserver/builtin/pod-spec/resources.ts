/** Validating the resources a container asks for, and the class of service that follows from them. */
import {
  compareQuantity,
  type FieldPath,
  fieldError,
  isQuantity,
  parseQuantity,
  qualifiedName,
  type StatusCause,
} from '../../../api/index.js';
import type { PodSpec, ResourceRequirements } from '../../../api/kinds/core/v1.js';
import { quantity, ruled } from '../checks.js';
import type { Given } from '../given.js';

type Requirements = Given<ResourceRequirements> | undefined;
type Amounts = Readonly<Record<string, string | undefined>>;

const standard = ['cpu', 'memory', 'ephemeral-storage'];

/** A resource of Kubernetes' own; they may be promised twice, others may not. */
function isNative(name: string): boolean {
  return !name.includes('/') || /(^|\.)kubernetes\.io\//.test(name);
}

function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}

function resourceName(path: FieldPath, name: string): StatusCause[] {
  const causes = ruled(path, name, qualifiedName);
  if (causes.length > 0) return causes;
  return name.includes('/') || standard.includes(name) || isHugePages(name)
    ? []
    : [fieldError.invalid(path, name, 'must be a standard resource for containers')];
}

function amounts(path: FieldPath, map: Amounts): StatusCause[] {
  return Object.entries(map).flatMap(([name, value]) => {
    const at = path.key(name);
    const causes = [...resourceName(at, name), ...quantity(at, value)];
    const whole =
      name.includes('/') && isQuantity(String(value)) && parseQuantity(String(value)) % 1_000_000_000n !== 0n;
    if (whole) causes.push(fieldError.invalid(at, String(value), 'must be an integer'));
    return causes;
  });
}

export function validateResources(path: FieldPath, requirements: Requirements): StatusCause[] {
  const { limits = {}, requests = {} } = requirements ?? {};
  const causes = [...amounts(path.child('limits'), limits), ...amounts(path.child('requests'), requests)];
  for (const [name, request = '0'] of Object.entries(requests)) {
    const overcommits = isNative(name) && !isHugePages(name);
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    if (limit === undefined) {
      if (!overcommits) {
        causes.push(
          fieldError.required(path.child('limits'), 'Limit must be set for non overcommitable resources'),
        );
      }
      continue;
    }
    if (!isQuantity(String(request)) || !isQuantity(String(limit))) continue;
    const order = compareQuantity(request, limit);
    if (order !== 0 && !overcommits) {
      causes.push(
        fieldError.invalid(path.child('requests'), request, `must be equal to ${name} limit of ${limit}`),
      );
    } else if (order > 0) {
      causes.push(
        fieldError.invalid(
          path.child('requests'),
          request,
          `must be less than or equal to ${name} limit of ${limit}`,
        ),
      );
    }
  }
  return causes;
}

const counted = ['cpu', 'memory'] as const;

function isSet(value: string | undefined): value is string {
  return value !== undefined && isQuantity(String(value)) && parseQuantity(value) > 0n;
}

/** Guaranteed: limits for cpu and memory, equal to the requests, everywhere. BestEffort: neither anywhere. */
export function qosClassOf(spec: Given<PodSpec>): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const all = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((c) => c.resources ?? {});
  const asks = all.some(({ requests, limits }) =>
    counted.some((name) => isSet(requests?.[name]) || isSet(limits?.[name])),
  );
  if (!asks) return 'BestEffort';
  const guaranteed = all.every(({ requests, limits }) =>
    counted.every((name) => {
      const limit = limits?.[name];
      return isSet(limit) && compareQuantity(requests?.[name] ?? limit, limit) === 0;
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
