/**
 * Patterns of schemas are Go regular expressions (RE2). What JavaScript spells otherwise is translated; what
 * it cannot say at all does not compile.
 *
 * JavaScript's own search is fast, but some patterns keep it busy for ever with a short text. It is asked where it must be done
 * soon; elsewhere all ways are followed side by side, which takes longer in the beginning and never explodes.
 */
import { longestWithin } from '../regexp/effort.js';
import { Regexp } from '../regexp/machine.js';
import { PatternError } from '../regexp/pattern.js';
import { charactersOf, readRegExp } from '../regexp/read.js';

/** A pattern, ready to be held against texts. */
export interface CompiledPattern {
  /**
   * Whether it is found in the text. In time that grows with the length of the text, but for patterns of look-around and
   * back-references, which RE2 does not have; a text that takes too long all the same is none that matches.
   */
  test(text: string): boolean;
}

const posixClasses: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\s',
  upper: 'A-Z',
  word: '\\w',
  xdigit: '0-9A-Fa-f',
};

const compiled = new Map<string, CompiledPattern | undefined>();
const maxCompiled = 10_000;
/** Steps that JavaScript's search may take at most: a few milliseconds. */
const maxSteps = 1_000_000;
/** Of any text: no request is longer. */
const maxLength = 4 * 1024 * 1024;

/** The pattern as an expression, compiled once; undefined when it cannot be one. */
export function compilePattern(pattern: string): CompiledPattern | undefined {
  if (compiled.has(pattern)) return compiled.get(pattern);
  const expression = translate(pattern);
  const found = expression && new BoundedPattern(expression);
  if (compiled.size >= maxCompiled) compiled.clear();
  compiled.set(pattern, found);
  return found;
}

class BoundedPattern implements CompiledPattern {
  /** Up to which length of a text JavaScript is asked; known once a text is there. */
  #soon: number | undefined;
  #machine: Regexp | undefined;

  constructor(private readonly expression: RegExp) {}

  test(text: string): boolean {
    this.#soon ??= this.#soonUpTo();
    if (text.length <= this.#soon || !this.#machine) return this.expression.test(text);
    try {
      return this.#machine.test(text);
    } catch (error) {
      if (error instanceof PatternError) return false;
      throw error;
    }
  }

  #soonUpTo(): number {
    try {
      const pattern = readRegExp(this.expression);
      const soon = longestWithin(pattern, maxSteps, maxLength);
      if (soon < maxLength) this.#machine = new Regexp(pattern, charactersOf(this.expression));
      return soon;
    } catch (error) {
      // Not regular, or too large: there is nothing but JavaScript.
      if (error instanceof PatternError) return maxLength;
      throw error;
    }
  }
}

function translate(pattern: string): RegExp | undefined {
  const leading = /^\(\?([ims]+)\)/.exec(pattern);
  const flags = [...new Set(leading?.[1] ?? '')].join('');
  const source = pattern
    .slice(leading?.[0].length ?? 0)
    .replace(/\\[\s\S]|\(\?P<|\[:(\w+):\]/g, (text, posix: string | undefined) => {
      if (text === '\\A') return '^';
      if (text === '\\z') return '$';
      if (text === '(?P<') return '(?<';
      return (posix !== undefined && Object.hasOwn(posixClasses, posix) && posixClasses[posix]) || text;
    });
  // By code points where the pattern allows it, as Go matches.
  for (const mode of [`${flags}u`, flags]) {
    try {
      return new RegExp(source, mode);
    } catch {
      // The next mode is more lenient.
    }
  }
  return undefined;
}
