/**
 * What names may look like, with the messages of k8s.io/apimachinery/pkg/util/validation. Each function
 * gives the reasons why a text is refused; none means it is fine.
 */

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const value = `(${qualified})?`;
const configKey = '[-._a-zA-Z0-9]+';

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

const expressions = {
  label: whole(label),
  subdomain: whole(subdomain),
  label1035: whole(label1035),
  qualified: whole(qualified),
  value: whole(value),
  configKey: whole(configKey),
};

function regexError(message: string, pattern: string, ...examples: string[]): string {
  // The double space is Kubernetes' own.
  const list = examples.map((e) => `'${e}'`).join(',  or ');
  return `${message} (e.g. ${list}, regex used for validation is '${pattern}')`;
}

function tooLong(text: string, max: number): string[] {
  return text.length > max ? [`must be no more than ${max} bytes`] : [];
}

/** A DNS label (RFC 1123): namespaces, container names. */
export function dns1123Label(text: string): string[] {
  const errors = tooLong(text, 63);
  if (!expressions.label.test(text)) {
    errors.push(
      expressions.subdomain.test(text)
        ? 'must not contain dots'
        : regexError(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            label,
            'my-name',
            '123-abc',
          ),
    );
  }
  return errors;
}

/** A DNS subdomain (RFC 1123): most object names. */
export function dns1123Subdomain(text: string): string[] {
  const errors = tooLong(text, 253);
  if (!expressions.subdomain.test(text)) {
    errors.push(
      regexError(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        subdomain,
        'example.com',
      ),
    );
  }
  return errors;
}

/** A DNS label that starts with a letter (RFC 1035): service names. */
export function dns1035Label(text: string): string[] {
  const errors = tooLong(text, 63);
  if (!expressions.label1035.test(text)) {
    errors.push(
      regexError(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        label1035,
        'my-name',
        'abc-123',
      ),
    );
  }
  return errors;
}

/** `[prefix/]name`: label and annotation keys, finalizers. */
export function qualifiedName(text: string): string[] {
  const parts = text.split('/');
  const errors: string[] = [];
  if (parts.length > 2) {
    return [
      regexError(
        "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        qualified,
        'MyName',
        'my.name',
        '123-abc',
      ) + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    ];
  }
  const name = parts.at(-1) ?? '';
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') errors.push('prefix part must be non-empty');
    else errors.push(...dns1123Subdomain(prefix).map((why) => `prefix part ${why}`));
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (name.length > 63) errors.push('name part must be no more than 63 bytes');
  if (!expressions.qualified.test(name)) {
    errors.push(
      `name part ${regexError(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        qualified,
        'MyName',
        'my.name',
        '123-abc',
      )}`,
    );
  }
  return errors;
}

export function labelValue(text: string): string[] {
  const errors = tooLong(text, 63);
  if (!expressions.value.test(text)) {
    errors.push(
      regexError(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        value,
        'MyValue',
        'my_value',
        '12345',
      ),
    );
  }
  return errors;
}

/** Keys of ConfigMaps and Secrets. */
export function configMapKey(text: string): string[] {
  const errors = tooLong(text, 253);
  if (!expressions.configKey.test(text)) {
    errors.push(
      regexError(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        configKey,
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  }
  if (text === '.') errors.push("must not be '.'");
  else if (text === '..') errors.push("must not be '..'");
  else if (text.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}

/** What may stand as one segment of a URL path: RBAC names. */
export function pathSegmentName(text: string): string[] {
  if (text === '.') return ["may not be '.'"];
  if (text === '..') return ["may not be '..'"];
  return ['/', '%'].filter((char) => text.includes(char)).map((char) => `may not contain '${char}'`);
}

/** The name of a container port. */
export function portName(text: string): string[] {
  const errors = tooLong(text, 15);
  if (!/^[-a-z0-9]+$/.test(text))
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(text)) errors.push('must contain at least one letter (a-z)');
  if (text.includes('--')) errors.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

/** The plural of a kind in lower case, as the field forms it: `policy` → `policies`. */
export function pluralOf(singular: string): string {
  if (/(?:s|x|z|ch|sh)$/.test(singular)) return `${singular}es`;
  if (/[^aeiou]y$/.test(singular)) return `${singular.slice(0, -1)}ies`;
  return `${singular}s`;
}
