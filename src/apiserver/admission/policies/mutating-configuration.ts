/** Defaults and validation of MutatingAdmissionPolicy and its binding, worded as Kubernetes words them. */
import { FieldPath, fieldError, type JsonObject, type StatusCause } from '../../../api/index.js';
import type {
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '../../../api/kinds/admissionregistration/v1alpha1.js';
import { oneOf, requiredOneOf } from '../../builtin/checks.js';
import { fillable, type Given, given } from '../../builtin/given.js';
import type { KindStrategy } from '../../builtin/index.js';
import { type Environment, isProgram } from '../../cel/index.js';
import { compilePatch, patchTypes } from './mutating-fields.js';
import { patchEnvironment } from './patch-types.js';
import { basicErrors, bindingErrors, matchDefaults } from './policy-checks.js';
import { policyEnvironments } from './policy-fields.js';

const group = 'admissionregistration.k8s.io';
const spec = FieldPath.of('spec');
/** There is nothing to change in what goes. */
const operations = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

const policyStrategy: KindStrategy = {
  group,
  kind: 'MutatingAdmissionPolicy',
  hasGeneration: true,
  applyDefaults(object) {
    const policy = fillable<MutatingAdmissionPolicy>(object);
    if (!policy.spec) return;
    policy.spec.failurePolicy ??= 'Fail';
    matchDefaults(policy.spec.matchConstraints);
  },
  validate: validatePolicy,
};

const bindingStrategy: KindStrategy = {
  group,
  kind: 'MutatingAdmissionPolicyBinding',
  hasGeneration: true,
  applyDefaults(object) {
    const binding = fillable<MutatingAdmissionPolicyBinding>(object);
    matchDefaults(binding.spec?.matchResources);
    if (binding.spec?.paramRef) binding.spec.paramRef.parameterNotFoundAction ??= 'Deny';
  },
  validate(object) {
    const fields = given<MutatingAdmissionPolicyBinding>(object).spec ?? {};
    return [
      ...bindingErrors(spec, fields),
      ...operationErrors(spec.child('matchResources'), fields.matchResources),
    ];
  },
};

export const mutatingPolicyStrategies: readonly KindStrategy[] = [policyStrategy, bindingStrategy];

function validatePolicy(object: JsonObject): StatusCause[] {
  const fields = given<MutatingAdmissionPolicy>(object).spec ?? {};
  const { mutations = [], matchConstraints } = fields;
  const environments = policyEnvironments(fields);
  const environment = patchEnvironment(environments.types);
  const at = spec.child('mutations');
  return [
    ...basicErrors(spec, fields, environments),
    ...operationErrors(spec.child('matchConstraints'), matchConstraints),
    ...(mutations.length === 0 ? [fieldError.required(at, 'mutations must contain at least one item')] : []),
    ...mutations.flatMap((mutation, i) => mutationErrors(at.index(i), mutation, environment)),
    ...requiredOneOf(spec.child('reinvocationPolicy'), fields.reinvocationPolicy, ['IfNeeded', 'Never']),
  ];
}

function operationErrors(at: FieldPath, match: Given<MatchResources> | undefined): StatusCause[] {
  const path = at.child('resourceRules').child('operations');
  return (match?.resourceRules ?? []).flatMap((rule) =>
    (rule.operations ?? []).flatMap((operation) => oneOf(path, operation, operations)),
  );
}

type Mutation = NonNullable<NonNullable<Given<MutatingAdmissionPolicy>['spec']>['mutations']>[number];

function mutationErrors(at: FieldPath, mutation: Mutation, environment: Environment): StatusCause[] {
  const { patchType } = mutation;
  if (!patchType || !patchTypes.includes(patchType))
    return requiredOneOf(at.child('patchType'), patchType, patchTypes);
  const [own, other] =
    patchType === 'JSONPatch'
      ? (['jsonPatch', 'applyConfiguration'] as const)
      : (['applyConfiguration', 'jsonPatch'] as const);
  const patch = mutation[own];
  const path = at.child(own);
  const expression = patch?.expression?.trim() ?? '';
  const program = compilePatch(environment, patchType, expression);
  return [
    ...(!patch
      ? [fieldError.required(path, `must be specified when patchType is ${patchType}`)]
      : expression === ''
        ? [fieldError.required(path.child('expression'))]
        : isProgram(program)
          ? []
          : [fieldError.invalid(path.child('expression'), expression, program.failure)]),
    ...(mutation[other]
      ? [
          fieldError.invalid(
            at.child(other),
            `{${other}}`,
            `must not be specified when patchType is ${patchType}`,
          ),
        ]
      : []),
  ];
}
