/** One policy's word on one request, with one set of parameters. */
import type { JsonObject } from '../../../api/index.js';
import { CelError, fromJson, isProgram, MapValue, type Program, type Value } from '../../cel/index.js';
import { evaluateConditions } from './match-conditions.js';
import type { CompiledPolicy, Expression } from './policy-fields.js';

/** What all expressions of a policy may cost together for one request. */
const policyBudget = 10_000_000;
const maxMessage = 5 * 1024;
const maxAnnotation = 10 * 1024;
const exhausted =
  'validation failed due to running out of cost budget, no further validation rules will be run';

/** Why a request should not be. */
export interface Objection {
  readonly message: string;
  readonly reason: string | undefined;
  /** Of the validation it comes from. */
  readonly expressionIndex: number;
}

export interface PolicyResult {
  readonly objections: readonly Objection[];
  /** By their key. */
  readonly auditAnnotations: ReadonlyMap<string, string>;
}

class Budget {
  #left = policyBudget;

  /** @returns the value, or why there is none */
  run(program: Program, values: Readonly<Record<string, Value>>): Value {
    if (this.#left < 0) return new CelError(exhausted);
    const { value, cost } = program.evaluate(values);
    this.#left -= cost;
    return this.#left < 0 ? new CelError(exhausted) : value;
  }
}

/** `variables.x`: each is worked out when first asked for. */
class Variables extends MapValue {
  readonly #known = new Map<string, Value>();

  constructor(
    private readonly policy: CompiledPolicy,
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
      value = isProgram(variable.program)
        ? this.budget.run(variable.program, { ...this.values, variables: this })
        : new CelError(variable.program.failure);
      if (value instanceof CelError)
        value = new CelError(
          `composited variable ${JSON.stringify(key)} fails to evaluate: ${value.message}`,
        );
      this.#known.set(key, value);
    }
    return value;
  }
}

/**
 * @param values of the request
 * @param params what the binding refers to; null where there is nothing
 */
export function evaluatePolicy(
  policy: CompiledPolicy,
  values: Readonly<Record<string, Value>>,
  params: JsonObject | null,
): PolicyResult {
  const plain = { ...values, ...(policy.paramKind ? { params: fromJson(params) } : {}) };
  const matched = evaluateConditions(policy.conditions, plain);
  if ('error' in matched) return failed(policy, matched.error, 0);
  if (!matched.matches) return { objections: [], auditAnnotations: new Map() };
  const budget = new Budget();
  const all = { ...plain, variables: new Variables(policy, budget, plain) };
  const objections: Objection[] = [];
  for (const [i, validation] of policy.validations.entries()) {
    const value = run(validation, budget, all);
    if (value === true) continue;
    if (value !== false) {
      const why = value instanceof CelError ? value.message : 'must evaluate to bool';
      const message = `expression '${validation.expression}' resulted in error: ${why}`;
      objections.push(...failed(policy, message, i).objections);
      continue;
    }
    const said =
      validation.messageProgram && isProgram(validation.messageProgram)
        ? usable(budget.run(validation.messageProgram, all))
        : undefined;
    const fallback = validation.message.trim() || `failed expression: ${validation.expression.trim()}`;
    objections.push({ message: said ?? fallback, reason: validation.reason, expressionIndex: i });
  }
  const auditAnnotations = new Map<string, string>();
  for (const annotation of policy.auditAnnotations) {
    const value = run(annotation, budget, all);
    if (typeof value === 'string') {
      if (value.trim() !== '') auditAnnotations.set(annotation.key, value.trim().slice(0, maxAnnotation));
    } else if (value !== null) {
      const why =
        value instanceof CelError
          ? value.message
          : `valueExpression '${annotation.expression}' resulted in unsupported return type`;
      objections.push(
        ...failed(policy, `valueExpression '${annotation.expression}' resulted in error: ${why}`, 0)
          .objections,
      );
    }
  }
  return { objections, auditAnnotations };
}

function run({ program }: Expression, budget: Budget, values: Readonly<Record<string, Value>>): Value {
  return isProgram(program) ? budget.run(program, values) : new CelError(program.failure);
}

/** What goes wrong is an objection, unless the policy is to be ignored then. */
function failed({ failOpen }: CompiledPolicy, message: string, expressionIndex: number): PolicyResult {
  return {
    objections: failOpen ? [] : [{ message, reason: undefined, expressionIndex }],
    auditAnnotations: new Map(),
  };
}

function usable(value: Value): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text === '' || text.length > maxMessage || /[\n\r]/.test(text) ? undefined : text;
}
