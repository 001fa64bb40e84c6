import type { Cancel } from '../api/index.js';

/**
 * Calls `onFirst` at the first SIGINT or SIGTERM; a second one ends the process at once with the usual
 * exit code (128 + the signal's number).
 */
export function onTerminationSignal(onFirst: (signal: 'SIGINT' | 'SIGTERM') => void): Cancel {
  let seen = false;
  const listener = (signal: 'SIGINT' | 'SIGTERM'): void => {
    if (seen) process.exit(signal === 'SIGINT' ? 130 : 143);
    seen = true;
    onFirst(signal);
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return () => {
    process.off('SIGINT', listener);
    process.off('SIGTERM', listener);
  };
}
