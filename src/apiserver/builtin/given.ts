/**
 * Views of objects as clients send them: the types of the API say what an object *should* have, these say
 * that anything may be missing.
 */
import type { JsonObject } from '../../api/index.js';

type Primitive = string | number | boolean | null | undefined;

/** Deep-readonly, everything optional: for validating and printing. */
export type Given<T> = T extends Primitive
  ? T
  : T extends readonly (infer E)[]
    ? readonly Given<E>[]
    : { readonly [K in keyof T]?: Given<T[K]> };

/** Deep-mutable, everything optional: for filling in defaults. */
export type Fillable<T> = T extends string
  ? string
  : T extends Primitive
    ? T
    : T extends readonly (infer E)[]
      ? Fillable<E>[]
      : { -readonly [K in keyof T]?: Fillable<T[K]> };

/** A JSON object that belongs to one request alone and may be changed. */
export type MutableObject = { [key: string]: unknown };

/** Reads a decoded object as its kind; types were checked when it was decoded, presence was not. */
export function given<T>(object: JsonObject): Given<T> {
  return object as unknown as Given<T>;
}

export function fillable<T>(object: MutableObject): Fillable<T> {
  return object as unknown as Fillable<T>;
}
