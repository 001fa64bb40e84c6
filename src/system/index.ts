/** The only floor that touches real time and chance. */
export { systemClock } from './clock.js';
export { systemRandom } from './random.js';
