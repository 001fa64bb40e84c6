/** Interfaces for what a program tells about itself, with small pure defaults. */
export * from './logger.js';
