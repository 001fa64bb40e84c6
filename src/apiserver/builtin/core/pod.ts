/** Pods and templates of pods (OC-16, API-7, API-13). */
import {
  deepEqualJson,
  FieldPath,
  fieldError,
  type JsonObject,
  type StatusCause,
} from '../../../api/index.js';
import type { Pod, PodSpec, PodTemplate } from '../../../api/kinds/core/v1.js';
import { fillable, type Given, given, type MutableObject } from '../given.js';
import { defaultPod, defaultPodTemplate } from '../pod-spec/defaults.js';
import { qosClassOf } from '../pod-spec/resources.js';
import { validatePodSpec, validatePodTemplate } from '../pod-spec/validate.js';
import type { KindStrategy } from '../strategy.js';

const specPath = FieldPath.of('spec');

const changeable =
  '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

type Spec = Given<PodSpec>;

/** A spec without what an update may change, given that those changes are in order. */
function fixedParts(spec: Spec, gated: boolean, graceMayChange: boolean): JsonObject {
  const {
    activeDeadlineSeconds: _deadline,
    tolerations: _tolerations,
    schedulingGates: _gates,
    terminationGracePeriodSeconds,
    containers = [],
    initContainers = [],
    ephemeralContainers: _ephemeral,
    nodeSelector,
    affinity,
    ...rest
  } = spec;
  return {
    ...rest,
    ...(graceMayChange ? {} : { terminationGracePeriodSeconds }),
    // Until it is scheduled, where a pod may run can still be narrowed.
    ...(gated ? {} : { nodeSelector, affinity }),
    containers: containers.map((c) => ({ ...c, image: '' })),
    initContainers: initContainers.map((c) => ({ ...c, image: '' })),
  } as unknown as JsonObject;
}

/** The members of two specs that differ, for the message. */
function differing(a: JsonObject, b: JsonObject): string {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(
    (key) => !deepEqualJson(a[key], b[key]),
  );
  return keys.map((key) => `spec.${key}`).join(', ');
}

function validateDeadline(deadline: number | undefined, old: number | undefined): StatusCause[] {
  const at = specPath.child('activeDeadlineSeconds');
  if (old === undefined) return [];
  if (deadline === undefined)
    return [fieldError.invalid(at, deadline, 'must not update from a positive integer to nil value')];
  return deadline > old
    ? [fieldError.invalid(at, deadline, 'must be less than or equal to previous value')]
    : [];
}

function validateTolerationsUpdate(spec: Spec, old: Spec): StatusCause[] {
  const identity = ({ tolerationSeconds: _, ...rest }: { tolerationSeconds?: number }) => rest;
  const kept = (old.tolerations ?? []).every((before) =>
    (spec.tolerations ?? []).some((now) => deepEqualJson(identity(now), identity(before))),
  );
  return kept
    ? []
    : [
        fieldError.forbidden(
          specPath.child('tolerations'),
          'existing toleration can not be modified except its tolerationSeconds',
        ),
      ];
}

/** They are added, through a door of their own; what is there stays as it is. */
function validateEphemeralUpdate(object: JsonObject, oldObject: JsonObject): StatusCause[] {
  const at = specPath.child('ephemeralContainers');
  const now = given<Pod>(object).spec?.ephemeralContainers ?? [];
  return (given<Pod>(oldObject).spec?.ephemeralContainers ?? []).flatMap((before) => {
    const same = now.findIndex(({ name }) => name === before.name);
    if (same < 0)
      return [
        fieldError.forbidden(at, `existing ephemeral containers "${before.name}" may not be removed\n`),
      ];
    return deepEqualJson(now[same] as unknown as JsonObject, before as unknown as JsonObject)
      ? []
      : [fieldError.forbidden(at, `existing ephemeral containers "${before.name}" may not be changed\n`)];
  });
}

