/** Defaults and validation of ValidatingAdmissionPolicy and its binding, worded as Kubernetes words them. */
import {
  deepEqualJson,
  FieldPath,
  fieldError,
  type JsonObject,
  type JsonValue,
  parseApiVersion,
  type StatusCause,
} from '../../../api/index.js';
import type {
  MatchResources,
  NamedRuleWithOperations,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../api/kinds/admissionregistration/v1.js';
import { oneOf, requiredOneOf } from '../../builtin/checks.js';
import { type Fillable, fillable, type Given, given, type MutableObject } from '../../builtin/given.js';
import type { KindStrategy } from '../../builtin/index.js';
import { labelSelector } from '../../builtin/label-selector.js';
import { type Environment, isProgram, nullType, string } from '../../cel/index.js';
import { validateRule } from '../webhooks/configuration.js';
import { conditionErrors, expressionErrors } from './match-conditions.js';
import { policyEnvironments } from './policy-fields.js';

const group = 'admissionregistration.k8s.io';
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];
const spec = FieldPath.of('spec');

function matchDefaults(match: Fillable<MatchResources> | undefined): void {
  if (!match) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])])
    rule.scope ??= '*';
}

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

export const policyStrategies: readonly KindStrategy[] = [policyStrategy, bindingStrategy];

function validatePolicy(object: JsonObject): StatusCause[] {
  const policy = given<ValidatingAdmissionPolicy>(object);
  const fields = policy.spec ?? {};
  const { matchConstraints, validations = [], auditAnnotations = [], paramKind, variables = [] } = fields;
  const environments = policyEnvironments(fields);
  const environment = environments.withVariables.at(-1) as Environment;
  const names = new Set<string>();
  const nothing = 'validations or auditAnnotations must contain at least one item';
  const causes: StatusCause[] = [
    ...requiredOneOf(spec.child('failurePolicy'), fields.failurePolicy, ['Fail', 'Ignore']),
    ...(paramKind ? paramKindErrors(spec.child('paramKind'), paramKind) : []),
    ...(matchConstraints
      ? matchErrors(spec.child('matchConstraints'), matchConstraints)
      : [fieldError.required(spec.child('matchConstraints'))]),
    ...(matchConstraints && (matchConstraints.resourceRules ?? []).length === 0
      ? [fieldError.required(spec.child('matchConstraints').child('resourceRules'))]
      : []),
    ...conditionErrors(spec.child('matchConditions'), fields.matchConditions, environments.plain),
  ];
  for (const [i, { name = '', expression = '' }] of variables.entries()) {
    const at = spec.child('variables').index(i);
    const program = environments.variables[i];
    if (name === '') causes.push(fieldError.required(at.child('name'), 'name is not specified'));
    else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      causes.push(fieldError.invalid(at.child('name'), name, 'name is not a valid CEL identifier'));
    else if (names.has(name)) causes.push(fieldError.duplicate(at.child('name'), name));
    names.add(name);
    if (expression.trim() === '')
      causes.push(fieldError.required(at.child('expression'), 'expression is not specified'));
    else if (program && !isProgram(program))
      causes.push(fieldError.invalid(at.child('expression'), expression, program.failure));
  }
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

function paramKindErrors(
  at: FieldPath,
  { apiVersion = '', kind = '' }: { apiVersion?: string; kind?: string },
): StatusCause[] {
  const { version } = parseApiVersion(apiVersion);
  return [
    ...(apiVersion === ''
      ? [fieldError.required(at.child('apiVersion'))]
      : version === '' || apiVersion.split('/').length > 2
        ? [
            fieldError.invalid(
              at.child('apiVersion'),
              apiVersion,
              `unexpected GroupVersion string: ${apiVersion}`,
            ),
          ]
        : []),
    ...(kind === '' ? [fieldError.required(at.child('kind'))] : []),
  ];
}

function matchErrors(at: FieldPath, match: Given<MatchResources>): StatusCause[] {
  const rules = (name: 'resourceRules' | 'excludeResourceRules'): StatusCause[] =>
    (match[name] ?? []).flatMap((rule, i) => namedRuleErrors(at.child(name).index(i), rule));
  return [
    ...oneOf(at.child('matchPolicy'), match.matchPolicy, ['Equivalent', 'Exact']),
    ...labelSelector(at.child('namespaceSelector'), match.namespaceSelector),
    ...labelSelector(at.child('objectSelector'), match.objectSelector),
    ...rules('resourceRules'),
    ...rules('excludeResourceRules'),
  ];
}

function namedRuleErrors(at: FieldPath, rule: Given<NamedRuleWithOperations>): StatusCause[] {
  const names = new Set<string>();
  const duplicates = (rule.resourceNames ?? []).flatMap((name, i) => {
    const again = names.has(name);
    names.add(name);
    return again ? [fieldError.duplicate(at.child('resourceNames').index(i), name)] : [];
  });
  return [...validateRule(at, rule), ...duplicates];
}

function validateBinding(object: JsonObject): StatusCause[] {
  const {
    policyName = '',
    paramRef,
    matchResources,
    validationActions = [],
  } = given<ValidatingAdmissionPolicyBinding>(object).spec ?? {};
  const actions = spec.child('validationActions');
  const known = new Set<string>(validationActions);
  return [
    ...(policyName === '' ? [fieldError.required(spec.child('policyName'))] : []),
    ...(paramRef ? paramRefErrors(spec.child('paramRef'), paramRef) : []),
    ...(matchResources ? matchErrors(spec.child('matchResources'), matchResources) : []),
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

function paramRefErrors(
  at: FieldPath,
  { name = '', selector, parameterNotFoundAction: action }: Given<ParamRef>,
): StatusCause[] {
  return [
    ...(name !== '' && selector
      ? [fieldError.forbidden(at.child('name'), 'name and selector are mutually exclusive')]
      : []),
    ...(name === '' && !selector
      ? [fieldError.required(at, 'one of name or selector must be specified')]
      : []),
    ...(selector ? labelSelector(at.child('selector'), selector) : []),
    ...(action === undefined
      ? [fieldError.required(at.child('parameterNotFoundAction'))]
      : oneOf(at.child('parameterNotFoundAction'), action, ['Deny', 'Allow'])),
  ];
}
