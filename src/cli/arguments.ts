/** Reading the command line: a mistake is one clear line, a hint, and exit code 2. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type Duration, durationMs } from '../api/index.js';

export class UsageError extends Error {
  override readonly name = 'UsageError';
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

type Options = NonNullable<ParseArgsConfig['options']>;
type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; strict: true; allowPositionals: true }>
>;

/**
 * Options of one command, strictly: nothing unknown, no positionals.
 * @throws UsageError
 */
export function readOptions<O extends Options>(
  command: string,
  args: readonly string[],
  options: O,
): Parsed<O>['values'] {
  return parse(command, args, options, false).values;
}

/**
 * As `readOptions`, with as many words as there are names for them.
 * @throws UsageError
 */
export function readWords<O extends Options>(
  command: string,
  args: readonly string[],
  names: readonly string[],
  options: O & { readonly help: { readonly type: 'boolean'; readonly default: false } },
): { readonly words: readonly string[]; readonly given: Parsed<O>['values'] } {
  const { positionals: words, values: given } = parse(command, args, options, true);
  if (words.length === names.length || (given as { readonly help?: unknown }).help === true)
    return { words, given };
  const missing = names[words.length];
  throw new UsageError(
    `${command}: ${missing === undefined ? `${JSON.stringify(words[names.length])} is too much` : `${missing} is missing`}`,
    `gyre ${command} ${names.join(' ')}; gyre ${command} --help says more`,
  );
}

function parse<O extends Options>(
  command: string,
  args: readonly string[],
  options: O,
  allowPositionals: boolean,
): Parsed<O> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals }) as Parsed<O>;
  } catch (error) {
    const [message = ''] = (error as Error).message.split('. ');
    throw new UsageError(
      `${command}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`,
      `gyre ${command} --help lists the options`,
    );
  }
}

/** @throws UsageError unless `text` is an integer in [min, max] */
export function integerOption(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(
      `--${name} must be a number from ${min} to ${max}, not ${JSON.stringify(text)}`,
      `for example --${name} ${min}`,
    );
  }
  return value;
}

/** @throws UsageError unless `value` is one of `choices` */
export function choiceOption<C extends string>(name: string, value: string, choices: readonly C[]): C {
  if (!(choices as readonly string[]).includes(value)) {
    throw new UsageError(
      `--${name} must be one of ${choices.join(', ')}, not ${JSON.stringify(value)}`,
      `for example --${name} ${choices[0]}`,
    );
  }
  return value as C;
}

/** @throws UsageError unless `text` is a time that is longer than none: `90s`, `24h` */
export function durationOption(name: string, text: string): Duration {
  try {
    if (durationMs(text as Duration) > 0) return text as Duration;
  } catch {
    // Said below.
  }
  throw new UsageError(`--${name} must be a time, not ${JSON.stringify(text)}`, `for example --${name} 24h`);
}
