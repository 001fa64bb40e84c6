/**
 * Bootstrap tokens: how a machine that has nothing yet proves that it may join
 * (https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/). Each is a Secret in `kube-system`, believed
 * as long as that is there, not expired, and meant for authentication.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Clock, UserInfo } from '../../api/index.js';
import type { Secret } from '../../api/kinds/core/v1.js';
import type { Given } from '../builtin/given.js';
import { isUnreadable } from '../encryption/values.js';
import { storagePrefix, type WatchCache } from '../cache/watch-cache.js';

const tokenForm = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const groupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const secretType = 'bootstrap.kubernetes.io/token';
const bootstrappers = 'system:bootstrappers';

export class BootstrapTokens {
  constructor(
    private readonly cache: WatchCache,
    private readonly clock: Clock,
  ) {}

  /** Undefined for what is no bootstrap token, or not one that holds now. */
  authenticate(token: string): UserInfo | undefined {
    const [, id, given] = tokenForm.exec(token) ?? [];
    if (id === undefined || given === undefined) return undefined;
    const prefix = storagePrefix({ group: '', plural: 'secrets' });
    const found = this.cache.resource(prefix).get(`${prefix}kube-system/bootstrap-token-${id}`)?.object;
    const secret = found as unknown as Given<Secret> | undefined;
    // One that cannot be decrypted proves nobody.
    if (!secret || isUnreadable(secret) || secret.type !== secretType || secret.metadata?.deletionTimestamp)
      return undefined;
    const field = (name: string): string => {
      const { data = {} } = secret;
      return Object.hasOwn(data, name) ? Buffer.from(data[name] ?? '', 'base64').toString('utf8') : '';
    };
    if (!sameText(field('token-secret'), given) || field('token-id') !== id) return undefined;
    if (this.#expired(field('expiration')) || field('usage-bootstrap-authentication') !== 'true')
      return undefined;
    const groups = groupsIn(field('auth-extra-groups'));
    return groups && { username: `system:bootstrap:${id}`, groups };
  }

  /** What is no time is taken as one that has passed. */
  #expired(expiration: string): boolean {
    return expiration !== '' && !(Date.parse(expiration) > this.clock.now());
  }
}

/** Undefined when one of them is none that such a token may have. */
function groupsIn(text: string): readonly string[] | undefined {
  if (text === '') return [bootstrappers];
  const extra = text.split(',');
  if (!extra.every((group) => groupForm.test(group))) return undefined;
  return [bootstrappers, ...new Set(extra)].filter((group, i, all) => all.indexOf(group) === i);
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
