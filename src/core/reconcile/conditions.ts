/** Conditions of a status: one per type, with a transition time that means something. */
import type { Condition } from '../../api/index.js';

export type ConditionInput = Omit<Condition, 'lastTransitionTime'>;

/** The list with this condition set; `lastTransitionTime` moves only when the status value changes. */
export function setCondition(
  conditions: readonly Condition[],
  input: ConditionInput,
  now: string,
): Condition[] {
  const before = conditions.find((c) => c.type === input.type);
  const lastTransitionTime = before?.status === input.status ? before.lastTransitionTime : now;
  const next: Condition = { ...input, lastTransitionTime };
  return before ? conditions.map((c) => (c === before ? next : c)) : [...conditions, next];
}

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((c) => c.type === type);
}

export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}
