/** Defaults and validation of what policies of either sort, and their bindings, have in common. */
import {
  dns1123Subdomain,
  type FieldPath,
  fieldError,
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
import { oneOf, requiredName, requiredOneOf } from '../../builtin/checks.js';
import type { Fillable, Given } from '../../builtin/given.js';
import { labelSelector } from '../../builtin/label-selector.js';
import { isProgram } from '../../cel/index.js';
import { validateRule } from '../webhooks/configuration.js';
import { conditionErrors } from './match-conditions.js';
import type { PolicyEnvironments } from './policy-fields.js';

type PolicySpec = Given<ValidatingAdmissionPolicy['spec'] & object>;
type BindingSpec = Given<ValidatingAdmissionPolicyBinding['spec'] & object>;

export function matchDefaults(match: Fillable<MatchResources> | undefined): void {
  if (!match) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])])
    rule.scope ??= '*';
}

export function basicErrors(
  at: FieldPath,
  fields: Pick<
    PolicySpec,
    'failurePolicy' | 'matchConditions' | 'matchConstraints' | 'paramKind' | 'variables'
  >,
  environments: PolicyEnvironments,
): StatusCause[] {
  const { matchConstraints, paramKind } = fields;
  const constraints = at.child('matchConstraints');
  return [
    ...requiredOneOf(at.child('failurePolicy'), fields.failurePolicy, ['Fail', 'Ignore']),
    ...(paramKind ? paramKindErrors(at.child('paramKind'), paramKind) : []),
    ...(matchConstraints ? matchErrors(constraints, matchConstraints) : [fieldError.required(constraints)]),
    ...(matchConstraints && (matchConstraints.resourceRules ?? []).length === 0
      ? [fieldError.required(constraints.child('resourceRules'))]
      : []),
    ...conditionErrors(at.child('matchConditions'), fields.matchConditions, environments.plain),
    ...variableErrors(at.child('variables'), fields.variables ?? [], environments),
  ];
}

function variableErrors(
  path: FieldPath,
  variables: NonNullable<PolicySpec['variables']>,
  environments: PolicyEnvironments,
): StatusCause[] {
  const causes: StatusCause[] = [];
  const names = new Set<string>();
  for (const [i, { name = '', expression = '' }] of variables.entries()) {
    const at = path.index(i);
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
  return causes;
}

export function bindingErrors(
  at: FieldPath,
  { policyName, paramRef, matchResources }: Pick<BindingSpec, 'matchResources' | 'paramRef' | 'policyName'>,
): StatusCause[] {
  return [
    ...requiredName(at.child('policyName'), policyName, dns1123Subdomain),
    ...(paramRef ? paramRefErrors(at.child('paramRef'), paramRef) : []),
    ...(matchResources ? matchErrors(at.child('matchResources'), matchResources) : []),
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
