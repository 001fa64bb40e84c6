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

/** A Logger that hands records of at least `level` to `sink`. */
export function createLogger(
  sink: (record: LogRecord) => void,
  level: LogLevel = 'info',
  base: LogFields = {},
): Logger {
  const from = order.indexOf(level);
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
