/** Who a request says it is from, and where that comes from. */
import { TransportError } from '../../api/index.js';

export interface Credential {
  /** A bearer token. */
  readonly token?: string;
  /** PEM, a client certificate with its key: both or none. */
  readonly cert?: string;
  readonly key?: string;
}

/** Gives the credential of each request. */
export interface CredentialSource {
  /** What is good now. @throws KubeconfigError when there is none to be had; the signal's reason */
  current(signal?: AbortSignal): Credential | Promise<Credential>;
  /** The server answered 401 to this one: it is not to be given again if another can be had. */
  refused?(credential: Credential): void;
}

/** No credential could be had, so nothing was sent. It does not help to ask again at once. */
export class CredentialError extends TransportError {
  override readonly name = 'CredentialError';
}

export function sameCredential(a: Credential, b: Credential): boolean {
  return a.token === b.token && a.cert === b.cert && a.key === b.key;
}
