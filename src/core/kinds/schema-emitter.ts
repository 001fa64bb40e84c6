/**
 * The structural schema of a class: class-validator's decorators say what a field may hold, ours what
 * class-validator has no word for. Emitted type metadata is never read, so a class means the same under
 * tsc, tsx, esbuild and vitest.
 *
 * Guarantees: properties and `required` are in alphabetical order, so the same class gives the same
 * schema; nothing a decorator asks for is dropped in silence; the result is structural.
 *
 * @throws RegistrationError naming class, field and remedy
 */
import type { JsonValue, Schema, SchemaType } from '../../api/index.js';
import { loadClassValidator } from '../registration/lazy-modules.js';
import {
  type AnyClass,
  type ElementTypeRef,
  type FieldFacts,
  factsOfLineage,
  fieldFactsOf,
} from '../registration/metadata.js';
import { nameOfClass, RegistrationError } from '../registration/registration-error.js';
import { decoratorOf, translate, type ValidatorFact } from './validator-rules.js';

/** Reads what class-validator knows of a class. */
export type ValidatorReader = (cls: AnyClass) => readonly ValidatorFact[];

/** class-validator's own records. The package is loaded when the first custom kind asks. */
export async function loadValidators(): Promise<ValidatorReader> {
  const { getMetadataStorage } = await loadClassValidator();
  return (cls) => getMetadataStorage().getTargetValidationMetadatas(cls, '', true, false);
}

/** The schema of a class with decorated fields. */
export async function schemaOfClass(cls: AnyClass): Promise<Schema> {
  return new SchemaEmitter(await loadValidators()).classSchema(cls);
}

type Mutable = { -readonly [K in keyof Schema]: Schema[K] };

export class SchemaEmitter {
  readonly #validatorsOf: ValidatorReader;
  /** The classes being emitted, outermost first: a structural schema cannot refer to itself. */
  readonly #within: AnyClass[] = [];

  constructor(validatorsOf: ValidatorReader) {
    this.#validatorsOf = validatorsOf;
  }

