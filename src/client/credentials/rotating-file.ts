/** A file that is replaced from time to time: an authority, a certificate, a token. */
import { readFileSync } from 'node:fs';
import type { Clock } from '../../api/index.js';
import { KubeconfigError } from '../config/kubeconfig-error.js';

/** How long what was read is used before it is read again. */
const lifeMs = 60_000;

/**
 * Gives the file's text, at most a minute old. While the file is being replaced, what was read before is good
 * for a little longer. The reader throws KubeconfigError when the file was never there.
 */
export function rotatingFile(path: string, clock: Clock): () => string {
  let text = '';
  let readAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (clock.monotonic() - readAt < lifeMs) return text;
    try {
      const now = readFileSync(path, 'utf8');
      // Empty is how a file looks that somebody has just begun to write.
      if (now.trim() === '' && text !== '') return text;
      text = now;
      readAt = clock.monotonic();
    } catch (error) {
      if (text === '') throw new KubeconfigError(`${path}: ${(error as Error).message}`, { cause: error });
    }
    return text;
  };
}

/** A bearer token in such a file. */
export function tokenFile(path: string, clock: Clock): () => string {
  const read = rotatingFile(path, clock);
  return () => read().trim();
}
