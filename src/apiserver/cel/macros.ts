/**
 * Macros: what looks like a call but gives names to things. `has`, the comprehensions over lists and maps with one
 * variable or two, `cel.bind`, and `optMap`.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Scope } from './compile.js';
import type { Frame, Node } from './node.js';
import { noSuchOverload } from './operators.js';
import { bool, type CelType, dyn, int, join, listOf, mapOf, optionalOf, typeName } from './types.js';
import { BuiltMap, CelError, keyText, ListValue, MapValue, OptionalValue, type Value } from './values.js';

/** What macros need of the compiler. */
export interface MacroCompiler {
  compile(ast: ASTNode, scope: Scope): Node;
  wrong(at: ASTNode, message: string): Node;
  newSlot(): number;
  fieldType(ast: ASTNode, type: CelType, name: string): CelType | undefined;
}

type Macro = (
  compiler: MacroCompiler,
  ast: ASTNode,
  target: ASTNode | undefined,
  args: readonly ASTNode[],
  scope: Scope,
) => Node;

/** The macro a call means, or undefined when it means a function. */
export function macroFor(
  name: string,
  target: ASTNode | undefined,
  args: readonly ASTNode[],
): Macro | undefined {
  if (!target) return name === 'has' && args.length === 1 ? has : undefined;
  if (name === 'bind' && target.op === 'id' && target.args === 'cel' && args.length === 3) return bind;
  const key = `${name}/${args.length}`;
  return Object.hasOwn(macros, key) ? macros[key] : undefined;
}

function has(
  compiler: MacroCompiler,
  ast: ASTNode,
  _: unknown,
  [arg]: readonly ASTNode[],
  scope: Scope,
): Node {
  if (arg?.op !== '.') return compiler.wrong(ast, 'invalid argument to has() macro');
  const [inner, name] = arg.args;
  const of = compiler.compile(inner, scope);
  compiler.fieldType(arg, of.type, name);
  return {
    type: bool,
    run: (frame) => {
      let value = of.run(frame);
      frame.meter.spend(1);
      if (value instanceof CelError) return value;
      if (value instanceof OptionalValue) {
        if (value.value === undefined) return false;
        ({ value } = value as { value: Value });
      }
      return value instanceof MapValue && value.field(name) !== undefined;
    },
    min: of.min + 1,
    max: of.max + 1,
    size: 1,
  };
}

function bind(
  compiler: MacroCompiler,
  ast: ASTNode,
  _: unknown,
  args: readonly ASTNode[],
  scope: Scope,
): Node {
  const [variable, init, body] = args as [ASTNode, ASTNode, ASTNode];
  if (variable.op !== 'id') return compiler.wrong(ast, 'argument must be a simple name');
  const value = compiler.compile(init, scope);
  const slot = compiler.newSlot();
  const type = value.type.kind === 'dyn' ? dyn : { ...value.type, max: value.size };
  const result = compiler.compile(body, new Map([...scope, [variable.args, { slot, type }]]));
  return {
    type: result.type,
    run: (frame) => {
      // An error counts where the name is used.
      frame.slots[slot] = value.run(frame);
      return result.run(frame);
    },
    min: value.min + result.min,
    max: value.max + result.max,
    size: result.size,
  };
}

/** What is gone through: elements of a list, keys of a map, or both with their index or value. */
interface Range {
  readonly over: Node;
  /** Runs the body for each; a body that gives a value ends it with that value. */
  each(frame: Frame, body: () => Value | undefined): Value | undefined;
  readonly scope: Scope;
  readonly item: CelType;
  readonly key: CelType;
}

