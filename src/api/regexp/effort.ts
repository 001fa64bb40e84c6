/**
 * How long a search that tries one way after the other may take, as JavaScript's does: `(a+)+b` has as many ways through fifty
 * letters as there are sums of fifty.
 */
import type { Pattern } from './pattern.js';

interface Effort {
  /** In how many ways it can match, at most. */
  readonly ways: number;
  /** Steps of trying them all. */
  readonly steps: number;
}

/** Steps at most, for a text of so many characters. An upper bound: searches are mostly shorter, never longer. */
export function searchSteps(pattern: Pattern, length: number): number {
  const { steps } = effortOf(pattern, length);
  return beginsAtStart(pattern) ? steps : steps * (length + 1);
}

/** The length of the longest text that takes so many steps at most; `limit` when all take fewer. */
export function longestWithin(pattern: Pattern, steps: number, limit: number): number {
  let [within, beyond] = [-1, limit + 1];
  while (beyond - within > 1) {
    const middle = Math.floor((within + beyond) / 2);
    if (searchSteps(pattern, middle) <= steps) within = middle;
    else beyond = middle;
  }
  return within;
}

function effortOf(pattern: Pattern, length: number): Effort {
  switch (pattern.kind) {
    case 'char':
    case 'assert':
      return { ways: 1, steps: 1 };
    case 'sequence': {
      let [ways, steps] = [1, 1];
      for (const part of pattern.parts) {
        const effort = effortOf(part, length);
        // Whatever comes next is tried after each way through what came before.
        steps += ways * effort.steps;
        ways *= effort.ways;
      }
      return { ways, steps };
    }
    case 'choice': {
      const efforts = pattern.parts.map((part) => effortOf(part, length));
      return {
        ways: efforts.reduce((sum, { ways }) => sum + ways, 0),
        steps: efforts.reduce((sum, { steps }) => sum + steps, 1),
      };
    }
    default: {
      // One more than there are characters: that there is none is found out by trying.
      const most = Math.min(pattern.max, Math.max(length + 1, pattern.min));
      return repeated(effortOf(pattern.part, length), pattern.min, most);
    }
  }
}

/** Once, twice, … up to `max` times, and in each of those in every way. */
function repeated({ ways, steps }: Effort, min: number, max: number): Effort {
  if (max === 0) return { ways: 1, steps: 1 };
  if (ways === 1) return { ways: max - min + 1, steps: 1 + max * steps };
  const all = (ways ** max - 1) / (ways - 1);
  if (!Number.isFinite(all)) return { ways: Number.POSITIVE_INFINITY, steps: Number.POSITIVE_INFINITY };
  return { ways: all * ways + 1 - (min === 0 ? 0 : (ways ** min - 1) / (ways - 1)), steps: 1 + all * steps };
}

/** Whether it is tried at the beginning of a text alone. */
export function beginsAtStart(pattern: Pattern): boolean {
  switch (pattern.kind) {
    case 'assert':
      return pattern.what === 'start';
    case 'sequence':
      return pattern.parts[0] !== undefined && beginsAtStart(pattern.parts[0]);
    case 'choice':
      return pattern.parts.every(beginsAtStart);
    default:
      return false;
  }
}
