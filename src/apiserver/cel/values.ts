/**
 * The values expressions work on. Integers are bigint and doubles are number, so that the two stay apart; lists and
 * maps are views of JSON whose members are turned into values when somebody looks at them.
 *
 * An error is a value as well: it travels through everything that needs the value, and `||` and `&&` may do
 * without.
 */

export class CelError {
  /** @param message worded as Kubernetes words it: `no such key: x` */
  constructor(readonly message: string) {}
}

export class Uint {
  constructor(readonly value: bigint) {}
}

export class Duration {
  constructor(readonly nanos: bigint) {}
}

export class Timestamp {
  /** @param nanos since 1970 */
  constructor(readonly nanos: bigint) {}
}

export class TypeValue {
  constructor(readonly name: string) {}
}

export class OptionalValue {
  static readonly none = new OptionalValue(undefined);
  constructor(readonly value: Value | undefined) {}
}

/** Something only functions know how to use: a URL, a quantity, an authorizer. */
export abstract class OpaqueValue {
  abstract readonly typeName: string;
  abstract equals(other: OpaqueValue): boolean;
}

/** How lists of a schema are merged and compared. */
export interface ListSemantics {
  readonly kind: 'set' | 'map';
  /** Text that is equal for elements with equal keys. */
  readonly identity: (item: Value) => string;
}

export class ListValue {
  readonly #made: (Value | undefined)[];

  constructor(
    private readonly items: readonly unknown[],
    private readonly make?: (item: unknown) => Value,
    readonly semantics?: ListSemantics,
  ) {
    this.#made = [];
  }

  get size(): number {
    return this.items.length;
  }

  at(index: number): Value {
    if (!this.make) return this.items[index] as Value;
    return (this.#made[index] ??= this.make(this.items[index]));
  }

  *[Symbol.iterator](): Generator<Value> {
    for (let i = 0; i < this.size; i++) yield this.at(i);
  }
}

/** A map, or an object, whose members are reached like those of a map. */
export abstract class MapValue {
  abstract readonly size: number;
  /** The member, or undefined when there is none. */
  abstract get(key: Value): Value | undefined;
  abstract keys(): Value[];
  /** By the name an expression spells it with. */
  field(name: string): Value | undefined {
    return this.get(name);
  }
  /** Of what type it was declared; empty for a map. */
  get objectName(): string {
    return '';
  }
  /** The type of a message an expression has made; empty for all else. Messages of different types are unequal. */
  get messageName(): string {
    return '';
  }
  /** What a field is that has no value; undefined where asking for it is an error. */
  unset(_name: string): Value | undefined {
    return undefined;
  }
}

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint
  | Uint8Array
  | Duration
  | Timestamp
  | TypeValue
  | OptionalValue
  | OpaqueValue
  | ListValue
  | MapValue
  | CelError;

/** Text that is equal for equal keys, whatever kind of number they are; undefined for what no key can be. */
export function keyText(key: Value): string | undefined {
  switch (typeof key) {
    case 'string':
      return `s${key}`;
    case 'boolean':
      return `b${String(key)}`;
    case 'bigint':
      return `n${key}`;
    case 'number':
      return Number.isInteger(key) ? `n${BigInt(key)}` : undefined;
    default:
      return key instanceof Uint ? `n${key.value}` : undefined;
  }
}

/** A map an expression has made. */
export class BuiltMap extends MapValue {
  readonly #entries = new Map<string, readonly [Value, Value]>();

  /** @returns false when there is a member of that key already */
  add(key: Value, value: Value): boolean {
    const text = keyText(key) ?? '';
    if (this.#entries.has(text)) return false;
    this.#entries.set(text, [key, value]);
    return true;
  }

  override get size(): number {
    return this.#entries.size;
  }

  override get(key: Value): Value | undefined {
    const text = keyText(key);
    return text === undefined ? undefined : this.#entries.get(text)?.[1];
  }

  override keys(): Value[] {
    return [...this.#entries.values()].map(([key]) => key);
  }
}

/** A JSON object as a map. */
export class JsonMap extends MapValue {
  constructor(
    private readonly object: Readonly<Record<string, unknown>>,
    private readonly make: (member: unknown, key: string) => Value = fromJson,
  ) {
    super();
  }

  override get size(): number {
    return Object.keys(this.object).length;
  }

  override get(key: Value): Value | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.object, key)) return undefined;
    return this.make(this.object[key], key);
  }

