/**
 * Patterns of schemas are Go regular expressions (RE2). What JavaScript spells otherwise is translated; what
 * it cannot say at all does not compile.
 */

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

const compiled = new Map<string, RegExp | undefined>();
const maxCompiled = 10_000;

/** The pattern as an expression, compiled once; undefined when it cannot be one. */
export function compilePattern(pattern: string): RegExp | undefined {
  if (compiled.has(pattern)) return compiled.get(pattern);
  const expression = translate(pattern);
  if (compiled.size >= maxCompiled) compiled.clear();
  compiled.set(pattern, expression);
  return expression;
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
