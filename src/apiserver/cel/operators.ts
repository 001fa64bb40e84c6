/** Arithmetic, order and membership: what the operators take, and what they make of it. */
import {
  assignable,
  bool,
  type CelType,
  duration,
  dyn,
  join,
  listOf,
  timestamp,
  type Kind,
} from './types.js';
import {
  CelError,
  compare,
  Duration,
  equal,
  ListValue,
  MapValue,
  Timestamp,
  Uint,
  type Value,
} from './values.js';

export type BinaryOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | '+' | '-' | '*' | '/' | '%';

/** As messages name them. */
export function operatorName(op: string): string {
  return op === 'in' ? '@in' : `_${op}_`;
}

const numbers: readonly Kind[] = ['int', 'uint', 'double'];
const ordered: readonly Kind[] = [...numbers, 'string', 'bytes', 'bool', 'timestamp', 'duration'];

/** The result's type; undefined when there is no such operation. */
export function binaryType(op: BinaryOperator, left: CelType, right: CelType): CelType | undefined {
  const either = left.kind === 'dyn' || right.kind === 'dyn';
  switch (op) {
    case '==':
    case '!=':
      return joinable(left, right) ? bool : undefined;
    case '<':
    case '<=':
    case '>':
    case '>=': {
      const same = left.kind === right.kind || (numbers.includes(left.kind) && numbers.includes(right.kind));
      const fits = [left, right].every(({ kind }) => kind === 'dyn' || ordered.includes(kind));
      return fits && (either || same) ? bool : undefined;
    }
    case 'in':
      if (right.kind === 'dyn') return bool;
      if (right.kind === 'list') return joinable(left, right.item ?? dyn) ? bool : undefined;
      return right.kind === 'map' && joinable(left, right.key ?? dyn) ? bool : undefined;
    default:
      return either ? dyn : arithmeticType(op, left, right);
  }
}

function joinable(a: CelType, b: CelType): boolean {
  return assignable(a, b, new Map()) || assignable(b, a, new Map());
}

function arithmeticType(op: string, left: CelType, right: CelType): CelType | undefined {
  const kinds = `${left.kind} ${right.kind}`;
  if (left.kind === right.kind && numbers.includes(left.kind)) {
    return op === '%' && left.kind === 'double' ? undefined : left;
  }
  if (op === '+') {
    if (kinds === 'string string' || kinds === 'bytes bytes') return { kind: left.kind };
    if (kinds === 'list list')
      return joinable(left, right) ? listOf(join(left.item ?? dyn, right.item ?? dyn)) : undefined;
    if (kinds === 'timestamp duration' || kinds === 'duration timestamp') return timestamp;
    return kinds === 'duration duration' ? duration : undefined;
  }
  if (op !== '-') return undefined;
  if (kinds === 'timestamp timestamp' || kinds === 'duration duration') return duration;
  return kinds === 'timestamp duration' ? timestamp : undefined;
}

const maxInt = 2n ** 63n - 1n;
const minInt = -(2n ** 63n);
const maxUint = 2n ** 64n - 1n;

export function toInt(value: bigint): bigint | CelError {
  return value > maxInt || value < minInt ? new CelError('integer overflow') : value;
}

export function toUint(value: bigint): Uint | CelError {
  return value < 0n || value > maxUint ? new CelError('unsigned integer overflow') : new Uint(value);
}

const earliest = -62135596800n * 1_000_000_000n;
const latest = 253402300800n * 1_000_000_000n;

export function toTimestamp(nanos: bigint): Timestamp | CelError {
  return nanos < earliest || nanos >= latest ? new CelError('timestamp overflow') : new Timestamp(nanos);
}

export function toDuration(nanos: bigint): Duration | CelError {
  return nanos > maxInt || nanos < minInt ? new CelError('duration overflow') : new Duration(nanos);
}

export const noSuchOverload = new CelError('no such overload');

export function runBinary(op: BinaryOperator, a: Value, b: Value): Value {
  switch (op) {
    case '==':
      return equal(a, b);
    case '!=':
      return !equal(a, b);
    case 'in':
      return contains(a, b);
    case '<':
    case '<=':
    case '>':
    case '>=': {
      const order = compare(a, b);
      if (order === undefined) return noSuchOverload;
      if (op === '<') return order < 0;
      if (op === '<=') return order <= 0;
      return op === '>' ? order > 0 : order >= 0;
    }
    default:
      return arithmetic(op, a, b);
  }
}

function contains(item: Value, container: Value): Value {
  if (container instanceof MapValue) return container.get(item) !== undefined;
  if (!(container instanceof ListValue)) return noSuchOverload;
  for (const each of container) {
    if (each instanceof CelError) return each;
    if (equal(each, item)) return true;
  }
  return false;
}

type Arithmetic = '+' | '-' | '*' | '/' | '%';

function integers(op: Arithmetic, a: bigint, b: bigint): bigint | CelError {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0n ? new CelError('division by zero') : a / b;
    default:
      return b === 0n ? new CelError('modulus by zero') : a % b;
  }
}

function doubles(op: Arithmetic, a: number, b: number): Value {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    default:
      return noSuchOverload;
  }
}

function arithmetic(op: Arithmetic, a: Value, b: Value): Value {
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    const result = integers(op, a, b);
    return result instanceof CelError ? result : toInt(result);
  }
  if (typeof a === 'number' && typeof b === 'number') return doubles(op, a, b);
  if (a instanceof Uint && b instanceof Uint) {
    const result = integers(op, a.value, b.value);
    return result instanceof CelError ? result : toUint(result);
  }
  if (op === '+') return add(a, b);
  if (op !== '-') return noSuchOverload;
  if (a instanceof Timestamp && b instanceof Timestamp) return toDuration(a.nanos - b.nanos);
  if (a instanceof Timestamp && b instanceof Duration) return toTimestamp(a.nanos - b.nanos);
  return a instanceof Duration && b instanceof Duration ? toDuration(a.nanos - b.nanos) : noSuchOverload;
}

function add(a: Value, b: Value): Value {
  if (typeof a === 'string' && typeof b === 'string') return a + b;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Uint8Array.from([...a, ...b]);
  if (a instanceof ListValue && b instanceof ListValue) return concatenate(a, b);
  if (a instanceof Duration && b instanceof Duration) return toDuration(a.nanos + b.nanos);
  if (a instanceof Timestamp && b instanceof Duration) return toTimestamp(a.nanos + b.nanos);
  if (a instanceof Duration && b instanceof Timestamp) return toTimestamp(a.nanos + b.nanos);
  return noSuchOverload;
}

/** A set takes what it has not; a keyed list puts elements of the same key in their place. */
function concatenate(a: ListValue, b: ListValue): ListValue {
  const { semantics } = a;
  if (!semantics) return new ListValue([...a, ...b]);
  const merged = new Map<string, Value>();
  for (const item of [...a, ...b]) {
    const identity = semantics.identity(item);
    if (semantics.kind === 'map' || !merged.has(identity)) merged.set(identity, item);
  }
  return new ListValue([...merged.values()], undefined, semantics);
}

export function negate(value: Value): Value {
  if (typeof value === 'bigint') return toInt(-value);
  return typeof value === 'number' ? -value : noSuchOverload;
}
