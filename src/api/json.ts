/**
 * JSON values: copying what a caller hands over, comparing, freezing, and parsing with the strictness an
 * API needs. Keys may be hostile (`__proto__`): they are only ever own data properties.
 */
import { badRequest } from './errors.js';
import type { JsonObject, JsonValue } from './objects.js';

/** Sets an own property, whatever the key is called. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else target[key] = value;
}

/**
 * `{ ...object }` and `{ ...object, ...members }`, to be added to. When a spread comes first in a literal, the V8 of Node 20 gives
 * each result a hidden class of its own as soon as it gets a member that was not there: half a microsecond, and whoever reads such
 * objects finds another class each time. After another spread, even of nothing, it does not.
 */
export function extended<T extends object, M extends object>(object: T | undefined, members: M): T & M {
  return { ...nothing, ...object, ...members } as T & M;
}

const nothing = undefined as object | undefined;

const maxCopyDepth = 1000;

function describe(path: readonly (string | number)[]): string {
  let text = '';
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`;
  return text === '' ? 'the object' : text;
}

/**
 * The one copy every write goes through: a fresh JSON value that shares nothing with the caller's.
 * Undefined members are left out, as JSON.stringify leaves them out.
 * @throws ApiError BadRequest for what JSON cannot carry, naming the field: Date and other class
 *   instances, functions, symbols, bigint, NaN and infinities, undefined in arrays, cycles
 */
export function copyJson(value: unknown): JsonValue {
  return copy(value, []);
}

function copy(value: unknown, path: (string | number)[]): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw badRequest(`${describe(path)}: ${value} is not a JSON number`);
      // JSON has no minus zero: a reader over HTTP would see 0.
      return value === 0 ? 0 : value;
    case 'object':
      break;
    default:
      throw badRequest(
        `${describe(path)}: JSON cannot carry ${value === undefined ? 'undefined' : `a ${typeof value}`}`,
      );
  }
  if (value === null) return null;
  if (path.length > maxCopyDepth)
    throw badRequest(`${describe(path.slice(0, 3))}…: nested deeper than ${maxCopyDepth} levels`);
  if (Array.isArray(value)) {
    const items: JsonValue[] = [];
    for (let i = 0; i < value.length; i++) {
      path.push(i);
      items.push(copy(value[i], path));
      path.pop();
    }
    return items;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (
    prototype !== Object.prototype &&
    prototype !== null &&
    Object.getPrototypeOf(prototype as object) !== null
  ) {
    const name = (prototype as { constructor?: { name?: string } }).constructor?.name ?? 'a class';
    const hint = value instanceof Date ? '; use its toISOString()' : '';
    throw badRequest(`${describe(path)}: JSON cannot carry an instance of ${name}${hint}`);
  }
  const object: Record<string, JsonValue> = {};
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key];
    if (member === undefined) continue;
    path.push(key);
    setOwn(object, key, copy(member, path));
    path.pop();
  }
  return object;
}

/** Structural equality; the order of members does not matter. */
export function deepEqualJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!deepEqualJson(a[i], b[i])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) {
    if (!Object.hasOwn(b, key)) return false;
    if (!deepEqualJson((a as JsonObject)[key], (b as JsonObject)[key])) return false;
  }
  return true;
}

/**
 * Freezes a value and everything below it; returns it. What is frozen already is taken to be frozen below,
 * so that pooled subtrees cost nothing.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const key of Object.keys(value)) deepFreeze((value as Record<string, unknown>)[key]);
  }
  return value;
}

export interface ParsedJson {
  readonly value: JsonValue;
  /**
   * One per field that stands more than once, worded as strict decoding words it: `duplicate field
   * "spec.replicas"`; at most 100.
   */
  readonly duplicates: readonly string[];
}

/**
 * Parses JSON, reporting members that stand twice (the last one counts) and bounding the nesting.
 * @throws ApiError BadRequest for text that is not JSON, is nested too deeply, or holds a number beyond what a
 *   64-bit float can carry
 */
export function parseJsonStrict(text: string, limits: { readonly maxDepth: number }): ParsedJson {
  const members = scanJson(text, limits.maxDepth);
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw badRequest(`error decoding JSON: ${(error as Error).message}`);
  }
  // What stands twice in the text is there once in the value.
  return { value, duplicates: countMembers(value) === members ? none : [...duplicatesIn(text)] };
}

const none: readonly string[] = [];
const quote = 0x22;
const backslash = 0x5c;
/** As many strict errors as Kubernetes reports at once. */
const maxDuplicates = 100;
/** A number this short, without an exponent, is always finite. */
const finiteDigits = 300;
/** From here on a search for its end is faster than a look at each character. */
const longString = 32;

/**
 * One linear pass over the text, without recursion: depth is bounded before JSON.parse, which would
 * overflow the stack, sees it. Malformed text is left to JSON.parse to name.
 * @returns how many members all objects of the text have
 */
function scanJson(text: string, maxDepth: number): number {
  let members = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    switch (code) {
      case quote:
        i = endOfString(text, i);
        if (i < 0) return members;
        break;
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > maxDepth)
          throw badRequest(`error decoding JSON: nested deeper than ${maxDepth} levels`);
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth--;
        break;
      case 0x3a: // :
        members++;
        break;
      default:
        if (isDigit(code)) i = endOfNumber(text, i) - 1;
    }
  }
  return members;
}

/** Where the quote is that ends the string that begins here; -1 when there is none. */
function endOfString(text: string, start: number): number {
  const near = Math.min(text.length, start + longString);
  for (let i = start + 1; i < near; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) return i;
    if (code === backslash) i++;
  }
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return -1;
}

function countMembers(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value as readonly JsonValue[]) count += countMembers(item);
    return count;
  }
  const object = value as JsonObject;
  for (const key of Object.keys(object)) count += 1 + countMembers(object[key] as JsonValue);
  return count;
}

/** Of well-formed text. */
function duplicatesIn(text: string): ReadonlySet<string> {
  const duplicates = new Set<string>();
  /** Per open object its members, per open array its index so far. */
  const frames: ({ readonly seen: Set<string>; key: string } | { index: number })[] = [];
  let expectKey = false;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case quote: {
        const end = endOfString(text, i);
        const frame = frames.at(-1);
        if (expectKey && frame && 'seen' in frame) {
          const key = JSON.parse(text.slice(i, end + 1)) as string;
          frame.key = key;
          if (!frame.seen.has(key)) frame.seen.add(key);
          else if (duplicates.size < maxDuplicates)
            duplicates.add(`duplicate field ${JSON.stringify(framePath(frames))}`);
        }
        expectKey = false;
        i = end;
        break;
      }
      case 0x7b: // {
        frames.push({ seen: new Set(), key: '' });
        expectKey = true;
        break;
      case 0x5b: // [
        frames.push({ index: 0 });
        expectKey = false;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        frames.pop();
        expectKey = false;
        break;
      case 0x2c: {
        // ,
        const frame = frames.at(-1);
        if (frame && 'seen' in frame) expectKey = true;
        else if (frame) frame.index++;
      }
    }
  }
  return duplicates;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Where the number that starts here ends. JSON.parse would make an infinity of one that is too large. */
function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  let hasExponent = false;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (isDigit(code) || code === 0x2e) continue;
    if (code === 0x65 || code === 0x45) hasExponent = true;
    else if (!hasExponent || (code !== 0x2b && code !== 0x2d)) break;
  }
  if ((hasExponent || end - start > finiteDigits) && Math.abs(Number(text.slice(start, end))) === Infinity) {
    throw badRequest(
      `json: cannot unmarshal number ${text.slice(start, Math.min(end, start + 40))} into Go value of type float64`,
    );
  }
  return end;
}

function framePath(frames: readonly ({ readonly key: string } | { readonly index: number })[]): string {
  return describe(frames.map((frame) => ('key' in frame ? frame.key : frame.index)));
}
