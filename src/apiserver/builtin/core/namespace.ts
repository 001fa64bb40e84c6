/** Namespaces and service accounts. */
import { dns1123Label, FieldPath, fieldError, setOwn } from '../../../api/index.js';
import type { Namespace, ServiceAccount } from '../../../api/kinds/core/v1.js';
import { fillable, given } from '../given.js';
import type { KindStrategy } from '../strategy.js';

const phasePath = FieldPath.of('status', 'phase');

export const namespaceStrategy: KindStrategy = {
  group: '',
  kind: 'Namespace',
  nameRule: dns1123Label,
  applyDefaults(object) {
    const { metadata } = fillable<Namespace>(object);
    if (!metadata?.name) return;
    metadata.labels ??= {};
    setOwn(metadata.labels, 'kubernetes.io/metadata.name', metadata.name);
  },
  prepareForCreate(object) {
    const namespace = fillable<Namespace>(object);
    const finalizers = (namespace.spec?.finalizers ?? []) as string[];
    namespace.spec = {
      ...namespace.spec,
      finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'],
    };
    namespace.status = { phase: 'Active' };
  },
  prepareForUpdate(object, old) {
    const namespace = fillable<Namespace>(object);
    const before = given<Namespace>(old);
    // Its own finalizers change through /finalize alone.
    if (before.spec?.finalizers) {
      namespace.spec = { ...namespace.spec, finalizers: [...before.spec.finalizers] };
    }
  },
  validateStatusUpdate(object) {
    const { metadata, status } = given<Namespace>(object);
    const phase = status?.phase ?? '';
    if (!metadata?.deletionTimestamp) {
      return phase === 'Active'
        ? []
        : [fieldError.invalid(phasePath, phase, "may only be 'Active' if `deletionTimestamp` is empty")];
    }
    return phase === 'Terminating'
      ? []
      : [
          fieldError.invalid(
            phasePath,
            phase,
            "may only be 'Terminating' if `deletionTimestamp` is not empty",
          ),
        ];
  },
  selectableFields: (object) => ({
    'status.phase': given<Namespace>(object).status?.phase ?? '',
    name: given<Namespace>(object).metadata?.name ?? '',
  }),
};

export const serviceAccountStrategy: KindStrategy = {
  group: '',
  kind: 'ServiceAccount',
  prepareForCreate(object) {
    // A secret is named, nothing more: where it lives goes without saying.
    const account = fillable<ServiceAccount>(object);
    if (account.secrets)
      account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }));
  },
};
