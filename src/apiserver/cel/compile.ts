/**
 * From an expression to something that runs: names are resolved, types checked and costs estimated on the way, in
 * one pass. All that is wrong with an expression is found, not only the first of it.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { FunctionTable, Overload } from './functions.js';
import { type MacroCompiler, macroFor } from './macros.js';
import { compileMessage, type MessageCompiler } from './message-construction.js';
import type { MessageSyntax } from './message-syntax.js';
import type { MessageTypes } from './messages.js';
import type { Frame, Node } from './node.js';
import {
  type BinaryOperator,
  binaryType,
  negate,
  noSuchOverload,
  operatorName,
  runBinary,
} from './operators.js';
import type { Problem } from './parse.js';
import {
  assignable,
  type Bindings,
  bool,
  bytes,
  type CelType,
  double,
  dyn,
  int,
  join,
  listOf,
  mapOf,
  nullType,
  optionalOf,
  string,
  substitute,
  typeName,
  typeType,
  uint,
} from './types.js';
import {
  BuiltMap,
  CelError,
  Duration,
  keyText,
  ListValue,
  MapValue,
  OpaqueValue,
  OptionalValue,
  sizeOf,
  Timestamp,
  TypeValue,
  typeNameOf,
  Uint,
  type Value,
} from './values.js';

/** Variables of an environment, or of the macros around an expression. */
export type Scope = ReadonlyMap<string, { readonly slot: number; readonly type: CelType }>;

const typeNames: readonly string[] = [
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
  'type',
  'optional_type',
];

const binaryOperators = new Set<string>(['==', '!=', '<', '<=', '>', '>=', 'in', '+', '-', '*', '/', '%']);
const listCost = 10;
const mapCost = 30;
const maxInt = 2n ** 63n - 1n;

export function isSized({ kind }: CelType): boolean {
  return kind === 'dyn' || kind === 'string' || kind === 'bytes' || kind === 'list' || kind === 'map';
}

/** The greatest size of any value of the type. */
export function maxSize(type: CelType): number {
  return isSized(type) ? (type.max ?? Number.POSITIVE_INFINITY) : 1;
}

export class Compiler implements MacroCompiler, MessageCompiler {
  readonly problems: Problem[] = [];
  /** How many slots a frame needs. */
  slots: number;
  /** Names of the environment's variables that are used. */
  readonly used = new Set<string>();

  constructor(
    private readonly functions: FunctionTable,
    private readonly globals: Scope,
    readonly messages: MessageTypes,
    readonly syntax: MessageSyntax,
  ) {
    this.slots = globals.size;
  }

  newSlot(): number {
    return this.slots++;
  }

  /** What is wrong stands in for itself and fits everywhere, so that it is told once. */
  wrong(at: ASTNode, message: string): Node {
    this.problems.push({ at: this.syntax.original(positionOf(at)), message });
    return { type: dyn, run: () => noSuchOverload, min: 0, max: 0, size: 0 };
  }

