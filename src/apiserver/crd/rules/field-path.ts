/** `fieldPath` of a rule: `.spec.a`, `.spec['a-b']`, relative to where the rule stands. */
import type { FieldPath, Schema } from '../../../api/index.js';

/** The names of a path; undefined when it is none. */
export function namesOf(text: string): string[] | undefined {
  const names: string[] = [];
  let rest = text;
  while (rest !== '') {
    const found = /^\.([A-Za-z_][\w-]*)|^\['([^']+)'\]/.exec(rest);
    if (!found) return undefined;
    names.push(found[1] ?? found[2] ?? '');
    rest = rest.slice(found[0].length);
  }
  return names.length === 0 ? undefined : names;
}

export function childPath(path: FieldPath, text: string): FieldPath {
  return (namesOf(text) ?? []).reduce((at, name) => at.child(name), path);
}

/** Whether the schema has something there. */
export function exists(schema: Schema, text: string): boolean {
  let at: Schema | undefined = schema;
  for (const name of namesOf(text) ?? ['']) {
    at = memberOf(at, name);
    if (!at) return false;
  }
  return true;
}

function memberOf({ properties, additionalProperties }: Schema, name: string): Schema | undefined {
  if (properties && Object.hasOwn(properties, name)) return properties[name];
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}
