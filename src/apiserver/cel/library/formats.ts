/** Named formats of texts: `format.named('dns1123Label').value().validate(x)`, `format.dns1123Label()`. */
import { dns1035Label, dns1123Label, dns1123Subdomain } from '../../../api/index.js';
import { func, method, type Overload, traversal } from '../functions.js';
import { CelError, ListValue, OpaqueValue, OptionalValue, type Value } from '../values.js';
import { durationNanos, parseTimestamp } from './time.js';

type Check = (text: string) => readonly string[];

class FormatValue extends OpaqueValue {
  override readonly typeName = 'kubernetes.NamedFormat';

  constructor(
    readonly name: string,
    readonly check: Check,
  ) {
    super();
  }

  override equals(other: OpaqueValue): boolean {
    return other instanceof FormatValue && other.name === this.name;
  }
}

/** With a name that is only the beginning: what is generated goes behind its last dash. */
const prefix =
  (check: Check): Check =>
  (text) =>
    check(text.endsWith('-') ? `${text.slice(0, -1)}a` : text);

const labelText = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

function labelValue(text: string): string[] {
  return [
    ...(text.length > 63 ? ['must be no more than 63 characters'] : []),
    ...(labelText.test(text)
      ? []
      : [
          "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ]),
  ];
}

function qualifiedName(text: string): string[] {
  const parts = text.split('/');
  const name = parts.pop() ?? '';
  const [domain] = parts;
  return [
    ...(parts.length > 1
      ? [
          "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
        ]
      : []),
    ...(domain === undefined ? [] : dns1123Subdomain(domain).map((why) => `prefix part ${why}`)),
    ...(name === '' ? ['name part must be non-empty'] : labelValue(name).map((why) => `name part ${why}`)),
  ];
}

const simple =
  (valid: (text: string) => boolean, why: string): Check =>
  (text) =>
    valid(text) ? [] : [why];

const formats: Readonly<Record<string, Check>> = {
  dns1123Label,
  dns1123Subdomain,
  dns1035Label,
  qualifiedName,
  dns1123LabelPrefix: prefix(dns1123Label),
  dns1123SubdomainPrefix: prefix(dns1123Subdomain),
  dns1035LabelPrefix: prefix(dns1035Label),
  labelValue,
  uri: simple((text) => text.startsWith('/') || URL.canParse(text), 'invalid URI'),
  uuid: simple(
    (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
    'does not match the UUID format',
  ),
  byte: simple(
    (text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text),
    'invalid base64',
  ),
  date: simple((text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)), 'invalid date'),
  datetime: simple((text) => !(parseTimestamp(text) instanceof CelError), 'invalid datetime'),
  duration: simple((text) => durationNanos(text) !== undefined, 'invalid duration'),
};

function named(name: string): OptionalValue {
  const check = Object.hasOwn(formats, name) ? formats[name] : undefined;
  return check ? new OptionalValue(new FormatValue(name, check)) : OptionalValue.none;
}

function validate({ check }: FormatValue, text: string): Value {
  const problems = check(text);
  return problems.length === 0 ? OptionalValue.none : new OptionalValue(new ListValue(problems));
}

export const formatFunctions: readonly Overload[] = [
  func('format.named(string): optional<kubernetes.NamedFormat>', named),
  ...Object.entries(formats).map(([name, check]) =>
    func(`format.${name}(): kubernetes.NamedFormat`, () => new FormatValue(name, check)),
  ),
  method('kubernetes.NamedFormat.validate(string): optional<list<string>>', validate, {
    cost: (_format = 0, text = 0) => traversal(text),
  }),
];
