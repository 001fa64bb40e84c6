/** The configuration cannot be used; the message says which file and why, and never shows a secret. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}
