/** Defaults and validation of ValidatingAdmissionPolicy and its binding, worded as Kubernetes words them. */
import {
  deepEqualJson,
  FieldPath,
  fieldError,
  type JsonObject,
  type JsonValue,
  type StatusCause,
} from '../../../api/index.js';
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../api/kinds/admissionregistration/v1.js';
import { oneOf } from '../../builtin/checks.js';
import { fillable, type Given, given, type MutableObject } from '../../builtin/given.js';
import type { KindStrategy } from '../../builtin/index.js';
import { type Environment, nullType, string } from '../../cel/index.js';
import { expressionErrors } from './match-conditions.js';
import { basicErrors, bindingErrors, matchDefaults } from './policy-checks.js';
import { policyEnvironments } from './policy-fields.js';

const group = 'admissionregistration.k8s.io';
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];
const spec = FieldPath.of('spec');

/** Nothing has to be found out first: what the expressions are has been seen when they were accepted. */
function checked(object: MutableObject, generation: number): void {
  const { status } = object as { status?: JsonObject };
  object.status = { ...status, observedGeneration: generation, typeChecking: {} };
}

const policyStrategy: KindStrategy = {
  group,
  kind: 'ValidatingAdmissionPolicy',
  hasGeneration: true,
  applyDefaults(object) {
    const policy = fillable<ValidatingAdmissionPolicy>(object);
    if (!policy.spec) return;
    policy.spec.failurePolicy ??= 'Fail';
    matchDefaults(policy.spec.matchConstraints);
  },
  prepareForCreate: (object) => checked(object, 1),
  prepareForUpdate(object, old) {
    if (deepEqualJson(object.spec as JsonValue, old.spec)) return;
    const { generation = 0 } = (old.metadata ?? {}) as { generation?: number };
    checked(object, generation + 1);
  },
  validate: validatePolicy,
};

const bindingStrategy: KindStrategy = {
  group,
  kind: 'ValidatingAdmissionPolicyBinding',
  hasGeneration: true,
  applyDefaults(object) {
    matchDefaults(fillable<ValidatingAdmissionPolicyBinding>(object).spec?.matchResources);
  },
  validate: validateBinding,
};

export const validatingPolicyStrategies: readonly KindStrategy[] = [policyStrategy, bindingStrategy];

function validatePolicy(object: JsonObject): StatusCause[] {
  const policy = given<ValidatingAdmissionPolicy>(object);
  const fields = policy.spec ?? {};
  const { validations = [], auditAnnotations = [] } = fields;
  const environments = policyEnvironments(fields);
  const environment = environments.full;
  const nothing = 'validations or auditAnnotations must contain at least one item';
  const causes = basicErrors(spec, fields, environments);
  if (validations.length === 0 && auditAnnotations.length === 0) {
    causes.push(
      fieldError.required(spec.child('validations'), nothing),
      fieldError.required(spec.child('auditAnnotations'), nothing),
    );
  }
  for (const [i, validation] of validations.entries()) {
    causes.push(...validationErrors(spec.child('validations').index(i), validation, environment));
  }
  const keys = new Set<string>();
  for (const [i, { key = '', valueExpression = '' }] of auditAnnotations.entries()) {
    const at = spec.child('auditAnnotations').index(i);
    if (key === '') causes.push(fieldError.required(at.child('key')));
    else if (!/^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(key) || key.length > 63)
      causes.push(
        fieldError.invalid(
          at.child('key'),
          key,
          "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
        ),
      );
    if (keys.has(key)) causes.push(fieldError.duplicate(at.child('key'), key));
    keys.add(key);
    const where = at.child('valueExpression');
    causes.push(
      ...(valueExpression.trim() === ''
        ? [fieldError.required(where, 'valueExpression is not specified')]
        : expressionErrors(where, valueExpression, environment, string, nullType)),
    );
  }
  return causes;
}

type Validation = NonNullable<NonNullable<Given<ValidatingAdmissionPolicy>['spec']>['validations']>[number];

function validationErrors(at: FieldPath, validation: Validation, environment: Environment): StatusCause[] {
  const { expression = '', message = '', messageExpression = '', reason } = validation;
  return [
    ...(expression.trim() === ''
      ? [fieldError.required(at.child('expression'), 'expression is not specified')]
      : expressionErrors(at.child('expression'), expression, environment)),
    ...(messageExpression !== '' && messageExpression.trim() === ''
      ? [
          fieldError.invalid(
            at.child('messageExpression'),
            messageExpression,
            'must be non-empty if specified',
          ),
        ]
      : messageExpression === ''
        ? []
        : expressionErrors(at.child('messageExpression'), messageExpression, environment, string)),
    ...(message !== '' && message.trim() === ''
      ? [fieldError.invalid(at.child('message'), message, 'message must be non-empty if specified')]
      : []),
    ...(/[\n\r]/.test(message.trim())
      ? [fieldError.invalid(at.child('message'), message, 'message must not contain line breaks')]
      : []),
    ...(/[\n\r]/.test(expression.trim()) && message === ''
      ? [
          fieldError.required(
            at.child('message'),
            'message must be specified if expression contains line breaks',
          ),
        ]
      : []),
    ...(reason === undefined ? [] : oneOf(at.child('reason'), reason, reasons)),
  ];
}

function validateBinding(object: JsonObject): StatusCause[] {
  const { validationActions = [], ...basics } = given<ValidatingAdmissionPolicyBinding>(object).spec ?? {};
  const actions = spec.child('validationActions');
  const known = new Set<string>(validationActions);
  return [
    ...bindingErrors(spec, basics),
    ...(validationActions.length === 0
      ? [fieldError.required(actions, 'at least one validation action is required')]
      : validationActions.flatMap((action, i) =>
          validationActions.indexOf(action) < i
            ? [fieldError.duplicate(actions.index(i), action)]
            : oneOf(actions.index(i), action, ['Audit', 'Deny', 'Warn']),
        )),
    ...(known.has('Deny') && known.has('Warn')
      ? [
          fieldError.invalid(
            actions,
            validationActions,
            'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
          ),
        ]
      : []),
  ];
}
