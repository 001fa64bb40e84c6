/** The lists library of Kubernetes, and the sets library of CEL. */
import { type CostOf, elements, func, method, type Overload } from '../functions.js';
import { runBinary } from '../operators.js';
import { CelError, compare, Duration, equal, type ListValue, Uint, type Value } from '../values.js';

const every = { cost: elements };
const pairs: CostOf = (a = 0, b = 0) => Math.max(1, a * b);
const comparable = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];

function isSorted(list: ListValue): Value {
  for (let i = 1; i < list.size; i++) {
    const order = compare(list.at(i - 1), list.at(i));
    if (order === undefined) return new CelError('no such overload: isSorted');
    if (order > 0) return false;
  }
  return true;
}

function extreme(name: string, sign: 1 | -1) {
  return (list: ListValue): Value => {
    if (list.size === 0) return new CelError(`${name} called on empty list`);
    let best = list.at(0);
    for (const item of list) {
      const order = compare(item, best);
      if (order === undefined) return new CelError(`no such overload: ${name}`);
      if (order * sign > 0) best = item;
    }
    return best;
  };
}

function sum(zero: Value) {
  return (list: ListValue): Value => {
    let total = list.size === 0 ? zero : list.at(0);
    for (let i = 1; i < list.size && !(total instanceof CelError); i++)
      total = runBinary('+', total, list.at(i));
    return total;
  };
}

function position(list: ListValue, item: Value, last: boolean): bigint {
  const { size } = list;
  for (let n = 0; n < size; n++) {
    const i = last ? size - 1 - n : n;
    if (equal(list.at(i), item)) return BigInt(i);
  }
  return -1n;
}

const zeros: readonly (readonly [string, Value])[] = [
  ['int', 0n],
  ['uint', new Uint(0n)],
  ['double', 0],
  ['duration', new Duration(0n)],
];

function includes(list: ListValue, item: Value): boolean {
  for (const each of list) if (equal(each, item)) return true;
  return false;
}

function containsAll(list: ListValue, part: ListValue): boolean {
  for (const each of part) if (!includes(list, each)) return false;
  return true;
}

function intersects(a: ListValue, b: ListValue): boolean {
  for (const each of a) if (includes(b, each)) return true;
  return false;
}

/** Runs for any list; the checker knows by the element type which of them it is. */
export const listFunctions: readonly Overload[] = [
  ...comparable.flatMap((type) => [
    method(`list<${type}>.isSorted(): bool`, isSorted, every),
    method(`list<${type}>.min(): ${type}`, extreme('min', -1), every),
    method(`list<${type}>.max(): ${type}`, extreme('max', 1), every),
  ]),
  ...zeros.map(([type, zero]) => method(`list<${type}>.sum(): ${type}`, sum(zero), every)),
  method('list<A>.indexOf(A): int', (list: ListValue, item: Value) => position(list, item, false), every),
  method('list<A>.lastIndexOf(A): int', (list: ListValue, item: Value) => position(list, item, true), every),
  func('sets.contains(list<A>, list<A>): bool', containsAll, { cost: pairs }),
  func('sets.intersects(list<A>, list<A>): bool', intersects, { cost: pairs }),
  func(
    'sets.equivalent(list<A>, list<A>): bool',
    (a: ListValue, b: ListValue) => containsAll(a, b) && containsAll(b, a),
    { cost: pairs },
  ),
];
