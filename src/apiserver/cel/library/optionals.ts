/** Optional values: what `.?` gives, and how it is made and opened again. */
import { func, method, type Overload } from '../functions.js';
import { CelError, ListValue, MapValue, OptionalValue, Uint, type Value } from '../values.js';

function isZero(value: Value): boolean {
  if (value === null || value === false || value === '' || value === 0 || value === 0n) return true;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  return (value instanceof ListValue || value instanceof MapValue) && value.size === 0;
}

export const optionalFunctions: readonly Overload[] = [
  func('optional.of(A): optional<A>', (value: Value) => new OptionalValue(value)),
  func('optional.none(): optional<A>', () => OptionalValue.none),
  func('optional.ofNonZeroValue(A): optional<A>', (value: Value) =>
    isZero(value) ? OptionalValue.none : new OptionalValue(value),
  ),
  method('optional<A>.hasValue(): bool', ({ value }: OptionalValue) => value !== undefined),
  method('optional<A>.value(): A', ({ value }: OptionalValue) => value ?? nothing(value)),
  method('optional<A>.or(optional<A>): optional<A>', (a: OptionalValue, b: OptionalValue) =>
    a.value === undefined ? b : a,
  ),
  method('optional<A>.orValue(A): A', ({ value }: OptionalValue, other: Value) =>
    value === undefined ? other : value,
  ),
];

function nothing(value: null | undefined): Value {
  return value === null ? null : new CelError('optional.none() dereference');
}