  compile(ast: ASTNode, scope: Scope): Node {
    switch (ast.op) {
      case 'value':
        return this.#literal(ast, ast.args);
      case 'id':
        return this.#identifier(ast, ast.args, scope);
      case '.': {
        const [of, name] = ast.args;
        // A variable may have a dot in its name.
        if (of.op === 'id' && this.globals.has(`${of.args}.${name}`) && !scope.has(of.args))
          return this.#identifier(ast, `${of.args}.${name}`, scope);
        return this.#select(ast, this.compile(of, scope), name);
      }
      case '.?':
        return this.#selectOptional(ast, this.compile(ast.args[0], scope), ast.args[1]);
      case '[]':
        if (ast.args[1].op === 'map' && this.syntax.braces.has(ast.args[1].start))
          return compileMessage(this, ast.args[0], ast.args[1], scope);
        return this.#index(ast, this.compile(ast.args[0], scope), this.compile(ast.args[1], scope));
      case '[?]':
        return this.#indexOptional(ast, this.compile(ast.args[0], scope), this.compile(ast.args[1], scope));
      case 'list':
        return this.#list(ast.args.map((item) => this.compile(item, scope)));
      case 'map':
        return this.#map(ast.args.map(([k, v]) => [this.compile(k, scope), this.compile(v, scope)]));
      case '?:':
        return this.#ternary(ast, ast.args, scope);
      case '||':
      case '&&':
        return this.#logical(ast, ast.op, this.compile(ast.args[0], scope), this.compile(ast.args[1], scope));
      case '!_':
        return this.#not(ast, this.compile(ast.args, scope));
      case '-_':
        return this.#negative(ast, ast.args, scope);
      case 'call':
        return this.#call(ast, ast.args[0], undefined, ast.args[1], scope);
      case 'rcall':
        return this.#methodCall(ast, ast.args[0], ast.args[1], ast.args[2], scope);
      default: {
        const { op, args } = ast as { op: string; args: readonly [ASTNode, ASTNode] };
        if (!binaryOperators.has(op)) return this.wrong(ast, `Syntax error: unsupported operator '${op}'`);
        return this.#binary(
          ast,
          op as BinaryOperator,
          this.compile(args[0], scope),
          this.compile(args[1], scope),
        );
      }
    }
  }

  #literal(ast: ASTNode, given: unknown): Node {
    const value = literalValue(given);
    if (typeof value === 'bigint' && value > maxInt)
      return this.wrong(ast, 'Syntax error: invalid int literal');
    return constant(value);
  }

  #identifier(ast: ASTNode, name: string, scope: Scope): Node {
    const local = scope.get(name);
    const found = local ?? this.globals.get(name);
    if (!found) {
      if (typeNames.includes(name)) return constant(new TypeValue(name));
      return this.wrong(ast, `undeclared reference to '${name}' (in container '')`);
    }
    if (!local) this.used.add(name);
    const { slot, type } = found;
    return {
      type,
      run: (frame) => {
        frame.meter.spend(1);
        return frame.slots[slot] as Value;
      },
      min: 1,
      max: 1,
      size: maxSize(type),
    };
  }

  /** The type of a field, or undefined when the type has no such one: then it is told. */
  fieldType(ast: ASTNode, type: CelType, name: string): CelType | undefined {
    switch (type.kind) {
      case 'dyn':
        return dyn;
      case 'object': {
        const field = type.open ? dyn : type.fields?.get(name);
        if (!field) this.wrong(ast, `undefined field '${name}'`);
        return field;
      }
      case 'map':
        return type.item ?? dyn;
      case 'optional': {
        const inner = this.fieldType(ast, type.item ?? dyn, name);
        return inner && optionalOf(inner);
      }
      default:
        this.wrong(ast, `type '${typeName(type)}' does not support field selection`);
        return undefined;
    }
  }

  #select(ast: ASTNode, of: Node, name: string): Node {
    const type = this.fieldType(ast, of.type, name) ?? dyn;
    return {
      type,
      run: (frame) => {
        const value = of.run(frame);
        frame.meter.spend(1);
        return selectField(value, name);
      },
      min: of.min + 1,
      max: of.max + 1,
      size: maxSize(type),
    };
  }

  #selectOptional(ast: ASTNode, of: Node, name: string): Node {
    const type = this.fieldType(ast, of.type, name) ?? dyn;
    return optionally(type.kind === 'optional' ? type : optionalOf(type), of, undefined, (value) =>
      value instanceof MapValue ? value.field(name) : undefined,
    );
  }

  #elementType(ast: ASTNode, of: CelType, key: CelType): CelType {
    const fits =
      of.kind === 'dyn' ||
      (of.kind === 'list' && assignable(key, int, new Map())) ||
      (of.kind === 'map' && assignable(key, of.key ?? dyn, new Map()));
    if (of.kind === 'optional') return optionalOf(this.#elementType(ast, of.item ?? dyn, key));
    if (!fits) this.#noOverload(ast, '_[_]', `(${typeName(of)}, ${typeName(key)})`);
    return of.kind === 'dyn' ? dyn : (of.item ?? dyn);
  }

  #index(ast: ASTNode, of: Node, key: Node): Node {
    const type = this.#elementType(ast, of.type, key.type);
    return {
      type,
      run: (frame) => {
        const container = of.run(frame);
        const at = key.run(frame);
        frame.meter.spend(1);
        return indexed(container, at);
      },
      min: of.min + key.min + 1,
      max: of.max + key.max + 1,
      size: maxSize(type),
    };
  }

  #indexOptional(ast: ASTNode, of: Node, key: Node): Node {
    const type = this.#elementType(ast, of.type, key.type);
    return optionally(type.kind === 'optional' ? type : optionalOf(type), of, key, (value, at) => {
      const found = at === undefined ? undefined : indexed(value, at);
      return found instanceof CelError ? undefined : found;
    });
  }

  #list(items: readonly Node[]): Node {
    const item = items.length === 0 ? dyn : items.map((n) => n.type).reduce(join);
    const literals = items.map(({ literal }) => literal);
    const literal = literals.includes(undefined) ? undefined : new ListValue(literals);
    return {
      type: listOf(item, items.length),
      run: (frame) => {
        frame.meter.spend(listCost);
        if (literal) return literal;
        const values = items.map((n) => n.run(frame));
        return firstError(values) ?? new ListValue(values);
      },
      ...summed(items, listCost),
      size: items.length,
    };
  }

  #map(entries: readonly (readonly [Node, Node])[]): Node {
    const nodes = entries.flat();
    return {
      type: mapOf(
        entries.length === 0 ? dyn : entries.map(([k]) => k.type).reduce(join),
        entries.length === 0 ? dyn : entries.map(([, v]) => v.type).reduce(join),
        entries.length,
      ),
      run: (frame) => {
        frame.meter.spend(mapCost);
        const map = new BuiltMap();
        for (const [k, v] of entries) {
          const [key, value] = [k.run(frame), v.run(frame)];
          if (key instanceof CelError) return key;
          if (value instanceof CelError) return value;
          if (keyText(key) === undefined) return new CelError('unsupported key type');
          if (!map.add(key, value)) return new CelError('Failed with repeated key');
        }
        return map;
      },
      ...summed(nodes, mapCost),
      size: entries.length,
    };
  }

  #ternary(ast: ASTNode, [c, a, b]: readonly [ASTNode, ASTNode, ASTNode], scope: Scope): Node {
    const [condition, then, otherwise] = [
      this.compile(c, scope),
      this.compile(a, scope),
      this.compile(b, scope),
    ];
    const type = join(then.type, otherwise.type);
    const joins =
      assignable(then.type, otherwise.type, new Map()) || assignable(otherwise.type, then.type, new Map());
    if (!isBool(condition) || !joins) {
      const types = [condition, then, otherwise].map((n) => typeName(n.type)).join(', ');
      return this.#noOverload(ast, '_?_:_', `(${types})`);
    }
    return {
      type,
      run: (frame) => {
        const chosen = condition.run(frame);
        if (chosen === true) return then.run(frame);
        if (chosen === false) return otherwise.run(frame);
        return chosen instanceof CelError ? chosen : noSuchOverload;
      },
      min: condition.min + Math.min(then.min, otherwise.min),
      max: condition.max + Math.max(then.max, otherwise.max),
      size: Math.max(then.size, otherwise.size),
    };
  }

  /** Either side may decide, whatever is wrong with the other. */
  #logical(ast: ASTNode, op: '||' | '&&', left: Node, right: Node): Node {
    if (!isBool(left) || !isBool(right)) {
      return this.#noOverload(ast, operatorName(op), `(${typeName(left.type)}, ${typeName(right.type)})`);
    }
    const decisive = op === '||';
    return {
      type: bool,
      run: (frame) => {
        const a = left.run(frame);
        if (a === decisive) return decisive;
        const b = right.run(frame);
        if (b === decisive) return decisive;
        if (a instanceof CelError) return a;
        if (b instanceof CelError) return b;
        return typeof a === 'boolean' && typeof b === 'boolean' ? !decisive : noSuchOverload;
      },
      min: left.min,
      max: left.max + right.max,
      size: 1,
    };
  }

  #not(ast: ASTNode, of: Node): Node {
    if (!isBool(of)) return this.#noOverload(ast, '!_', `(${typeName(of.type)})`);
    return {
      type: bool,
      run: (frame) => {
        const value = of.run(frame);
        frame.meter.spend(1);
        if (typeof value === 'boolean') return !value;
        return value instanceof CelError ? value : noSuchOverload;
      },
      min: of.min + 1,
      max: of.max + 1,
      size: 1,
    };
  }

  #negative(ast: ASTNode, operand: ASTNode, scope: Scope): Node {
    if (operand.op === 'value' && typeof operand.args === 'bigint') {
      const value = -operand.args;
      return value < -maxInt - 1n ? this.wrong(ast, 'Syntax error: invalid int literal') : constant(value);
    }
    const of = this.compile(operand, scope);
    if (!['dyn', 'int', 'double'].includes(of.type.kind))
      return this.#noOverload(ast, '-_', `(${typeName(of.type)})`);
    return {
      type: of.type,
      run: (frame) => {
        const value = of.run(frame);
        frame.meter.spend(1);
        return value instanceof CelError ? value : negate(value);
      },
      min: of.min + 1,
      max: of.max + 1,
      size: 1,
    };
  }

  #binary(ast: ASTNode, op: BinaryOperator, left: Node, right: Node): Node {
    const type = binaryType(op, left.type, right.type);
    if (!type) {
      return this.#noOverload(ast, operatorName(op), `(${typeName(left.type)}, ${typeName(right.type)})`);
    }
    return {
      type,
      run: (frame) => {
        const a = left.run(frame);
        const b = right.run(frame);
        if (a instanceof CelError) return a;
        if (b instanceof CelError) return b;
        frame.meter.spend(binaryCost(op, sizeOf(a), sizeOf(b)));
        return runBinary(op, a, b);
      },
      min: left.min + right.min + 1,
      max: left.max + right.max + estimatedCost(op, left, right),
      size: isSized(type) ? left.size + right.size : 1,
    };
  }

  #methodCall(ast: ASTNode, name: string, target: ASTNode, args: readonly ASTNode[], scope: Scope): Node {
    const space = namespaceOf(target);
    if (space !== undefined && !scope.has(space) && !this.globals.has(space)) {
      const qualified = `${space}.${name}`;
      if (this.functions.has(qualified)) return this.#call(ast, qualified, undefined, args, scope);
    }
    return this.#call(ast, name, target, args, scope);
  }

  #call(
    ast: ASTNode,
    name: string,
    target: ASTNode | undefined,
    args: readonly ASTNode[],
    scope: Scope,
  ): Node {
    const macro = macroFor(name, target, args);
    if (macro) return macro(this, ast, target, args, scope);
    const receiver = target !== undefined;
    if (!this.functions.has(name)) {
      for (const each of receiver ? [target, ...args] : args) this.compile(each, scope);
      return this.wrong(ast, `undeclared reference to '${name}' (in container '')`);
    }
    const nodes = (receiver ? [target, ...args] : args).map((arg) => this.compile(arg, scope));
    const found = this.functions.find(name, receiver, nodes.length).flatMap((overload) => {
      const result = resultOf(overload, nodes);
      return result ? [{ overload, result }] : [];
    });
    if (found.length === 0) {
      const types = nodes.map((n) => typeName(n.type));
      const shown = receiver ? `${types[0]}.(${types.slice(1).join(', ')})` : `(${types.join(', ')})`;
      return this.#noOverload(ast, name, shown);
    }
    return callNode(
      name,
      receiver,
      nodes,
      found.map((f) => f.overload),
      found.map((f) => f.result).reduce(join),
    );
  }

  #noOverload(ast: ASTNode, name: string, types: string): Node {
    return this.wrong(ast, `found no matching overload for '${name}' applied to '${types}'`);
  }
}