  classSchema(cls: AnyClass): Schema {
    assertPlainClass(cls);
    if (this.#within.includes(cls)) {
      throw new RegistrationError(
        [...this.#within, cls].map(nameOfClass).join(' → '),
        'contains itself, and a structural schema cannot',
        'cut the circle with @PreserveUnknown()',
      );
    }
    this.#within.push(cls);
    try {
      return this.#describe(cls);
    } finally {
      this.#within.pop();
    }
  }

  #describe(cls: AnyClass): Schema {
    const facts = fieldFactsOf(cls);
    const validators = groupByProperty(this.#validatorsOf(cls));
    const names = [...new Set([...validators.keys(), ...facts.keys()])].sort();
    if (names.length === 0) {
      throw new RegistrationError(
        nameOfClass(cls),
        'has no decorated fields',
        "decorate each field with class-validator's decorators, e.g. @IsString() image!: string",
      );
    }
    const properties: [string, Schema][] = [];
    const required: string[] = [];
    for (const name of names) {
      const own = facts.get(name) ?? {};
      const rules = validators.get(name) ?? [];
      properties.push([name, this.#fieldSchema(`${nameOfClass(cls)}.${name}`, own, rules)]);
      if (isRequired(own, rules)) required.push(name);
    }
    const description = factsOfLineage(cls).find((f) => f.description !== undefined)?.description;
    return {
      type: 'object',
      ...(description === undefined ? {} : { description }),
      properties: Object.fromEntries(properties),
      ...(required.length === 0 ? {} : { required }),
    };
  }

  #fieldSchema(where: string, facts: FieldFacts, rules: readonly ValidatorFact[]): Schema {
    const whole: Mutable = {};
    const item: Mutable = {};
    for (const rule of rules) {
      const translation = translate(rule);
      if ('refused' in translation) {
        if (facts.override) continue;
        throw new RegistrationError(
          where,
          `${decoratorOf(rule)} ${translation.refused}`,
          'say it with another decorator, or add @Schema({ … }): the API server checks what that says, and a webhook with classRules(Kind) the rest',
        );
      }
      narrow(rule.each ? item : whole, translation, where);
    }
    if (rules.some((r) => r.each)) narrow(whole, { type: 'array' }, where);
    this.#addShape(where, facts, whole, item);
    if (rules.some((r) => r.name === 'isNotEmpty')) notEmpty(whole);
    if (facts.nullable) whole.nullable = true;
    if (facts.listType) addListType(where, facts.listType, whole);
    if (facts.default) whole.default = facts.default.value;
    if (facts.description !== undefined) whole.description = facts.description;
    Object.assign(whole, facts.override);
    assertComplete(where, whole, rules);
    return whole;
  }

  /** Adds what @Items, @MapOf, @Nested and their like say; `item` is what validators said of each item. */
  #addShape(where: string, { shape }: FieldFacts, whole: Mutable, item: Mutable): void {
    if (shape?.form === 'map') {
      narrow(whole, { type: 'object' }, where);
      whole.additionalProperties = this.#elementSchema(where, shape.of);
      return;
    }
    if (shape?.form === 'list') {
      narrow(whole, { type: 'array' }, where);
      narrow(item, this.#elementSchema(where, shape.of), where);
    } else if (shape?.form === 'nested') {
      narrow(whole, this.classSchema(classOf(where, shape.of)), where);
    } else if (shape) {
      narrow(whole, shape.schema, where);
    }
    if (Object.keys(item).length > 0) whole.items = item;
  }

  #elementSchema(where: string, ref: ElementTypeRef): Schema {
    const of = typeof ref === 'function' ? ref() : ref;
    if (typeof of === 'string') return { type: of };
    if (typeof of === 'function') return this.classSchema(of);
    if (typeof of === 'object' && of !== null) return of;
    throw undefinedClass(where);
  }
}

function groupByProperty(facts: readonly ValidatorFact[]): Map<string, ValidatorFact[]> {
  const groups = new Map<string, ValidatorFact[]>();
  for (const fact of facts) groups.set(fact.propertyName, [...(groups.get(fact.propertyName) ?? []), fact]);
  return groups;
}

function undefinedClass(where: string): RegistrationError {
  return new RegistrationError(
    where,
    'names no class',
    'give a function that returns it, e.g. @Items(() => Port)',
  );
}

function classOf(where: string, of: () => AnyClass): AnyClass {
  const cls = of();
  if (typeof cls !== 'function') throw undefinedClass(where);
  return cls;
}

function isRequired(facts: FieldFacts, rules: readonly ValidatorFact[]): boolean {
  if (facts.default || rules.some((r) => r.name === 'isOptional')) return false;
  return facts.shape?.decorator !== 'Conditions' || rules.some((r) => r.name === 'isDefined');
}

/** Objects are plain JSON and never instances of the class that describes them. */
export function assertPlainClass(cls: AnyClass): void {
  for (let at: object = cls.prototype; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const key of Reflect.ownKeys(at)) {
      if (key === 'constructor') continue;
      const isMethod = typeof Object.getOwnPropertyDescriptor(at, key)?.value === 'function';
      throw new RegistrationError(
        `${nameOfClass(cls)}.${String(key)}`,
        `is ${isMethod ? 'a method' : 'an accessor'}, and objects are plain JSON, never instances of this class`,
        'make it a function that takes the object',
      );
    }
  }
}

const tighten: Readonly<Partial<Record<keyof Schema, (a: number, b: number) => number>>> = {
  minimum: Math.max,
  minLength: Math.max,
  minItems: Math.max,
  minProperties: Math.max,
  maximum: Math.min,
  maxLength: Math.min,
  maxItems: Math.min,
  maxProperties: Math.min,
};

