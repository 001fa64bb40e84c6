/**
 * A set of field paths, as managedFields record who owns what (FieldsV1): a tree of path elements. An
 * element is a field `f:name`, an item of a keyed list `k:{"name":"web"}`, a value of a set `v:"x"`, or an
 * index `i:0`.
 *
 * Immutable: every operation gives a new set and shares what it can.
 */
import type { JsonObject, JsonValue } from '../objects.js';

const none: ReadonlySet<string> = new Set();
const noChildren: ReadonlyMap<string, FieldSet> = new Map();

export class FieldSet {
  constructor(
    /** Elements that are in the set themselves. */
    readonly members: ReadonlySet<string> = none,
    /** Elements with something in the set below them; never an empty set. */
    readonly children: ReadonlyMap<string, FieldSet> = noChildren,
  ) {}

  static readonly empty = new FieldSet();

  get isEmpty(): boolean {
    return this.members.size === 0 && this.children.size === 0;
  }

  /** True for a path that is in the set. */
  has(path: readonly string[]): boolean {
    const [head = '', ...rest] = path;
    return rest.length === 0 ? this.members.has(head) : (this.children.get(head)?.has(rest) ?? false);
  }

  union(other: FieldSet): FieldSet {
    if (other.isEmpty) return this;
    if (this.isEmpty) return other;
    const children = new Map(this.children);
    for (const [element, child] of other.children) {
      children.set(element, children.get(element)?.union(child) ?? child);
    }
    return new FieldSet(new Set([...this.members, ...other.members]), children);
  }

  intersection(other: FieldSet): FieldSet {
    const members = new Set([...this.members].filter((m) => other.members.has(m)));
    const children = new Map<string, FieldSet>();
    for (const [element, child] of this.children) {
      const theirs = other.children.get(element);
      const both = theirs ? child.intersection(theirs) : FieldSet.empty;
      if (!both.isEmpty) children.set(element, both);
    }
    return new FieldSet(members, children);
  }

  difference(other: FieldSet): FieldSet {
    if (other.isEmpty) return this;
    const members = new Set([...this.members].filter((m) => !other.members.has(m)));
    const children = new Map<string, FieldSet>();
    for (const [element, child] of this.children) {
      const theirs = other.children.get(element);
      const rest = theirs ? child.difference(theirs) : child;
      if (!rest.isEmpty) children.set(element, rest);
    }
    return new FieldSet(members, children);
  }

  equals(other: FieldSet): boolean {
    if (this.members.size !== other.members.size || this.children.size !== other.children.size) return false;
    for (const member of this.members) if (!other.members.has(member)) return false;
    for (const [element, child] of this.children) {
      const theirs = other.children.get(element);
      if (!theirs || !child.equals(theirs)) return false;
    }
    return true;
  }

  /** The paths in the set as messages show them: `.spec.containers[name="web"].image`. */
  paths(prefix = ''): string[] {
    return this.#elements().flatMap((element) => {
      const path = prefix + elementText(element);
      const below = this.children.get(element)?.paths(path) ?? [];
      return this.members.has(element) ? [path, ...below] : below;
    });
  }

  /** The wire form; members sorted, so that equal sets have equal text. */
  toFieldsV1(): JsonObject {
    // No element is called `__proto__`: each begins with what it is.
    const fields: Record<string, JsonValue> = {};
    for (const element of this.#elements()) {
      const child = this.children.get(element);
      const below = child ? child.toFieldsV1() : {};
      fields[element] = child && this.members.has(element) ? { '.': {}, ...below } : below;
    }
    return fields;
  }

  /** Sorted. */
  #elements(): string[] {
    const elements = this.children.size === 0 ? [...this.members] : [...this.children.keys()];
    if (this.children.size > 0)
      for (const member of this.members) if (!this.children.has(member)) elements.push(member);
    return elements.length < 2 ? elements : elements.sort();
  }

  /** Reads the wire form; what it cannot read is left out. */
  static fromFieldsV1(fields: JsonObject): FieldSet {
    const members = new Set<string>();
    const children = new Map<string, FieldSet>();
    for (const [element, below] of Object.entries(fields)) {
      if (element === '.') continue;
      if (typeof below !== 'object' || below === null || Array.isArray(below)) continue;
      const inner = below as JsonObject;
      const canonical = canonicalElement(element);
      if (canonical === undefined) continue;
      const child = FieldSet.fromFieldsV1(inner);
      if (child.isEmpty || Object.hasOwn(inner, '.')) members.add(canonical);
      if (!child.isEmpty) children.set(canonical, child);
    }
    return new FieldSet(members, children);
  }
}

export function fieldElement(name: string): string {
  return `f:${name}`;
}

export function keyElement(keys: Readonly<Record<string, JsonValue>>): string {
  const sorted = Object.fromEntries(Object.entries(keys).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `k:${JSON.stringify(sorted)}`;
}

export function valueElement(value: JsonValue): string {
  return `v:${JSON.stringify(value)}`;
}

/**
 * The element as we write it: another implementation may have spaced or ordered its JSON differently.
 * Undefined for what is no element.
 */
function canonicalElement(element: string): string | undefined {
  const text = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return element;
    case 'i:':
      return /^\d+$/.test(text) ? element : undefined;
    case 'k:': {
      const keys = parsed(text);
      return typeof keys === 'object' && keys !== null && !Array.isArray(keys)
        ? keyElement(keys as JsonObject)
        : undefined;
    }
    case 'v:': {
      const value = parsed(text);
      return value === undefined ? undefined : valueElement(value);
    }
    default:
      return undefined;
  }
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** As messages show it: `.image`, `[name="web"]`, `[=80]`. */
export function elementText(element: string): string {
  const text = element.slice(2);
  switch (element[0]) {
    case 'k': {
      const keys = Object.entries(JSON.parse(text) as Record<string, JsonValue>);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v':
      return `[=${text}]`;
    case 'i':
      return `[${text}]`;
    default:
      return `.${text}`;
  }
}

/** Collects paths while a tree is walked. */
export class FieldSetBuilder {
  #members: Set<string> | undefined;
  #children: Map<string, FieldSetBuilder> | undefined;

  add(element: string): void {
    (this.#members ??= new Set()).add(element);
  }

  child(element: string): FieldSetBuilder {
    const children = (this.#children ??= new Map());
    let child = children.get(element);
    if (!child) {
      child = new FieldSetBuilder();
      children.set(element, child);
    }
    return child;
  }

  /** Adds every path of a set. */
  addAll(set: FieldSet): void {
    for (const element of set.members) this.add(element);
    for (const [element, below] of set.children) this.child(element).addAll(below);
  }

  build(): FieldSet {
    let children: Map<string, FieldSet> | undefined;
    for (const [element, child] of this.#children ?? noBuilders) {
      const built = child.build();
      if (!built.isEmpty) (children ??= new Map()).set(element, built);
    }
    return new FieldSet(this.#members, children);
  }
}

const noBuilders: ReadonlyMap<string, FieldSetBuilder> = new Map();
