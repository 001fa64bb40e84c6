/** Whether the rules somebody has cover the rules somebody wants to give. Pure. */
import type { PolicyRule } from '../../auth/authorizer.js';
import { coversPath, matches } from '../../auth/rbac.js';

/** The rules of `wanted` that are not wholly covered, as they are given. */
export function uncovered(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.filter((rule) => !single(rule).every((one) => owned.some((own) => covers(own, one))));
}

/** A rule that says one thing: one verb, of one resource or path. */
interface SingleRule {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly name?: string;
  readonly path?: string;
}

function single(rule: PolicyRule): SingleRule[] {
  const names = rule.resourceNames?.length ? rule.resourceNames : [undefined];
  const ofResources = rule.verbs.flatMap((verb) =>
    (rule.apiGroups ?? []).flatMap((group) =>
      (rule.resources ?? []).flatMap((resource) =>
        names.map((name) => ({ verb, group, resource, ...(name === undefined ? {} : { name }) })),
      ),
    ),
  );
  const ofPaths = rule.verbs.flatMap((verb) => (rule.nonResourceURLs ?? []).map((path) => ({ verb, path })));
  return [...ofResources, ...ofPaths];
}

function covers(own: PolicyRule, { verb, group, resource, name, path }: SingleRule): boolean {
  if (!matches(own.verbs, verb)) return false;
  if (path !== undefined) return (own.nonResourceURLs ?? []).some((pattern) => coversPath(pattern, path));
  if (!matches(own.apiGroups, group ?? '') || !coversResource(own.resources ?? [], resource ?? ''))
    return false;
  // All names are more than some.
  return !own.resourceNames?.length || (name !== undefined && own.resourceNames.includes(name));
}

function coversResource(owned: readonly string[], wanted: string): boolean {
  if (owned.includes('*') || owned.includes(wanted)) return true;
  const [, subresource] = wanted.split('/');
  return subresource !== undefined && owned.includes(`*/${subresource}`);
}

/** As Kubernetes writes a rule in a message: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function ruleText(rule: PolicyRule): string {
  const parts = (
    [
      ['NonResourceURLs', rule.nonResourceURLs],
      ['APIGroups', rule.apiGroups],
      ['Resources', rule.resources],
      ['ResourceNames', rule.resourceNames],
      ['Verbs', rule.verbs],
    ] as const
  ).flatMap(([name, values]) =>
    values?.length ? [`${name}:[${values.map((value) => JSON.stringify(value)).join(' ')}]`] : [],
  );
  return `{${parts.join(', ')}}`;
}
