import 'reflect-metadata';

/** Everything an operator author needs. */
export type * from './context.js';
export type * from './definition.js';
export * from './result.js';
