/**
 * Kinds of the control plane's own machinery: they have few rules, but differ in how they are updated and
 * whether changes of theirs are counted.
 */
import { FieldPath, fieldError, type StatusCause } from '../../api/index.js';
import type {
  MutatingWebhookConfiguration,
  RuleWithOperations,
} from '../../api/kinds/admissionregistration/v1.js';
import type { ControllerRevision } from '../../api/kinds/apps/v1.js';
import type { Lease } from '../../api/kinds/coordination/v1.js';
import type { RuntimeClass } from '../../api/kinds/node/v1.js';
import type { CSIDriver } from '../../api/kinds/storage/v1.js';
import { immutable, positive, required } from './checks.js';
import { type Fillable, fillable, given } from './given.js';
import { keepMetadata } from './metadata.js';
import type { KindStrategy } from './strategy.js';

export const leaseStrategy: KindStrategy = {
  group: 'coordination.k8s.io',
  kind: 'Lease',
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  validate(object) {
    const { spec = {} } = given<Lease>(object);
    const path = FieldPath.of('spec');
    const causes: StatusCause[] = positive(path.child('leaseDurationSeconds'), spec.leaseDurationSeconds);
    if (spec.leaseTransitions !== undefined && spec.leaseTransitions < 0) {
      causes.push(
        fieldError.invalid(
          path.child('leaseTransitions'),
          spec.leaseTransitions,
          'must be greater than or equal to 0',
        ),
      );
    }
    return causes;
  },
};

export const runtimeClassStrategy: KindStrategy = {
  group: 'node.k8s.io',
  kind: 'RuntimeClass',
  allowUnconditionalUpdate: false,
  validate: (object) => required(FieldPath.of('handler'), given<RuntimeClass>(object).handler),
  validateUpdate: (object, old) =>
    immutable(FieldPath.of('handler'), given<RuntimeClass>(object).handler, given<RuntimeClass>(old).handler),
};

export const controllerRevisionStrategy: KindStrategy = {
  group: 'apps',
  kind: 'ControllerRevision',
  validate(object) {
    const { revision = 0 } = given<ControllerRevision>(object);
    return revision < 0
      ? [fieldError.invalid(FieldPath.of('revision'), revision, 'must be greater than or equal to 0')]
      : [];
  },
  validateUpdate: (object, old) =>
    immutable(
      FieldPath.of('data'),
      given<ControllerRevision>(object).data,
      given<ControllerRevision>(old).data,
    ),
};

export const csiDriverStrategy: KindStrategy = {
  group: 'storage.k8s.io',
  kind: 'CSIDriver',
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  applyDefaults(object) {
    const spec = (fillable<CSIDriver>(object).spec ??= {});
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
  },
};

type Webhooks = Fillable<MutatingWebhookConfiguration>['webhooks'];

function defaultWebhooks(webhooks: Webhooks, mutating: boolean): void {
  for (const hook of webhooks ?? []) {
    hook.failurePolicy ??= 'Fail';
    hook.matchPolicy ??= 'Equivalent';
    hook.namespaceSelector ??= {};
    hook.objectSelector ??= {};
    hook.timeoutSeconds ??= 10;
    if (mutating) hook.reinvocationPolicy ??= 'Never';
    if (hook.clientConfig?.service) hook.clientConfig.service.port ??= 443;
    for (const rule of (hook.rules ?? []) as Fillable<RuleWithOperations>[]) rule.scope ??= '*';
  }
}

function webhookStrategy(
  kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration',
): KindStrategy {
  return {
    group: 'admissionregistration.k8s.io',
    kind,
    hasGeneration: true,
    allowUnconditionalUpdate: false,
    applyDefaults(object) {
      defaultWebhooks(
        fillable<MutatingWebhookConfiguration>(object).webhooks,
        kind === 'MutatingWebhookConfiguration',
      );
    },
    validate(object) {
      const names = new Set<string>();
      return (given<MutatingWebhookConfiguration>(object).webhooks ?? []).flatMap((hook, i) => {
        const at = FieldPath.of('webhooks').index(i);
        const causes: StatusCause[] = [];
        if ((hook.name ?? '').split('.').length < 3) {
          causes.push(
            fieldError.invalid(
              at.child('name'),
              hook.name ?? '',
              'should be a domain with at least three segments separated by dots',
            ),
          );
        }
        if (names.has(hook.name ?? '')) causes.push(fieldError.duplicate(at.child('name'), hook.name));
        names.add(hook.name ?? '');
        if (hook.sideEffects === undefined) {
          causes.push(fieldError.required(at.child('sideEffects'), 'must specify one of None, NoneOnDryRun'));
        } else if (hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun') {
          causes.push(
            fieldError.notSupported(at.child('sideEffects'), hook.sideEffects, ['None', 'NoneOnDryRun']),
          );
        }
        const { timeoutSeconds = 10 } = hook;
        if (timeoutSeconds < 1 || timeoutSeconds > 30) {
          causes.push(
            fieldError.invalid(
              at.child('timeoutSeconds'),
              timeoutSeconds,
              'the timeout value must be between 1 and 30 seconds',
            ),
          );
        }
        if (!hook.admissionReviewVersions?.length) {
          causes.push(
            fieldError.required(at.child('admissionReviewVersions'), 'must specify one of v1, v1beta1'),
          );
        } else if (!hook.admissionReviewVersions.some((v) => v === 'v1' || v === 'v1beta1')) {
          causes.push(
            fieldError.invalid(
              at.child('admissionReviewVersions'),
              hook.admissionReviewVersions,
              'must include at least one of v1, v1beta1',
            ),
          );
        }
        const { url, service } = hook.clientConfig ?? {};
        if ((url === undefined) === (service === undefined)) {
          causes.push(
            fieldError.required(at.child('clientConfig'), 'exactly one of url or service is required'),
          );
        }
        return causes;
      });
    },
  };
}

/** Kinds about which only this is particular. */
const plain: readonly KindStrategy[] = [
  {
    group: 'storage.k8s.io',
    kind: 'VolumeAttachment',
    allowUnconditionalUpdate: false,
    prepareForCreate(object) {
      object.status = { attached: false };
    },
    prepareForStatusUpdate: keepMetadata,
  },
  { group: 'storage.k8s.io', kind: 'CSINode', allowUnconditionalUpdate: false },
  { group: 'storage.k8s.io', kind: 'CSIStorageCapacity', allowUnconditionalUpdate: false },
  { group: 'apiregistration.k8s.io', kind: 'APIService', allowUnconditionalUpdate: false },
];

export const clusterStrategies: readonly KindStrategy[] = [
  leaseStrategy,
  runtimeClassStrategy,
  controllerRevisionStrategy,
  csiDriverStrategy,
  webhookStrategy('MutatingWebhookConfiguration'),
  webhookStrategy('ValidatingWebhookConfiguration'),
  ...plain,
];
