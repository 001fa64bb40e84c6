/** Field selectors: `metadata.name=x,status.phase!=Running` (API-13), compiled once. */
import { badRequest } from '../errors.js';

export interface FieldRequirement {
  readonly path: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

export class FieldSelector {
  constructor(readonly requirements: readonly FieldRequirement[]) {}

  /** True when every object matches. */
  get isEmpty(): boolean {
    return this.requirements.length === 0;
  }

  /** @param fieldOf gives a field's value; undefined counts as empty */
  matches(fieldOf: (path: string) => string | undefined): boolean {
    for (const { path, operator, value } of this.requirements) {
      if (((fieldOf(path) ?? '') === value) !== (operator === '=')) return false;
    }
    return true;
  }

  /** The canonical text; parsing it gives an equal selector. */
  toString(): string {
    return this.requirements
      .map(({ path, operator, value }) => `${path}${operator}${escape(value)}`)
      .join(',');
  }
}

function escape(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}

/** Splits at unescaped commas. */
function split(text: string): string[] {
  const terms: string[] = [];
  let term = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    if (char === '\\') term += char + (text[++i] ?? '');
    else if (char === ',') {
      terms.push(term);
      term = '';
    } else term += char;
  }
  terms.push(term);
  return terms.filter((t) => t !== '');
}

function unescape(value: string): string {
  let text = '';
  for (let i = 0; i < value.length; i++) {
    const char = value[i] as string;
    if (char === '\\') {
      const next = value[++i];
      if (next !== '\\' && next !== ',' && next !== '=') {
        throw badRequest(`invalid field selector: invalid escape sequence: ${char}${next ?? ''}`);
      }
      text += next;
    } else if (char === '=') {
      throw badRequest(`invalid field selector: unescaped character in value: ${char}`);
    } else text += char;
  }
  return text;
}

/** @throws ApiError BadRequest for text that is no field selector */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements = split(text).map((term): FieldRequirement => {
    const match = /^([^=!\\]*)(!=|==|=)(.*)$/s.exec(term);
    if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, path = '', operator, value = ''] = match;
    return { path: path.trim(), operator: operator === '!=' ? '!=' : '=', value: unescape(value) };
  });
  return new FieldSelector(requirements);
}
