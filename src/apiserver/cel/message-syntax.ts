/**
 * `Object.spec{replicas: 3}`: the syntax of messages, which the parser does not know. It is read as an index by a map,
 * `Object.spec[{"replicas": 3}]`, and whoever compiles it is told which braces stood behind a name: an index that
 * somebody wrote himself stays one.
 */
import type { Problem } from './parse.js';

export interface MessageSyntax {
  /** What the parser reads. */
  readonly text: string;
  /** Where in it the braces of messages open. */
  readonly braces: ReadonlySet<number>;
  /** Where in it fields stand that are given an optional: `Object{?spec: x}`. */
  readonly optional: ReadonlySet<number>;
  /** A place in it, as a place in what was written. */
  original(at: number): number;
}

/** An expression without messages, read as it is. */
function plain(text: string): MessageSyntax {
  return { text, braces: new Set(), optional: new Set(), original: (at) => at };
}

const names = /[A-Za-z_][A-Za-z0-9_]*/y;
const numbers = /[0-9][A-Za-z0-9_]*/y;
const blanks = /(?:\s|\/\/[^\n]*)+/y;
/** Words that are no names: nothing they stand for has fields. */
const words = new Set(['in', 'true', 'false', 'null']);

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

/** The text in quotes that begins here, with its prefix; '' where none does. One that does not end goes on to the end. */
function quoted(text: string, at: number): string {
  let from = at;
  if (/[bBrR]/.test(text[at] ?? '') && /["']/.test(text[at + 1] ?? '')) from++;
  const quote = text[from] ?? '';
  if (quote !== '"' && quote !== "'") return '';
  const end = text.startsWith(quote.repeat(3), from) ? quote.repeat(3) : quote;
  let i = from + end.length;
  while (i < text.length && !text.startsWith(end, i)) i += text[i] === '\\' ? 2 : 1;
  return text.slice(at, Math.min(i + end.length, text.length));
}

interface Token {
  readonly kind: 'name' | 'blank' | 'other';
  readonly text: string;
}

function tokenAt(text: string, at: number): Token {
  const blank = matchAt(blanks, text, at);
  if (blank !== '') return { kind: 'blank', text: blank };
  const literal = quoted(text, at) || matchAt(numbers, text, at);
  if (literal !== '') return { kind: 'other', text: literal };
  const name = matchAt(names, text, at);
  if (name !== '') return { kind: words.has(name) ? 'other' : 'name', text: name };
  return { kind: 'other', text: text[at] as string };
}

const openers = new Set(['(', '[', '{']);
const closers = new Set([')', ']', '}']);

/** What is written so far, and where something stands in it that was not written. */
class Rewriting {
  text = '';
  readonly inserted: number[] = [];

  insert(character: string): void {
    this.inserted.push(this.text.length);
    this.text += character;
  }

  original(at: number): number {
    let before = 0;
    for (const place of this.inserted) if (place < at) before++;
    return at - before;
  }
}

/** Never throws: a field that is no name is a problem. */
export function readMessages(text: string): MessageSyntax | Problem {
  if (!text.includes('{')) return plain(text);
  const out = new Rewriting();
  const braces = new Set<number>();
  const optional = new Set<number>();
  /** Whether each bracket that is open is that of a message. */
  const open: boolean[] = [];
  let isAfterName = false;
  /** A field or the end comes next: of a message, after its brace or a comma. */
  let expectsField = false;
  let isOptional = false;
  for (let at = 0; at < text.length; ) {
    const token = tokenAt(text, at);
    if (token.kind === 'blank') out.text += token.text;
    else if (expectsField && token.text === '?' && !isOptional) {
      isOptional = true;
      out.text += ' ';
    } else if (expectsField && token.text !== '}') {
      if (token.kind !== 'name')
        return { at, message: `Syntax error: a field of a message must be a name, not ${token.text}` };
      if (isOptional) optional.add(out.text.length);
      out.insert('"');
      out.text += token.text;
      out.insert('"');
      expectsField = isOptional = isAfterName = false;
    } else {
      const isMessage = token.text === '{' && isAfterName;
      if (isMessage) {
        out.insert('[');
        braces.add(out.text.length);
      }
      out.text += token.text;
      if (openers.has(token.text)) open.push(isMessage);
      else if (closers.has(token.text) && open.pop()) out.insert(']');
      expectsField = isMessage || (token.text === ',' && open.at(-1) === true);
      isAfterName = token.kind === 'name';
    }
    at += token.text.length;
  }
  return { text: out.text, braces, optional, original: (at) => out.original(at) };
}
