/** The kinds that bound or scale workloads: budgets, autoscalers, priorities, quotas, ranges. */
import {
  compareQuantity,
  FieldPath,
  fieldError,
  isQuantity,
  type JsonObject,
  type StatusCause,
} from '../../../api/index.js';
import type { HorizontalPodAutoscaler } from '../../../api/kinds/autoscaling/v2.js';
import type { LimitRange, LimitRangeItem, ResourceQuota } from '../../../api/kinds/core/v1.js';
import type { PodDisruptionBudget } from '../../../api/kinds/policy/v1.js';
import type { PriorityClass } from '../../../api/kinds/scheduling/v1.js';
import { immutable, intOrPercent, notMoreThan100Percent, oneOf, quantity, required } from '../checks.js';
import { type Fillable, fillable, type Given, given } from '../given.js';
import { labelSelector } from '../label-selector.js';
import type { KindStrategy } from '../strategy.js';

const path = FieldPath.of('spec');

export const podDisruptionBudgetStrategy: KindStrategy = {
  group: 'policy',
  kind: 'PodDisruptionBudget',
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  prepareForCreate(object) {
    object.status = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
  },
  validate(object) {
    const { spec = {} } = given<PodDisruptionBudget>(object);
    const causes: StatusCause[] = [];
    if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
      causes.push(fieldError.invalid(path, spec, 'minAvailable and maxUnavailable cannot be both set'));
    }
    for (const field of ['minAvailable', 'maxUnavailable'] as const) {
      causes.push(
        ...intOrPercent(path.child(field), spec[field]),
        ...notMoreThan100Percent(path.child(field), spec[field]),
      );
    }
    return [
      ...causes,
      ...labelSelector(path.child('selector'), spec.selector),
      ...oneOf(path.child('unhealthyPodEvictionPolicy'), spec.unhealthyPodEvictionPolicy, [
        'AlwaysAllow',
        'IfHealthyBudget',
      ]),
    ];
  },
};

export const horizontalPodAutoscalerStrategy: KindStrategy = {
  group: 'autoscaling',
  kind: 'HorizontalPodAutoscaler',
  applyDefaults(object) {
    const scaler = fillable<HorizontalPodAutoscaler>(object);
    const spec = (scaler.spec ??= {});
    spec.minReplicas ??= 1;
    if ((scaler.apiVersion as string) !== 'autoscaling/v1' && !spec.metrics?.length) {
      const target = { type: 'Utilization', averageUtilization: 80 };
      spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
    }
  },
  prepareForCreate(object) {
    object.status = { currentReplicas: 0, desiredReplicas: 0 };
  },
  validate(object) {
    const { spec = {} } = given<HorizontalPodAutoscaler>(object);
    const { minReplicas, maxReplicas = 0, scaleTargetRef: target } = spec;
    const causes: StatusCause[] = [];
    if (minReplicas !== undefined && minReplicas < 1) {
      causes.push(
        fieldError.invalid(path.child('minReplicas'), minReplicas, 'must be greater than or equal to 1'),
      );
    }
    if (maxReplicas < 1)
      causes.push(fieldError.invalid(path.child('maxReplicas'), maxReplicas, 'must be greater than 0'));
    if (minReplicas !== undefined && maxReplicas < minReplicas) {
      causes.push(
        fieldError.invalid(
          path.child('maxReplicas'),
          maxReplicas,
          'must be greater than or equal to `minReplicas`',
        ),
      );
    }
    const at = path.child('scaleTargetRef');
    return [
      ...causes,
      ...required(at.child('kind'), target?.kind),
      ...required(at.child('name'), target?.name),
    ];
  },
};

/** Above it are the priorities of the system itself. */
const maxUserPriority = 1_000_000_000;
const systemClasses: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

