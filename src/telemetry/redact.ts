/**
 * Keeps secrets out of logs, explanations and recordings.
 *
 * Guarantees, for what is given as JSON: no value of `data` and `stringData` of a Secret, alone, in a list or
 * anywhere inside something else, nor its last applied configuration; no text in a field that is named like a
 * password, token or key, nor in an environment variable so named; no bearer token, JSON web token or password of a
 * URL in any text. Keys stay, so that one sees what there is. What holds no secret is returned as it is, the very
 * same object; nothing is ever changed in place.
 */
export const redacted = '<redacted>';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** A name that ends in one of these: `dbPassword`, `API_KEY`, `bearer-token`; but not `secretName`, `tokenPath`. */
const secretName =
  /(?:password|passwd|passphrase|token|secret|credentials?|api[-_]?key|access[-_]?key|private[-_]?key|secret[-_]?key|client[-_]?key|encryption[-_]?key|authorization|cookie|(?:client-)?key-data)$/i;

const textRules: readonly (readonly [RegExp, string])[] = [
  [/\b(bearer|basic)\s+[\w.~+/-]{8,}=*/gi, `$1 ${redacted}`],
  // Three parts of base64url, of which the first begins with `{"`.
  [/\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g, redacted],
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi, `$1:${redacted}@`],
  [/-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g, redacted],
];

/** `text` without the secrets that show by their form. */
export function redactText(text: string): string {
  let safe = text;
  for (const [pattern, replacement] of textRules) safe = safe.replace(pattern, replacement);
  return safe;
}

/** `value` without its secrets: see above. A circle is cut with `[Circular]`. */
export function redactSecrets<T>(value: T): T {
  return redact(value, []) as T;
}

type JsonLike = Readonly<Record<string, unknown>>;

function redact(value: unknown, above: readonly object[]): unknown {
  if (typeof value === 'string') return redactText(value);
  if (!isPlain(value)) return value;
  if (above.includes(value)) return '[Circular]';
  const path = [...above, value];
  if (Array.isArray(value)) {
    const items = value.map((item) => redact(item, path));
    return items.every((item, i) => item === value[i]) ? value : items;
  }
  const object = value as JsonLike;
  const source = isSecret(object)
    ? withoutData(object)
    : object.kind === 'SecretList'
      ? secretItems(object)
      : object;
  let changed = source !== object;
  const entries = Object.entries(source).map(([key, inner]) => {
    const safe = isNamedSecret(source, key, inner) ? redacted : redact(inner, path);
    if (safe !== inner) changed = true;
    return [key, safe] as const;
  });
  return changed ? Object.fromEntries(entries) : value;
}

/** What JSON would write field by field; errors, dates, maps and buffers are left to whoever writes them. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  return (
    !(value instanceof Error || value instanceof Map || value instanceof Set || ArrayBuffer.isView(value)) &&
    typeof (value as { toJSON?: unknown }).toJSON !== 'function'
  );
}

function isSecret({ kind, apiVersion }: JsonLike): boolean {
  return kind === 'Secret' && (apiVersion === undefined || apiVersion === 'v1');
}

function withoutData(secret: JsonLike): JsonLike {
  const { metadata } = secret;
  const annotations = (metadata as { annotations?: JsonLike } | null | undefined)?.annotations;
  return {
    ...secret,
    ...('data' in secret ? { data: blank(secret.data) } : {}),
    ...('stringData' in secret ? { stringData: blank(secret.stringData) } : {}),
    ...(annotations && Object.hasOwn(annotations, lastApplied)
      ? { metadata: { ...(metadata as object), annotations: { ...annotations, [lastApplied]: redacted } } }
      : {}),
  };
}

/** The items of a list need not say what they are. */
function secretItems(list: JsonLike): JsonLike {
  if (!Array.isArray(list.items)) return list;
  const items = list.items.map((item: unknown) => (isPlain(item) ? withoutData(item as JsonLike) : item));
  return { ...list, items };
}

function blank(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return redacted;
  return Object.fromEntries(Object.keys(data).map((key) => [key, redacted]));
}

/** Text and bytes only: what is named `token` and is an object says where a token is. */
function isNamedSecret(owner: JsonLike, key: string, value: unknown): boolean {
  if (!(typeof value === 'string' || ArrayBuffer.isView(value)) || value === '') return false;
  if (secretName.test(key)) return true;
  return key === 'value' && typeof owner.name === 'string' && secretName.test(owner.name);
}