  override keys(): Value[] {
    return Object.keys(this.object);
  }
}

/** JSON of which nothing is known: whole numbers are integers. */
export function fromJson(json: unknown): Value {
  switch (typeof json) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return json;
    case 'number':
      return Number.isInteger(json) && Math.abs(json) < 2 ** 63 ? BigInt(json) : json;
    case 'object':
      if (json === null) return null;
      return Array.isArray(json)
        ? new ListValue(json, fromJson)
        : new JsonMap(json as Readonly<Record<string, unknown>>);
    default:
      return null;
  }
}

/** The name of a value's type, as `type()` and error messages show it. */
export function typeNameOf(value: Value): string {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    default:
  }
  if (value === null) return 'null_type';
  if (value instanceof Uint) return 'uint';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Duration) return 'google.protobuf.Duration';
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
  if (value instanceof TypeValue) return 'type';
  if (value instanceof OptionalValue) return 'optional_type';
  if (value instanceof ListValue) return 'list';
  if (value instanceof MapValue) return value.objectName || 'map';
  if (value instanceof OpaqueValue) return value.typeName;
  return 'error';
}

/** A number whatever its kind; undefined for anything else. */
function numeric(value: Value): bigint | number | undefined {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  return value instanceof Uint ? value.value : undefined;
}

/** How many values an equality may look at; beyond it the expression is too dear in any case. */
const deepest = 200;

/** Equality as CEL has it: of different types unequal, but for numbers. */
export function equal(a: Value, b: Value, depth = 0): boolean {
  if (a === b) return true;
  if (depth > deepest) return false;
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined || y !== undefined) return x !== undefined && y !== undefined && compare(a, b) === 0;
  if (a instanceof ListValue) return b instanceof ListValue && equalLists(a, b, depth);
  if (a instanceof MapValue) return b instanceof MapValue && equalMaps(a, b, depth);
  if (a instanceof Uint8Array) {
    return b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i]);
  }
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof OptionalValue) {
    if (!(b instanceof OptionalValue)) return false;
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return equal(a.value, b.value, depth + 1);
  }
  return a instanceof OpaqueValue && b instanceof OpaqueValue && a.typeName === b.typeName && a.equals(b);
}

/** Sets and keyed lists are equal in any order. */
function equalLists(a: ListValue, b: ListValue, depth: number): boolean {
  if (a.size !== b.size) return false;
  const semantics = a.semantics ?? b.semantics;
  if (!semantics) {
    for (let i = 0; i < a.size; i++) if (!equal(a.at(i), b.at(i), depth + 1)) return false;
    return true;
  }
  const others = new Map([...b].map((item) => [semantics.identity(item), item]));
  for (const item of a) {
    const other = others.get(semantics.identity(item));
    if (other === undefined || !equal(item, other, depth + 1)) return false;
  }
  return true;
}

function equalMaps(a: MapValue, b: MapValue, depth: number): boolean {
  if (a.size !== b.size || a.messageName !== b.messageName) return false;
  return a.keys().every((key) => {
    const [x, y] = [a.get(key), b.get(key)];
    return x !== undefined && y !== undefined && equal(x, y, depth + 1);
  });
}

function order<T>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Negative, zero or positive; undefined when the two have no order. */
export function compare(a: Value, b: Value): number | undefined {
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined && y !== undefined)
    return Number.isNaN(x) || Number.isNaN(y) ? Number.NaN : order(x, y);
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return order(Number(a), Number(b));
  if (a instanceof Duration && b instanceof Duration) return order(a.nanos, b.nanos);
  if (a instanceof Timestamp && b instanceof Timestamp) return order(a.nanos, b.nanos);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  return undefined;
}

/** By code points, as bytes of UTF-8 compare; JavaScript's own order is that of UTF-16. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  let i = 0;
  while (i < a.length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  if (i > 0 && isLowSurrogate(a.charCodeAt(i))) i--;
  return order(a.codePointAt(i) ?? -1, b.codePointAt(i) ?? -1);
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** What costs are counted by: characters, bytes, elements or members; 1 for anything else. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof Uint8Array) return value.length;
  return value instanceof ListValue || value instanceof MapValue ? value.size : 1;
}
