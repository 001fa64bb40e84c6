/** Reading regular expressions as RE2 writes them: no look-around, no back-references. */

import { type CharTest, type Pattern, PatternError } from '../../api/index.js';

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  readonly U: boolean;
}

const maxRepeat = 1000;
const maxDepth = 200;

const perl: Readonly<Record<string, RegExp>> = { d: /^[0-9]$/, w: /^[0-9A-Za-z_]$/, s: /^[\t\n\f\r ]$/ };
const posix: Readonly<Record<string, RegExp>> = {
  alnum: /^[0-9A-Za-z]$/,
  alpha: /^[A-Za-z]$/,
  ascii: /^\p{ASCII}$/u,
  blank: /^[\t ]$/,
  cntrl: /^(?=\p{ASCII})\p{Cc}$/u,
  digit: /^[0-9]$/,
  graph: /^[!-~]$/,
  lower: /^[a-z]$/,
  print: /^[ -~]$/,
  punct: /^[!-/:-@[-`{-~]$/,
  space: /^[\t\n\v\f\r ]$/,
  upper: /^[A-Z]$/,
  word: /^[0-9A-Za-z_]$/,
  xdigit: /^[0-9A-Fa-f]$/,
};
const controls: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

function testOf(expression: RegExp, negated: boolean): CharTest {
  return (c) => expression.test(String.fromCodePoint(c)) !== negated;
}

/** @throws PatternError worded as RE2 words it */
export function parsePattern(source: string): Pattern {
  return new PatternParser(source).parse();
}

class PatternParser {
  #at = 0;
  #depth = 0;
  #flags: Flags = { i: false, m: false, s: false, U: false };
  readonly #chars: readonly string[];

  constructor(private readonly source: string) {
    this.#chars = [...source];
  }

  parse(): Pattern {
    const pattern = this.#choice();
    if (this.#at < this.#chars.length) throw this.#wrong(`unexpected ): \`${this.source}\``);
    return pattern;
  }

  #wrong(why: string): PatternError {
    return new PatternError(`error parsing regexp: ${why}`);
  }

  #next(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at += text.length;
    return true;
  }

  #peek(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#chars[this.#at + i] !== text[i]) return false;
    return true;
  }

  #take(): string {
    const char = this.#chars[this.#at++];
    if (char === undefined) throw this.#wrong('trailing backslash at end of expression: ``');
    return char;
  }

  #choice(): Pattern {
    if (++this.#depth > maxDepth) throw this.#wrong('expression nests too deeply');
    const parts = [this.#sequence()];
    while (this.#next('|')) parts.push(this.#sequence());
    this.#depth--;
    return parts.length === 1 ? (parts[0] as Pattern) : { kind: 'choice', parts };
  }

  #sequence(): Pattern {
    const parts: Pattern[] = [];
    while (this.#at < this.#chars.length && !this.#peek('|') && !this.#peek(')')) {
      const atom = this.#atom();
      if (atom) parts.push(this.#repeated(atom));
    }
    return { kind: 'sequence', parts };
  }

  #repeated(atom: Pattern): Pattern {
    let part = atom;
    for (let again = false; ; again = true) {
      const from = this.#at;
      const bounds = this.#bounds();
      if (!bounds) return part;
      const lazy = this.#next('?');
      if (again) {
        throw this.#wrong(
          `invalid nested repetition operator: \`${this.#chars.slice(from - 1, this.#at).join('')}\``,
        );
      }
      part = { kind: 'repeat', part, ...bounds, greedy: lazy === this.#flags.U };
    }
  }

  #bounds(): { min: number; max: number } | undefined {
    if (this.#next('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#next('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#next('?')) return { min: 0, max: 1 };
    const counted = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(this.#chars.slice(this.#at, this.#at + 20).join(''));
    if (!counted) return undefined;
    this.#at += counted[0].length;
    const min = Number(counted[1]);
    const max =
      counted[2] === undefined ? min : counted[3] === '' ? Number.POSITIVE_INFINITY : Number(counted[3]);
    if (min > maxRepeat || (max !== Number.POSITIVE_INFINITY && max > maxRepeat) || min > max) {
      throw this.#wrong(`invalid repeat count: \`${counted[0]}\``);
    }
    return { min, max };
  }

  #atom(): Pattern | undefined {
    const char = this.#take();
    switch (char) {
      case '(':
        return this.#group();
      case '[':
        return { kind: 'char', test: this.#class() };
      case '.':
        return { kind: 'char', test: this.#flags.s ? () => true : (c) => c !== 10 };
      case '^':
        return { kind: 'assert', what: this.#flags.m ? 'lineStart' : 'start' };
      case '$':
        return { kind: 'assert', what: this.#flags.m ? 'lineEnd' : 'end' };
      case '\\':
        return this.#escaped();
      case '*':
      case '+':
      case '?':
        throw this.#wrong(`missing argument to repetition operator: \`${char}\``);
      default:
        return this.#literal(char.codePointAt(0) ?? 0);
    }
  }

  #literal(codePoint: number): Pattern {
    if (!this.#flags.i) return { kind: 'char', test: (c) => c === codePoint };
    return { kind: 'char', test: folded((c) => c === codePoint) };
  }

  #group(): Pattern | undefined {
    const outer = this.#flags;
    if (this.#next('?')) {
      const rest = this.#chars.slice(this.#at, this.#at + 200).join('');
      const named = /^P?<\w+>/.exec(rest);
      const flags = /^([imsU]*)(?:-([imsU]+))?([:)])/.exec(rest);
      if (named) this.#at += named[0].length;
      else if (flags) {
        this.#at += flags[0].length;
        const next = { ...this.#flags } as Record<string, boolean>;
        for (const flag of flags[1] ?? '') next[flag] = true;
        for (const flag of flags[2] ?? '') next[flag] = false;
        this.#flags = next as unknown as Flags;
        if (flags[3] === ')') return undefined;
      } else throw this.#wrong(`invalid or unsupported Perl syntax: \`(?${rest.slice(0, 1)}\``);
    }
    const inner = this.#choice();
    if (!this.#next(')')) throw this.#wrong(`missing closing ): \`${this.source}\``);
    this.#flags = outer;
    return inner;
  }

  #escaped(): Pattern {
    const char = this.#take();
    switch (char) {
      case 'A':
        return { kind: 'assert', what: 'start' };
      case 'z':
        return { kind: 'assert', what: 'end' };
      case 'b':
        return { kind: 'assert', what: 'boundary' };
      case 'B':
        return { kind: 'assert', what: 'notBoundary' };
      case 'Q': {
        const parts: Pattern[] = [];
        while (this.#at < this.#chars.length && !this.#next('\\E'))
          parts.push(this.#literal(this.#take().codePointAt(0) ?? 0));
        return { kind: 'sequence', parts };
      }
      default: {
        const test = this.#classEscape(char);
        return test ? { kind: 'char', test } : this.#literal(this.#charEscape(char));
      }
    }
  }

  /** `\d` and the like, `\pL`, `\p{Greek}`. */
  #classEscape(char: string): CharTest | undefined {
    const lower = char.toLowerCase();
    if (Object.hasOwn(perl, lower)) return testOf(perl[lower] as RegExp, char !== lower);
    if (lower !== 'p') return undefined;
    let name = this.#take();
    if (name === '{') {
      name = '';
      for (let each = this.#take(); each !== '}'; each = this.#take()) name += each;
    }
    const negated = (char === 'P') !== name.startsWith('^');
    const property = name.replace(/^\^/, '');
    for (const text of /^\w+$/.test(property) ? [`\\p{${property}}`, `\\p{Script=${property}}`] : []) {
      try {
        return testOf(new RegExp(`^${text}$`, 'u'), negated);
      } catch {
        // It may be the name of a script.
      }
    }
    throw this.#wrong(`invalid character class range: \`\\${char}{${name}}\``);
  }

  #charEscape(char: string): number {
    if (Object.hasOwn(controls, char)) return controls[char] as number;
    const rest = this.#chars.slice(this.#at, this.#at + 10).join('');
    if (char === 'x') {
      const hex = /^(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/.exec(rest);
      const code = hex ? Number.parseInt(hex[1] ?? hex[2] ?? '', 16) : Number.NaN;
      if (!hex || code > 0x10ffff) throw this.#wrong(`invalid escape sequence: \`\\x\``);
      this.#at += hex[0].length;
      return code;
    }
    if (/[0-7]/.test(char)) {
      const octal = /^[0-7]{1,2}/.exec(rest)?.[0] ?? '';
      if (char !== '0' && octal === '') throw this.#wrong(`invalid escape sequence: \`\\${char}\``);
      this.#at += octal.length;
      return Number.parseInt(char + octal, 8);
    }
    if (/[0-9A-Za-z]/.test(char)) throw this.#wrong(`invalid escape sequence: \`\\${char}\``);
    return char.codePointAt(0) ?? 0;
  }

  /** After the opening bracket. */
  #class(): CharTest {
    const negated = this.#next('^');
    const tests: CharTest[] = [];
    for (let first = true; first || !this.#peek(']'); first = false) {
      if (this.#at >= this.#chars.length) throw this.#wrong(`missing closing ]: \`${this.source}\``);
      tests.push(this.#classItem());
    }
    this.#at++;
    const any: CharTest = (c) => tests.some((test) => test(c));
    const test = this.#flags.i ? folded(any) : any;
    return negated ? (c) => !test(c) : test;
  }

  #classItem(): CharTest {
    const named = /^\[:(\^?)(\w+):\]/.exec(this.#chars.slice(this.#at, this.#at + 20).join(''));
    if (named) {
      const set = named[2] ?? '';
      if (!Object.hasOwn(posix, set)) throw this.#wrong(`invalid character class range: \`${named[0]}\``);
      this.#at += named[0].length;
      return testOf(posix[set] as RegExp, named[1] === '^');
    }
    const from = this.#classChar();
    if (typeof from !== 'number') return from;
    if (!this.#peek('-') || this.#chars[this.#at + 1] === ']') return (c) => c === from;
    this.#at++;
    const to = this.#classChar();
    if (typeof to !== 'number' || to < from) {
      const shown = `${String.fromCodePoint(from)}-${typeof to === 'number' ? String.fromCodePoint(to) : ''}`;
      throw this.#wrong(`invalid character class range: \`${shown}\``);
    }
    return (c) => c >= from && c <= to;
  }

  #classChar(): number | CharTest {
    const char = this.#take();
    if (char !== '\\') return char.codePointAt(0) ?? 0;
    const escaped = this.#take();
    return this.#classEscape(escaped) ?? this.#charEscape(escaped);
  }
}

/** Letters of either case. */
function folded(test: CharTest): CharTest {
  return (c) => {
    if (test(c)) return true;
    const char = String.fromCodePoint(c);
    return [char.toLowerCase(), char.toUpperCase()].some((other) => test(other.codePointAt(0) ?? 0));
  };
}
