/**
 * The roles every cluster has. At each start those that are missing are made again, and rules and subjects that were
 * taken away are added; what somebody added stays. A role whose annotation
 * `rbac.authorization.kubernetes.io/autoupdate` is `false` is left alone
 * (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation).
 */
import { ApiError, deepEqualJson, type JsonObject, type JsonValue, type Status } from '../../../api/index.js';
import { ensureNamed, type Maker } from '../ensure.js';
import { componentBindings, componentRoles } from './for-components.js';
import { userRoles } from './for-users.js';
import { autoUpdate, rbacGroup } from './rules.js';

/** @throws ApiError */
export async function ensureRoles(maker: Maker): Promise<void> {
  // All at once: a store that syncs to a disk does so once for many.
  const roles = [...userRoles, ...componentRoles];
  await Promise.all(roles.map((role) => restore(maker, 'clusterroles', role, 'rules')));
  await Promise.all(
    componentBindings.map((binding) => restore(maker, 'clusterrolebindings', binding, 'subjects')),
  );
}

async function restore(
  maker: Maker,
  plural: string,
  object: JsonObject,
  list: 'rules' | 'subjects',
): Promise<void> {
  const collection = `/apis/${rbacGroup}/v1/${plural}`;
  const present = await ensureNamed(maker, collection, object);
  // What an aggregated role holds is its controller's.
  if (!present || object.aggregationRule !== undefined) return;
  if (present.metadata.annotations?.[autoUpdate] === 'false') return;
  const has = (present[list] ?? []) as readonly JsonValue[];
  const missing = (object[list] as readonly JsonValue[]).filter(
    (wanted) => !has.some((each) => deepEqualJson(each, wanted)),
  );
  if (missing.length === 0) return;
  const answer = await maker.transport.request({
    method: 'PUT',
    path: `${collection}/${encodeURIComponent((object.metadata as { name: string }).name)}`,
    query: { fieldManager: 'kube-apiserver' },
    body: structuredClone({ ...present, [list]: [...has, ...missing] }),
  });
  if (answer.status >= 400) throw new ApiError(answer.body as Status);
}
