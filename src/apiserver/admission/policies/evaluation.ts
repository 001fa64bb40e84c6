/** Running the expressions of a policy: what they may cost together, and the variables they share. */
import { CelError, isProgram, MapValue, type Program, type Value } from '../../cel/index.js';
import type { Expression, PolicyBasics } from './policy-fields.js';

/** What all expressions that belong together may cost. */
const policyBudget = 10_000_000;
const exhausted =
  'validation failed due to running out of cost budget, no further validation rules will be run';

export class Budget {
  #left = policyBudget;

  /** @returns the value, or why there is none */
  run(program: Program, values: Readonly<Record<string, Value>>): Value {
    if (this.#left < 0) return new CelError(exhausted);
    const { value, cost } = program.evaluate(values);
    this.#left -= cost;
    return this.#left < 0 ? new CelError(exhausted) : value;
  }
}

/** The value of an expression, or why there is none. */
export function run({ program }: Expression, budget: Budget, values: Readonly<Record<string, Value>>): Value {
  return isProgram(program) ? budget.run(program, values) : new CelError(program.failure);
}

/** `variables.x`: each is worked out when first asked for. */
export class Variables extends MapValue {
  readonly #known = new Map<string, Value>();

  constructor(
    private readonly policy: PolicyBasics,
    private readonly budget: Budget,
    private readonly values: Readonly<Record<string, Value>>,
  ) {
    super();
  }

  override get size(): number {
    return this.policy.variables.length;
  }

  override keys(): Value[] {
    return this.policy.variables.map(({ name }) => name);
  }

  override get(key: Value): Value | undefined {
    if (typeof key !== 'string') return undefined;
    let value = this.#known.get(key);
    if (value === undefined) {
      const variable = this.policy.variables.find(({ name }) => name === key);
      if (!variable) return undefined;
      value = run(variable, this.budget, { ...this.values, variables: this });
      if (value instanceof CelError && isProgram(variable.program))
        value = new CelError(
          `composited variable ${JSON.stringify(key)} fails to evaluate: ${value.message}`,
        );
      this.#known.set(key, value);
    }
    return value;
  }
}