export const priorityClassStrategy: KindStrategy = {
  group: 'scheduling.k8s.io',
  kind: 'PriorityClass',
  hasGeneration: true,
  applyDefaults(object) {
    fillable<PriorityClass>(object).preemptionPolicy ??= 'PreemptLowerPriority';
  },
  validate(object) {
    const { metadata, value = 0, preemptionPolicy } = given<PriorityClass>(object);
    const name = metadata?.name ?? '';
    const causes: StatusCause[] = [];
    const system = Object.hasOwn(systemClasses, name) && systemClasses[name] === value;
    if (name.startsWith('system-') && !system) {
      causes.push(
        fieldError.forbidden(
          FieldPath.of('metadata', 'name'),
          "priority class names with 'system-' prefix are reserved for system use only",
        ),
      );
    } else if (!system && value > maxUserPriority) {
      causes.push(
        fieldError.forbidden(
          FieldPath.of('value'),
          `maximum allowed value of a user defined priority is ${maxUserPriority}`,
        ),
      );
    }
    return [
      ...causes,
      ...oneOf(FieldPath.of('preemptionPolicy'), preemptionPolicy, ['Never', 'PreemptLowerPriority']),
    ];
  },
  validateUpdate(object, old) {
    const [now, before] = [given<PriorityClass>(object), given<PriorityClass>(old)];
    const causes: StatusCause[] = [];
    if ((now.value ?? 0) !== (before.value ?? 0)) {
      causes.push(fieldError.forbidden(FieldPath.of('value'), 'may not be changed in an update.'));
    }
    return [
      ...causes,
      ...immutable(FieldPath.of('preemptionPolicy'), now.preemptionPolicy, before.preemptionPolicy),
    ];
  },
};

export const resourceQuotaStrategy: KindStrategy = {
  group: '',
  kind: 'ResourceQuota',
  prepareForCreate(object) {
    object.status = {};
  },
  validate(object) {
    const { spec = {} } = given<ResourceQuota>(object);
    return Object.entries(spec.hard ?? {}).flatMap(([name, value]) =>
      quantity(path.child('hard').key(name), value),
    );
  },
  validateUpdate(object, old) {
    const [scopes, before] = [object, old].map((o) =>
      [...(given<ResourceQuota>(o).spec?.scopes ?? [])].sort(),
    );
    return immutable(path.child('scopes'), scopes, before);
  },
};

function defaultLimits(item: Fillable<LimitRangeItem>): void {
  if (item.type !== 'Container') return;
  item.default = { ...item.max, ...item.default };
  item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest };
}

/** Two of an item's maps that must be in order, resource by resource. */
function ordered(
  at: FieldPath,
  item: Given<LimitRangeItem>,
  low: 'min' | 'default' | 'defaultRequest',
  high: 'max' | 'default' | 'defaultRequest',
): StatusCause[] {
  const words = { min: 'min', max: 'max', default: 'default', defaultRequest: 'default request' };
  return Object.entries(item[low] ?? {}).flatMap(([name, value = '']) => {
    const other = item[high]?.[name];
    if (other === undefined || !isQuantity(value) || !isQuantity(other) || compareQuantity(value, other) <= 0)
      return [];
    return [
      fieldError.invalid(
        at.child(low).key(name),
        value,
        `${words[low]} value ${value} is greater than ${words[high]} value ${other}`,
      ),
    ];
  });
}

function validateLimits(object: JsonObject): StatusCause[] {
  const seen = new Set<string>();
  return (given<LimitRange>(object).spec?.limits ?? []).flatMap((item, i) => {
    const at = path.child('limits').index(i);
    const causes = required(at.child('type'), item.type);
    if (seen.has(item.type ?? '')) causes.push(fieldError.duplicate(at.child('type'), item.type));
    seen.add(item.type ?? '');
    if (item.type === 'Pod') {
      for (const field of ['default', 'defaultRequest'] as const) {
        if (Object.keys(item[field] ?? {}).length > 0) {
          causes.push(fieldError.forbidden(at.child(field), "may not be specified when `type` is 'Pod'"));
        }
      }
    }
    return [
      ...causes,
      ...ordered(at, item, 'min', 'max'),
      ...ordered(at, item, 'min', 'defaultRequest'),
      ...ordered(at, item, 'defaultRequest', 'max'),
      ...ordered(at, item, 'defaultRequest', 'default'),
      ...ordered(at, item, 'min', 'default'),
      ...ordered(at, item, 'default', 'max'),
    ];
  });
}

export const limitRangeStrategy: KindStrategy = {
  group: '',
  kind: 'LimitRange',
  allowCreateOnUpdate: true,
  applyDefaults(object) {
    for (const item of fillable<LimitRange>(object).spec?.limits ?? []) defaultLimits(item);
  },
  validate: validateLimits,
};
