/**
 * Expressions, compiled once and run within a budget. Nothing here throws: what is wrong with an expression, and what
 * goes wrong while it runs, are values worded as Kubernetes words them.
 */
import { Compiler, type Scope } from './compile.js';
import { FunctionTable, type Overload } from './functions.js';
import { authorizerFunctions } from './library/authorizer.js';
import { formatFunctions } from './library/formats.js';
import { listFunctions } from './library/lists.js';
import { networkFunctions } from './library/network.js';
import { optionalFunctions } from './library/optionals.js';
import { quantityFunctions } from './library/quantities.js';
import { standardFunctions } from './library/standard.js';
import { stringFunctions } from './library/strings.js';
import type { MessageTypes } from './messages.js';
import { BudgetExceeded, Meter, type Node } from './node.js';
import { parseExpression, showProblems } from './parse.js';
import { assignable, type CelType, typeName } from './types.js';
import { CelError, type Value } from './values.js';

/** The libraries of Kubernetes 1.32. */
const functions = new FunctionTable([
  ...standardFunctions,
  ...stringFunctions,
  ...listFunctions,
  ...optionalFunctions,
  ...networkFunctions,
  ...quantityFunctions,
  ...formatFunctions,
  ...authorizerFunctions,
]);

/** What one expression may cost while it runs. */
export const perCallLimit = 1_000_000;

/** Why an expression is no program: `compilation failed: ERROR: <input>:1:5: undefined field 'x'…`. */
export interface CompileFailure {
  readonly failure: string;
  /** True when it means something, only nothing of a type that is wanted. */
  readonly wrongType?: boolean;
}

export interface Outcome {
  readonly value: Value;
  /** In the units of Kubernetes. */
  readonly cost: number;
  /** True when it was given up because it cost too much. */
  readonly exceeded: boolean;
}

export class Program {
  constructor(
    readonly expression: string,
    readonly type: CelType,
    private readonly node: Node,
    private readonly variables: readonly string[],
    private readonly slots: number,
    /** Names of the variables it uses. */
    readonly used: ReadonlySet<string>,
  ) {}

  /** The most that running it may cost; Infinity when nothing bounds it. */
  get estimatedCost(): number {
    return this.node.max;
  }

  /**
   * Runs it.
   * @param variables by name; all that were declared
   * @param limit of its cost. Default: what Kubernetes allows one expression
   */
  evaluate(variables: Readonly<Record<string, Value>>, limit: number = perCallLimit): Outcome {
    const meter = new Meter(limit);
    const slots = Array.from<unknown, Value>({ length: this.slots }, () => null);
    this.variables.forEach((name, i) => {
      slots[i] = Object.hasOwn(variables, name)
        ? (variables[name] as Value)
        : new CelError(`no such attribute(s): ${name}`);
    });
    try {
      return { value: this.node.run({ slots, meter }), cost: meter.spent, exceeded: false };
    } catch (error) {
      if (error instanceof BudgetExceeded) {
        const message = 'operation cancelled: actual cost limit exceeded';
        return { value: new CelError(message), cost: meter.spent, exceeded: true };
      }
      // A text or a list beyond what the machine can hold.
      const message = error instanceof Error ? error.message : String(error);
      return { value: new CelError(`internal error: ${message}`), cost: meter.spent, exceeded: false };
    }
  }
}

const maxKnown = 1000;

export interface EnvironmentOptions {
  /** Beside the libraries. */
  readonly functions?: readonly Overload[];
  /** Types expressions may make values of. Default: none. */
  readonly messages?: MessageTypes;
}

/** Variables and their types, in which expressions are compiled. */
export class Environment {
  readonly #scope: Scope;
  readonly #names: readonly string[];
  /** Compiled once, by the text. */
  readonly #known = new Map<string, Program | CompileFailure>();
  readonly #functions: FunctionTable;
  readonly #messages: MessageTypes;

  constructor(variables: Readonly<Record<string, CelType>>, more: EnvironmentOptions = {}) {
    this.#functions = functions.with(more.functions ?? []);
    this.#messages = more.messages ?? (() => undefined);
    this.#names = Object.keys(variables);
    this.#scope = new Map(
      this.#names.map((name, slot) => [name, { slot, type: variables[name] as CelType }]),
    );
  }

  /**
   * @param results the types the value may have; all that fits when there are none
   */
  compile(expression: string, ...results: readonly CelType[]): Program | CompileFailure {
    const key = `${results.map(typeName).join()} ${expression}`;
    let known = this.#known.get(key);
    if (!known) {
      if (this.#known.size >= maxKnown) this.#known.clear();
      this.#known.set(key, (known = this.#compile(expression, results)));
    }
    return known;
  }

  #compile(expression: string, results: readonly CelType[]): Program | CompileFailure {
    const read = parseExpression(expression);
    if ('problem' in read) return failed(showProblems(expression, [read.problem]));
    const compiler = new Compiler(this.#functions, this.#scope, this.#messages, read.syntax);
    let node: Node;
    try {
      node = compiler.compile(read.ast, new Map());
    } catch (error) {
      return failed(`expression recursion limit exceeded: ${(error as Error).message}`);
    }
    if (compiler.problems.length > 0) return failed(showProblems(expression, compiler.problems));
    const { type } = node;
    if (results.length > 0 && type.kind !== 'dyn' && !results.some((r) => assignable(type, r, new Map()))) {
      const wanted = results.map(typeName);
      const what = wanted.length === 1 ? wanted[0] : `one of ${wanted.join(', ')}`;
      return { wrongType: true, failure: `must evaluate to ${what} but got ${typeName(type)}` };
    }
    return new Program(expression, type, node, this.#names, compiler.slots, compiler.used);
  }
}

function failed(why: string): CompileFailure {
  return { failure: `compilation failed: ${why}` };
}

export function isProgram(given: Program | CompileFailure): given is Program {
  return given instanceof Program;
}