/** Where an operator or the opening of a call stands: messages point there. */
function positionOf(ast: ASTNode): number {
  const { op, args, start } = ast as { op: string; args: readonly ASTNode[]; start: number };
  const { input } = ast;
  const skipped = (from: number): number => {
    const space = /^[\s)]*/.exec(input.slice(from, from + 1000));
    return from + (space?.[0].length ?? 0);
  };
  if (op === '.' || op === '.?') return skipped((args[0] as ASTNode).end);
  if (op === '[]' || op === '[?]') return skipped((args[0] as ASTNode).end);
  if (op === '?:' || op === '||' || op === '&&' || binaryOperators.has(op))
    return skipped((args[0] as ASTNode).end);
  if (op === 'call') return start + (args as unknown as readonly [string])[0].length;
  if (op === 'rcall') {
    const [name, target] = args as unknown as readonly [string, ASTNode];
    const dot = skipped(target.end);
    return input.indexOf('(', dot + name.length);
  }
  return start;
}

/** `quantity` of `quantity.of`: a target that may be no value but part of a name. */
function namespaceOf(target: ASTNode): string | undefined {
  return target.op === 'id' ? target.args : undefined;
}

function isBool({ type }: Node): boolean {
  return type.kind === 'bool' || type.kind === 'dyn';
}

