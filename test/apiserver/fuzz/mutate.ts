/** Bodies in other forms than JSON, and what becomes of bytes on a bad day. */
import { stringify } from 'yaml';
import { bodyOf as protobufBody } from '../codec/message-writer.js';
import type { JsonObject, JsonValue } from 'gyre/api';
import type { Dice } from './dice.js';

const hostileBytes = [0x00, 0x01, 0x08, 0x0a, 0x7f, 0x80, 0xff];

/** The bytes after a few accidents: bits that flip, ranges that go, come twice or come from elsewhere. */
export function mutated(dice: Dice, original: Uint8Array): Uint8Array {
  let bytes = Buffer.from(original);
  for (let i = dice.below(4); i >= 0; i--) {
    const at = dice.below(bytes.length + 1);
    const length = 1 + dice.below(dice.chance(0.2) ? 64 : 4);
    const [before, range, after] = [
      bytes.subarray(0, at),
      bytes.subarray(at, at + length),
      bytes.subarray(at + length),
    ];
    switch (dice.below(6)) {
      case 0:
        bytes = Buffer.concat([before, Buffer.from(range.map((byte) => byte ^ (1 << dice.below(8)))), after]);
        break;
      case 1:
        bytes = Buffer.concat([before, Buffer.from(range.map(() => dice.pick(hostileBytes))), after]);
        break;
      case 2:
        bytes = Buffer.concat([before, after]);
        break;
      case 3:
        bytes = Buffer.concat([before, range, range, after]);
        break;
      case 4:
        bytes = Buffer.concat([before, Buffer.from(range.map(() => dice.below(256))), range, after]);
        break;
      default:
        bytes = before;
    }
  }
  return bytes;
}

/** Of any built-in kind, right or mutated. */
export function protobuf(
  dice: Dice,
  object: JsonObject,
  gvk: { readonly group: string; readonly version: string; readonly kind: string },
): Uint8Array {
  const bytes = protobufBody(object, gvk);
  return dice.chance(0.3) ? bytes : mutated(dice, bytes);
}

const snippets = [
  '\t',
  '&a ',
  '*a',
  '<<: *a\n',
  '<<: {a: b}\n',
  '!!binary ',
  '!!js/function ',
  '? ',
  '\n---\n',
  '%YAML 9.9\n',
  '|\n',
  '>-\n',
  '"',
  "'",
  '[',
  '}',
  '#',
  '\u0000',
  '\ufeff',
  ': ',
  '\n- ',
  '&a [*a, *a]',
  '.inf',
  '0o17',
  '1e999',
  '2001-12-14',
  '\r',
  '__proto__: {polluted: true}\n',
  'constructor: {prototype: {polluted: true}}\n',
];
/** Nine times nine times nine: a few lines that are gigabytes, once they are read. */
const laughs = `a: &a [lol]\n${'bcdefghijk'
  .split('')
  .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[i]}`)}]`)
  .join('\n')}`;

/** As YAML, right or with something in it that means something. */
export function yaml(dice: Dice, value: JsonValue): Uint8Array {
  if (dice.chance(0.02)) return Buffer.from(laughs);
  let text = JSON.stringify(value);
  // Indentation makes megabytes of what is deep.
  if (text.length < 20_000 && !/[[{]{40}|(?:\{"a":\[){20}/.test(text))
    text = stringify(value, { aliasDuplicateObjects: false });
  if (dice.chance(0.3)) return Buffer.from(text);
  for (let i = dice.below(3); i >= 0; i--) {
    const at = dice.below(text.length + 1);
    text = text.slice(0, at) + dice.pick(snippets) + text.slice(at + dice.below(3));
  }
  return Buffer.from(text);
}