function validateUpdate(object: JsonObject, oldObject: JsonObject, subresource: string): StatusCause[] {
  if (subresource === 'ephemeralcontainers') return validateEphemeralUpdate(object, oldObject);
  const [pod, oldPod] = [given<Pod>(object), given<Pod>(oldObject)];
  const [spec, old] = [pod.spec ?? {}, oldPod.spec ?? {}];
  const causes: StatusCause[] = [];
  for (const field of ['containers', 'initContainers'] as const) {
    if ((spec[field]?.length ?? 0) !== (old[field]?.length ?? 0)) {
      return [fieldError.forbidden(specPath.child(field), 'pod updates may not add or remove containers')];
    }
  }
  causes.push(...validateDeadline(spec.activeDeadlineSeconds, old.activeDeadlineSeconds));
  const oldGates = (old.schedulingGates ?? []).map((g) => g.name);
  for (const { name = '' } of spec.schedulingGates ?? []) {
    if (!oldGates.includes(name)) {
      causes.push(
        fieldError.forbidden(
          specPath.child('schedulingGates'),
          `only deletion is allowed, but found new scheduling gate '${name}'`,
        ),
      );
    }
  }
  causes.push(...validateTolerationsUpdate(spec, old));
  if (!deepEqualJson(spec.ephemeralContainers ?? [], old.ephemeralContainers ?? [])) {
    causes.push(
      fieldError.forbidden(
        specPath,
        `pod updates may not change fields other than ${changeable}\nspec.ephemeralContainers`,
      ),
    );
  }
  const graceMayChange =
    (old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1;
  const gated = oldGates.length > 0;
  const [now, before] = [fixedParts(spec, gated, graceMayChange), fixedParts(old, gated, graceMayChange)];
  if (!deepEqualJson(JSON.parse(JSON.stringify(now)), JSON.parse(JSON.stringify(before)))) {
    causes.push(
      fieldError.forbidden(
        specPath,
        `pod updates may not change fields other than ${changeable}\n${differing(now, before)}`,
      ),
    );
  }
  return causes;
}

function validateStatusUpdate(object: JsonObject, oldObject: JsonObject): StatusCause[] {
  const [pod, old] = [given<Pod>(object), given<Pod>(oldObject)];
  const causes: StatusCause[] = [];
  if (pod.spec?.restartPolicy === 'Never') {
    for (const { name = '', state } of old.status?.containerStatuses ?? []) {
      if (!state?.terminated) continue;
      const now = pod.status?.containerStatuses?.findIndex((c) => c.name === name) ?? -1;
      if (now < 0 || pod.status?.containerStatuses?.[now]?.state?.terminated) continue;
      causes.push(
        fieldError.forbidden(
          FieldPath.of('status', 'containerStatuses').index(now).child('state'),
          'may not be transitioned to non-terminated state',
        ),
      );
    }
  }
  return causes;
}

export const podStrategy: KindStrategy = {
  group: '',
  kind: 'Pod',
  applyDefaults: (object) => defaultPod(fillable<Pod>(object)),
  prepareForCreate(object) {
    const pod = fillable<Pod>(object);
    pod.status = { phase: 'Pending', qosClass: qosClassOf(given<Pod>(object as JsonObject).spec ?? {}) };
  },
  prepareForStatusUpdate(object, old) {
    const { ownerReferences: _, ...metadata } = object.metadata as MutableObject;
    const { ownerReferences: kept } = (old.metadata ?? {}) as JsonObject;
    object.metadata = { ...metadata, ...(kept === undefined ? {} : { ownerReferences: kept }) };
  },
  validate: (object) => validatePodSpec(specPath, given<Pod>(object).spec ?? {}, true),
  validateUpdate,
  validateStatusUpdate,
  selectableFields(object) {
    const { spec, status } = given<Pod>(object);
    return {
      'spec.nodeName': spec?.nodeName ?? '',
      'spec.restartPolicy': spec?.restartPolicy ?? '',
      'spec.schedulerName': spec?.schedulerName ?? '',
      'spec.serviceAccountName': spec?.serviceAccountName ?? '',
      'spec.hostNetwork': String(spec?.hostNetwork ?? false),
      'status.phase': status?.phase ?? '',
      'status.podIP': status?.podIP ?? '',
      'status.podIPs': status?.podIP ?? '',
      'status.nominatedNodeName': status?.nominatedNodeName ?? '',
    };
  },
  gracePeriodSeconds(object) {
    const { spec, status } = given<Pod>(object);
    // Nothing runs yet, or no more: there is nobody to wait for.
    if (!spec?.nodeName || status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0;
    const seconds = spec.terminationGracePeriodSeconds ?? 30;
    return seconds < 0 ? 1 : seconds;
  },
};

export const podTemplateStrategy: KindStrategy = {
  group: '',
  kind: 'PodTemplate',
  hasGeneration: true,
  applyDefaults(object) {
    const template = (fillable<PodTemplate>(object).template ??= {});
    defaultPodTemplate(template);
  },
  validate: (object) => validatePodTemplate(FieldPath.of('template'), given<PodTemplate>(object).template),
};
