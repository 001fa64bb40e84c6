/** StatefulSets and DaemonSets. */
import {
  deepEqualJson,
  dns1123Label,
  FieldPath,
  fieldError,
  type JsonObject,
  type StatusCause,
} from '../../../api/index.js';
import type { DaemonSet, StatefulSet } from '../../../api/kinds/apps/v1.js';
import type { PersistentVolumeClaimSpec } from '../../../api/kinds/core/v1.js';
import {
  amountOf,
  goIntOrString,
  intOrPercent,
  nonNegative,
  notMoreThan100Percent,
  oneOf,
} from '../checks.js';
import { type Fillable, fillable, given } from '../given.js';
import { defaultPodTemplate } from '../pod-spec/defaults.js';
import { defaultClaimSpec } from '../storage/volumes.js';
import type { KindStrategy } from '../strategy.js';
import { immutableSelector } from './deployment.js';
import { validateSelectorAndTemplate } from './template.js';

const path = FieldPath.of('spec');

/** A claim template as it stands in a set: a whole claim, whose status is of no use. */
interface ClaimTemplate {
  apiVersion?: string;
  kind?: string;
  spec?: Fillable<PersistentVolumeClaimSpec>;
  status?: { phase: string };
}

const changeable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
  'revisionHistoryLimit',
];

function validateStatefulSet(object: JsonObject): StatusCause[] {
  const { spec = {} } = given<StatefulSet>(object);
  const causes = [
    ...oneOf(path.child('podManagementPolicy'), spec.podManagementPolicy, ['OrderedReady', 'Parallel']),
    ...nonNegative(path.child('replicas'), spec.replicas),
    ...nonNegative(path.child('minReadySeconds'), spec.minReadySeconds),
    ...nonNegative(path.child('ordinals').child('start'), spec.ordinals?.start),
  ];
  const update = path.child('updateStrategy');
  const rolling = spec.updateStrategy?.rollingUpdate;
  switch (spec.updateStrategy?.type) {
    case 'OnDelete':
      if (rolling) {
        causes.push(
          fieldError.invalid(
            update.child('rollingUpdate'),
            rolling,
            "only allowed for updateStrategy 'RollingUpdate'",
          ),
        );
      }
      break;
    case 'RollingUpdate':
      causes.push(...nonNegative(update.child('rollingUpdate').child('partition'), rolling?.partition));
      break;
    default:
      causes.push(fieldError.invalid(update, spec.updateStrategy, "must be 'RollingUpdate' or 'OnDelete'"));
  }
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    causes.push(
      ...oneOf(path.child('persistentVolumeClaimRetentionPolicy').child(field), retention?.[field], [
        'Delete',
        'Retain',
      ]),
    );
  }
  return [
    ...causes,
    ...validateSelectorAndTemplate(path, spec, {
      emptySelector: 'empty selector is invalid for statefulset',
      name: 'StatefulSet',
    }),
  ];
}

export const statefulSetStrategy: KindStrategy = {
  group: 'apps',
  kind: 'StatefulSet',
  nameRule: dns1123Label,
  hasGeneration: true,
  applyDefaults(object) {
    const spec = (fillable<StatefulSet>(object).spec ??= {});
    spec.podManagementPolicy ||= 'OrderedReady';
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    const strategy = (spec.updateStrategy ??= {});
    strategy.type ||= 'RollingUpdate';
    if (strategy.type === 'RollingUpdate') (strategy.rollingUpdate ??= {}).partition ??= 0;
    const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
    retention.whenDeleted ||= 'Retain';
    retention.whenScaled ||= 'Retain';
    for (const claim of (spec.volumeClaimTemplates ?? []) as unknown as ClaimTemplate[]) {
      claim.apiVersion ||= 'v1';
      claim.kind ||= 'PersistentVolumeClaim';
      defaultClaimSpec((claim.spec ??= {}));
      claim.status ??= { phase: 'Pending' };
    }
    defaultPodTemplate((spec.template ??= {}));
  },
  prepareForCreate(object) {
    object.status = { replicas: 0, availableReplicas: 0 };
  },
  validate: validateStatefulSet,
  validateUpdate(object, old) {
    const fixed = (set: JsonObject): JsonObject =>
      Object.fromEntries(
        Object.entries((set.spec ?? {}) as JsonObject).filter(([key]) => !changeable.includes(key)),
      );
    return deepEqualJson(fixed(object), fixed(old))
      ? []
      : [
          fieldError.forbidden(
            path,
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
          ),
        ];
  },
};

function validateDaemonSet(object: JsonObject): StatusCause[] {
  const { spec = {} } = given<DaemonSet>(object);
  const causes = [
    ...nonNegative(path.child('minReadySeconds'), spec.minReadySeconds),
    ...nonNegative(path.child('revisionHistoryLimit'), spec.revisionHistoryLimit),
    ...validateSelectorAndTemplate(path, spec, {
      emptySelector: 'empty selector is invalid for daemonset',
      name: 'DaemonSet',
    }),
  ];
  const update = path.child('updateStrategy');
  switch (spec.updateStrategy?.type) {
    case 'OnDelete':
      return causes;
    case 'RollingUpdate': {
      const { maxUnavailable, maxSurge } = spec.updateStrategy.rollingUpdate ?? {};
      const [unavailablePath, surgePath] = ['maxUnavailable', 'maxSurge'].map((f) =>
        update.child('rollingUpdate').child(f),
      ) as [FieldPath, FieldPath];
      const [unavailable, surge] = [amountOf(maxUnavailable), amountOf(maxSurge)];
      causes.push(
        ...intOrPercent(unavailablePath, maxUnavailable),
        ...notMoreThan100Percent(unavailablePath, maxUnavailable),
      );
      causes.push(...intOrPercent(surgePath, maxSurge), ...notMoreThan100Percent(surgePath, maxSurge));
      if (unavailable > 0 && surge > 0) {
        causes.push(
          fieldError.invalid(
            surgePath,
            goIntOrString(maxSurge ?? 0),
            'may not be set when maxUnavailable is non-zero',
          ),
        );
      } else if (unavailable === 0 && surge === 0) {
        causes.push(fieldError.required(unavailablePath, 'cannot be 0 when maxSurge is 0'));
      }
      return causes;
    }
    default:
      return [
        ...causes,
        fieldError.notSupported(update, spec.updateStrategy?.type ?? '', ['RollingUpdate', 'OnDelete']),
      ];
  }
}

export const daemonSetStrategy: KindStrategy = {
  group: 'apps',
  kind: 'DaemonSet',
  hasGeneration: true,
  applyDefaults(object) {
    const spec = (fillable<DaemonSet>(object).spec ??= {});
    spec.revisionHistoryLimit ??= 10;
    const strategy = (spec.updateStrategy ??= {});
    strategy.type ||= 'RollingUpdate';
    if (strategy.type === 'RollingUpdate') {
      const rolling = (strategy.rollingUpdate ??= {});
      rolling.maxUnavailable ??= 1;
      rolling.maxSurge ??= 0;
    }
    defaultPodTemplate((spec.template ??= {}));
  },
  prepareForCreate(object) {
    object.status = {
      currentNumberScheduled: 0,
      desiredNumberScheduled: 0,
      numberMisscheduled: 0,
      numberReady: 0,
    };
  },
  validate: validateDaemonSet,
  validateUpdate: (object, old) => immutableSelector(given<DaemonSet>(object), given<DaemonSet>(old)),
};
