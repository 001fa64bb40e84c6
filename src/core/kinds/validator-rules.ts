/**
 * What each class-validator decorator means in a structural schema. One that a schema cannot express is
 * refused by the emitter: the API server would not check it, and nobody would notice.
 */
import type { JsonValue, Schema } from '../../api/index.js';

/** What class-validator knows of one decorator on one field. */
export interface ValidatorFact {
  /** `customValidation`, `nestedValidation`, `conditionalValidation`, `isDefined`, … */
  readonly type: string;
  readonly name?: string | undefined;
  readonly propertyName: string;
  readonly constraints?: readonly unknown[] | undefined;
  readonly each?: boolean | undefined;
}

/** The schema keywords, or why there are none. */
export type Translation = Schema | { readonly refused: string };
type Rule = (constraints: readonly unknown[]) => Translation;

const always =
  (schema: Schema): Rule =>
  () =>
    schema;
const text = (format: string): Rule => always({ type: 'string', format });

/** The type that all values share. */
function enumOf(values: readonly unknown[]): Translation {
  const kinds = new Set(values.map((v) => (Number.isInteger(v) ? 'integer' : typeof v)));
  if (kinds.size === 2 && kinds.has('integer') && kinds.has('number')) kinds.delete('integer');
  const [type] = kinds;
  if (
    kinds.size !== 1 ||
    (type !== 'string' && type !== 'integer' && type !== 'number' && type !== 'boolean')
  ) {
    return { refused: 'allows values that do not share one of the types string, number and boolean' };
  }
  return { type, enum: values as JsonValue[] };
}

/** Kubernetes matches patterns with RE2, which has no look-around, back-references or \u escapes. */
const notInRe2 = /\(\?<?[=!]|\\[1-9]|\\k<|\\u|\\c/;

function patternOf(expression: unknown, modifiers: unknown): Translation {
  const source = expression instanceof RegExp ? expression.source : String(expression);
  const flags = `${expression instanceof RegExp ? expression.flags : ''}${typeof modifiers === 'string' ? modifiers : ''}`;
  if (/[imsv]/.test(flags))
    return { refused: `has a pattern with the flags '${flags}', which a schema cannot carry` };
  if (notInRe2.test(source)) return { refused: `has the pattern ${source}, which RE2 cannot read` };
  return { type: 'string', pattern: source };
}

function uuidOf(version: unknown): Schema {
  const known = ['3', '4', '5'].includes(String(version));
  return { type: 'string', format: known ? `uuid${String(version)}` : 'uuid' };
}

function addressOf(version: unknown): Schema {
  if (String(version) === '4') return { type: 'string', format: 'ipv4' };
  if (String(version) === '6') return { type: 'string', format: 'ipv6' };
  return { type: 'string', anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] };
}

const rules: Readonly<Record<string, Rule>> = {
  isString: always({ type: 'string' }),
  isBoolean: always({ type: 'boolean' }),
  isInt: always({ type: 'integer' }),
  isNumber: ([options]) =>
    (options as { maxDecimalPlaces?: number } | undefined)?.maxDecimalPlaces === undefined
      ? { type: 'number' }
      : { refused: 'limits decimal places, which a schema cannot' },
  isObject: always({ type: 'object' }),
  isNotEmptyObject: always({ type: 'object', minProperties: 1 }),

  min: ([bound]) => ({ type: 'number', minimum: bound as number }),
  max: ([bound]) => ({ type: 'number', maximum: bound as number }),
  isPositive: always({ type: 'number', minimum: 0, exclusiveMinimum: true }),
  isNegative: always({ type: 'number', maximum: 0, exclusiveMaximum: true }),
  isDivisibleBy: ([by]) => ({ type: 'number', multipleOf: by as number }),

  minLength: ([least]) => ({ type: 'string', minLength: least as number }),
  maxLength: ([most]) => ({ type: 'string', maxLength: most as number }),
  isLength: ([least, most]) => ({
    type: 'string',
    minLength: least as number,
    ...(most === undefined ? {} : { maxLength: most as number }),
  }),
  matches: ([expression, modifiers]) => patternOf(expression, modifiers),
  isUrl: text('uri'),
  isEmail: text('email'),
  isFqdn: text('hostname'),
  isIso8601: text('date-time'),
  isDateString: text('date-time'),
  isRFC3339: text('date-time'),
  isUuid: ([version]) => uuidOf(version),
  isIp: ([version]) => addressOf(version),
  isMacAddress: text('mac'),
  isBase64: text('byte'),

  isIn: ([values]) => enumOf(values as readonly unknown[]),
  isEnum: ([, values]) => enumOf(values as readonly unknown[]),
  equals: ([value]) => enumOf([value]),

  isArray: always({ type: 'array' }),
  arrayMinSize: ([least]) => ({ type: 'array', minItems: least as number }),
  arrayMaxSize: ([most]) => ({ type: 'array', maxItems: most as number }),
  arrayNotEmpty: always({ type: 'array', minItems: 1 }),
  arrayUnique: always({ type: 'array', 'x-kubernetes-list-type': 'set' }),

  isDate: () => ({
    refused: 'is a Date, and objects are plain JSON; use a string with @IsISO8601() instead',
  }),
};

/** The decorator a validator's name belongs to: `isInt` → `@IsInt`. */
export function decoratorOf(fact: ValidatorFact): string {
  if (fact.type === 'nestedValidation') return '@ValidateNested';
  const name = fact.name ?? (fact.type === 'conditionalValidation' ? 'validateIf' : fact.type);
  return `@${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** What a decorator contributes to the schema; nothing for those that only say whether a field must be there. */
export function translate(fact: ValidatorFact): Translation {
  if (fact.name === 'isOptional' || fact.name === 'isDefined' || fact.name === 'isNotEmpty') return {};
  if (fact.type === 'nestedValidation' || fact.type === 'isDefined' || fact.type === 'whitelistValidation')
    return {};
  const rule = fact.name !== undefined && Object.hasOwn(rules, fact.name) ? rules[fact.name] : undefined;
  return rule ? rule(fact.constraints ?? []) : { refused: 'has no counterpart in a schema' };
}
