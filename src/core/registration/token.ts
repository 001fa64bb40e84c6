/** What a dependency is asked for by: its class, abstract or not, or a symbol made with `token`. */
import { nameOfClass } from './registration-error.js';

declare const provides: unique symbol;

/** A symbol that knows the type of what it stands for. */
export type TypedSymbol<T> = symbol & { readonly [provides]?: T };
export type Token<T = unknown> = (abstract new (...args: never[]) => T) | TypedSymbol<T>;

/** Makes a token for what has no class: an interface, a string, a function. */
export function token<T>(description: string): TypedSymbol<T> {
  return Symbol(description) as TypedSymbol<T>;
}

/** How messages name a token. */
export function nameOfToken(of: unknown): string {
  return typeof of === 'function' ? nameOfClass(of) : String(of);
}
