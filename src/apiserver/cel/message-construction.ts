/** Compiling `Object.spec{replicas: 3}`: the type is known, its fields are, and they are given what fits. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Scope } from './compile.js';
import type { MessageSyntax } from './message-syntax.js';
import { makeMessage, type MessageType, type MessageTypes } from './messages.js';
import type { Node } from './node.js';
import { assignable, optionalOf, typeName } from './types.js';
import { CelError, OptionalValue, type Value } from './values.js';

/** What the construction of messages needs of the compiler. */
export interface MessageCompiler {
  readonly messages: MessageTypes;
  readonly syntax: MessageSyntax;
  compile(ast: ASTNode, scope: Scope): Node;
  wrong(at: ASTNode, message: string): Node;
}

interface Field {
  readonly name: string;
  readonly isOptional: boolean;
  readonly node: Node;
}

const cost = 40;

/** @param braces with the fields, read as a map */
export function compileMessage(compiler: MessageCompiler, of: ASTNode, braces: ASTNode, scope: Scope): Node {
  const entries = braces.args as readonly (readonly [ASTNode, ASTNode])[];
  const nodes = entries.map(([, value]) => compiler.compile(value, scope));
  const name = qualifiedName(of);
  if (name === undefined) return compiler.wrong(braces, 'Syntax error: only the name of a type has fields');
  const message = compiler.messages(name);
  if (!message) return compiler.wrong(braces, `undeclared reference to '${name}' (in container '')`);
  const fields: Field[] = [];
  for (const [i, [key]] of entries.entries()) {
    const node = nodes[i] as Node;
    const isOptional = compiler.syntax.optional.has(key.start);
    const why = fieldProblem(message, key, node, isOptional, fields);
    if (why !== undefined) compiler.wrong(key, why);
    else fields.push({ name: key.args as string, isOptional, node });
  }
  return {
    type: message.type,
    run: (frame) => {
      frame.meter.spend(cost);
      const made = new Map<string, Value>();
      for (const { name: field, isOptional, node } of fields) {
        const value = node.run(frame);
        if (value instanceof CelError) return value;
        if (!isOptional) made.set(field, value);
        else if (!(value instanceof OptionalValue))
          return new CelError(`cannot initialize optional entry '${field}' from non-optional value`);
        else if (value.value !== undefined) made.set(field, value.value);
      }
      return makeMessage(message, made);
    },
    min: nodes.reduce((sum, { min }) => sum + min, cost),
    max: nodes.reduce((sum, { max }) => sum + max, cost),
    size: fields.length,
  };
}

function fieldProblem(
  message: MessageType,
  key: ASTNode,
  { type }: Node,
  isOptional: boolean,
  before: readonly Field[],
): string | undefined {
  // `Object{a.b: 1}` is read as something that is no name.
  if (key.op !== 'value' || typeof key.args !== 'string')
    return 'Syntax error: a field of a message must be a name';
  const name = key.args;
  const field = message.field(name);
  if (!field) return `undefined field '${name}'`;
  if (before.some((each) => each.name === name)) return `field '${name}' is given twice`;
  const wanted = isOptional ? optionalOf(field) : field;
  return assignable(type, wanted, new Map())
    ? undefined
    : `expected type of field '${name}' is '${typeName(wanted)}' but provided type is '${typeName(type)}'`;
}

/** `Object.spec`, where it is nothing but names; undefined for all else. */
function qualifiedName(ast: ASTNode): string | undefined {
  if (ast.op === 'id') return ast.args;
  if (ast.op !== '.') return undefined;
  const of = qualifiedName(ast.args[0]);
  return of === undefined ? undefined : `${of}.${ast.args[1]}`;
}
