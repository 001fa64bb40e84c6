/** What the kinds that keep pods running share: a selector and a template that it selects. */
import { type FieldPath, fieldError, goStringMap, type StatusCause } from '../../../api/index.js';
import type { PodTemplateSpec } from '../../../api/kinds/core/v1.js';
import type { Given } from '../given.js';
import {
  type GivenSelector,
  goLabelSelector,
  isEmptySelector,
  labelSelector,
  selects,
} from '../label-selector.js';
import { validatePodTemplate } from '../pod-spec/validate.js';

/** The template's labels must be what the selector selects. */
export function templateMatches(
  path: FieldPath,
  template: Given<PodTemplateSpec> | undefined,
  selected: boolean,
): StatusCause[] {
  if (selected) return [];
  const labels = template?.metadata?.labels;
  return [
    fieldError.invalid(
      path.child('metadata').child('labels'),
      goStringMap(labels),
      '`selector` does not match template `labels`',
    ),
  ];
}

/** Pods that are replaced when they end must be restarted in place, and must not end by themselves. */
export function alwaysRestarted(
  path: FieldPath,
  template: Given<PodTemplateSpec> | undefined,
  kind: string,
): StatusCause[] {
  const spec = template?.spec ?? {};
  const at = path.child('spec');
  const causes: StatusCause[] = [];
  if (spec.restartPolicy !== undefined && spec.restartPolicy !== 'Always') {
    causes.push(fieldError.notSupported(at.child('restartPolicy'), spec.restartPolicy, ['Always']));
  }
  if (spec.activeDeadlineSeconds !== undefined) {
    causes.push(
      fieldError.forbidden(
        at.child('activeDeadlineSeconds'),
        `activeDeadlineSeconds in ${kind} is not Supported`,
      ),
    );
  }
  return causes;
}

/** Selector and template of Deployments, ReplicaSets, DaemonSets and StatefulSets. */
export function validateSelectorAndTemplate(
  path: FieldPath,
  spec: { readonly selector?: GivenSelector; readonly template?: Given<PodTemplateSpec> },
  kind: { readonly emptySelector: string; readonly name: string },
): StatusCause[] {
  const at = path.child('selector');
  const { selector, template } = spec;
  const causes = selector ? labelSelector(at, selector) : [fieldError.required(at)];
  if (isEmptySelector(selector))
    causes.push(fieldError.invalid(at, goLabelSelector(selector), kind.emptySelector));
  const templatePath = path.child('template');
  return [
    ...causes,
    ...templateMatches(
      templatePath,
      template,
      isEmptySelector(selector) || selects(selector, template?.metadata?.labels),
    ),
    ...validatePodTemplate(templatePath, template),
    ...alwaysRestarted(templatePath, template, kind.name),
  ];
}
