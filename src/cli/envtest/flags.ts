/**
 * Flags as the programs of Kubernetes take them: `--name=value`, `--name value`, `--name`. What is not known is told and
 * passed over: a harness written for another version shall not fail over a flag.
 */

export interface Flags {
  /** The last value given; undefined when the flag was not. A flag without a value is `true`. */
  value(name: string): string | undefined;
  readonly help: boolean;
  /** Names that were given and are not known. */
  readonly unknown: readonly string[];
}

export function parseFlags(args: readonly string[], known: readonly string[]): Flags {
  const values = new Map<string, string>();
  const unknown: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const found = /^--?([^=]+)(?:=([\s\S]*))?$/.exec(args[i] ?? '');
    if (!found) {
      unknown.push(args[i] ?? '');
      continue;
    }
    const [, name = '', given] = found;
    const next = args[i + 1];
    const takesNext = given === undefined && next !== undefined && !next.startsWith('-');
    if (takesNext) i++;
    if (known.includes(name)) values.set(name, given ?? (takesNext ? next : 'true'));
    else if (name !== 'help' && name !== 'h') unknown.push(`--${name}`);
    else values.set('help', 'true');
  }
  return { value: (name) => values.get(name), help: values.has('help'), unknown };
}

export function helpText(program: string, about: string, flags: Readonly<Record<string, string>>): string {
  const width = Math.max(...Object.keys(flags).map((name) => name.length)) + 4;
  const lines = Object.entries(flags).map(([name, what]) => `  ${`--${name}`.padEnd(width)}${what}`);
  return `Usage: ${program} [flags]\n\n${about}\n\n${lines.join('\n')}\n\nOther flags are passed over with a warning.\n`;
}
