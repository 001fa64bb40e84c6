/** Reading expressions. The grammar is the parser's of `@marcbachmann/cel-js`; what they mean is this room's own. */
import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { type MessageSyntax, readMessages } from './message-syntax.js';

export type Expression = ASTNode;

/** A place in an expression where something is wrong. */
export interface Problem {
  /** Index of the character. */
  readonly at: number;
  readonly message: string;
}

/** Characters; longer texts are not read. */
const maxLength = 100_000;

const grammar = new Environment({
  enableOptionalTypes: true,
  unlistedVariablesAreDyn: true,
  limits: { maxListElements: 10_000, maxMapEntries: 10_000 },
});

/** Positions in the tree are those of the text of its syntax. */
export interface Parsed {
  readonly ast: Expression;
  readonly syntax: MessageSyntax;
}

/** Never throws: what cannot be read is a problem. */
export function parseExpression(text: string): Parsed | { readonly problem: Problem } {
  if (text.length > maxLength) {
    const message = `expression code point size exceeds limit: size: ${text.length}, limit ${maxLength}`;
    return { problem: { at: 0, message } };
  }
  const syntax = readMessages(text);
  if ('message' in syntax) return { problem: syntax };
  try {
    return { ast: grammar.parse(syntax.text).ast, syntax };
  } catch (error) {
    const { range, summary, message } = error as {
      range?: { start: number };
      summary?: string;
      message: string;
    };
    // Too deep for the parser's own recursion.
    const why = error instanceof RangeError ? 'expression recursion limit exceeded' : (summary ?? message);
    const at = Math.min(syntax.original(range?.start ?? 0), text.length);
    return { problem: { at, message: `Syntax error: ${why}` } };
  }
}

/** As the compiler of Kubernetes shows them, one after the other, each with its line and a mark below. */
export function showProblems(text: string, problems: readonly Problem[]): string {
  return [...problems]
    .sort((a, b) => a.at - b.at)
    .map(({ at, message }) => {
      const before = text.slice(0, at);
      const line = before.split('\n').length;
      const start = before.lastIndexOf('\n') + 1;
      const end = text.indexOf('\n', at);
      const source = text.slice(start, end < 0 ? undefined : end).replaceAll('\t', ' ');
      return `ERROR: <input>:${line}:${at - start + 1}: ${message}\n | ${source}\n | ${'.'.repeat(at - start)}^`;
    })
    .join('\n');
}
