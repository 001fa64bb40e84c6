/** What regular expressions are made of, however they were written. */

/** Whether a character (a code point) is one of them. */
export type CharTest = (codePoint: number) => boolean;

/** A regular expression, as far as matching goes: which group matched what is not asked. */
export type Pattern =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'sequence'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'choice'; readonly parts: readonly Pattern[] }
  | {
      readonly kind: 'repeat';
      readonly part: Pattern;
      readonly min: number;
      readonly max: number;
      readonly greedy: boolean;
    };

/** What must hold between two characters. */
export type Assertion = 'start' | 'end' | 'lineStart' | 'lineEnd' | 'boundary' | 'notBoundary';

/** A text that is no pattern, or one that is too much. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}
