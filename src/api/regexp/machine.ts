/**
 * Regular expressions whose time is bounded: all ways a text may match are followed side by side, one character at a
 * time, so that no pattern can make a match explode. Of several matches the leftmost counts, and of those the one
 * the pattern prefers.
 */
import { type Assertion, type CharTest, type Pattern, PatternError } from './pattern.js';

type Instruction =
  | { readonly op: 'char'; readonly test: CharTest }
  | { readonly op: 'assert'; readonly what: Assertion }
  | { op: 'split'; first: number; second: number }
  | { op: 'jump'; to: number }
  | { readonly op: 'match' };

const maxInstructions = 10_000;
/** Instructions looked at in one search: about a second. */
const maxSteps = 50_000_000;
/** Steps for one unit of cost. */
const stepsPerCost = 200;

/** Counts what matching costs; throws when that is too much. */
export interface StepMeter {
  spend(cost: number): void;
}

/** A pattern, ready to be looked for. */
export class Regexp {
  readonly #program: Instruction[] = [];

  /**
   * @param split a text into its characters. Default: code points.
   * @throws PatternError when it is too large
   */
  constructor(
    pattern: Pattern,
    private readonly split: (text: string) => readonly string[] = (text) => [...text],
  ) {
    this.#emit(pattern);
    this.#add({ op: 'match' });
  }

  /** @param meter of the expression that asks. @throws PatternError when the text takes too long */
  test(text: string, meter?: StepMeter): boolean {
    return this.#search(this.split(text), 0, true, meter) !== undefined;
  }

  /** The matches, one after the other, as many as there may be. @throws PatternError when the text takes too long */
  findAll(text: string, limit: number, meter?: StepMeter): string[] {
    const chars = this.split(text);
    const found: string[] = [];
    for (let from = 0; from <= chars.length && found.length < limit; ) {
      const match = this.#search(chars, from, false, meter);
      if (!match) break;
      const [start, end] = match;
      found.push(chars.slice(start, end).join(''));
      from = end === start ? end + 1 : end;
    }
    return found;
  }

  #add(instruction: Instruction): number {
    if (this.#program.length >= maxInstructions) {
      throw new PatternError('error parsing regexp: expression too large');
    }
    return this.#program.push(instruction) - 1;
  }

  #emit(pattern: Pattern): void {
    switch (pattern.kind) {
      case 'char':
        this.#add({ op: 'char', test: pattern.test });
        return;
      case 'assert':
        this.#add({ op: 'assert', what: pattern.what });
        return;
      case 'sequence':
        for (const part of pattern.parts) this.#emit(part);
        return;
      case 'choice':
        this.#emitChoice(pattern.parts);
        return;
      default:
        this.#emitRepeat(pattern);
    }
  }

  #emitChoice(parts: readonly Pattern[]): void {
    const ends: number[] = [];
    parts.forEach((part, i) => {
      if (i === parts.length - 1) return this.#emit(part);
      const split = this.#add({ op: 'split', first: this.#program.length + 1, second: 0 });
      this.#emit(part);
      ends.push(this.#add({ op: 'jump', to: 0 }));
      (this.#program[split] as { second: number }).second = this.#program.length;
    });
    for (const end of ends) (this.#program[end] as { to: number }).to = this.#program.length;
  }

  #emitRepeat({ part, min, max, greedy }: Pattern & { kind: 'repeat' }): void {
    for (let i = 0; i < min; i++) this.#emit(part);
    if (max === Number.POSITIVE_INFINITY) {
      const split = this.#add({ op: 'split', first: 0, second: 0 });
      this.#emit(part);
      this.#add({ op: 'jump', to: split });
      this.#branch(split, greedy);
      return;
    }
    const splits: number[] = [];
    for (let i = min; i < max; i++) {
      splits.push(this.#add({ op: 'split', first: 0, second: 0 }));
      this.#emit(part);
    }
    for (const split of splits) this.#branch(split, greedy);
  }

  /** Into what follows the split, or past everything there is so far. */
  #branch(split: number, greedy: boolean): void {
    const [into, past] = [split + 1, this.#program.length];
    Object.assign(
      this.#program[split] as object,
      greedy ? { first: into, second: past } : { first: past, second: into },
    );
  }

  #search(
    chars: readonly string[],
    from: number,
    anyMatch: boolean,
    meter: StepMeter | undefined,
  ): readonly [number, number] | undefined {
    const program = this.#program;
    let threads: Threads = { states: [], starts: [] };
    let next: Threads = { states: [], starts: [] };
    // When a state was last reached: each is followed once per character.
    const seen = new Int32Array(program.length).fill(-1);
    let best: readonly [number, number] | undefined;
    let steps = Math.ceil(program.length / 8);
    let total = 0;
    for (let at = from; at <= chars.length; at++) {
      if (!best) steps += this.#follow(threads, 0, at, chars, at, seen);
      if (threads.states.length === 0 && best) break;
      const code = at < chars.length ? ((chars[at] as string).codePointAt(0) ?? 0) : -1;
      next.states.length = 0;
      next.starts.length = 0;
      for (let i = 0; i < threads.states.length; i++) {
        const state = threads.states[i] as number;
        const start = threads.starts[i] as number;
        const instruction = program[state] as Instruction;
        if (instruction.op === 'match') {
          best = [start, at];
          if (anyMatch) return best;
          // What comes after is less preferred.
          break;
        }
        if (instruction.op === 'char' && code >= 0 && instruction.test(code)) {
          steps += this.#follow(next, state + 1, start, chars, at + 1, seen);
        }
      }
      steps += threads.states.length + 1;
      // A pattern that is short to write may be long to follow.
      if (steps > stepsPerCost) {
        meter?.spend(Math.floor(steps / stepsPerCost));
        total += steps;
        steps = 0;
      }
      if (total > maxSteps) throw new PatternError('regular expression is too expensive for this text');
      [threads, next] = [next, threads];
    }
    return best;
  }

  /** Adds the states that are reached without reading a character, the preferred ones first. */
  #follow(
    into: Threads,
    state: number,
    start: number,
    chars: readonly string[],
    at: number,
    seen: Int32Array,
  ): number {
    const pending = [state];
    let steps = 0;
    for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
      steps++;
      if (seen[each] === at) continue;
      seen[each] = at;
      const instruction = this.#program[each] as Instruction;
      if (instruction.op === 'jump') pending.push(instruction.to);
      else if (instruction.op === 'split') pending.push(instruction.second, instruction.first);
      else if (instruction.op === 'assert') {
        if (holds(instruction.what, chars, at)) pending.push(each + 1);
      } else {
        into.states.push(each);
        into.starts.push(start);
      }
    }
    return steps;
  }
}

interface Threads {
  readonly states: number[];
  readonly starts: number[];
}

function isWord(char: string | undefined): boolean {
  return char !== undefined && /^\w$/.test(char);
}

function holds(what: Assertion, chars: readonly string[], at: number): boolean {
  switch (what) {
    case 'start':
      return at === 0;
    case 'end':
      return at === chars.length;
    case 'lineStart':
      return at === 0 || chars[at - 1] === '\n';
    case 'lineEnd':
      return at === chars.length || chars[at] === '\n';
    default:
      return (isWord(chars[at - 1]) !== isWord(chars[at])) === (what === 'boundary');
  }
}
