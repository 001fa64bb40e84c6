/**
 * Packages that take long to import, loaded when first needed and remembered: asking again takes no more
 * than a microtask, so that a start under virtual time waits for no real I/O.
 */
let inversify: Promise<typeof import('inversify')> | undefined;
let classValidator: Promise<typeof import('class-validator')> | undefined;

export function loadInversify(): Promise<typeof import('inversify')> {
  inversify ??= import('inversify');
  return inversify;
}

export function loadClassValidator(): Promise<typeof import('class-validator')> {
  classValidator ??= import('class-validator');
  return classValidator;
}
