/** Deployments and ReplicaSets (D-5). */
import { FieldPath, fieldError, GoSyntax, type JsonObject, type StatusCause } from '../../../api/index.js';
import type { Deployment, DeploymentStrategy, ReplicaSet } from '../../../api/kinds/apps/v1.js';
import {
  amountOf,
  goIntOrString,
  immutable,
  intOrPercent,
  nonNegative,
  notMoreThan100Percent,
} from '../checks.js';
import { fillable, type Given, given, type MutableObject } from '../given.js';
import { goLabelSelector } from '../label-selector.js';
import { defaultPodTemplate } from '../pod-spec/defaults.js';
import type { KindStrategy } from '../strategy.js';
import { validateSelectorAndTemplate } from './template.js';

const path = FieldPath.of('spec');

function validateRollout(strategy: Given<DeploymentStrategy>): StatusCause[] {
  const at = path.child('strategy');
  const rolling = strategy.rollingUpdate;
  switch (strategy.type) {
    case 'Recreate':
      return rolling
        ? [
            fieldError.forbidden(
              at.child('rollingUpdate'),
              "may not be specified when strategy `type` is 'Recreate'",
            ),
          ]
        : [];
    case 'RollingUpdate': {
      const unavailable = at.child('rollingUpdate').child('maxUnavailable');
      const causes = [
        ...intOrPercent(unavailable, rolling?.maxUnavailable),
        ...intOrPercent(at.child('rollingUpdate').child('maxSurge'), rolling?.maxSurge),
      ];
      if (amountOf(rolling?.maxUnavailable) === 0 && amountOf(rolling?.maxSurge) === 0) {
        causes.push(
          fieldError.invalid(
            unavailable,
            goIntOrString(rolling?.maxUnavailable ?? 0),
            'may not be 0 when `maxSurge` is 0',
          ),
        );
      }
      return [...causes, ...notMoreThan100Percent(unavailable, rolling?.maxUnavailable)];
    }
    default: {
      const shown = `apps.DeploymentStrategy{Type:${JSON.stringify(strategy.type ?? '')}, RollingUpdate:(*apps.RollingUpdateDeployment)(nil)}`;
      return [fieldError.notSupported(at, new GoSyntax(shown), ['Recreate', 'RollingUpdate'])];
    }
  }
}

export const deploymentStrategy: KindStrategy = {
  group: 'apps',
  kind: 'Deployment',
  hasGeneration: true,
  applyDefaults(object) {
    const spec = (fillable<Deployment>(object).spec ??= {});
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    const strategy = (spec.strategy ??= {});
    strategy.type ||= 'RollingUpdate';
    if (strategy.type === 'RollingUpdate') {
      const rolling = (strategy.rollingUpdate ??= {});
      rolling.maxUnavailable ??= '25%';
      rolling.maxSurge ??= '25%';
    }
    defaultPodTemplate((spec.template ??= {}));
  },
  prepareForCreate(object) {
    object.status = {};
  },
  validate(object) {
    const { spec = {} } = given<Deployment>(object);
    const causes = [
      ...nonNegative(path.child('replicas'), spec.replicas),
      ...validateSelectorAndTemplate(path, spec, {
        emptySelector: 'empty selector is invalid for deployment',
        name: 'ReplicaSet',
      }),
      ...validateRollout(spec.strategy ?? {}),
      ...nonNegative(path.child('minReadySeconds'), spec.minReadySeconds),
      ...nonNegative(path.child('revisionHistoryLimit'), spec.revisionHistoryLimit),
      ...nonNegative(path.child('progressDeadlineSeconds'), spec.progressDeadlineSeconds),
    ];
    const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec;
    if (deadline !== undefined && deadline <= minReadySeconds) {
      causes.push(
        fieldError.invalid(
          path.child('progressDeadlineSeconds'),
          deadline,
          'must be greater than minReadySeconds',
        ),
      );
    }
    return causes;
  },
  prepareForStatusUpdate(object, old) {
    const { labels: _, ...metadata } = object.metadata as MutableObject;
    const { labels: kept } = (old.metadata ?? {}) as JsonObject;
    object.metadata = { ...metadata, ...(kept === undefined ? {} : { labels: kept }) };
  },
  validateUpdate: (object, old) => immutableSelector(given<Deployment>(object), given<Deployment>(old)),
};

interface Selecting {
  readonly spec?: { readonly selector?: Given<Deployment['spec']['selector']> };
}

/** Whose pods are whose is decided once. */
export function immutableSelector(object: Selecting, old: Selecting): StatusCause[] {
  const selector = object.spec?.selector;
  return immutable(path.child('selector'), selector, old.spec?.selector, goLabelSelector(selector));
}

export const replicaSetStrategy: KindStrategy = {
  group: 'apps',
  kind: 'ReplicaSet',
  hasGeneration: true,
  applyDefaults(object) {
    const spec = (fillable<ReplicaSet>(object).spec ??= {});
    spec.replicas ??= 1;
    defaultPodTemplate((spec.template ??= {}));
  },
  prepareForCreate(object) {
    object.status = { replicas: 0 };
  },
  validate(object) {
    const { spec = {} } = given<ReplicaSet>(object);
    return [
      ...nonNegative(path.child('replicas'), spec.replicas),
      ...nonNegative(path.child('minReadySeconds'), spec.minReadySeconds),
      ...validateSelectorAndTemplate(path, spec, {
        emptySelector: 'empty selector is invalid for deployment',
        name: 'ReplicaSet',
      }),
    ];
  },
  validateUpdate: (object, old) => immutableSelector(given<ReplicaSet>(object), given<ReplicaSet>(old)),
  selectableFields: (object) => ({
    'status.replicas': String(given<ReplicaSet>(object).status?.replicas ?? 0),
  }),
};
