/**
 * The class-validator decorators of a custom kind as a check of a validating webhook.
 *
 * Most of what they say is in the kind's schema, and the API server checks it. A webhook is for the rest: a validator of
 * one's own, one that needs two fields, one behind `@Schema({ … })`, conditions with `@ValidateIf`.
 *
 * ```ts
 * webhookFor(Website).validates(classRules(Website))
 * ```
 * Objects stay plain JSON: instances of the classes exist only while they are being checked, and no validator is given
 * the object itself to change.
 */
import type { ValidationError } from 'class-validator';
import type { JsonObject, JsonValue } from '../../api/index.js';
import type { AnyCustomResource } from '../kinds/custom-resource.js';
import { loadClassValidator } from '../registration/lazy-modules.js';
import { type AnyClass, fieldFactsOf } from '../registration/metadata.js';
import type { FieldProblem, Validator } from './admission.js';

/**
 * Checks the `spec` of every object with what decorates the kind's class and the classes its fields name with
 * `@Nested`, `@Items` and `@MapOf`. Fields that no decorator knows are the schema's business. Deletes are let through.
 */
export function classRules(kind: Pick<AnyCustomResource, 'options'>): Validator<unknown> {
  return async (object, { operation }) => {
    if (operation === 'DELETE') return [];
    const { validate } = await loadClassValidator();
    const { spec } = object as { readonly spec?: JsonValue };
    const problems: FieldProblem[] = [];
    for (const { instance, path } of instancesOf(kind.options.spec, spec, 'spec')) {
      const errors = await validate(instance, { forbidUnknownValues: false });
      problems.push(...errors.flatMap((error) => problemsOf(error, path)));
    }
    return problems;
  };
}

/** Children of an error are told by the instance they are of. */
function problemsOf({ property, constraints }: ValidationError, path: string): FieldProblem[] {
  return Object.values(constraints ?? {}).map((message) => ({ field: `${path}.${property}`, message }));
}

interface Checked {
  readonly instance: object;
  readonly path: string;
}

/** An instance per object of a class, outermost first, each holding those below it. */
function instancesOf(cls: AnyClass, value: JsonValue | undefined, path: string): Checked[] {
  if (!isObject(value)) return [];
  // Through its prototype alone: a constructor of the author's may want arguments, or fill fields in.
  const instance = Object.create(cls.prototype as object) as Record<string, unknown>;
  const found: Checked[] = [{ instance, path }];
  const facts = fieldFactsOf(cls);
  for (const [name, field] of Object.entries(structuredClone(value))) {
    const at = `${path}.${name}`;
    const within = elementsOf(facts.get(name)?.shape, field, at);
    for (const element of within.elements) found.push(...element);
    define(instance, name, within.elements.length === 0 ? field : within.value);
  }
  return found;
}

type Shape = NonNullable<ReturnType<ReturnType<typeof fieldFactsOf>['get']>>['shape'];

/** What a field holds with instances in the place of objects whose class is known. */
function elementsOf(
  shape: Shape,
  field: JsonValue,
  path: string,
): { readonly value: unknown; readonly elements: readonly (readonly Checked[])[] } {
  const nothing = { value: field, elements: [] };
  if (shape === undefined || !('of' in shape)) return nothing;
  const cls = typeof shape.of === 'function' ? shape.of() : undefined;
  if (typeof cls !== 'function') return nothing;
  const of = (value: JsonValue, at: string) => instancesOf(cls, value, at);
  const instance = (checked: readonly Checked[], given: JsonValue): unknown => checked[0]?.instance ?? given;
  if (shape.form === 'list' && Array.isArray(field)) {
    const elements = field.map((item, index) => of(item, `${path}[${index}]`));
    return { value: elements.map((checked, index) => instance(checked, field[index] ?? null)), elements };
  }
  if (shape.form === 'map' && isObject(field)) {
    const entries = Object.entries(field);
    const elements = entries.map(([key, item]) => of(item, `${path}[${key}]`));
    const value: Record<string, unknown> = {};
    for (const [index, [key, given]] of entries.entries())
      define(value, key, instance(elements[index] ?? [], given));
    return { value, elements };
  }
  if (shape.form === 'nested') {
    const checked = of(field, path);
    return { value: instance(checked, field), elements: [checked] };
  }
  return nothing;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As an own field, whatever it is called: `__proto__` is a key of JSON like any other. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
}