/** Adds keywords to a schema so that it allows what both allowed. */
function narrow(into: Mutable, more: Schema, where: string): void {
  for (const [key, value] of Object.entries(more) as [keyof Schema, unknown][]) {
    const present: unknown = into[key];
    const stricter = tighten[key];
    if (present === undefined) set(into, key, value);
    else if (key === 'type') into.type = commonType(into.type, value as SchemaType, where);
    else if (key === 'enum')
      into.enum = (present as JsonValue[]).filter((v) => (value as JsonValue[]).includes(v));
    else if (stricter) set(into, key, stricter(present as number, value as number));
    else if (key === 'pattern' || key === 'format' || key === 'multipleOf' || key === 'anyOf') {
      if (present !== value) into.allOf = [...(into.allOf ?? []), { [key]: value }];
    } else set(into, key, value);
  }
}

function set(into: Mutable, key: keyof Schema, value: unknown): void {
  Object.assign(into, { [key]: value });
}

function commonType(a: SchemaType | undefined, b: SchemaType, where: string): SchemaType {
  if (a === undefined || a === b) return b;
  if ((a === 'integer' && b === 'number') || (a === 'number' && b === 'integer')) return 'integer';
  throw new RegistrationError(where, `is both ${a} and ${b}`, 'remove the decorators of one of them');
}

/** `@IsNotEmpty()` refuses `''`; of an array or object it says nothing. */
function notEmpty(schema: Mutable): void {
  if (schema.type === 'string') schema.minLength = Math.max(1, schema.minLength ?? 0);
}

function addListType(where: string, listType: NonNullable<FieldFacts['listType']>, schema: Mutable): void {
  if (schema.type !== 'array') {
    throw new RegistrationError(
      where,
      `has @List${listType.type === 'set' ? 'Set' : 'Map'} and is not a list`,
      'say what its items are with @Items(…)',
    );
  }
  schema['x-kubernetes-list-type'] = listType.type;
  if (listType.type === 'map') schema['x-kubernetes-list-map-keys'] = listType.keys;
}

/** The API server refuses a schema whose types are open, and a list whose items cannot be told apart. */
function assertComplete(where: string, schema: Schema, rules: readonly ValidatorFact[]): void {
  const open = isOpen(schema);
  if (schema.type === undefined && !open) {
    throw new RegistrationError(
      where,
      'has no decorator that says its type',
      'add @IsString(), @IsInt(), @IsNumber(), @IsBoolean(), @Items(…), @MapOf(…) or @Nested(() => …)',
    );
  }
  if (schema.type === 'object' && !open && !schema.properties && schema.additionalProperties === undefined) {
    throw new RegistrationError(
      where,
      'is an object whose fields are not known',
      'add @Nested(() => …), @MapOf(…), or @PreserveUnknown() to take anything',
    );
  }
  if (schema.type !== 'array') return;
  if (!schema.items || (schema.items.type === undefined && !isOpen(schema.items))) {
    throw new RegistrationError(
      where,
      'is a list, and what it holds is not known',
      rules.some((r) => r.type === 'nestedValidation')
        ? 'name the class of its items, e.g. @Items(() => Port)'
        : "add @Items('string'), @Items(() => Port), or a validator with { each: true }",
    );
  }
  assertListKeys(where, schema, schema.items);
}

function isOpen(schema: Schema): boolean {
  return (
    schema['x-kubernetes-preserve-unknown-fields'] === true || schema['x-kubernetes-int-or-string'] === true
  );
}

function assertListKeys(where: string, schema: Schema, items: Schema): void {
  if (schema['x-kubernetes-list-type'] === 'set' && (items.type === 'object' || items.type === 'array')) {
    throw new RegistrationError(
      where,
      'is a set of something else than scalars',
      'use @ListMap(key) instead',
    );
  }
  for (const key of schema['x-kubernetes-list-map-keys'] ?? []) {
    const member =
      items.properties && Object.hasOwn(items.properties, key) ? items.properties[key] : undefined;
    if (!member)
      throw new RegistrationError(
        where,
        `has items without the field ${key}`,
        'name a field of its items in @ListMap',
      );
    if (!items.required?.includes(key) && member.default === undefined) {
      throw new RegistrationError(
        where,
        `has items whose key ${key} may be absent`,
        `make ${key} required, or give it a @Default`,
      );
    }
  }
}
