/** Reads one field expression of facts.json; `table.ts` describes the words. */
import type { JsonValue } from '../objects.js';
import type { Schema } from '../schema/schema.js';

/** What a field's expression says, with its type still unresolved. */
export interface FieldExpression {
  /** Absent when the field travels in an inline message. */
  readonly number?: number;
  /** `[]core.v1.Container`, `{}string`, `int32`. */
  readonly type: string;
  readonly required: boolean;
  readonly keepsZero: boolean;
  /** Index into the table's enums. */
  readonly enumIndex?: number;
  /** What the field adds to the schema of its type. */
  readonly extras: Partial<Schema>;
}

export function parseField(expression: string): FieldExpression {
  const extras: { -readonly [K in keyof Schema]?: Schema[K] } = {};
  let rest = expression;
  const defaultAt = expression.indexOf(' default=');
  if (defaultAt >= 0) {
    extras.default = JSON.parse(expression.slice(defaultAt + ' default='.length)) as JsonValue;
    rest = expression.slice(0, defaultAt);
  }
  const words = rest.split(' ');
  const number = /^\d+$/.test(words[0] ?? '') ? Number(words.shift()) : undefined;
  const type = words.shift() ?? '';
  let required = false;
  let explicit = false;
  let enumIndex: number | undefined;
  for (const word of words) {
    const equals = word.indexOf('=');
    const value = word.slice(equals + 1);
    switch (equals < 0 ? word : word.slice(0, equals)) {
      case '!':
        required = true;
        break;
      case '?':
        explicit = true;
        break;
      case 'list': {
        const [listType, keys] = value.split(':');
        extras['x-kubernetes-list-type'] = listType as 'atomic' | 'set' | 'map';
        if (keys) extras['x-kubernetes-list-map-keys'] = keys.split(',');
        break;
      }
      case 'map':
        extras['x-kubernetes-map-type'] = value as 'atomic' | 'granular';
        break;
      case 'key':
        extras['x-kubernetes-patch-merge-key'] = value;
        break;
      case 'patch':
        extras['x-kubernetes-patch-strategy'] = value;
        break;
      case 'enum':
        enumIndex = Number(value);
        break;
      default:
        throw new Error(`facts.json: ${word} in ${expression}`);
    }
  }
  return {
    ...(number === undefined ? {} : { number }),
    type,
    required,
    keepsZero: required || explicit,
    ...(enumIndex === undefined ? {} : { enumIndex }),
    extras,
  };
}