function summed(nodes: readonly Node[], own: number): { min: number; max: number } {
  return {
    min: nodes.reduce((sum, n) => sum + n.min, own),
    max: nodes.reduce((sum, n) => sum + n.max, own),
  };
}

function firstError(values: readonly Value[]): CelError | undefined {
  return values.find((value) => value instanceof CelError);
}

export function constant(value: Value): Node {
  return { type: literalType(value), run: () => value, min: 0, max: 0, size: sizeOf(value), literal: value };
}

/** The parser has a class of its own for unsigned integers. */
function literalValue(given: unknown): Value {
  if (typeof given !== 'object' || given === null || given instanceof Uint8Array) return given as Value;
  return new Uint((given as { valueOf(): bigint }).valueOf());
}

function literalType(value: Value): CelType {
  switch (typeof value) {
    case 'string':
      return { ...string, max: value.length };
    case 'boolean':
      return bool;
    case 'bigint':
      return int;
    case 'number':
      return double;
    default:
      if (value === null) return nullType;
      if (value instanceof Uint) return uint;
      return value instanceof TypeValue ? typeType : { ...bytes, max: sizeOf(value) };
  }
}

export function selectField(value: Value, name: string): Value {
  if (value instanceof CelError) return value;
  if (value instanceof OptionalValue) {
    if (value.value === undefined) return value;
    const inner = value.value instanceof MapValue ? value.value.field(name) : undefined;
    return inner === undefined
      ? OptionalValue.none
      : inner instanceof CelError
        ? inner
        : new OptionalValue(inner);
  }
  if (!(value instanceof MapValue)) return new CelError(`no such key: ${name}`);
  const found = value.field(name);
  const given = found === undefined ? value.unset(name) : found;
  return given === undefined ? new CelError(`no such key: ${name}`) : given;
}

