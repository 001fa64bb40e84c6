/**
 * Gives every ClusterRole with an `aggregationRule` the rules of the roles it selects, in the order of their names, each
 * once (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles).
 */
import {
  type CacheReader,
  compileLabelSelector,
  type Context,
  Controller,
  deepEqualJson,
  done,
  type Result,
  Watches,
} from 'gyre';
import { ClusterRole } from 'gyre/kinds';
import type { PolicyRule } from 'gyre/kinds/rbac/v1';

const isAggregated = ({ aggregationRule }: ClusterRole): boolean =>
  (aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0;

/** Any role may come to be selected, or not any more, by any of the few that select. */
const aggregatedRoles = (_: ClusterRole, cache: CacheReader): string[] =>
  cache
    .list(ClusterRole)
    .filter(isAggregated)
    .map(({ metadata }) => metadata.name);

@Controller(ClusterRole, { name: 'clusterrole-aggregation-controller', predicate: () => true })
@Watches(ClusterRole, { map: aggregatedRoles })
export class ClusterRoleAggregationController {
  async reconcile(role: ClusterRole, { cache, client }: Context<ClusterRole>): Promise<Result> {
    if (!isAggregated(role) || role.metadata.deletionTimestamp !== undefined) return done;
    const rules = rulesOf(role, cache.list(ClusterRole));
    if (deepEqualJson(role.rules ?? [], rules)) return done;
    await client.patch(ClusterRole, role, (draft) => {
      draft.rules = [...rules] as NonNullable<typeof draft.rules>;
    });
    return done;
  }
}

function rulesOf(role: ClusterRole, all: readonly ClusterRole[]): readonly PolicyRule[] {
  const selectors = (role.aggregationRule?.clusterRoleSelectors ?? []).map(compileLabelSelector);
  const selected = all
    .filter(({ metadata }) => metadata.uid !== role.metadata.uid)
    .filter(({ metadata: { labels = {} } }) => selectors.some((selector) => selector.matches(labels)))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const rules: PolicyRule[] = [];
  for (const rule of selected.flatMap((each) => each.rules ?? []))
    if (!rules.some((known) => deepEqualJson(known, rule))) rules.push(rule);
  return rules;
}
