/** The only floor that touches real time and chance. */
export { systemClock } from './clock.js';
export { drainMicrotasks } from './drain.js';
export { systemRandom } from './random.js';
