/**
 * Acting as somebody else (`kubectl --as`): allowed to who may `impersonate` that user, each of the groups
 * and the uid, and a service account to who may in its namespace (API-18). From then on the request is that user's.
 */
import { badRequest, type UserInfo } from '../../api/index.js';
import { withGroup } from './authenticator.js';
import { type AuthorizationAttributes, type Authorizer, forbiddenError } from './authorizer.js';

const headers = { user: 'impersonate-user', group: 'impersonate-group', uid: 'impersonate-uid' } as const;
const prefix = 'impersonate-';
const extraPrefix = `${prefix}extra-`;

/**
 * The user the request acts as: the one who asks, unless its headers say otherwise.
 * @throws ApiError Forbidden, BadRequest
 */
export function actingUser(
  user: UserInfo,
  given: Readonly<Record<string, string | undefined>>,
  authorizer: Authorizer,
): UserInfo {
  // As for nearly all requests.
  if (!Object.keys(given).some((name) => name.startsWith(prefix))) return user;
  const username = given[headers.user];
  const groups = (given[headers.group] ?? '')
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '');
  const uid = given[headers.uid];
  const extra = Object.keys(given).filter((name) => name.startsWith(extraPrefix));
  if (username === undefined) {
    if (groups.length === 0 && uid === undefined && extra.length === 0) return user;
    throw badRequest('requested groups, uid or extra cannot be impersonated without a user');
  }
  const check = (group: string, resource: string, name: string, subresource = '', namespace = ''): void => {
    const asked: AuthorizationAttributes = {
      user,
      verb: 'impersonate',
      group,
      resource,
      subresource,
      namespace,
      name,
    };
    const decision = authorizer.authorize(asked);
    if (!decision.allowed) throw forbiddenError(asked, decision);
  };
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
  const [, namespace = '', name = ''] = account ?? [];
  if (account) check('', 'serviceaccounts', name, '', namespace);
  else check('', 'users', username);
  for (const group of groups) check('', 'groups', group);
  if (uid !== undefined) check('authentication.k8s.io', 'uids', uid);
  for (const name of extra)
    check('authentication.k8s.io', 'userextras', given[name] ?? '', name.slice(extraPrefix.length));
  const ofAccounts = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  return withGroup({
    username,
    // Who names no groups means those a service account has of itself.
    groups: account && groups.length === 0 ? ofAccounts : groups,
    ...(uid === undefined ? {} : { uid }),
    ...(extra.length === 0
      ? {}
      : {
          extra: Object.fromEntries(
            extra.map((name) => [name.slice(extraPrefix.length), [given[name] ?? '']]),
          ),
        }),
  });
}
