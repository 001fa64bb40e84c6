/**
 * The rules of a CustomResourceDefinition when it is written (API-16): each compiles, names fields there are, and looks at
 * the past only where a value has one. What would cost too much is found out when it is run.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import {
  fieldError,
  type FieldPath,
  type Schema,
  type StatusCause,
  type ValidationRule,
} from '../../../api/index.js';
import { escaped } from '../../cel/values.js';
import { ruleCompiler } from './compiled.js';
import { correlates } from './correlation.js';
import { exists, namesOf } from './field-path.js';

const reasons = ['FieldValueRequired', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueDuplicate'];

/** @param path of the schema */
export function ruleDefinitionErrors(schema: Schema, path: FieldPath): StatusCause[] {
  return level(schema, path, true, true);
}

function level(schema: Schema, path: FieldPath, hasPast: boolean, root: boolean): StatusCause[] {
  // What is no schema is told by others.
  if (typeof schema !== 'object' || schema === null) return [];
  const causes: StatusCause[] = [];
  for (const [i, rule] of (schema['x-kubernetes-validations'] ?? []).entries())
    causes.push(...ruleCauses(rule, schema, path.child('x-kubernetes-validations').index(i), hasPast, root));
  const members = hasPast && correlates(schema, 'members');
  for (const [name, child] of Object.entries(schema.properties ?? {}))
    causes.push(...level(child, path.child('properties').key(name), members, false));
  if (schema.items)
    causes.push(...level(schema.items, path.child('items'), hasPast && correlates(schema, 'items'), false));
  if (typeof schema.additionalProperties === 'object')
    causes.push(...level(schema.additionalProperties, path.child('additionalProperties'), members, false));
  return causes;
}

function ruleCauses(
  rule: ValidationRule,
  schema: Schema,
  at: FieldPath,
  hasPast: boolean,
  root: boolean,
): StatusCause[] {
  const causes: StatusCause[] = [];
  const text = rule.rule?.trim() ?? '';
  if (text === '') return [fieldError.required(at.child('rule'), 'rule is not specified')];
  const compiled = ruleCompiler.compile(rule.rule);
  if ('error' in compiled)
    causes.push(fieldError.invalid(at.child('rule'), rule.rule, `compilation failed: ${compiled.error}`));
  else {
    const { program } = compiled;
    if (!['bool', 'dyn'].includes(program.type))
      causes.push(
        fieldError.invalid(
          at.child('rule'),
          rule.rule,
          'compilation failed: cel expression must evaluate to a bool',
        ),
      );
    if (program.names.has('oldSelf') && !hasPast)
      causes.push(
        fieldError.invalid(
          at.child('rule'),
          rule.rule,
          'oldSelf cannot be used on the uncorrelatable portion of the schema',
        ),
      );
    const unknown = unknownField(program.ast, schema, root);
    if (unknown !== undefined)
      causes.push(
        fieldError.invalid(
          at.child('rule'),
          rule.rule,
          `compilation failed: ERROR: <input>:1:${unknown.column}: undefined field '${unknown.name}'`,
        ),
      );
  }
  if (rule.optionalOldSelf !== undefined && !/\boldSelf\b/.test(rule.rule))
    causes.push(
      fieldError.invalid(
        at.child('optionalOldSelf'),
        rule.optionalOldSelf,
        'may not be set if oldSelf is not used in rule',
      ),
    );
  if (rule.message !== undefined && rule.message.trim() === '')
    causes.push(
      fieldError.invalid(at.child('message'), rule.message, 'message must be non-empty if specified'),
    );
  if (rule.message !== undefined && /[\n\r]/.test(rule.message))
    causes.push(
      fieldError.invalid(at.child('message'), rule.message, 'message must not contain line breaks'),
    );
  if (rule.messageExpression !== undefined) causes.push(...messageCauses(rule.messageExpression, at));
  if (rule.reason !== undefined && !reasons.includes(rule.reason))
    causes.push(fieldError.notSupported(at.child('reason'), rule.reason, reasons));
  if (rule.fieldPath !== undefined && (!namesOf(rule.fieldPath) || !exists(schema, rule.fieldPath)))
    causes.push(fieldError.invalid(at.child('fieldPath'), rule.fieldPath, 'fieldPath must be a valid path'));
  return causes;
}

function messageCauses(expression: string, at: FieldPath): StatusCause[] {
  const compiled = ruleCompiler.compile(expression);
  const here = at.child('messageExpression');
  if ('error' in compiled)
    return [fieldError.invalid(here, expression, `messageExpression compilation failed: ${compiled.error}`)];
  return ['string', 'dyn'].includes(compiled.program.type)
    ? []
    : [fieldError.invalid(here, expression, 'messageExpression must evaluate to a string')];
}

interface Unknown {
  readonly name: string;
  /** From 1. */
  readonly column: number;
}

/** The first `self.a.b` whose last name the schema does not have. */
function unknownField(ast: ASTNode, schema: Schema, root: boolean): Unknown | undefined {
  let found: Unknown | undefined;
  const look = (value: unknown): void => {
    if (found) return;
    if (Array.isArray(value)) value.forEach(look);
    else if (typeof value === 'object' && value !== null && 'op' in value) {
      const node = value as ASTNode;
      const at = typeOf(node, schema, root);
      if (at && 'unknown' in at) found = { name: at.unknown, column: node.pos + 1 };
      else look(node.args);
    }
  };
  look(ast);
  return found;
}

/** The schema of what a chain of names from `self` gives; undefined for anything else. */
function typeOf(
  node: ASTNode,
  schema: Schema,
  root: boolean,
): { schema: Schema; root: boolean } | { unknown: string } | undefined {
  if (node.op === 'id') return node.args === 'self' || node.args === 'oldSelf' ? { schema, root } : undefined;
  if (node.op !== '.') return undefined;
  const [target, name] = node.args;
  // Of an optional old value the names are its own.
  if (target.op === 'id' && target.args === 'oldSelf') return undefined;
  const of = typeOf(target, schema, root);
  if (!of || 'unknown' in of) return of;
  const { properties, additionalProperties } = of.schema;
  if (of.root && ['apiVersion', 'kind', 'metadata'].includes(name)) return undefined;
  const [, own] = Object.entries(properties ?? {}).find(([property]) => escaped(property) === name) ?? [];
  if (own) return { schema: own, root: false };
  if (typeof additionalProperties === 'object') return { schema: additionalProperties, root: false };
  const open =
    of.schema['x-kubernetes-preserve-unknown-fields'] === true ||
    of.schema['x-kubernetes-embedded-resource'] === true ||
    of.schema.type !== 'object' ||
    !properties;
  return open ? undefined : { unknown: name };
}