function range(
  compiler: MacroCompiler,
  target: ASTNode,
  variables: readonly ASTNode[],
  scope: Scope,
): Range | Node {
  const over = compiler.compile(target, scope);
  const names: string[] = [];
  for (const variable of variables) {
    if (variable.op !== 'id') return compiler.wrong(variable, 'argument must be a simple name');
    names.push(variable.args);
  }
  const { kind, item = dyn, key = dyn } = over.type;
  if (kind !== 'list' && kind !== 'map' && kind !== 'dyn') {
    return compiler.wrong(
      target,
      `expression of type '${typeName(over.type)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
    );
  }
  const two = names.length === 2;
  const types: CelType[] =
    kind === 'list'
      ? two
        ? [int, item]
        : [item]
      : kind === 'map'
        ? two
          ? [key, item]
          : [key]
        : [dyn, dyn];
  const slots = names.map(() => compiler.newSlot());
  const inner = new Map(scope);
  names.forEach((name, i) => inner.set(name, { slot: slots[i] as number, type: types[i] ?? dyn }));
  const [a = 0, b = 0] = slots;
  return {
    over,
    scope: inner,
    item: types[names.length - 1] ?? dyn,
    key: types[0] ?? dyn,
    each({ slots: frame, meter }, body) {
      const container = over.run({ slots: frame, meter });
      if (container instanceof CelError) return container;
      if (container instanceof ListValue) {
        for (let i = 0; i < container.size; i++) {
          const element = container.at(i);
          frame[a] = two ? BigInt(i) : element;
          if (two) frame[b] = element;
          const end = body();
          if (end !== undefined) return end;
        }
        return undefined;
      }
      if (!(container instanceof MapValue)) return noSuchOverload;
      for (const each of container.keys()) {
        frame[a] = each;
        if (two) frame[b] = container.get(each) ?? null;
        const end = body();
        if (end !== undefined) return end;
      }
      return undefined;
    },
  };
}

function isRange(given: Range | Node): given is Range {
  return 'over' in given;
}

/** What going through everything costs: the range itself, and the step for each. */
function loopCosts({ over }: Range, step: { readonly min: number; readonly max: number }, own: number) {
  // Infinitely often nothing is nothing.
  const steps = step.max === 0 ? 0 : over.size * step.max;
  return { min: over.min + own, max: over.max + own + steps };
}

/** Runs a predicate for each; `decide` sees its truth and may end the loop. */
function quantifier(
  variables: 1 | 2,
  overhead: number,
  run: (frame: Frame, all: Range, predicate: Node, overhead: number) => Value,
): Macro {
  return (compiler, _ast, target, args, scope) => {
    const all = range(compiler, target as ASTNode, args.slice(0, variables), scope);
    if (!isRange(all)) return all;
    const predicate = compiler.compile(args[variables] as ASTNode, all.scope);
    if (predicate.type.kind !== 'bool' && predicate.type.kind !== 'dyn') {
      return compiler.wrong(
        args[variables] as ASTNode,
        `found no matching overload for '_&&_' applied to '(bool, ${typeName(predicate.type)})'`,
      );
    }
    return {
      type: bool,
      run: (frame) => run(frame, all, predicate, overhead),
      ...loopCosts(all, { min: 0, max: predicate.max + overhead }, 1),
      size: 1,
    };
  };
}

/** `all` and `exists`: one that decides outweighs errors of others. */
function deciding(decisive: boolean) {
  return (frame: Frame, all: Range, predicate: Node, overhead: number): Value => {
    let failure: CelError | undefined;
    const end = all.each(frame, () => {
      frame.meter.spend(overhead);
      const value = predicate.run(frame);
      if (value === decisive) return value;
      if (value instanceof CelError) failure ??= value;
      else if (typeof value !== 'boolean') failure ??= noSuchOverload;
      return undefined;
    });
    return end ?? failure ?? !decisive;
  };
}

function exactlyOne(frame: Frame, all: Range, predicate: Node, overhead: number): Value {
  let found = 0;
  const end = all.each(frame, () => {
    frame.meter.spend(overhead);
    const value = predicate.run(frame);
    if (value === true) found++;
    else if (value !== false) return value instanceof CelError ? value : noSuchOverload;
    return undefined;
  });
  return end ?? found === 1;
}

/** Elements of a new list cost what making a list costs. */
const append = 12;

function collecting(variables: 1 | 2, filtered: boolean, transformed: boolean): Macro {
  return (compiler, _ast, target, args, scope) => {
    const all = range(compiler, target as ASTNode, args.slice(0, variables), scope);
    if (!isRange(all)) return all;
    const rest = args.slice(variables).map((arg) => compiler.compile(arg, all.scope));
    const filter = filtered ? rest.shift() : undefined;
    const transform = transformed ? rest.shift() : undefined;
    if (filter && filter.type.kind !== 'bool' && filter.type.kind !== 'dyn') {
      return compiler.wrong(
        args[variables] as ASTNode,
        `found no matching overload for '_?_:_' applied to '(${typeName(filter.type)}, list(dyn), list(dyn))'`,
      );
    }
    const slot = (variables === 1 ? all.scope.get(nameOf(args[0])) : undefined)?.slot ?? 0;
    const step = (filter?.max ?? 0) + (transform?.max ?? 0) + append;
    return {
      type: listOf(transform?.type ?? all.item),
      run: (frame) => {
        const made: Value[] = [];
        const end = all.each(frame, () => {
          const wanted = filter ? filter.run(frame) : true;
          if (wanted instanceof CelError) return wanted;
          if (typeof wanted !== 'boolean') return noSuchOverload;
          frame.meter.spend(wanted ? append : 1);
          if (!wanted) return undefined;
          const value = transform ? transform.run(frame) : (frame.slots[slot] as Value);
          if (value instanceof CelError) return value;
          made.push(value);
          return undefined;
        });
        return end ?? new ListValue(made);
      },
      ...loopCosts(all, { min: 0, max: step }, 10),
      size: all.over.size,
    };
  };
}

/** `transformMap` and `transformMapEntry`. */
function mapping(filtered: boolean, entries: boolean): Macro {
  return (compiler, _ast, target, args, scope) => {
    const all = range(compiler, target as ASTNode, args.slice(0, 2), scope);
    if (!isRange(all)) return all;
    const rest = args.slice(2).map((arg) => compiler.compile(arg, all.scope));
    const filter = filtered ? (rest.shift() as Node) : undefined;
    const transform = rest.shift() as Node;
    const keySlot = all.scope.get(nameOf(args[0]))?.slot ?? 0;
    const { key = dyn, item = dyn } = transform.type;
    return {
      type: entries ? mapOf(key, item) : mapOf(all.key, transform.type),
      run: (frame) => {
        const made = new BuiltMap();
        const end = all.each(frame, () => {
          const wanted = filter ? filter.run(frame) : true;
          if (wanted instanceof CelError) return wanted;
          if (typeof wanted !== 'boolean') return noSuchOverload;
          frame.meter.spend(wanted ? append : 1);
          if (!wanted) return undefined;
          const value = transform.run(frame);
          if (value instanceof CelError) return value;
          if (!entries) return put(made, frame.slots[keySlot] as Value, value);
          if (!(value instanceof MapValue)) return noSuchOverload;
          for (const each of value.keys()) {
            const failed = put(made, each, value.get(each) ?? null);
            if (failed) return failed;
          }
          return undefined;
        });
        return end ?? made;
      },
      ...loopCosts(all, { min: 0, max: (filter?.max ?? 0) + transform.max + append }, 30),
      size: all.over.size,
    };
  };
}

function put(map: BuiltMap, key: Value, value: Value): CelError | undefined {
  if (keyText(key) === undefined) return new CelError('unsupported key type');
  return map.add(key, value) ? undefined : new CelError('insert failed: key already exists');
}

function nameOf(ast: ASTNode | undefined): string {
  return ast?.op === 'id' ? ast.args : '';
}

/** `optMap`, whose result is wrapped again, and `optFlatMap`, whose result is one already. */
function optional(flat: boolean): Macro {
  return (compiler, ast, target, args, scope) => {
    const of = compiler.compile(target as ASTNode, scope);
    const [variable, body] = args as [ASTNode, ASTNode];
    if (variable.op !== 'id') return compiler.wrong(variable, 'argument must be a simple name');
    if (of.type.kind !== 'optional' && of.type.kind !== 'dyn') {
      const name = flat ? 'optFlatMap' : 'optMap';
      return compiler.wrong(
        ast,
        `found no matching overload for '${name}' applied to '${typeName(of.type)}.()'`,
      );
    }
    const slot = compiler.newSlot();
    const inner = new Map([...scope, [variable.args, { slot, type: of.type.item ?? dyn }]]);
    const result = compiler.compile(body, inner);
    return {
      type: flat ? join(result.type, optionalOf(result.type.item ?? dyn)) : optionalOf(result.type),
      run: (frame) => {
        const value = of.run(frame);
        if (value instanceof CelError) return value;
        if (!(value instanceof OptionalValue)) return noSuchOverload;
        if (value.value === undefined) return value;
        frame.slots[slot] = value.value;
        const made = result.run(frame);
        return made instanceof CelError || flat ? made : new OptionalValue(made);
      },
      min: of.min + 1,
      max: of.max + result.max + 1,
      size: result.size,
    };
  };
}

/** Costs of one round beyond the predicate's own. */
const allRound = 3;
const existsRound = 4;

const macros: Readonly<Record<string, Macro>> = {
  'all/2': quantifier(1, allRound, deciding(false)),
  'all/3': quantifier(2, allRound, deciding(false)),
  'exists/2': quantifier(1, existsRound, deciding(true)),
  'exists/3': quantifier(2, existsRound, deciding(true)),
  'exists_one/2': quantifier(1, 2, exactlyOne),
  'existsOne/2': quantifier(1, 2, exactlyOne),
  'existsOne/3': quantifier(2, 2, exactlyOne),
  'filter/2': collecting(1, true, false),
  'map/2': collecting(1, false, true),
  'map/3': collecting(1, true, true),
  'transformList/3': collecting(2, false, true),
  'transformList/4': collecting(2, true, true),
  'transformMap/3': mapping(false, false),
  'transformMap/4': mapping(true, false),
  'transformMapEntry/3': mapping(false, true),
  'transformMapEntry/4': mapping(true, true),
  'optMap/2': optional(false),
  'optFlatMap/2': optional(true),
};
