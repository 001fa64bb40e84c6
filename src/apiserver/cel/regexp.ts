/** Regular expressions of CEL: as RE2 writes them, in time that is bounded. */
import { Regexp } from '../../api/index.js';
import { parsePattern } from './regexp-syntax.js';

const compiled = new Map<string, Regexp>();
const maxCompiled = 1000;

/** Compiled once. @throws PatternError */
export function regexp(source: string): Regexp {
  let found = compiled.get(source);
  if (!found) {
    found = new Regexp(parsePattern(source));
    if (compiled.size >= maxCompiled) compiled.clear();
    compiled.set(source, found);
  }
  return found;
}
