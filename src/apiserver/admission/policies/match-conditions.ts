/** `matchConditions` of webhooks and policies: expressions that all have to hold, or nobody is asked. */
import { dns1123Subdomain, fieldError, type FieldPath, type StatusCause } from '../../../api/index.js';
import {
  bool,
  CelError,
  type CompileFailure,
  Environment,
  isProgram,
  type Program,
  type Value,
} from '../../cel/index.js';
import { webhookVariables } from './request-variables.js';

export interface ConditionFields {
  readonly name?: string;
  readonly expression?: string;
}

/** What all conditions together may cost for one request. */
const conditionsBudget = 2_500_000;
const maxConditions = 64;

const webhookEnvironment = new Environment(webhookVariables);

export interface Condition {
  readonly expression: string;
  readonly program: Program | CompileFailure;
}

export function compileConditions(
  conditions: readonly ConditionFields[] | undefined,
  environment: Environment = webhookEnvironment,
): readonly Condition[] {
  return (conditions ?? []).map(({ expression = '' }) => ({
    expression,
    program: environment.compile(expression, bool),
  }));
}

/** One false one outweighs whatever went wrong with the others. */
export type Verdict = { readonly matches: boolean } | { readonly error: string };

export function evaluateConditions(
  conditions: readonly Condition[],
  values: Readonly<Record<string, Value>>,
): Verdict {
  let budget = conditionsBudget;
  const errors: string[] = [];
  for (const { expression, program } of conditions) {
    if (!isProgram(program)) {
      errors.push(`expression '${expression}' resulted in error: ${program.failure}`);
      continue;
    }
    const { value, cost } = program.evaluate(values);
    budget -= cost;
    if (budget < 0) {
      errors.push(
        'validation failed due to running out of cost budget, no further validation rules will be run',
      );
      break;
    }
    if (value === false) return { matches: false };
    if (value === true) continue;
    const why = value instanceof CelError ? value.message : 'must evaluate to bool';
    errors.push(`expression '${expression}' resulted in error: ${why}`);
  }
  if (errors.length === 0) return { matches: true };
  return { error: errors.length === 1 ? (errors[0] as string) : `[${errors.join(', ')}]` };
}

const namePattern = /^(?:([^/]+)\/)?((?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/;

function nameErrors(at: FieldPath, name: string): StatusCause[] {
  if (name === '') return [fieldError.required(at)];
  const match = namePattern.exec(name);
  if (match && (match[2] ?? '').length <= 63 && (!match[1] || dns1123Subdomain(match[1]).length === 0))
    return [];
  return [
    fieldError.invalid(
      at,
      name,
      "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ),
  ];
}

/** @param environment of the expressions. Default: that of webhooks */
export function conditionErrors(
  at: FieldPath,
  conditions: readonly ConditionFields[] | undefined = [],
  environment: Environment = webhookEnvironment,
): StatusCause[] {
  const names = new Set<string>();
  const causes: StatusCause[] = [];
  if (conditions.length > maxConditions)
    causes.push(fieldError.tooMany(at, conditions.length, maxConditions));
  for (const [i, { name = '', expression = '' }] of conditions.entries()) {
    const here = at.index(i);
    causes.push(
      ...expressionErrors(here.child('expression'), expression, environment),
      ...nameErrors(here.child('name'), name),
    );
    if (name !== '' && names.has(name)) causes.push(fieldError.duplicate(here.child('name'), name));
    names.add(name);
  }
  return causes;
}

/** @param results types it may evaluate to. Default: bool */
export function expressionErrors(
  at: FieldPath,
  expression: string,
  environment: Environment,
  ...results: Parameters<Environment['compile']>[1][]
): StatusCause[] {
  if (expression.trim() === '') return [fieldError.required(at)];
  const program = environment.compile(expression, ...(results.length === 0 ? [bool] : results));
  return isProgram(program) ? [] : [fieldError.invalid(at, expression, program.failure)];
}
