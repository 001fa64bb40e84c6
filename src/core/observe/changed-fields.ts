/** Which fields differ between two versions of an object: paths, never values, so that it may be told of a Secret. */
import { deepEqualJson, type JsonObject, type JsonValue } from '../../api/index.js';

export interface ChangedField {
  /** `spec.template.spec.containers[0].image`; keys that are no identifiers in brackets and quotes. */
  readonly path: string;
  readonly before: unknown;
  readonly now: unknown;
}

/** Change with every write, whatever was written. */
const always: ReadonlySet<string> = new Set([
  'metadata.resourceVersion',
  'metadata.managedFields',
  'metadata.generation',
]);

/** At most `limit` fields, in the order of the newer version. */
export function changedFields(before: unknown, now: unknown, limit = 20): ChangedField[] {
  const found: ChangedField[] = [];
  compare('', before, now, found, limit);
  return found;
}

/** A line each: `spec.replicas: 1 → 2`. @param secret hides what is in `data` and `stringData` */
export function describeFields(fields: readonly ChangedField[], secret: boolean): string[] {
  return fields.map(({ path, before, now }) =>
    secret && /^(data|stringData)\b/.test(path)
      ? `${path}: (hidden)`
      : `${path}: ${JSON.stringify(before) ?? '(none)'} → ${JSON.stringify(now) ?? '(none)'}`,
  );
}

export function isSecret({ apiVersion, kind }: JsonObject): boolean {
  return apiVersion === 'v1' && kind === 'Secret';
}

function compare(path: string, before: unknown, now: unknown, found: ChangedField[], limit: number): void {
  if (found.length >= limit || before === now || always.has(path)) return;
  if (Array.isArray(before) && Array.isArray(now) && before.length === now.length) {
    for (const [i, item] of now.entries()) compare(`${path}[${i}]`, before[i], item, found, limit);
    return;
  }
  if (isRecord(before) && isRecord(now)) {
    for (const key of new Set([...Object.keys(now), ...Object.keys(before)]))
      compare(join(path, key), own(before, key), own(now, key), found, limit);
    return;
  }
  if (!deepEqualJson(before as JsonValue, now as JsonValue)) found.push({ path, before, now });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(of: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(of, key) ? of[key] : undefined;
}

function join(path: string, key: string): string {
  if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}
