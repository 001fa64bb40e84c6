/**
 * A file of static tokens, as kube-apiserver takes it with `--token-auth-file`
 * (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file): lines of
 * `token,user,uid,"group1,group2"`, the groups optional.
 */
import type { UserInfo } from '../../api/index.js';

/** A line that says too little. */
export class BadTokenFile extends Error {
  override readonly name = 'BadTokenFile';
}

/** Of two lines with one token the last counts; a line without a token is passed over. @throws BadTokenFile */
export function readTokenFile(text: string): ReadonlyMap<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [token = '', username = '', uid, groups = ''] = columns(line);
    // The line itself is a secret: its number has to do.
    if (uid === undefined)
      throw new BadTokenFile(
        `line ${i + 1} of the token file must have at least 3 columns (token, user name, user uid)`,
      );
    if (token === '') continue;
    const named = groups
      .split(',')
      .map((group) => group.trim())
      .filter((group) => group !== '');
    users.set(token, { username, ...(uid === '' ? {} : { uid }), groups: named });
  }
  return users;
}

/** The columns of a line of comma-separated values; in quotes a comma is a comma, and two quotes are one. */
function columns(line: string): string[] {
  const found: string[] = [];
  // A comma before each, so that an empty first one is a match that has a length.
  for (const [, quoted, plain = ''] of `,${line}`.matchAll(/,(?:\s*"((?:[^"]|"")*)"\s*|([^,]*))/g))
    found.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'));
  return found;
}
