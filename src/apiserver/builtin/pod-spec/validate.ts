/** Validating a pod's spec, of a pod or of a template of pods (OC-16). */
import {
  dns1123Label,
  dns1123Subdomain,
  type FieldPath,
  fieldError,
  qualifiedName,
  type StatusCause,
} from '../../../api/index.js';
import type { PodSecurityContext, PodSpec, PodTemplateSpec } from '../../../api/kinds/core/v1.js';
import { ipAddress, labels, oneOf, requiredOneOf, ruled } from '../checks.js';
import type { Given } from '../given.js';
import { annotations } from '../metadata.js';
import { validateContainers, validateEphemeralContainers, validateInitContainers } from './containers.js';
import { validateAffinity, validateSpreadConstraints, validateTolerations } from './scheduling.js';
import { validateVolumes } from './volumes.js';

const maxInt32 = 2147483647;

function optional(
  path: FieldPath,
  value: string | undefined,
  rule: (text: string) => readonly string[],
): StatusCause[] {
  return value ? ruled(path, value, rule) : [];
}

const sysctlSegment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctlName = `^${sysctlSegment}([\\./]${sysctlSegment})*$`;
const maxSysctlName = 253;
const sysctlPattern = new RegExp(sysctlName);

function sysctls(path: FieldPath, given: Given<PodSecurityContext>['sysctls']): StatusCause[] {
  const causes: StatusCause[] = [];
  const seen = new Set<string>();
  for (const [i, { name = '' }] of (given ?? []).entries()) {
    const at = path.index(i).child('name');
    if (name === '') causes.push(fieldError.required(at));
    else if (name.length > maxSysctlName || !sysctlPattern.test(name))
      causes.push(
        fieldError.invalid(
          at,
          name,
          `must have at most ${maxSysctlName} characters and match regex ${sysctlName}`,
        ),
      );
    else if (seen.has(name)) causes.push(fieldError.duplicate(at, name));
    seen.add(name);
  }
  return causes;
}

function securityContext(path: FieldPath, context: Given<PodSecurityContext> | undefined): StatusCause[] {
  const causes: StatusCause[] = [];
  for (const field of ['fsGroup', 'runAsUser', 'runAsGroup'] as const) {
    const id = context?.[field];
    if (id !== undefined && (id < 0 || id > maxInt32)) {
      causes.push(fieldError.invalid(path.child(field), id, 'must be between 0 and 2147483647, inclusive'));
    }
  }
  return [
    ...causes,
    ...sysctls(path.child('sysctls'), context?.sysctls),
    ...oneOf(path.child('fsGroupChangePolicy'), context?.fsGroupChangePolicy, ['Always', 'OnRootMismatch']),
  ];
}

function gates(path: FieldPath, spec: Given<PodSpec>): StatusCause[] {
  const causes: StatusCause[] = [];
  const seen = new Set<string>();
  for (const [i, { name = '' }] of (spec.schedulingGates ?? []).entries()) {
    causes.push(...ruled(path.child('schedulingGates').index(i), name, qualifiedName));
    if (seen.has(name)) causes.push(fieldError.duplicate(path.child('schedulingGates').index(i), name));
    seen.add(name);
  }
  for (const [i, { conditionType = '' }] of (spec.readinessGates ?? []).entries()) {
    causes.push(
      ...ruled(path.child('readinessGates').index(i).child('conditionType'), conditionType, qualifiedName),
    );
  }
  return causes;
}

/** @param ofPod true for a pod itself, false for a template */
export function validatePodSpec(path: FieldPath, spec: Given<PodSpec>, ofPod: boolean): StatusCause[] {
  const causes = [
    ...validateVolumes(path.child('volumes'), spec.volumes),
    ...validateContainers(path, spec, ofPod),
    ...validateInitContainers(path, spec),
    ...validateEphemeralContainers(path, spec),
    ...requiredOneOf(path.child('restartPolicy'), spec.restartPolicy, ['Always', 'OnFailure', 'Never']),
    ...requiredOneOf(path.child('dnsPolicy'), spec.dnsPolicy, [
      'ClusterFirstWithHostNet',
      'ClusterFirst',
      'Default',
      'None',
    ]),
    ...labels(path.child('nodeSelector'), spec.nodeSelector),
    ...securityContext(path.child('securityContext'), spec.securityContext),
    ...validateAffinity(path.child('affinity'), spec.affinity),
    ...gates(path, spec),
    ...validateSpreadConstraints(path.child('topologySpreadConstraints'), spec.topologySpreadConstraints),
    ...optional(path.child('serviceAccountName'), spec.serviceAccountName, dns1123Subdomain),
    ...optional(path.child('nodeName'), spec.nodeName, dns1123Subdomain),
    ...optional(path.child('hostname'), spec.hostname, dns1123Label),
    ...optional(path.child('subdomain'), spec.subdomain, dns1123Label),
    ...validateTolerations(path.child('tolerations'), spec.tolerations),
    ...optional(path.child('priorityClassName'), spec.priorityClassName, dns1123Subdomain),
    ...optional(path.child('runtimeClassName'), spec.runtimeClassName, dns1123Subdomain),
    ...oneOf(path.child('preemptionPolicy'), spec.preemptionPolicy, ['Never', 'PreemptLowerPriority']),
  ];
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > maxInt32)) {
    causes.push(
      fieldError.invalid(
        path.child('activeDeadlineSeconds'),
        deadline,
        `must be between 1 and ${maxInt32}, inclusive`,
      ),
    );
  }
  for (const [i, { ip = '' }] of (spec.hostAliases ?? []).entries()) {
    causes.push(...ipAddress(path.child('hostAliases').index(i).child('ip'), ip));
  }
  if (spec.dnsPolicy === 'None' && !spec.dnsConfig?.nameservers?.length) {
    causes.push(
      fieldError.required(
        path.child('dnsConfig').child('nameservers'),
        'must provide at least one DNS nameserver when `dnsPolicy` is None',
      ),
    );
  }
  return causes;
}

export function validatePodTemplate(
  path: FieldPath,
  template: Given<PodTemplateSpec> | undefined,
): StatusCause[] {
  const { metadata, spec = {} } = template ?? {};
  const causes = [
    ...labels(path.child('labels'), metadata?.labels),
    ...annotations(path.child('annotations'), metadata?.annotations),
    ...validatePodSpec(path.child('spec'), spec, false),
  ];
  if (spec.ephemeralContainers?.length) {
    causes.push(
      fieldError.forbidden(
        path.child('spec').child('ephemeralContainers'),
        'ephemeral containers not allowed in pod template',
      ),
    );
  }
  return causes;
}
