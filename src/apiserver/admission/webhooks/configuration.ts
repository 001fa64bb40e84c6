/**
 * Defaults and validation of MutatingWebhookConfiguration and ValidatingWebhookConfiguration, worded as
 * Kubernetes words them.
 */
import {
  dns1035Label,
  dns1123Subdomain,
  FieldPath,
  fieldError,
  type JsonObject,
  type StatusCause,
} from '../../../api/index.js';
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  RuleWithOperations,
} from '../../../api/kinds/admissionregistration/v1.js';
import { oneOf } from '../../builtin/checks.js';
import { type Fillable, fillable, type Given, given } from '../../builtin/given.js';
import type { KindStrategy } from '../../builtin/index.js';
import { labelSelector } from '../../builtin/label-selector.js';
import {
  applyClientConfigDefaults,
  validateClientConfig,
  validateReviewVersions,
} from '../../webhooks/client-config.js';
import { conditionErrors } from '../policies/match-conditions.js';
import { defaultTimeoutSeconds } from './hook.js';

const group = 'admissionregistration.k8s.io';
const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const sideEffectClasses = ['None', 'NoneOnDryRun'];

/** A validating webhook is a mutating one without a reinvocationPolicy. */
type Webhook = MutatingWebhook;

function applyDefaults(hook: Fillable<Webhook>, mutating: boolean): void {
  hook.failurePolicy ??= 'Fail';
  hook.matchPolicy ??= 'Equivalent';
  hook.namespaceSelector ??= {};
  hook.objectSelector ??= {};
  hook.timeoutSeconds ??= defaultTimeoutSeconds;
  if (mutating) hook.reinvocationPolicy ??= 'Never';
  for (const rule of hook.rules ?? []) rule.scope ??= '*';
  applyClientConfigDefaults(hook.clientConfig);
}

function strategy(kind: string, mutating: boolean): KindStrategy {
  return {
    group,
    kind,
    hasGeneration: true,
    applyDefaults(object) {
      for (const hook of fillable<MutatingWebhookConfiguration>(object).webhooks ?? [])
        applyDefaults(hook, mutating);
    },
    validate,
  };
}

export const webhookConfigurationStrategies: readonly KindStrategy[] = [
  strategy('MutatingWebhookConfiguration', true),
  strategy('ValidatingWebhookConfiguration', false),
];

function validate(object: JsonObject): StatusCause[] {
  const at = FieldPath.of('webhooks');
  const names = new Set<string>();
  const causes: StatusCause[] = [];
  for (const [i, hook] of (given<MutatingWebhookConfiguration>(object).webhooks ?? []).entries()) {
    const { name = '' } = hook;
    causes.push(...validateHook(at.index(i), hook));
    if (name !== '' && names.has(name)) causes.push(fieldError.duplicate(at.index(i).child('name'), name));
    names.add(name);
  }
  return causes;
}

function validateHook(at: FieldPath, hook: Given<Webhook>): StatusCause[] {
  const { timeoutSeconds: timeout } = hook;
  return [
    ...fullyQualified(at.child('name'), hook.name ?? ''),
    ...(hook.rules ?? []).flatMap((rule, i) => validateRule(at.child('rules').index(i), rule)),
    ...oneOf(at.child('failurePolicy'), hook.failurePolicy, ['Fail', 'Ignore']),
    ...oneOf(at.child('matchPolicy'), hook.matchPolicy, ['Equivalent', 'Exact']),
    ...(hook.sideEffects === undefined
      ? [fieldError.required(at.child('sideEffects'), `must specify one of ${sideEffectClasses.join(', ')}`)]
      : oneOf(at.child('sideEffects'), hook.sideEffects, sideEffectClasses)),
    ...oneOf(at.child('reinvocationPolicy'), hook.reinvocationPolicy, ['IfNeeded', 'Never']),
    ...(timeout !== undefined && (timeout < 1 || timeout > 30)
      ? [
          fieldError.invalid(
            at.child('timeoutSeconds'),
            timeout,
            'the timeout value must be between 1 and 30 seconds',
          ),
        ]
      : []),
    ...labelSelector(at.child('namespaceSelector'), hook.namespaceSelector),
    ...labelSelector(at.child('objectSelector'), hook.objectSelector),
    ...validateClientConfig(at.child('clientConfig'), hook.clientConfig),
    ...conditionErrors(at.child('matchConditions'), hook.matchConditions),
    ...reviewVersions(at.child('admissionReviewVersions'), hook.admissionReviewVersions ?? []),
  ];
}

function reviewVersions(at: FieldPath, versions: readonly string[]): StatusCause[] {
  return versions.length === 0
    ? [fieldError.required(at, 'must specify one of v1')]
    : validateReviewVersions(at, versions, dns1035Label);
}

function fullyQualified(at: FieldPath, name: string): StatusCause[] {
  if (name === '') return [fieldError.required(at)];
  const why = dns1123Subdomain(name);
  if (why.length > 0) return [fieldError.invalid(at, name, why.join(','))];
  return name.split('.').length < 3
    ? [fieldError.invalid(at, name, 'should be a domain with at least three segments separated by dots')]
    : [];
}

/** Also the rules of policies. */
export function validateRule(at: FieldPath, rule: Given<RuleWithOperations>): StatusCause[] {
  return [
    ...wildcardAlone(at.child('operations'), rule.operations, 'operations'),
    ...(rule.operations ?? []).flatMap((operation, i) =>
      oneOf(at.child('operations').index(i), operation, operations),
    ),
    ...wildcardAlone(at.child('apiGroups'), rule.apiGroups, 'API groups'),
    ...wildcardAlone(at.child('apiVersions'), rule.apiVersions, 'API versions'),
    ...(rule.apiVersions ?? []).flatMap((version, i) =>
      version === '' ? [fieldError.required(at.child('apiVersions').index(i))] : [],
    ),
    ...validateResources(at.child('resources'), rule.resources ?? []),
    ...oneOf(at.child('scope'), rule.scope, ['*', 'Cluster', 'Namespaced']),
  ];
}

function wildcardAlone(at: FieldPath, names: readonly string[] = [], what: string): StatusCause[] {
  if (names.length === 0) return [fieldError.required(at)];
  return names.length > 1 && names.includes('*')
    ? [fieldError.invalid(at, names, `if '*' is present, must not specify other ${what}`)]
    : [];
}

function validateResources(at: FieldPath, resources: readonly string[]): StatusCause[] {
  if (resources.length === 0) return [fieldError.required(at)];
  const causes: StatusCause[] = [];
  const wholly = new Set<string>();
  const everywhere = new Set<string>();
  for (const [i, text] of resources.entries()) {
    const here = at.index(i);
    const slash = text.indexOf('/');
    if (text === '') causes.push(fieldError.required(here));
    if (slash < 0) continue;
    const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)];
    if (wholly.has(resource)) {
      const why = `if '${resource}/*' is present, must not specify ${text}`;
      causes.push(fieldError.invalid(here, text, why));
    }
    if (everywhere.has(subresource)) {
      const why = `if '*/${subresource}' is present, must not specify ${text}`;
      causes.push(fieldError.invalid(here, text, why));
    }
    if (subresource === '*') wholly.add(resource);
    if (resource === '*') everywhere.add(subresource);
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    causes.push(fieldError.invalid(at, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (resources.includes('*') && resources.some((text) => text !== '*' && !text.includes('/'))) {
    const why = "if '*' is present, must not specify other resources without subresources";
    causes.push(fieldError.invalid(at, resources, why));
  }
  return causes;
}
