/** Validating where a pod may run: tolerations, affinity, spreading. */
import {
  type FieldPath,
  fieldError,
  labelValue,
  qualifiedName,
  type StatusCause,
} from '../../../api/index.js';
import type {
  Affinity,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../../../api/kinds/core/v1.js';
import { oneOf, requiredName, ruled } from '../checks.js';
import type { Given } from '../given.js';
import { labelSelector } from '../label-selector.js';

export const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTolerations(
  path: FieldPath,
  tolerations: readonly Given<Toleration>[] = [],
): StatusCause[] {
  return tolerations.flatMap(({ key = '', operator = '', value = '', effect, tolerationSeconds }, i) => {
    const at = path.index(i);
    const causes: StatusCause[] = [];
    if (key !== '') causes.push(...ruled(at.child('key'), key, qualifiedName));
    else if (operator !== 'Exists') {
      causes.push(
        fieldError.invalid(
          at.child('operator'),
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      causes.push(
        fieldError.invalid(
          at.child('effect'),
          effect ?? '',
          "effect must be 'NoExecute' when `tolerationSeconds` is set",
        ),
      );
    }
    if (operator === 'Equal' || operator === '') {
      const why = labelValue(value);
      if (why.length > 0) causes.push(fieldError.invalid(at.child('operator'), value, why.join(';')));
    } else if (operator === 'Exists') {
      if (value !== '') {
        causes.push(
          fieldError.invalid(at.child('operator'), value, "value must be empty when `operator` is 'Exists'"),
        );
      }
    } else causes.push(fieldError.notSupported(at.child('operator'), operator, ['Equal', 'Exists']));
    return effect ? [...causes, ...oneOf(at.child('effect'), effect, taintEffects)] : causes;
  });
}

/** Field selectors of nodes know one field. */
function nodeTerm(path: FieldPath, term: Given<NodeSelectorTerm>): StatusCause[] {
  const causes: StatusCause[] = [];
  for (const [i, { key = '', operator, values = [] }] of (term.matchExpressions ?? []).entries()) {
    const at = path.child('matchExpressions').index(i);
    switch (operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0) {
          causes.push(
            fieldError.required(at.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"),
          );
        }
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0) {
          causes.push(
            fieldError.forbidden(
              at.child('values'),
              "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
          );
        }
        break;
      case 'Gt':
      case 'Lt':
        if (values.length !== 1) {
          causes.push(
            fieldError.required(
              at.child('values'),
              "must be specified single value when `operator` is 'Lt' or 'Gt'",
            ),
          );
        }
        break;
      default:
        causes.push(
          fieldError.invalid(at.child('operator'), operator ?? '', 'not a valid selector operator'),
        );
    }
    causes.push(...ruled(at.child('key'), key, qualifiedName));
  }
  for (const [i, { key = '', operator, values = [] }] of (term.matchFields ?? []).entries()) {
    const at = path.child('matchFields').index(i);
    if (operator !== 'In' && operator !== 'NotIn') {
      causes.push(fieldError.invalid(at.child('operator'), operator ?? '', 'not a valid selector operator'));
    } else if (values.length !== 1) {
      causes.push(
        fieldError.required(
          at.child('values'),
          "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        ),
      );
    }
    if (key !== 'metadata.name')
      causes.push(fieldError.invalid(at.child('key'), key, 'not a valid field selector key'));
  }
  return causes;
}

function weight(path: FieldPath, value = 0): StatusCause[] {
  return value >= 1 && value <= 100
    ? []
    : [fieldError.invalid(path.child('weight'), value, 'must be in the range 1-100')];
}

function podTerm(path: FieldPath, term: Given<PodAffinityTerm>): StatusCause[] {
  return [
    ...labelSelector(path.child('labelSelector'), term.labelSelector),
    ...labelSelector(path.child('namespaceSelector'), term.namespaceSelector),
    ...(term.topologyKey
      ? ruled(path.child('topologyKey'), term.topologyKey, qualifiedName)
      : [fieldError.required(path.child('topologyKey'), 'can not be empty')]),
  ];
}

export function validateAffinity(path: FieldPath, affinity: Given<Affinity> | undefined): StatusCause[] {
  const causes: StatusCause[] = [];
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
  const node = affinity?.nodeAffinity;
  if (node) {
    const at = path.child('nodeAffinity');
    if (node[required]) {
      const terms = node[required].nodeSelectorTerms ?? [];
      const termsPath = at.child(required).child('nodeSelectorTerms');
      if (terms.length === 0) {
        causes.push(fieldError.required(termsPath, 'must have at least one node selector term'));
      }
      for (const [i, term] of terms.entries()) causes.push(...nodeTerm(termsPath.index(i), term));
    }
    for (const [i, term] of (node[preferred] ?? []).entries()) {
      causes.push(...weight(at.child(preferred).index(i), term.weight));
      causes.push(...nodeTerm(at.child(preferred).index(i).child('preference'), term.preference ?? {}));
    }
  }
  for (const name of ['podAffinity', 'podAntiAffinity'] as const) {
    const pods = affinity?.[name];
    const at = path.child(name);
    for (const [i, term] of (pods?.[required] ?? []).entries())
      causes.push(...podTerm(at.child(required).index(i), term));
    for (const [i, term] of (pods?.[preferred] ?? []).entries()) {
      causes.push(...weight(at.child(preferred).index(i), term.weight));
      causes.push(
        ...podTerm(at.child(preferred).index(i).child('podAffinityTerm'), term.podAffinityTerm ?? {}),
      );
    }
  }
  return causes;
}

export function validateSpreadConstraints(
  path: FieldPath,
  constraints: readonly Given<TopologySpreadConstraint>[] = [],
): StatusCause[] {
  const seen = new Set<string>();
  return constraints.flatMap((constraint, i) => {
    const at = path.index(i);
    const { maxSkew = 0, topologyKey, whenUnsatisfiable = '', minDomains } = constraint;
    const causes: StatusCause[] = [];
    if (maxSkew <= 0)
      causes.push(fieldError.invalid(at.child('maxSkew'), maxSkew, 'must be greater than zero'));
    if (topologyKey) causes.push(...requiredName(at.child('topologyKey'), topologyKey, qualifiedName));
    else causes.push(fieldError.required(at.child('topologyKey'), 'can not be empty'));
    causes.push(
      ...oneOf(at.child('whenUnsatisfiable'), whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']),
    );
    const pair = `{${topologyKey ?? ''}, ${whenUnsatisfiable}}`;
    if (seen.has(pair)) causes.push(fieldError.duplicate(at.child('{topologyKey, whenUnsatisfiable}'), pair));
    seen.add(pair);
    if (minDomains !== undefined && minDomains <= 0) {
      causes.push(fieldError.invalid(at.child('minDomains'), minDomains, 'must be greater than zero'));
    }
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      causes.push(...oneOf(at.child(field), constraint[field], ['Honor', 'Ignore']));
    }
    return [...causes, ...labelSelector(at.child('labelSelector'), constraint.labelSelector)];
  });
}
