/**
 * The JSONPath that printer columns are written in: member access, indexes, wildcards and one-comparison
 * filters.
 *
 *     .spec.replicas   .metadata.labels['example.com/tier']   .metadata.labels.example\.com/tier
 *     .status.conditions[?(@.type=="Ready")].status           .spec.hosts[0]   .spec.hosts[*]   .items[-1]
 *
 * A path that leads nowhere finds nothing; it is never an error.
 */
import type { JsonObject, JsonValue } from '../../api/index.js';

type Step = (value: JsonValue) => readonly JsonValue[];

export interface JsonPath {
  /** Every value the path leads to, in document order. */
  find(value: JsonValue): readonly JsonValue[];
}

const nothing: readonly JsonValue[] = [];

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function member(name: string): Step {
  return (value) => (isObject(value) && Object.hasOwn(value, name) ? [value[name] as JsonValue] : nothing);
}

function element(index: number): Step {
  return (value) => {
    const found = Array.isArray(value) ? (value.at(index) as JsonValue | undefined) : undefined;
    return found === undefined ? nothing : [found];
  };
}

const everyChild: Step = (value) =>
  Array.isArray(value) ? (value as readonly JsonValue[]) : isObject(value) ? Object.values(value) : nothing;

type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

function holds(left: JsonValue, operator: Comparison, right: JsonValue): boolean {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  const comparable =
    (typeof left === 'number' && typeof right === 'number') ||
    (typeof left === 'string' && typeof right === 'string');
  if (!comparable) return false;
  switch (operator) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
  }
}

function filter(path: JsonPath, test?: { operator: Comparison; operand: JsonValue }): Step {
  return (value) => {
    if (!Array.isArray(value)) return nothing;
    return (value as readonly JsonValue[]).filter((item) => {
      const found = path.find(item);
      return test ? found.some((left) => holds(left, test.operator, test.operand)) : found.length > 0;
    });
  };
}

/** @throws TypeError for a text that is not a path of this subset */
export function compileJsonPath(text: string): JsonPath {
  const body = text.startsWith('{') && text.endsWith('}') ? text.slice(1, -1) : text;
  const steps = parse(body.startsWith('$') ? body.slice(1) : body, text);
  return {
    find(value) {
      let found: readonly JsonValue[] = [value];
      for (const step of steps) {
        found = found.length === 1 ? step(found[0] as JsonValue) : found.flatMap((item) => [...step(item)]);
        if (found.length === 0) return nothing;
      }
      return found;
    },
  };
}

function parse(body: string, whole: string): Step[] {
  const fail = (why: string): never => {
    throw new TypeError(`invalid JSONPath ${JSON.stringify(whole)}: ${why}`);
  };
  const steps: Step[] = [];
  let at = 0;
  while (at < body.length) {
    if (body[at] === '[') {
      const end = closingBracket(body, at);
      if (end < 0) return fail('unterminated array');
      steps.push(bracketStep(body.slice(at + 1, end).trim(), fail));
      at = end + 1;
      continue;
    }
    if (body[at] === '.') at++;
    else if (at > 0) return fail(`unexpected ${JSON.stringify(body[at])}`);
    if (body[at] === '[') continue;
    let name = '';
    while (at < body.length && body[at] !== '.' && body[at] !== '[') {
      if (body[at] === '\\') at++;
      name += body[at++] ?? '';
    }
    if (name === '' && at < body.length) return fail('recursive descent is not supported');
    if (name === '*') steps.push(everyChild);
    else if (name !== '') steps.push(member(name));
  }
  return steps;
}

/** Where the bracket opened at `open` closes, past quotes and nested brackets; -1 when it does not. */
function closingBracket(text: string, open: number): number {
  let depth = 0;
  let quote = '';
  for (let i = open; i < text.length; i++) {
    const char = text[i] as string;
    if (char === '\\') i++;
    else if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '[') depth++;
    else if (char === ']' && --depth === 0) return i;
  }
  return -1;
}

function bracketStep(inner: string, fail: (why: string) => never): Step {
  if (inner === '*') return everyChild;
  if (/^-?\d+$/.test(inner)) return element(Number(inner));
  const quoted = unquote(inner);
  if (quoted !== undefined) return member(quoted);
  const condition = /^\?\((.*)\)$/s.exec(inner)?.[1]?.trim();
  if (condition === undefined) return fail(`unsupported subscript [${inner}]`);
  const comparison = /^@(.*?)\s*(==|!=|<=|>=|<|>)(.*)$/s.exec(condition);
  if (!comparison) {
    if (!condition.startsWith('@')) return fail(`unsupported filter ${condition}`);
    return filter(compileJsonPath(condition.slice(1)));
  }
  const [, left = '', operator, right = ''] = comparison;
  return filter(compileJsonPath(left), {
    operator: operator as Comparison,
    operand: operand(right.trim(), fail),
  });
}

function unquote(text: string): string | undefined {
  const quoted = /^(['"])(.*)\1$/s.exec(text);
  return quoted ? (quoted[2] as string).replace(/\\(.)/gs, '$1') : undefined;
}

function operand(text: string, fail: (why: string) => never): JsonValue {
  const quoted = unquote(text);
  if (quoted !== undefined) return quoted;
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return text !== '' && Number.isFinite(number) ? number : fail(`unsupported operand ${text}`);
}
