import { createLogger, type Logger, type LogLevel } from '../telemetry/index.js';

/** One line of `key=value` pairs per record, to standard error. */
export function stderrLogger(level: LogLevel): Logger {
  return createLogger(({ level: at, message, fields }) => {
    const pairs = Object.entries(fields).map(
      ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
    process.stderr.write(`${at.padEnd(5)} ${[message, ...pairs].join(' ')}\n`);
  }, level);
}
