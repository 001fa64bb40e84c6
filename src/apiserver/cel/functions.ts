/** The functions expressions may call: overloads by name, with what they cost. */
import { type CelType, readType } from './types.js';
import type { CelError, Value } from './values.js';

/** What the cost of a call is made of: the sizes of its arguments, the receiver first. */
export type CostOf = (...sizes: number[]) => number;

export interface Overload {
  readonly name: string;
  /** Called as `x.name()`: the receiver is the first of the parameters. */
  readonly receiver: boolean;
  readonly params: readonly CelType[];
  readonly result: CelType;
  readonly run: (...args: never[]) => Value;
  /** Default: 1, whatever the sizes. */
  readonly cost: CostOf;
  /** The greatest size of the result. Default: that of the first argument. */
  readonly resultSize: CostOf;
  /** It is given the meter after its arguments, and counts what sizes do not tell. */
  readonly metered: boolean;
}

export interface Costs {
  readonly cost?: CostOf;
  readonly size?: CostOf;
  readonly metered?: boolean;
}

const one: CostOf = () => 1;
const first: CostOf = (size = 1) => size;

/** Once over a text. */
export const traversal: CostOf = (size = 0) => Math.max(1, Math.ceil(size * 0.1));
/** Once over all of them. */
export const traversals: CostOf = (...sizes) => traversal(sizes.reduce((sum, size) => sum + size, 0));
/** Every element. */
export const elements: CostOf = (size = 0) => Math.max(1, size);
/** A text against a pattern. */
export const matching: CostOf = (size = 0, pattern = 0) =>
  Math.ceil((1 + size) * 0.1) * Math.max(1, Math.ceil(pattern * 0.25));
/** Each of one against each of the other. */
export const crossing: CostOf = (a = 0, b = 0) => traversal(a) * traversal(b);

type Run = (...args: never[]) => Value | CelError;

/** `method('string.charAt(int): string', run)`. */
export function method(signature: string, run: Run, costs: Costs = {}): Overload {
  const parts = /^(.+?)\.(\w+)\((.*)\): (.+)$/.exec(signature);
  if (!parts) throw new TypeError(`not the signature of a method: ${signature}`);
  const [, receiver = '', name = '', params = '', result = ''] = parts;
  return overload(name, true, [receiver, ...split(params)], result, run, costs);
}

/** `func('size(list<A>): int', run)`. */
export function func(signature: string, run: Run, costs: Costs = {}): Overload {
  const parts = /^(.+?)\((.*)\): (.+)$/.exec(signature);
  if (!parts) throw new TypeError(`not the signature of a function: ${signature}`);
  const [, name = '', params = '', result = ''] = parts;
  return overload(name, false, split(params), result, run, costs);
}

function split(params: string): string[] {
  return params === '' ? [] : params.split(/,\s+/);
}

function overload(
  name: string,
  receiver: boolean,
  params: readonly string[],
  result: string,
  run: Run,
  { cost = one, size = first, metered = false }: Costs,
): Overload {
  return {
    name,
    receiver,
    params: params.map(readType),
    result: readType(result),
    run,
    cost,
    resultSize: size,
    metered,
  };
}

/** Overloads by `name/receiver/arguments`. */
export class FunctionTable {
  readonly #byName = new Map<string, Overload[]>();
  readonly #names = new Set<string>();

  constructor(overloads: Iterable<Overload>) {
    for (const each of overloads) {
      const key = tableKey(each.name, each.receiver, each.params.length);
      const known = this.#byName.get(key);
      if (known) known.push(each);
      else this.#byName.set(key, [each]);
      this.#names.add(each.name);
    }
  }

  /** @param count of the parameters, the receiver among them */
  find(name: string, receiver: boolean, count: number): readonly Overload[] {
    return this.#byName.get(tableKey(name, receiver, count)) ?? [];
  }

  /** These overloads and more. */
  with(more: readonly Overload[]): FunctionTable {
    return more.length === 0 ? this : new FunctionTable([...[...this.#byName.values()].flat(), ...more]);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }
}

function tableKey(name: string, receiver: boolean, count: number): string {
  return `${receiver ? '.' : ''}${name}/${count}`;
}
