/**
 * The object model and the seams between floors. Pure: no I/O, no timers, safe in a browser.
 */
export * from './clock.js';
export * from './errors.js';
export * from './field-error.js';
export * from './kind.js';
export * from './objects.js';
export * from './random.js';
export * from './resource-version.js';
export type * from './schema/schema.js';
export * from './status.js';
export type * from './transport.js';
