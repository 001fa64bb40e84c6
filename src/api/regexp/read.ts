/**
 * Reads what JavaScript takes for a regular expression into a pattern that matches the same, as far as it is regular: no
 * look-around and no back-references. What one character may be is asked of JavaScript itself.
 */
import { type CharTest, type Pattern, PatternError } from './pattern.js';

const quantifier = /(?:[*+?]|\{(\d+)(,(\d*))?\})\??/y;
/** One character by an escape, in mode `u` and without. */
const escapes = {
  u: /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u\{[\da-fA-F]+\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|0|[^\dkc])/uy,
  units: /\\(?:u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|0(?!\d)|[^\dkc])/y,
} as const;
const characterClass = /\[(?:\\[\s\S]|[^\]\\])*\]/y;
const maxDepth = 200;

/** How a text falls into characters for it: code points in mode `u`, the units of UTF-16 without. */
export function charactersOf({ unicode }: RegExp): (text: string) => readonly string[] {
  return unicode ? (text) => [...text] : (text) => text.split('');
}

/** @throws PatternError for what is not regular, or is so in ways that nobody needs */
export function readRegExp(expression: RegExp): Pattern {
  if (expression.multiline) throw new PatternError('lines are not told apart');
  return new Reader(expression).read();
}

class Reader {
  readonly #source: string;
  readonly #flags: string;
  readonly #unicode: boolean;
  #at = 0;
  #depth = 0;

  constructor({ source, unicode, ignoreCase, dotAll }: RegExp) {
    this.#source = source;
    this.#unicode = unicode;
    this.#flags = `${unicode ? 'u' : ''}${ignoreCase ? 'i' : ''}${dotAll ? 's' : ''}`;
  }

  read(): Pattern {
    const pattern = this.#choice();
    if (this.#at < this.#source.length) throw new PatternError('a parenthesis too many');
    return pattern;
  }

  #choice(): Pattern {
    if (++this.#depth > maxDepth) throw new PatternError('nested too deeply');
    const parts = [this.#sequence()];
    while (this.#source[this.#at] === '|') {
      this.#at++;
      parts.push(this.#sequence());
    }
    this.#depth--;
    return parts.length === 1 ? (parts[0] as Pattern) : { kind: 'choice', parts };
  }

  #sequence(): Pattern {
    const parts: Pattern[] = [];
    for (let next = this.#source[this.#at]; next !== undefined && next !== '|' && next !== ')'; ) {
      parts.push(this.#repeated(this.#atom(next)));
      next = this.#source[this.#at];
    }
    return { kind: 'sequence', parts };
  }

  #repeated(part: Pattern): Pattern {
    const found = this.#match(quantifier);
    if (!found) return part;
    const [text, least, more, most] = found;
    const [min, max] =
      least === undefined
        ? [text.startsWith('+') ? 1 : 0, text.startsWith('?') ? 1 : Number.POSITIVE_INFINITY]
        : [
            Number(least),
            more === undefined ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most),
          ];
    return { kind: 'repeat', part, min, max, greedy: true };
  }

  #atom(next: string): Pattern {
    switch (next) {
      case '(':
        return this.#group();
      case '^':
        this.#at++;
        return { kind: 'assert', what: 'start' };
      case '$':
        this.#at++;
        return { kind: 'assert', what: 'end' };
      case '.':
        this.#at++;
        return { kind: 'char', test: this.#asked('.') };
      case '[':
        return { kind: 'char', test: this.#asked(this.#must(characterClass)) };
      case '\\':
        return this.#escape();
      default:
        return { kind: 'char', test: this.#literal() };
    }
  }

  #group(): Pattern {
    const opening = this.#must(/\((?:\?(?::|<(?![=!])[^>]*>))?/y);
    if (opening === '(' && this.#source[this.#at] === '?')
      throw new PatternError('look-around, or flags within');
    const inner = this.#choice();
    this.#must(/\)/y);
    return inner;
  }

  #escape(): Pattern {
    const boundary = this.#match(/\\[bB]/y);
    // Without regard to case, some letters that are not of ASCII are of words.
    if (boundary && this.#flags.includes('i')) throw new PatternError('words without regard to case');
    if (boundary) return { kind: 'assert', what: boundary[0] === '\\b' ? 'boundary' : 'notBoundary' };
    return { kind: 'char', test: this.#asked(this.#must(this.#unicode ? escapes.u : escapes.units)) };
  }

  #literal(): CharTest {
    const code =
      (this.#unicode ? this.#source.codePointAt(this.#at) : this.#source.charCodeAt(this.#at)) ?? 0;
    const text = String.fromCodePoint(code);
    this.#at += text.length;
    return this.#flags.includes('i')
      ? this.#asked(text === '{' || text === '}' || text === ']' ? `\\${text}` : text)
      : (c) => c === code;
  }

  /** Whether the expression of one character matches; asked once for each. */
  #asked(atom: string): CharTest {
    const expression = new RegExp(`^(?:${atom})$`, this.#flags);
    const known = new Map<number, boolean>();
    return (code) => {
      let answer = known.get(code);
      if (answer === undefined) {
        answer = expression.test(String.fromCodePoint(code));
        if (known.size < 1_000) known.set(code, answer);
      }
      return answer;
    };
  }

  #match(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#source);
    if (found) this.#at += found[0].length;
    return found ?? undefined;
  }

  #must(expression: RegExp): string {
    const found = this.#match(expression);
    if (!found) throw new PatternError(`not regular: ${this.#source.slice(this.#at, this.#at + 20)}`);
    return found[0];
  }
}
