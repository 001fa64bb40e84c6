/** Messages: values an expression makes by the name of their type, `Object.spec{replicas: 3}`. */
import { type CelType, typeName } from './types.js';
import { CelError, MapValue, typeNameOf, type Value } from './values.js';

export interface MessageType {
  readonly type: CelType;
  /** What may stand in a field; undefined where there is none of that name. */
  field(name: string): CelType | undefined;
  /** The value of a field that was not given. */
  unset(name: string): Value;
}

/** The types of messages an environment knows, by the names expressions call them. */
export type MessageTypes = (name: string) => MessageType | undefined;

/** A message that an expression has made. */
export class MessageValue extends MapValue {
  constructor(
    readonly of: MessageType,
    private readonly fields: ReadonlyMap<string, Value>,
  ) {
    super();
  }

  override get objectName(): string {
    return typeName(this.of.type);
  }

  override get messageName(): string {
    return this.objectName;
  }

  override get size(): number {
    return this.fields.size;
  }

  override keys(): Value[] {
    return [...this.fields.keys()];
  }

  override get(key: Value): Value | undefined {
    return typeof key === 'string' ? this.fields.get(key) : undefined;
  }

  override unset(name: string): Value | undefined {
    return this.of.unset(name);
  }
}

/** @param fields those that are given. An error where one holds what it cannot: types that were not known before. */
export function makeMessage(of: MessageType, fields: ReadonlyMap<string, Value>): MessageValue | CelError {
  for (const [name, value] of fields) {
    const wanted = of.field(name)?.kind;
    if (wanted === 'string' && typeof value !== 'string') {
      const type = typeName(of.type);
      return new CelError(`unexpected type ${typeNameOf(value)} for ${type} '${name}' field`);
    }
  }
  return new MessageValue(of, fields);
}
