/** Telling every object again once in a while, a few at a time, so that no moment has to bear them all. */
import type { Cancel, Clock } from '../api/index.js';

/** Objects told at once. */
const batch = 50;

/** Calls `tell` with each key once in `everyMs`; gives what ends it. */
export function resync(
  clock: Clock,
  everyMs: number,
  keys: () => Iterable<string>,
  tell: (key: string) => void,
): Cancel {
  let cancel: Cancel = () => {};
  let left: string[] = [];
  let pauseMs = everyMs;
  const next = (): void => {
    for (const key of left.splice(0, batch)) tell(key);
    if (left.length === 0) begin();
    else cancel = clock.setTimer(pauseMs, next);
  };
  const begin = (): void => {
    left = [...keys()];
    pauseMs = everyMs / Math.max(1, Math.ceil(left.length / batch));
    cancel = clock.setTimer(pauseMs, next);
  };
  begin();
  return () => cancel();
}
