/** The strings extension of CEL, version 2, and `find` and `findAll` of Kubernetes. Positions count characters. */
import { PatternError, type StepMeter } from '../../../api/index.js';
import { crossing, matching, method, type Overload, traversal, traversals } from '../functions.js';
import { regexp } from '../regexp.js';
import { CelError, ListValue, type Value } from '../values.js';
import { format } from './format-text.js';

/** Characters; no text may grow beyond it. */
const maxResult = 16 * 1024 * 1024;
const once = { cost: traversal };

/** Code points, not the units of UTF-16. */
const characters = (text: string): string[] => [...text];

function outOfRange(index: bigint): CelError {
  return new CelError(`index out of range: ${index}`);
}

function charAt(text: string, index: bigint): string | CelError {
  const chars = [...text];
  if (index < 0n || index > chars.length) return outOfRange(index);
  return chars[Number(index)] ?? '';
}

function indexOf(text: string, part: string, from = 0n): bigint | CelError {
  const chars = [...text];
  if (from < 0n || from > chars.length) return outOfRange(from);
  const skipped = chars.slice(0, Number(from)).join('').length;
  const found = text.indexOf(part, skipped);
  return found < 0 ? -1n : BigInt(characters(text.slice(0, found)).length);
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint | CelError {
  const chars = [...text];
  if (from !== undefined && (from < 0n || from > chars.length)) return outOfRange(from);
  const until = from === undefined ? text.length : chars.slice(0, Number(from)).join('').length;
  const found = text.lastIndexOf(part, until);
  return found < 0 ? -1n : BigInt(characters(text.slice(0, found)).length);
}

function substring(text: string, start: bigint, end?: bigint): string | CelError {
  const chars = [...text];
  const until = end ?? BigInt(chars.length);
  if (start < 0n || start > chars.length) return outOfRange(start);
  if (until < 0n || until > chars.length) return outOfRange(until);
  if (start > until) return new CelError(`invalid substring range. start: ${start}, end: ${until}`);
  return chars.slice(Number(start), Number(until)).join('');
}

function replace(text: string, old: string, by: string, count = -1n): string | CelError {
  if (count === 0n) return text;
  const pieces = old === '' ? ['', ...characters(text), ''] : text.split(old);
  // Between every two characters, before the first and after the last.
  const joints = pieces.length - 1;
  const replaced = count < 0n ? joints : Math.min(joints, Number(count));
  if (text.length + replaced * by.length > maxResult) return new CelError('string exceeds the size limit');
  let result = pieces[0] ?? '';
  for (let i = 1; i < pieces.length; i++) result += (i <= replaced ? by : old) + (pieces[i] ?? '');
  return result;
}

function split(text: string, separator: string, limit = -1n): ListValue {
  if (limit === 0n) return new ListValue([]);
  const pieces = separator === '' ? [...text] : text.split(separator);
  if (limit < 0n || pieces.length <= limit) return new ListValue(pieces);
  const count = Number(limit);
  return new ListValue([...pieces.slice(0, count - 1), pieces.slice(count - 1).join(separator)]);
}

function joinTexts(list: ListValue, separator = ''): string | CelError {
  const texts: string[] = [];
  let length = 0;
  for (const item of list) {
    if (typeof item !== 'string') return new CelError('no such overload: join');
    length += item.length + separator.length;
    if (length > maxResult) return new CelError('string exceeds the size limit');
    texts.push(item);
  }
  return texts.join(separator);
}

function asciiCase(text: string, upper: boolean): string {
  return text.replace(upper ? /[a-z]+/g : /[A-Z]+/g, (part) =>
    upper ? part.toUpperCase() : part.toLowerCase(),
  );
}

/** Unicode white space, as Go trims it. */
const trim = (text: string): string => text.replace(/^[\s\u0085]+|[\s\u0085]+$/gu, '');

const escapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

function quote(text: string): string {
  // oxlint-disable-next-line no-control-regex -- it is these that are to be escaped
  return `"${text.replace(/[\x07\b\f\n\r\t\v\\"]/g, (char) => escapes[char] ?? char)}"`;
}

function searched(text: string, pattern: string, limit: number, meter: StepMeter): ListValue | CelError {
  try {
    return new ListValue(regexp(pattern).findAll(text, limit, meter));
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return new CelError(error.message);
  }
}

function find(text: string, pattern: string, meter: StepMeter): Value {
  const all = searched(text, pattern, 1, meter);
  if (all instanceof CelError) return all;
  return all.size === 0 ? '' : all.at(0);
}

function findAll(text: string, pattern: string, meter: StepMeter): Value {
  return searched(text, pattern, Number.POSITIVE_INFINITY, meter);
}

function findSome(text: string, pattern: string, limit: bigint, meter: StepMeter): Value {
  return searched(text, pattern, limit < 0n ? Number.POSITIVE_INFINITY : Number(limit), meter);
}

const grown = {
  cost: traversals,
  size: (text = 0, _old = 0, by = 0) => (text + 1) * Math.max(1, by),
};
const regexCost = { cost: matching, metered: true };

export const stringFunctions: readonly Overload[] = [
  method('string.charAt(int): string', charAt, { cost: traversal, size: () => 1 }),
  method('string.indexOf(string): int', indexOf, { cost: crossing }),
  method('string.indexOf(string, int): int', indexOf, { cost: crossing }),
  method('string.lastIndexOf(string): int', lastIndexOf, { cost: crossing }),
  method('string.lastIndexOf(string, int): int', lastIndexOf, { cost: crossing }),
  method('string.lowerAscii(): string', (text: string) => asciiCase(text, false), once),
  method('string.upperAscii(): string', (text: string) => asciiCase(text, true), once),
  method('string.replace(string, string): string', replace, grown),
  method('string.replace(string, string, int): string', replace, grown),
  method('string.split(string): list<string>', split, once),
  method('string.split(string, int): list<string>', split, once),
  method('string.substring(int): string', substring, once),
  method('string.substring(int, int): string', substring, once),
  method('string.trim(): string', trim, once),
  method('list<string>.join(): string', joinTexts, { cost: traversal, size: () => Number.POSITIVE_INFINITY }),
  method('list<string>.join(string): string', joinTexts, {
    cost: crossing,
    size: () => Number.POSITIVE_INFINITY,
  }),
  method('string.format(list<dyn>): string', format, {
    cost: traversals,
    size: () => Number.POSITIVE_INFINITY,
  }),
  {
    ...method('string.quote(): string', quote, { cost: traversal, size: (text = 0) => 2 * text + 2 }),
    name: 'strings.quote',
    receiver: false,
  },
  method('string.find(string): string', find, regexCost),
  method('string.findAll(string): list<string>', findAll, regexCost),
  method('string.findAll(string, int): list<string>', findSome, regexCost),
];
