const brand: unique symbol = Symbol.for('gyre.registration-error') as never;

/**
 * A kind or controller is described in a way that cannot work. The message names the class, the place in
 * it, and what to do about it; nothing has been sent to a cluster.
 */
export class RegistrationError extends Error {
  readonly [brand] = true;
  override readonly name = 'RegistrationError';

  /**
   * @param where the class and the place in it, `WebsiteSpec.replicas`
   * @param problem what is wrong, as a sentence about `where`
   * @param remedy what the author can do
   */
  constructor(where: string, problem: string, remedy: string, options?: ErrorOptions) {
    super(`${where} ${problem}: ${remedy}`, options);
  }
}

export function isRegistrationError(error: unknown): error is RegistrationError {
  return typeof error === 'object' && error !== null && (error as { [brand]?: unknown })[brand] === true;
}

/** How a message names a class. Minifiers may have taken the name away: it is never an identity. */
export function nameOfClass(cls: { readonly name: string }): string {
  return cls.name === '' ? 'an anonymous class' : cls.name;
}
