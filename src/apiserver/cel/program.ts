/**
 * CEL expressions as programs: compiled once, run with values, never throwing.
 *
 * The work of a run is bounded before it begins: *n* nodes within *d* comprehensions take at most about n·mᵈ steps on values
 * whose longest list has *m* items. What comes to more than the budget is refused, in the words
 * of Kubernetes' own cost limit (API-16); the estimate is coarser than Kubernetes', and never below what is done.
 */
import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { CelFailure, registerLibraries } from './libraries.js';
import { longestWithin, type Moments } from './values.js';

/** Steps that one expression may take. */
export const perCallLimit = 1_000_000;
const maxExpression = 64 * 1024;

export type Outcome = { readonly value: unknown } | { readonly error: string };

export interface Program {
  readonly source: string;
  /** The type the expression gives, where it can be known: `bool`, `string`, `dyn`. */
  readonly type: string;
  readonly ast: ASTNode;
  /** What is named in it. */
  readonly names: ReadonlySet<string>;
  run(values: Readonly<Record<string, unknown>>): Outcome;
}

export type Compiled = { readonly program: Program } | { readonly error: string };

/** Expressions that know the same variables. */
export class Compiler {
  readonly #env: Environment;
  readonly #known = new Map<string, Compiled>();

  /**
   * @param variables of any type
   * @param extend adds functions and types of its own
   */
  constructor(variables: readonly string[], extend?: (env: Environment) => void) {
    this.#env = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
    registerLibraries(this.#env);
    for (const name of variables) this.#env.registerVariable(name, 'dyn');
    extend?.(this.#env);
  }

  readonly moments: Moments = {
    // The text has the form of a duration and holds nothing to escape.
    duration: (text) => this.#env.evaluate(`duration("${text}")`) as unknown,
  };

  compile(source: string): Compiled {
    let known = this.#known.get(source);
    if (!known) {
      if (this.#known.size >= maxKnown) this.#known.clear();
      this.#known.set(source, (known = this.#compile(source)));
    }
    return known;
  }

  #compile(source: string): Compiled {
    if (source.length > maxExpression)
      return { error: `an expression has at most ${maxExpression} characters` };
    try {
      const parsed = this.#env.parse(source);
      const checked = parsed.check();
      if (!checked.valid) return { error: compilationError(source, checked.error) };
      const { nodesAt, names } = measure(parsed.ast);
      const run = (values: Readonly<Record<string, unknown>>): Outcome => {
        const longest = nodesAt.length === 1 ? 1 : longestWithin(Object.values(values));
        if (nodesAt.reduce((steps, nodes, depth) => steps + nodes * longest ** depth, 0) > perCallLimit)
          return {
            error:
              'validation failed due to running out of cost budget, no further validation rules will be run',
          };
        try {
          return { value: parsed(values) as unknown };
        } catch (error) {
          return { error: evaluationError(error) };
        }
      };
      return { program: { source, type: checked.type ?? 'dyn', ast: parsed.ast, names, run } };
    } catch (error) {
      return { error: compilationError(source, error) };
    }
  }
}

const maxKnown = 5_000;

interface Told {
  readonly summary?: string;
  readonly message?: string;
  readonly name?: string;
  readonly range?: { readonly start: number };
  readonly cause?: unknown;
}

/** As cel-go words it: what is wrong, where, and the line with a mark below it. */
function compilationError(source: string, error: unknown): string {
  const { summary, message = String(error), name, range } = error as Told;
  const before = source.slice(0, range?.start ?? 0).split('\n');
  const line = before.length;
  const column = (before.at(-1) ?? '').length + 1;
  const text = `${name === 'ParseError' ? 'Syntax error: ' : ''}${reworded(summary ?? message)}`;
  const shown = source.split('\n')[line - 1] ?? '';
  return `ERROR: <input>:${line}:${column}: ${text}\n | ${shown}\n | ${'.'.repeat(column - 1)}^`;
}

function reworded(text: string): string {
  const unknown = /^Unknown variable: (.*)$/.exec(text);
  return unknown ? `undeclared reference to '${unknown[1]}' (in container '')` : text;
}

function evaluationError(error: unknown): string {
  if (error instanceof CelFailure) return error.message;
  const { summary, message = String(error), cause } = error as Told;
  if (cause instanceof CelFailure) return cause.message;
  const text = summary ?? message;
  return text
    .replace(/^No such key: index out of bounds, index (\d+).*$/, 'index out of bounds: $1')
    .replace(/^No such key/, 'no such key');
}

const comprehensions = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

interface Measure {
  /** How many nodes there are within so many comprehensions. */
  readonly nodesAt: number[];
  readonly names: Set<string>;
}

function measure(ast: ASTNode): Measure {
  const found: Measure = { nodesAt: [0], names: new Set() };
  const walk = (value: unknown, depth: number): void => {
    if (Array.isArray(value)) {
      for (const item of value) walk(item, depth);
      return;
    }
    if (typeof value !== 'object' || value === null || !('op' in value)) return;
    const { op, args } = value as { readonly op: string; readonly args: unknown };
    found.nodesAt[depth] = (found.nodesAt[depth] ?? 0) + 1;
    if (op === 'id' && typeof args === 'string') found.names.add(args);
    if (op === 'rcall' && Array.isArray(args) && comprehensions.has(String(args[0]))) {
      walk(args[1], depth);
      walk(args[2], depth + 1);
    } else walk(args, depth);
  };
  walk(ast, 0);
  return found;
}
