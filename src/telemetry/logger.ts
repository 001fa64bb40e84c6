/** Structured logging as an interface: a message and key-value pairs, as logr words it. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** One record as a sink receives it. */
export interface LogRecord {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Levels by name: of a controller, a Runnable, an informer, or what `with({ logger })` says. */
export interface LogLevels {
  /** For all others. Default `info`. */
  readonly default?: LogLevel;
  readonly names: Readonly<Record<string, LogLevel>>;
}

/** The fields of a line that name who speaks. */
const naming = ['logger', 'controller', 'runnable', 'informer'] as const;

function levelOf({ default: otherwise = 'info', names }: LogLevels, fields: LogFields): LogLevel {
  for (const field of naming) {
    const name = fields[field];
    if (typeof name === 'string' && Object.hasOwn(names, name)) return names[name] ?? otherwise;
  }
  return otherwise;
}

/** A Logger that hands records of at least `level` to `sink`; levels by name go by the fields of `with`. */
export function createLogger(
  sink: (record: LogRecord) => void,
  level: LogLevel | LogLevels = 'info',
  base: LogFields = {},
): Logger {
  const from = order.indexOf(typeof level === 'string' ? level : levelOf(level, base));
  const at = (l: LogLevel) => (message: string, fields?: LogFields) => {
    if (order.indexOf(l) >= from) sink({ level: l, message, fields: fields ? { ...base, ...fields } : base });
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => createLogger(sink, level, { ...base, ...fields }),
  };
}

/** Drops everything. */
export const silentLogger: Logger = createLogger(() => {}, 'error');
