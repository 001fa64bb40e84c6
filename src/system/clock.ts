import type { Clock } from '../api/index.js';

/** Longest delay Node's timers take; longer ones are chained. */
const maxTimerMs = 2 ** 31 - 1;

/** Real time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(ms, fn) {
    let handle: ReturnType<typeof setTimeout>;
    const arm = (left: number) => {
      handle =
        left > maxTimerMs
          ? setTimeout(() => arm(left - maxTimerMs), maxTimerMs)
          : setTimeout(fn, Math.max(0, left));
    };
    arm(ms);
    return () => clearTimeout(handle);
  },
};
