/**
 * What class-validator has no word for: defaults, element types, and the `x-kubernetes-…` marks of a
 * field. Everything else a field's schema says comes from class-validator's own decorators.
 *
 * ```ts
 * class WebsiteSpec {
 *   @IsString() image!: string;
 *   @IsInt() @Min(0) @Default(1) replicas!: Defaulted<number>;
 *   @Items(() => Port) @ListMap('name') ports!: Port[];
 *   @MapOf('string') @IsOptional() env?: Record<string, string>;
 * }
 * ```
 * A field is required unless it has `@IsOptional()` or `@Default(…)`.
 */
import { copyJson, type JsonValue, type Schema as SchemaNode } from '../../api/index.js';
import {
  type AnyClass,
  type ElementTypeRef,
  type FieldFacts,
  type FieldShape,
  factsOfClass,
  factsOfField,
} from '../registration/metadata.js';
import { nameOfClass, RegistrationError } from '../registration/registration-error.js';

type FieldDecorator = (prototype: object, field: string) => void;

function fieldDecorator(write: (facts: FieldFacts) => void): FieldDecorator {
  return (prototype, field) => write(factsOfField(prototype, field));
}

function shapeDecorator(shape: FieldShape): FieldDecorator {
  return (prototype, field) => {
    const facts = factsOfField(prototype, field);
    if (facts.shape) {
      throw new RegistrationError(
        `${nameOfClass(prototype.constructor)}.${field}`,
        `has both @${facts.shape.decorator} and @${shape.decorator}`,
        'keep the one that says what the field holds',
      );
    }
    facts.shape = shape;
  };
}

/**
 * The value the server fills in when the field is absent; the field is then not required. Give the field
 * the type `Defaulted<…>` to make it optional in inputs as well.
 * @throws TypeError when JSON cannot carry the value
 */
export function Default(value: JsonValue): FieldDecorator {
  const copy = copyJson(value);
  return fieldDecorator((facts) => {
    facts.default = { value: copy };
  });
}

/** A list of what is named: `@Items('string')`, `@Items(() => Port)`. */
export function Items(of: ElementTypeRef): FieldDecorator {
  return shapeDecorator({ form: 'list', decorator: 'Items', of });
}

/** An object with free keys, each value being what is named: `@MapOf('string')`, `@MapOf(() => Limit)`. */
export function MapOf(of: ElementTypeRef): FieldDecorator {
  return shapeDecorator({ form: 'map', decorator: 'MapOf', of });
}

/** An object described by another class. */
export function Nested(of: () => AnyClass): FieldDecorator {
  return shapeDecorator({ form: 'nested', decorator: 'Nested', of });
}

/** `metav1.Condition`s, merged by `type`. Optional by nature. */
export function Conditions(): FieldDecorator {
  return shapeDecorator({ form: 'schema', decorator: 'Conditions', schema: conditionsSchema });
}

/** A number, or a string such as a percentage or the name of a port. */
export function IntOrString(): FieldDecorator {
  return shapeDecorator({
    form: 'schema',
    decorator: 'IntOrString',
    schema: { 'x-kubernetes-int-or-string': true },
  });
}

/** Any JSON object; nothing in it is pruned or validated. */
export function PreserveUnknown(): FieldDecorator {
  return shapeDecorator({
    form: 'schema',
    decorator: 'PreserveUnknown',
    schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  });
}

/** `null` is a value of this field. */
export function Nullable(): FieldDecorator {
  return fieldDecorator((facts) => {
    facts.nullable = true;
  });
}

/** Items are told apart by these keys: server-side apply merges them one by one. */
export function ListMap(...keys: readonly [string, ...string[]]): FieldDecorator {
  return fieldDecorator((facts) => {
    facts.listType = { type: 'map', keys };
  });
}

/** Scalars without duplicates: server-side apply merges them one by one. */
export function ListSet(): FieldDecorator {
  return fieldDecorator((facts) => {
    facts.listType = { type: 'set' };
  });
}

/**
 * Schema keywords laid over what the other decorators give, for what no decorator says: CEL rules in
 * `x-kubernetes-validations`, formats, or a whole schema. It also accepts validators that a schema cannot
 * express and the API server will therefore not check.
 */
export function Schema(schema: SchemaNode): FieldDecorator {
  return fieldDecorator((facts) => {
    facts.override = { ...facts.override, ...schema };
  });
}

/** The text `kubectl explain` shows, of a field or a class. */
export function Description(text: string): (target: object, field?: string) => void {
  return (target, field) => {
    if (field === undefined) factsOfClass(target).description = text;
    else factsOfField(target, field).description = text;
  };
}

/** The validations of `metav1.Condition`. */
const conditionsSchema: SchemaNode = {
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['lastTransitionTime', 'message', 'reason', 'status', 'type'],
    properties: {
      lastTransitionTime: { type: 'string', format: 'date-time' },
      message: { type: 'string', maxLength: 32768 },
      observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
      reason: {
        type: 'string',
        maxLength: 1024,
        minLength: 1,
        pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
      },
      status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
      type: {
        type: 'string',
        maxLength: 316,
        pattern:
          '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$',
      },
    },
  },
};
