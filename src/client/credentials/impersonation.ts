/** Acting as somebody else: the server checks that the real identity may (`impersonate`). */
import type { UserInfo } from '../../api/index.js';

/** As whom; every part of it is checked on its own. */
export type Impersonation = UserInfo;

/** The headers that say so. Keys of `extra` may hold what a header name may not: it is percent-encoded. */
export function impersonationHeaders(as: Impersonation): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'impersonate-user': as.username };
  if (as.uid) headers['impersonate-uid'] = as.uid;
  if (as.groups?.length) headers['impersonate-group'] = [...as.groups];
  for (const [key, values] of Object.entries(as.extra ?? {}))
    headers[`impersonate-extra-${headerName(key)}`] = [...values];
  return headers;
}

/** RFC 7230 `token` characters stay, others and `%` itself become `%XX`. */
function headerName(key: string): string {
  return [...Buffer.from(key, 'utf8')]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[!#$&'*+\-.^_`|~0-9A-Za-z]/.test(char)
        ? char
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
