/**
 * Validating the CEL rules of a definition itself: they compile, and what they can cost at most is within what one
 * rule and a whole schema may cost.
 */
import {
  fieldError,
  type FieldPath,
  GoSyntax,
  type Schema,
  type StatusCause,
  type ValidationRule,
} from '../../api/index.js';
import { type CompileFailure, isProgram, maxRequestSize, minJsonSize, type Program } from '../cel/index.js';
import { type CompiledRule, rulesOf } from './cel-rules.js';

/** In the units of Kubernetes. */
const ruleLimit = 10_000_000;
const schemaLimit = 100_000_000;
const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

/** Where a node stands, as far as costs and comparing with old values go. */
interface Place {
  /** How often the node can be there; undefined when nothing bounds it. */
  readonly times: number | undefined;
  /** The list whose elements cannot be told apart, if there is one above. */
  readonly uncorrelatable: FieldPath | undefined;
}

interface CostOfRule {
  readonly path: FieldPath;
  readonly cost: number;
}

/** @param path of the schema; the schema is structural */
export function ruleErrors(schema: Schema, path: FieldPath): StatusCause[] {
  const check = new RuleCheck();
  check.node(schema, path, { times: 1, uncorrelatable: undefined }, true);
  return [...check.causes, ...check.total(path)];
}

class RuleCheck {
  readonly causes: StatusCause[] = [];
  readonly #costs: CostOfRule[] = [];

  node(schema: Schema, path: FieldPath, place: Place, root: boolean): void {
    const rules = rulesOf(schema, root);
    for (const [i, given] of (schema['x-kubernetes-validations'] ?? []).entries()) {
      const at = path.child('x-kubernetes-validations').index(i);
      this.causes.push(...formErrors(given, at, schema));
      const rule = rules[i];
      if (rule && given.rule?.trim()) this.#rule(rule, at, schema, place);
    }
    for (const [name, child] of Object.entries(schema.properties ?? {})) {
      if (root && name === 'metadata') continue;
      this.node(child, path.child('properties').key(name), place, false);
    }
    if (schema.items) {
      const correlatable = schema['x-kubernetes-list-type'] === 'map';
      this.node(
        schema.items,
        path.child('items'),
        {
          times: product(place.times, schema.maxItems),
          uncorrelatable: place.uncorrelatable ?? (correlatable ? undefined : path.child('items')),
        },
        false,
      );
    }
    if (typeof schema.additionalProperties === 'object') {
      const times = product(place.times, schema.maxProperties);
      this.node(schema.additionalProperties, path.child('additionalProperties'), { ...place, times }, false);
    }
  }

