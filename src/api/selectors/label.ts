/**
 * Label selectors, from their text form and from `LabelSelector` objects, compiled once. The grammar and
 * the messages are those of k8s.io/apimachinery/pkg/labels.
 */
import { badRequest } from '../errors.js';
import { labelValue, qualifiedName } from '../names.js';

export type LabelOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'GreaterThan' | 'LessThan';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** `metav1.LabelSelector`. */
export interface LabelSelectorObject {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

type Labels = Readonly<Record<string, string>> | undefined;

export class LabelSelector {
  constructor(readonly requirements: readonly LabelRequirement[]) {}

  /** True when every object matches. */
  get isEmpty(): boolean {
    return this.requirements.length === 0;
  }

  matches(labels: Labels): boolean {
    for (const requirement of this.requirements) if (!holds(requirement, labels)) return false;
    return true;
  }

  /** The canonical text, by key; parsing it gives a selector of the same meaning and the same text. */
  toString(): string {
    return [...this.requirements]
      .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
      .map(textOf)
      .join(',');
  }
}

/** Matches everything. */
export const everything = new LabelSelector([]);

function holds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'GreaterThan':
    case 'LessThan': {
      if (value === undefined || !/^-?\d+$/.test(value)) return false;
      const [have, limit] = [BigInt(value), BigInt(values[0] ?? '0')];
      return operator === 'GreaterThan' ? have > limit : have < limit;
    }
  }
}

function textOf({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    case 'GreaterThan':
      return `${key}>${values[0]}`;
    case 'LessThan':
      return `${key}<${values[0]}`;
    case 'In':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${[...values].sort().join(',')})`;
    case 'NotIn':
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${[...values].sort().join(',')})`;
  }
}

interface Token {
  readonly text: string;
  readonly at: number;
}

const symbols = ['==', '!=', '=', '!', '(', ')', ',', '>', '<'];

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at] as string)) {
      at++;
      continue;
    }
    const symbol = symbols.find((s) => text.startsWith(s, at));
    if (symbol) {
      tokens.push({ text: symbol, at });
      at += symbol.length;
      continue;
    }
    const start = at;
    while (at < text.length && !/[\s=!(),<>]/.test(text[at] as string)) at++;
    tokens.push({ text: text.slice(start, at), at: start });
  }
  return tokens;
}

/**
 * Parses `app=web,tier in (a,b),!legacy,replicas>3`; an empty text matches everything.
 * @throws ApiError BadRequest `unable to parse requirement: …`
 */
export function parseLabelSelector(text: string): LabelSelector {
  const tokens = tokenize(text);
  if (tokens.length === 0) return everything;
  const requirements: LabelRequirement[] = [];
  let at = 0;
  const peek = (): string | undefined => tokens[at]?.text;
  const fail = (why: string): never => {
    throw badRequest(`unable to parse requirement: ${why}`);
  };
  const isWord = (token: string | undefined): token is string =>
    token !== undefined && !symbols.includes(token);
  const first = peek();
  if (first !== '!' && !isWord(first))
    throw badRequest(`found '${first ?? ''}', expected: !, identifier, or 'end of string'`);
  for (;;) {
    const negated = peek() === '!';
    if (negated) at++;
    const key = peek();
    if (!isWord(key)) return fail(`found '${key ?? ''}', expected: identifier`);
    at++;
    checkKey(key);
    const operator = peek();
    if (negated || operator === undefined || operator === ',') {
      requirements.push({ key, operator: negated ? 'DoesNotExist' : 'Exists', values: [] });
    } else {
      at++;
      switch (operator) {
        case '=':
        case '==':
        case '!=': {
          const given = peek();
          const bare = given === undefined || given === ',';
          if (!bare && !isWord(given)) return fail(`found '${given}', expected: identifier`);
          if (!bare) at++;
          const wanted = bare ? '' : (given as string);
          checkValue(key, wanted);
          requirements.push({ key, operator: operator === '!=' ? 'NotIn' : 'In', values: [wanted] });
          break;
        }
        case '>':
        case '<': {
          const limit = peek() ?? '';
          if (!/^-?\d+$/.test(limit)) {
            return fail(
              `values[0]: Invalid value: ${JSON.stringify(limit)}: for 'Gt', 'Lt' operators, the value must be an integer`,
            );
          }
          at++;
          requirements.push({
            key,
            operator: operator === '>' ? 'GreaterThan' : 'LessThan',
            values: [limit],
          });
          break;
        }
        case 'in':
        case 'notin': {
          if (peek() !== '(') return fail(`found '${peek() ?? ''}' expected: '('`);
          at++;
          const values = new Set<string>();
          let pending: string | undefined;
          for (;;) {
            const token = peek();
            if (token === undefined) return fail(`found '', expected: ',', ')' or identifier`);
            at++;
            if (token === ')') break;
            if (token === ',') {
              values.add(pending ?? '');
              pending = undefined;
            } else if (isWord(token) && pending === undefined) pending = token;
            else return fail(`found '${token}', expected: ',' or ')'`);
          }
          values.add(pending ?? '');
          for (const wanted of values) checkValue(key, wanted);
          requirements.push({ key, operator: operator === 'in' ? 'In' : 'NotIn', values: [...values] });
          break;
        }
        default:
          return fail(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
      }
    }
    const separator = peek();
    if (separator === undefined) return new LabelSelector(requirements);
    if (separator !== ',') throw badRequest(`found '${separator}', expected: ',' or 'end of string'`);
    at++;
    const next = peek();
    if (next !== '!' && !isWord(next))
      throw badRequest(`found '${next ?? ''}', expected: identifier after ','`);
  }
}

function checkKey(key: string): void {
  const why = qualifiedName(key).join('; ');
  if (why)
    throw badRequest(`unable to parse requirement: key: Invalid value: ${JSON.stringify(key)}: ${why}`);
}

function checkValue(key: string, value: string): void {
  const why = labelValue(value).join('; ');
  if (why)
    throw badRequest(
      `unable to parse requirement: values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${why}`,
    );
}

const objectOperators: Readonly<Record<string, LabelOperator>> = {
  In: 'In',
  NotIn: 'NotIn',
  Exists: 'Exists',
  DoesNotExist: 'DoesNotExist',
};

/**
 * Compiles a `LabelSelector` object. An empty one matches everything; an absent one matches nothing in
 * Kubernetes, which is the caller's to decide.
 * @throws ApiError BadRequest for an operator that does not exist
 */
export function compileLabelSelector(selector: LabelSelectorObject): LabelSelector {
  const requirements: LabelRequirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: 'In',
    values: [value],
  }));
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const known = Object.hasOwn(objectOperators, operator) ? objectOperators[operator] : undefined;
    if (!known) throw badRequest(`${JSON.stringify(operator)} is not a valid label selector operator`);
    requirements.push({ key, operator: known, values });
  }
  return requirements.length === 0 ? everything : new LabelSelector(requirements);
}
