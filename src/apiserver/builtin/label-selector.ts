/** Validating label selectors, and asking whether they select labels. */
import {
  compileLabelSelector,
  type FieldPath,
  fieldError,
  GoSyntax,
  goStringMap,
  goStrings,
  labelValue,
  qualifiedName,
  type StatusCause,
} from '../../api/index.js';
import type { LabelSelector } from '../../api/kinds/meta/v1.js';
import { type Labels, labels, ruled } from './checks.js';
import type { Given } from './given.js';

export type GivenSelector = Given<LabelSelector> | undefined;

export function labelSelector(path: FieldPath, selector: GivenSelector): StatusCause[] {
  if (!selector) return [];
  const causes = labels(path.child('matchLabels'), selector.matchLabels);
  for (const [i, { key = '', operator, values = [] }] of (selector.matchExpressions ?? []).entries()) {
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
      default:
        causes.push(
          fieldError.invalid(at.child('operator'), operator ?? '', 'not a valid selector operator'),
        );
    }
    causes.push(...ruled(at.child('key'), key, qualifiedName));
    for (const [v, value] of values.entries())
      causes.push(...ruled(at.child('values').index(v), value, labelValue));
  }
  return causes;
}

/** True for a selector that is there and says nothing: it would select everything. */
export function isEmptySelector(selector: GivenSelector): boolean {
  return selector !== undefined && sizeOf(selector) === 0;
}

function sizeOf(selector: Given<LabelSelector>): number {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0);
}

/** An absent selector selects nothing; one that cannot be compiled selects nothing either. */
export function selects(selector: GivenSelector, map: Labels): boolean {
  if (!selector) return false;
  try {
    return compileLabelSelector(selector as LabelSelector).matches((map ?? {}) as Record<string, string>);
  } catch {
    return false;
  }
}

/** How Go writes a label selector. */
export function goLabelSelector(selector: GivenSelector): GoSyntax {
  const { matchLabels, matchExpressions } = selector ?? {};
  const expressions = matchExpressions?.map(
    ({ key = '', operator = '', values }) =>
      `v1.LabelSelectorRequirement{Key:${JSON.stringify(key)}, Operator:${JSON.stringify(operator)}, Values:${goStrings(values).text}}`,
  );
  const list = expressions
    ? `[]v1.LabelSelectorRequirement{${expressions.join(', ')}}`
    : '[]v1.LabelSelectorRequirement(nil)';
  return new GoSyntax(
    `v1.LabelSelector{MatchLabels:${goStringMap(matchLabels).text}, MatchExpressions:${list}}`,
  );
}
