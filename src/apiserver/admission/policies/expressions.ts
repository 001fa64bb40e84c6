/** What expressions of admission see: the objects, the request, and who may do what (API-16). */
import {
  fieldError,
  type FieldPath,
  type JsonObject,
  type StatusCause,
  type UserInfo,
} from '../../../api/index.js';
import type { Authorizer } from '../../auth/authorizer.js';
import { authorizerValue, registerAuthorizer } from '../../cel/authorizer.js';
import { Compiler, type Program } from '../../cel/program.js';
import { toCel } from '../../cel/values.js';
import type { AdmissionAttributes } from '../admission.js';

/** Of webhooks' matchConditions. */
export const conditionCompiler = new Compiler(
  ['object', 'oldObject', 'request', 'authorizer'],
  registerAuthorizer,
);

/** Of policies. */
export const policyCompiler = new Compiler(
  ['object', 'oldObject', 'request', 'authorizer', 'params', 'namespaceObject', 'variables'],
  registerAuthorizer,
);

/** The values of a request; objects are taken as they are known: whole numbers are integers. */
export function admissionValues(
  attributes: AdmissionAttributes,
  object: JsonObject | undefined,
  authorizer: Authorizer,
): Record<string, unknown> {
  const known = (value: JsonObject | undefined): unknown =>
    value === undefined ? null : toCel(value, undefined, conditionCompiler.moments);
  const { oldObject, user } = attributes;
  return {
    // On DELETE there is the old object alone.
    object: attributes.operation === 'DELETE' ? null : known(object),
    oldObject: known(oldObject),
    request: toCel(requestOf(attributes), undefined, conditionCompiler.moments),
    authorizer: authorizerValue(authorizer, user),
  };
}

function requestOf(attributes: AdmissionAttributes): JsonObject {
  const { resource, subresource, name, namespace, operation, dryRun, options, user } = attributes;
  const { group, version, plural } = resource.facts;
  const kind = attributes.kind ?? resource.facts;
  const asked = { group: kind.group, version: kind.version, kind: kind.kind };
  return {
    kind: asked,
    resource: { group, version, resource: plural },
    subResource: subresource,
    requestKind: asked,
    requestResource: { group, version, resource: plural },
    requestSubResource: subresource,
    name,
    namespace,
    operation,
    userInfo: userOf(user),
    dryRun,
    options: options ?? {},
  };
}

function userOf({ username, uid = '', groups = [], extra = {} }: UserInfo): JsonObject {
  return { username, uid, groups: [...groups], extra: extra as unknown as JsonObject };
}

export interface Condition {
  readonly name: string;
  readonly program: Program;
}

/** Those that compile: what is stored was checked when it was written. */
export function compileConditions(
  compiler: Compiler,
  conditions: readonly { readonly name?: string; readonly expression?: string }[] = [],
): Condition[] {
  return conditions.flatMap(({ name = '', expression = '' }) => {
    const compiled = compiler.compile(expression);
    return 'program' in compiled ? [{ name, program: compiled.program }] : [];
  });
}

export type Matched = { readonly matches: boolean } | { readonly error: string };

/** Any condition that is false decides, whatever the others; after that an error does (API-17). */
export function evaluateConditions(
  conditions: readonly Condition[],
  values: Readonly<Record<string, unknown>>,
): Matched {
  let failure: string | undefined;
  for (const { name, program } of conditions) {
    const outcome = program.run(values);
    if ('error' in outcome) failure ??= `match condition ${JSON.stringify(name)}: ${outcome.error}`;
    else if (outcome.value !== true) return { matches: false };
  }
  return failure === undefined ? { matches: true } : { error: failure };
}

/**
 * Why an expression is refused.
 * @param types what it may give; default: anything
 */
export function validateExpression(
  at: FieldPath,
  compiler: Compiler,
  expression: string | undefined,
  types?: readonly string[],
): StatusCause[] {
  if (!expression?.trim()) return [fieldError.required(at)];
  const compiled = compiler.compile(expression);
  if ('error' in compiled)
    return [fieldError.invalid(at, expression, `compilation failed: ${compiled.error}`)];
  const { type } = compiled.program;
  return types === undefined || types.includes(type) || type === 'dyn'
    ? []
    : [fieldError.invalid(at, expression, `compilation failed: must evaluate to ${types.join(' or ')}`)];
}

const maxConditions = 64;
const conditionName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9](?:\/.*)?$/;

export function validateConditions(
  at: FieldPath,
  compiler: Compiler,
  conditions: readonly { readonly name?: string; readonly expression?: string }[] = [],
): StatusCause[] {
  if (conditions.length > maxConditions) return [fieldError.tooMany(at, conditions.length, maxConditions)];
  const seen = new Set<string>();
  return conditions.flatMap(({ name = '', expression }, i) => {
    const causes = validateExpression(at.index(i).child('expression'), compiler, expression, ['bool']);
    const named = at.index(i).child('name');
    if (name === '') causes.push(fieldError.required(named));
    else if (!conditionName.test(name))
      causes.push(fieldError.invalid(named, name, 'must be a qualified name'));
    else if (seen.has(name)) causes.push(fieldError.duplicate(named, name));
    seen.add(name);
    return causes;
  });
}
