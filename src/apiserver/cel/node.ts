/** What an expression is compiled into, and what it runs in. */
import type { CelType } from './types.js';
import type { Value } from './values.js';

/** Ends an evaluation that has become too dear; never seen outside this room. */
export class BudgetExceeded extends Error {
  override readonly name = 'BudgetExceeded';
}

/** Counts what an evaluation has cost so far, in the units of Kubernetes. */
export class Meter {
  spent = 0;

  constructor(private readonly limit: number) {}

  /** @throws BudgetExceeded */
  spend(cost: number): void {
    this.spent += cost;
    if (this.spent > this.limit) throw new BudgetExceeded();
  }
}

export interface Frame {
  /** Variables, then the ones that macros bring. */
  readonly slots: Value[];
  readonly meter: Meter;
}

/** A part of an expression, checked and ready to run. */
export interface Node {
  readonly type: CelType;
  /** @throws BudgetExceeded, and nothing else */
  readonly run: (frame: Frame) => Value;
  /** The least and the most that running it may cost. */
  readonly min: number;
  readonly max: number;
  /** Most elements, members or characters its value may have. */
  readonly size: number;
  /** Present where the value is written in the expression. */
  readonly literal?: Value;
}
