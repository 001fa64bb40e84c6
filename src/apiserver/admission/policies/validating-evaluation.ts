/** One validating policy's word on one request, with one set of parameters. */
import type { JsonObject } from '../../../api/index.js';
import { CelError, fromJson, isProgram, type Value } from '../../cel/index.js';
import { Budget, run, Variables } from './evaluation.js';
import { evaluateConditions } from './match-conditions.js';
import type { ValidatingPolicy } from './validating-fields.js';

const maxMessage = 5 * 1024;
const maxAnnotation = 10 * 1024;

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

/**
 * @param values of the request
 * @param params what the binding refers to; null where there is nothing
 */
export function evaluatePolicy(
  policy: ValidatingPolicy,
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

/** What goes wrong is an objection, unless the policy is to be ignored then. */
function failed({ failOpen }: ValidatingPolicy, message: string, expressionIndex: number): PolicyResult {
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
