/**
 * The types of CEL as its checker knows them. A type may carry the greatest size a value of it can have, which is
 * what costs are estimated from; sizes play no part in comparing types.
 */

export type Kind =
  | 'dyn'
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'duration'
  | 'timestamp'
  | 'type'
  | 'list'
  | 'map'
  | 'optional'
  | 'object'
  | 'opaque'
  | 'param';

export interface CelType {
  readonly kind: Kind;
  /** Of an object, an opaque type or a type parameter. */
  readonly name?: string;
  /** Of a list, of an optional, or the values of a map. */
  readonly item?: CelType;
  readonly key?: CelType;
  /** The fields of an object, by the names expressions use. */
  readonly fields?: ReadonlyMap<string, CelType>;
  /** An object that may have any fields: what is in them is not known. */
  readonly open?: boolean;
  /** Most elements, members or bytes; absent when nothing is known. */
  readonly max?: number;
}

export const dyn: CelType = { kind: 'dyn' };
export const bool: CelType = { kind: 'bool' };
export const int: CelType = { kind: 'int' };
export const uint: CelType = { kind: 'uint' };
export const double: CelType = { kind: 'double' };
export const string: CelType = { kind: 'string' };
export const bytes: CelType = { kind: 'bytes' };
export const nullType: CelType = { kind: 'null' };
export const duration: CelType = { kind: 'duration' };
export const timestamp: CelType = { kind: 'timestamp' };
export const typeType: CelType = { kind: 'type' };

export function listOf(item: CelType, max?: number): CelType {
  return { kind: 'list', item, ...(max === undefined ? {} : { max }) };
}

export function mapOf(key: CelType, item: CelType, max?: number): CelType {
  return { kind: 'map', key, item, ...(max === undefined ? {} : { max }) };
}

export function optionalOf(item: CelType): CelType {
  return { kind: 'optional', item };
}

export function objectType(name: string, fields: ReadonlyMap<string, CelType>): CelType {
  return { kind: 'object', name, fields };
}

/** An object of which only the name is known. */
export function openObjectType(name: string): CelType {
  return { kind: 'object', name, open: true };
}

/** As error messages show it: `map(string, int)`. */
export function typeName(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${typeName(type.item ?? dyn)})`;
    case 'map':
      return `map(${typeName(type.key ?? dyn)}, ${typeName(type.item ?? dyn)})`;
    case 'optional':
      return `optional_type(${typeName(type.item ?? dyn)})`;
    case 'object':
    case 'opaque':
    case 'param':
      return type.name ?? type.kind;
    case 'duration':
    case 'timestamp':
      return `google.protobuf.${type.kind === 'duration' ? 'Duration' : 'Timestamp'}`;
    default:
      return type.kind;
  }
}

const plain: Readonly<Record<string, CelType>> = {
  dyn,
  bool,
  int,
  uint,
  double,
  string,
  bytes,
  null: nullType,
  duration,
  timestamp,
  type: typeType,
};
const parsed = new Map<string, CelType>();

/**
 * Reads `map<string,list<A>>`. One capital letter is a type parameter; a name that is no type of the language is
 * an opaque one.
 */
export function readType(text: string): CelType {
  let type = parsed.get(text);
  if (!type) parsed.set(text, (type = parseType(text)));
  return type;
}

function parseType(text: string): CelType {
  const generic = /^(list|map|optional)<(.*)>$/.exec(text);
  if (generic) {
    const inner = generic[2] ?? '';
    if (generic[1] === 'list') return listOf(readType(inner));
    if (generic[1] === 'optional') return optionalOf(readType(inner));
    const comma = inner.indexOf(',');
    return mapOf(readType(inner.slice(0, comma)), readType(inner.slice(comma + 1)));
  }
  if (Object.hasOwn(plain, text)) return plain[text] as CelType;
  return /^[A-Z]$/.test(text) ? { kind: 'param', name: text } : { kind: 'opaque', name: text };
}

export type Bindings = Map<string, CelType>;

const nullable = new Set<Kind>(['object', 'opaque', 'duration', 'timestamp', 'null', 'optional']);

/** Whether a value of the type may stand where the parameter is; binds type parameters. */
export function assignable(type: CelType, to: CelType, bindings: Bindings): boolean {
  if (to.kind === 'param') {
    const bound = bindings.get(to.name ?? '');
    if (!bound) {
      bindings.set(to.name ?? '', type);
      return true;
    }
    if (assignable(type, bound, bindings)) return true;
    if (!assignable(bound, type, bindings)) return false;
    bindings.set(to.name ?? '', type);
    return true;
  }
  if (type.kind === 'dyn' || to.kind === 'dyn' || type.kind === 'param') return true;
  if (type.kind === 'null') return nullable.has(to.kind);
  if (to.kind === 'null') return nullable.has(type.kind);
  if (type.kind !== to.kind) return false;
  switch (type.kind) {
    case 'list':
    case 'optional':
      return assignable(type.item ?? dyn, to.item ?? dyn, bindings);
    case 'map':
      return (
        assignable(type.key ?? dyn, to.key ?? dyn, bindings) &&
        assignable(type.item ?? dyn, to.item ?? dyn, bindings)
      );
    case 'object':
    case 'opaque':
      return type.name === to.name;
    default:
      return true;
  }
}

/** The type with its parameters filled in; what nothing has bound is dynamic. */
export function substitute(type: CelType, bindings: Bindings): CelType {
  if (type.kind === 'param') return bindings.get(type.name ?? '') ?? dyn;
  if (!type.item) return type;
  return {
    ...type,
    item: substitute(type.item, bindings),
    ...(type.key ? { key: substitute(type.key, bindings) } : {}),
  };
}

/** The one type of both, or dyn. */
export function join(a: CelType, b: CelType): CelType {
  const bindings: Bindings = new Map();
  if (a.kind === 'dyn' || b.kind === 'dyn') return dyn;
  if (assignable(b, a, bindings)) return a.kind === 'null' ? b : a;
  return dyn;
}
