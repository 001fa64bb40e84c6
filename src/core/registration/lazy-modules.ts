/**
 * Packages that take long to import, loaded when first needed and remembered: asking again takes no more
 * than a microtask, so that a start under virtual time waits for no real I/O.
 */
import type * as ClassValidator from 'class-validator';
import type * as Inversify from 'inversify';

let inversify: Promise<typeof Inversify> | undefined;
let classValidator: Promise<typeof ClassValidator> | undefined;

export function loadInversify(): Promise<typeof Inversify> {
  inversify ??= import('inversify');
  return inversify;
}

export function loadClassValidator(): Promise<typeof ClassValidator> {
  classValidator ??= import('class-validator');
  return classValidator;
}