function indexed(container: Value, key: Value): Value {
  if (container instanceof CelError) return container;
  if (key instanceof CelError) return key;
  if (container instanceof OptionalValue) {
    if (container.value === undefined) return container;
    const inner = indexed(container.value, key);
    return inner instanceof CelError ? OptionalValue.none : new OptionalValue(inner);
  }
  if (container instanceof MapValue) {
    const found = container.get(key);
    return found === undefined ? new CelError(`no such key: ${shownKey(key)}`) : found;
  }
  if (!(container instanceof ListValue)) return noSuchOverload;
  const index = key instanceof Uint ? key.value : key;
  if (typeof index !== 'bigint' && !(typeof index === 'number' && Number.isInteger(index))) {
    return new CelError(`unsupported index type '${typeNameOf(key)}' in list`);
  }
  if (index < 0 || index >= container.size) return new CelError(`index out of bounds: ${index}`);
  return container.at(Number(index));
}

function shownKey(key: Value): string {
  if (typeof key === 'object') return key instanceof Uint ? String(key.value) : typeNameOf(key);
  return String(key);
}

/** `a.?b` and `a[?b]`: what is not there is none, and so is what is not there on the way. */
function optionally(
  type: CelType,
  of: Node,
  key: Node | undefined,
  find: (value: Value, at: Value | undefined) => Value | undefined,
): Node {
  return {
    type,
    run: (frame: Frame) => {
      let value = of.run(frame);
      const at = key?.run(frame);
      frame.meter.spend(1);
      if (value instanceof CelError) return value;
      if (at instanceof CelError) return at;
      if (value instanceof OptionalValue) {
        if (value.value === undefined) return value;
        ({ value } = value as { value: Value });
      }
      const found = find(value, at);
      if (found === undefined) return OptionalValue.none;
      return found instanceof CelError ? found : new OptionalValue(found);
    },
    min: of.min + (key?.min ?? 0) + 1,
    max: of.max + (key?.max ?? 0) + 1,
    size: maxSize(type.item ?? dyn),
  };
}

