/** A client certificate and its key, of which at least one is a file that may be replaced. */
import { createSecureContext } from 'node:tls';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/**
 * Certificate and key are two files, never replaced at one instant: a new pair is taken when its halves belong
 * together, until then the old one is shown.
 */
export function certificateFiles(cert: () => string, key: () => string): { current(): Pair } {
  let pair: Pair | undefined;
  return {
    current() {
      const found = { cert: cert(), key: key() };
      if (!pair) pair = found;
      else if ((found.cert !== pair.cert || found.key !== pair.key) && belongTogether(found)) pair = found;
      return pair;
    },
  };
}

function belongTogether(pair: Pair): boolean {
  try {
    createSecureContext(pair);
    return true;
  } catch {
    return false;
  }
}
