/**
 * Which requests a webhook's rules are about (API-17). Pure: rules are compiled once per version of their
 * configuration and asked for every write.
 */

/** What a request is about, as rules see it. */
export interface RuleTarget {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly group: string;
  readonly version: string;
  /** Plural. */
  readonly resource: string;
  readonly subresource: string;
  /** `''` for what has none. A Namespace's own is its name. */
  readonly namespace: string;
}

/** One of a webhook's `rules`. */
export interface RuleFields {
  readonly operations?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  readonly resources?: readonly string[];
  readonly scope?: string;
}

export type Rule = (target: RuleTarget) => boolean;

/** `*` stands for all of them. */
function anyOf(names: readonly string[] = []): (name: string) => boolean {
  if (names.includes('*')) return () => true;
  const known = new Set(names);
  return (name) => known.has(name);
}

/**
 * `pods`, `pods/log`, `pods/*` (the pods too), `*` (everything but subresources), a star and the name of a
 * subresource, or two stars.
 */
function resourceRule(resources: readonly string[] = []): (resource: string, subresource: string) => boolean {
  const pairs = resources.map((text) => {
    const slash = text.indexOf('/');
    return slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1)];
  });
  return (resource, subresource) =>
    pairs.some(([r, s]) => (r === '*' || r === resource) && (s === '*' || s === subresource));
}

/** A Namespace belongs to the cluster, though requests about it carry its name as their namespace. */
function scopeRule(scope: string | undefined): (target: RuleTarget) => boolean {
  if (scope !== 'Namespaced' && scope !== 'Cluster') return () => true;
  const namespaced = scope === 'Namespaced';
  return ({ group, resource, namespace }) => {
    const isNamespace = group === '' && resource === 'namespaces';
    return (namespace !== '' && !isNamespace) === namespaced;
  };
}

export function compileRule(fields: RuleFields): Rule {
  const [operation, group, version] = [fields.operations, fields.apiGroups, fields.apiVersions].map(
    anyOf,
  ) as [(name: string) => boolean, (name: string) => boolean, (name: string) => boolean];
  const resource = resourceRule(fields.resources);
  const scope = scopeRule(fields.scope);
  return (target) =>
    operation(target.operation) &&
    group(target.group) &&
    version(target.version) &&
    resource(target.resource, target.subresource) &&
    scope(target);
}
