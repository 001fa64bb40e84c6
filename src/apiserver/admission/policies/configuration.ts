/**
 * Defaults and validation of ValidatingAdmissionPolicy and its binding
 * (https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/). An expression that does not
 * compile is refused when it is written.
 */
import { FieldPath, fieldError, type JsonObject, type StatusCause } from '../../../api/index.js';
import type {
  MatchResources,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../api/kinds/admissionregistration/v1.js';
import { oneOf, required } from '../../builtin/checks.js';
import { type Fillable, fillable, type Given, given } from '../../builtin/given.js';
import type { KindStrategy } from '../../builtin/index.js';
import { labelSelector } from '../../builtin/label-selector.js';
import { keepMetadata } from '../../builtin/metadata.js';
import { policyCompiler, validateConditions, validateExpression } from './expressions.js';

const group = 'admissionregistration.k8s.io';
const spec = FieldPath.of('spec');
const reasons = ['Unauthorized', 'Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const actions = ['Audit', 'Deny', 'Warn'];
const maxAnnotation = 5 * 1024;

function defaultMatch(match: Fillable<MatchResources> | undefined): void {
  if (!match) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])])
    rule.scope ??= '*';
}

function validateMatch(at: FieldPath, match: Given<MatchResources> | undefined): StatusCause[] {
  if (!match) return [];
  return [
    ...oneOf(at.child('matchPolicy'), match.matchPolicy, ['Equivalent', 'Exact']),
    ...labelSelector(at.child('namespaceSelector'), match.namespaceSelector),
    ...labelSelector(at.child('objectSelector'), match.objectSelector),
    ...(match.resourceRules ?? []).flatMap((rule, i) => {
      const here = at.child('resourceRules').index(i);
      return (['operations', 'apiGroups', 'apiVersions', 'resources'] as const).flatMap((field) =>
        rule[field]?.length ? [] : [fieldError.required(here.child(field))],
      );
    }),
  ];
}

function validatePolicy(object: JsonObject): StatusCause[] {
  const { spec: policy = {} } = given<ValidatingAdmissionPolicy>(object);
  const causes: StatusCause[] = [
    ...oneOf(spec.child('failurePolicy'), policy.failurePolicy, ['Fail', 'Ignore']),
    ...(policy.matchConstraints?.resourceRules?.length
      ? []
      : [fieldError.required(spec.child('matchConstraints').child('resourceRules'))]),
    ...validateMatch(spec.child('matchConstraints'), policy.matchConstraints),
    ...validateConditions(spec.child('matchConditions'), policyCompiler, policy.matchConditions),
  ];
  if (policy.paramKind) {
    const at = spec.child('paramKind');
    causes.push(
      ...required(at.child('apiVersion'), policy.paramKind.apiVersion),
      ...required(at.child('kind'), policy.paramKind.kind),
    );
  }
  if (!policy.validations?.length && !policy.auditAnnotations?.length)
    causes.push(
      fieldError.required(spec.child('validations'), 'validations or auditAnnotations must be non-empty'),
    );
  causes.push(...validateVariables(policy), ...validateValidations(policy), ...validateAnnotations(policy));
  return causes;
}

type Policy = Given<ValidatingAdmissionPolicy['spec']> & object;

function validateVariables({ variables = [] }: Policy): StatusCause[] {
  const seen = new Set<string>();
  return variables.flatMap(({ name = '', expression }, i) => {
    const at = spec.child('variables').index(i);
    const causes = validateExpression(at.child('expression'), policyCompiler, expression);
    if (!/^[A-Za-z_]\w*$/.test(name))
      causes.push(fieldError.invalid(at.child('name'), name, 'name is not a valid CEL identifier'));
    else if (seen.has(name)) causes.push(fieldError.duplicate(at.child('name'), name));
    seen.add(name);
    return causes;
  });
}

function validateValidations({ validations = [] }: Policy): StatusCause[] {
  return validations.flatMap(({ expression, messageExpression, message, reason }, i) => {
    const at = spec.child('validations').index(i);
    return [
      ...validateExpression(at.child('expression'), policyCompiler, expression, ['bool']),
      ...(messageExpression === undefined
        ? []
        : validateExpression(at.child('messageExpression'), policyCompiler, messageExpression, ['string'])),
      ...(message !== undefined && /[\n\r]/.test(message)
        ? [fieldError.invalid(at.child('message'), message, 'message must not contain line breaks')]
        : []),
      ...oneOf(at.child('reason'), reason, reasons),
    ];
  });
}

function validateAnnotations({ auditAnnotations = [] }: Policy): StatusCause[] {
  return auditAnnotations.flatMap(({ key, valueExpression }, i) => {
    const at = spec.child('auditAnnotations').index(i);
    return [
      ...required(at.child('key'), key),
      ...((valueExpression?.length ?? 0) > maxAnnotation
        ? [
            fieldError.required(
              at.child('valueExpression'),
              `must not exceed ${maxAnnotation} bytes in length`,
            ),
          ]
        : validateExpression(at.child('valueExpression'), policyCompiler, valueExpression, [
            'string',
            'null',
          ])),
    ];
  });
}

function validateBinding(object: JsonObject): StatusCause[] {
  const { spec: binding = {} } = given<ValidatingAdmissionPolicyBinding>(object);
  const { validationActions: chosen = [], paramRef } = binding;
  const causes = [
    ...required(spec.child('policyName'), binding.policyName),
    ...validateMatch(spec.child('matchResources'), binding.matchResources),
    ...chosen.flatMap((action, i) => oneOf(spec.child('validationActions').index(i), action, actions)),
  ];
  if (chosen.length === 0) causes.push(fieldError.required(spec.child('validationActions')));
  if (chosen.includes('Deny') && chosen.includes('Warn'))
    causes.push(
      fieldError.invalid(
        spec.child('validationActions'),
        chosen,
        'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ),
    );
  if (paramRef) {
    const at = spec.child('paramRef');
    if (!paramRef.name && !paramRef.selector)
      causes.push(fieldError.required(at, 'one of name or selector must be specified'));
    if (paramRef.name && paramRef.selector)
      causes.push(fieldError.forbidden(at.child('name'), 'name and selector are mutually exclusive'));
    if (!paramRef.parameterNotFoundAction)
      causes.push(fieldError.required(at.child('parameterNotFoundAction')));
    else
      causes.push(
        ...oneOf(at.child('parameterNotFoundAction'), paramRef.parameterNotFoundAction, ['Allow', 'Deny']),
      );
  }
  return causes;
}

export const policyStrategies: readonly KindStrategy[] = [
  {
    group,
    kind: 'ValidatingAdmissionPolicy',
    hasGeneration: true,
    allowUnconditionalUpdate: false,
    applyDefaults(object) {
      const policy = (fillable<ValidatingAdmissionPolicy>(object).spec ??= {});
      policy.failurePolicy ??= 'Fail';
      defaultMatch(policy.matchConstraints);
    },
    prepareForStatusUpdate: keepMetadata,
    validate: validatePolicy,
  },
  {
    group,
    kind: 'ValidatingAdmissionPolicyBinding',
    hasGeneration: true,
    allowUnconditionalUpdate: false,
    applyDefaults(object) {
      defaultMatch(fillable<ValidatingAdmissionPolicyBinding>(object).spec?.matchResources);
    },
    validate: validateBinding,
  },
];
