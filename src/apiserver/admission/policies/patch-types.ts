/**
 * What mutations are written in (KEP-3962): `Object{spec: Object.spec{…}}` for what an object is to have, and
 * `JSONPatch{op: 'add', path: '/…', value: …}` for what is to be done to it.
 *
 * A policy may be about many kinds, so an `Object` has whatever fields it is given; whether they are those of the kind is
 * found out when it is merged. Its types are called by where they stand, and that is checked before.
 */
import {
  type CelType,
  dyn,
  Environment,
  func,
  ListValue,
  listOf,
  MapValue,
  type MessageType,
  MessageValue,
  objectType,
  openObjectType,
  string,
  type Value,
} from '../../cel/index.js';

const objectName = 'Object';

export const objectPatchType: CelType = openObjectType(objectName);

const operationType = objectType(
  'JSONPatch',
  new Map([
    ['op', string],
    ['path', string],
    ['from', string],
    ['value', dyn],
  ]),
);

export const jsonPatchType: CelType = listOf(operationType);

const operation: MessageType = {
  type: operationType,
  field: (name) => operationType.fields?.get(name),
  unset: (name) => (name === 'value' ? null : ''),
};

function objectMessage(name: string): MessageType {
  return { type: openObjectType(name), field: () => dyn, unset: () => null };
}

function messages(name: string): MessageType | undefined {
  if (name === 'JSONPatch') return operation;
  return name === objectName || name.startsWith(`${objectName}.`) ? objectMessage(name) : undefined;
}

const functions = [
  func('jsonpatch.escapeKey(string): string', (key: string) =>
    key.replaceAll('~', '~0').replaceAll('/', '~1'),
  ),
];

/** Variables as everywhere in a policy, and the types of patches. */
export function patchEnvironment(variables: Readonly<Record<string, CelType>>): Environment {
  return new Environment(variables, { messages, functions });
}

/**
 * Types that are not called by where they stand: `Object.specx` in a field `spec`. What lies between, lists and maps,
 * has no name.
 */
export function misnamed(value: Value, path?: string): string[] {
  if (value instanceof ListValue) return [...value].flatMap((item) => misnamed(item, path));
  if (!(value instanceof MapValue)) return [];
  const below = (key: Value): Value => value.get(key) ?? null;
  if (!(value instanceof MessageValue)) return value.keys().flatMap((key) => misnamed(below(key), path));
  const name = value.messageName;
  const expected = path ?? name;
  const own =
    name === expected
      ? []
      : [
          `unexpected type name ${JSON.stringify(name)}, expected ${JSON.stringify(expected)}, which matches field name path from root Object type`,
        ];
  return [...own, ...value.keys().flatMap((key) => misnamed(below(key), `${expected}.${String(key)}`))];
}
