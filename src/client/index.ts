/** A typed, live client over any Transport. */
export type * from './client.js';