  #rule(
    { rule, program, message, transition }: CompiledRule,
    at: FieldPath,
    schema: Schema,
    place: Place,
  ): void {
    const refused = refusal(program, 'cel expression must evaluate to a bool');
    if (refused !== undefined) this.causes.push(fieldError.invalid(at.child('rule'), goRule(rule), refused));
    else this.#cost('rule', program as Program, at.child('rule'), schema, place);
    if (transition && place.uncorrelatable) {
      this.causes.push(
        fieldError.invalid(
          at.child('rule'),
          rule.rule,
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelatable}`,
        ),
      );
    }
    if (isProgram(program) && !transition && rule.optionalOldSelf !== undefined) {
      const why = 'may not be set if oldSelf is not used in rule';
      this.causes.push(fieldError.invalid(at.child('optionalOldSelf'), rule.optionalOldSelf, why));
    }
    if (!message) return;
    const where = at.child('messageExpression');
    const why = refusal(message, 'messageExpression must evaluate to a string');
    if (why !== undefined) {
      this.causes.push(
        fieldError.invalid(
          where,
          goRule(rule),
          why.replace(/^compilation failed/, 'messageExpression compilation failed'),
        ),
      );
    } else this.#cost('messageExpression', message as Program, where, schema, place);
  }

  #cost(what: string, program: Program, path: FieldPath, schema: Schema, { times }: Place): void {
    // Without a bound there are as many as a request can hold.
    const cost = program.estimatedCost * (times ?? Math.floor(maxRequestSize / (minJsonSize(schema) + 1)));
    this.#costs.push({ path, cost });
    if (cost > ruleLimit)
      this.causes.push(fieldError.forbidden(path, overBudget(`estimated ${what} cost`, cost, ruleLimit)));
  }

  /** What all rules together cost, and those that make up most of it. */
  total(path: FieldPath): StatusCause[] {
    const total = this.#costs.reduce((sum, { cost }) => sum + cost, 0);
    if (total <= schemaLimit) return [];
    const dearest = [...this.#costs].sort((a, b) => b.cost - a.cost).slice(0, 4);
    return [
      ...dearest
        .filter(({ cost }) => cost > schemaLimit / 100)
        .map((rule) =>
          fieldError.forbidden(
            rule.path,
            'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
          ),
        ),
      fieldError.forbidden(
        path,
        overBudget(
          'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema',
          total,
          schemaLimit,
        ),
      ),
    ];
  }
}

function product(times: number | undefined, max: number | undefined): number | undefined {
  return times === undefined || max === undefined ? undefined : times * max;
}

function refusal(program: Program | CompileFailure, wrongType: string): string | undefined {
  if (isProgram(program)) return undefined;
  return program.wrongType ? wrongType : program.failure;
}

function overBudget(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown =
    factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

function formErrors(given: ValidationRule, at: FieldPath, schema: Schema): StatusCause[] {
  const { rule, message, messageExpression, reason, fieldPath } = given;
  const lines = /[\n\r]/;
  return [
    ...(rule?.trim() ? [] : [fieldError.required(at.child('rule'), 'rule is not specified')]),
    ...(message && message.trim() === ''
      ? [fieldError.invalid(at.child('message'), message, 'message must be non-empty if specified')]
      : []),
    ...(message && lines.test(message.trim())
      ? [fieldError.invalid(at.child('message'), message, 'message must not contain line breaks')]
      : []),
    ...(!message && rule && lines.test(rule.trim())
      ? [fieldError.required(at.child('message'), 'message must be specified if rule contains line breaks')]
      : []),
    ...(messageExpression && messageExpression.trim() === ''
      ? [
          fieldError.required(
            at.child('messageExpression'),
            'messageExpression must be non-empty if specified',
          ),
        ]
      : []),
    ...(reason !== undefined && !reasons.includes(reason)
      ? [fieldError.notSupported(at.child('reason'), reason, reasons)]
      : []),
    ...(fieldPath && !fieldExists(schema, fieldPath)
      ? [fieldError.invalid(at.child('fieldPath'), fieldPath, 'fieldPath must be a valid path')]
      : []),
  ];
}

/** Whether the schema has a field at `.spec.x` or `.spec['a.b']`. */
function fieldExists(schema: Schema, fieldPath: string): boolean {
  if (!/^(?:\.[^.[\]\s]+|\['[^']+'\])+$/.test(fieldPath)) return false;
  let at: Schema | undefined = schema;
  for (const [, name, quoted] of fieldPath.matchAll(/\.([^.[\]]+)|\['([^']*)'\]/g)) {
    const { properties = {}, additionalProperties: members }: Schema = at;
    const key = name ?? quoted ?? '';
    at = Object.hasOwn(properties, key) ? properties[key] : typeof members === 'object' ? members : undefined;
    if (!at) return false;
  }
  return true;
}

/** As Go shows the rule's internal form. */
function goRule({
  rule,
  message = '',
  messageExpression = '',
  reason,
  fieldPath = '',
  optionalOldSelf,
}: ValidationRule): GoSyntax {
  const pointer = (type: string, given: unknown): string =>
    given === undefined ? `(*${type})(nil)` : `(*${type})(0xc000000000)`;
  return new GoSyntax(
    `apiextensions.ValidationRule{Rule:${JSON.stringify(rule)}, Message:${JSON.stringify(message)}, MessageExpression:${JSON.stringify(messageExpression)}, Reason:${pointer('apiextensions.FieldValueErrorReason', reason)}, FieldPath:${JSON.stringify(fieldPath)}, OptionalOldSelf:${pointer('bool', optionalOldSelf)}}`,
  );
}