/** What an operator costs beyond its operands. */
function binaryCost(op: BinaryOperator, a: number, b: number): number {
  switch (op) {
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return Math.max(1, Math.ceil(Math.min(a, b) * 0.1));
    case 'in':
      return Math.max(1, b);
    case '+':
      return Math.max(1, Math.ceil((a + b) * 0.1));
    default:
      return 1;
  }
}

function estimatedCost(op: BinaryOperator, left: Node, right: Node): number {
  if (op === 'in') return right.type.kind === 'map' ? 1 : Math.max(1, right.size);
  // Lists are put together without looking at their elements.
  if (op === '+' && left.type.kind === 'list') return 1;
  return binaryCost(op, left.size, right.size);
}

function resultOf(overload: Overload, nodes: readonly Node[]): CelType | undefined {
  const bindings: Bindings = new Map();
  const fits = overload.params.every((param, i) => assignable((nodes[i] as Node).type, param, bindings));
  return fits ? substitute(overload.result, bindings) : undefined;
}

function callNode(
  name: string,
  receiver: boolean,
  nodes: readonly Node[],
  overloads: readonly Overload[],
  type: CelType,
): Node {
  const run = (frame: Frame): Value => {
    const values = nodes.map((n) => n.run(frame));
    const failed = firstError(values);
    if (failed) return failed;
    const overload = overloads.find(({ params }) =>
      params.every((param, i) => is(values[i] as Value, param)),
    );
    if (!overload) {
      const types = values.map(typeNameOf);
      const shown = receiver
        ? `${types[0]}.${name}(${types.slice(1).join(', ')})`
        : `${name}(${types.join(', ')})`;
      return new CelError(`no such overload: ${shown}`);
    }
    frame.meter.spend(overload.cost(...values.map(sizeOf)));
    const given = overload.metered ? [...values, frame.meter] : values;
    return overload.run(...(given as never[]));
  };
  const sizes = nodes.map((n) => n.size);
  const costs = overloads.map(({ cost }) => cost(...sizes));
  const own = summed(nodes, 0);
  return {
    type,
    run,
    min: own.min + 1,
    max: own.max + Math.max(...costs),
    size: isSized(type) ? Math.max(...overloads.map(({ resultSize }) => resultSize(...sizes))) : 1,
  };
}

/** Whether a value may be the argument of a parameter; what is inside of lists is not looked at. */
function is(value: Value, { kind, name }: CelType): boolean {
  switch (kind) {
    case 'dyn':
    case 'param':
      return true;
    case 'string':
      return typeof value === 'string';
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'bigint';
    case 'double':
      return typeof value === 'number';
    case 'uint':
      return value instanceof Uint;
    case 'bytes':
      return value instanceof Uint8Array;
    case 'null':
      return value === null;
    case 'list':
      return value instanceof ListValue;
    case 'map':
      return value instanceof MapValue;
    case 'optional':
      return value instanceof OptionalValue;
    case 'duration':
      return value instanceof Duration;
    case 'timestamp':
      return value instanceof Timestamp;
    case 'type':
      return value instanceof TypeValue;
    default:
      return value instanceof OpaqueValue && value.typeName === name;
  }
}
