/** Reading the command line: a mistake is one clear line, a hint, and exit code 2. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

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
type Values<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; strict: true; allowPositionals: false }>
>['values'];

/**
 * Options of one command, strictly: nothing unknown, no positionals.
 * @throws UsageError
 */
export function readOptions<O extends Options>(
  command: string,
  args: readonly string[],
  options: O,
): Values<O> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
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
