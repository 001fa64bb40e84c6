import { type LogRecord, redactSecrets, redactText } from '../telemetry/index.js';

export type LogFormat = 'json' | 'pretty';

/** Errors become their text; what JSON cannot carry becomes a string. */
function plain(value: unknown): unknown {
  if (value instanceof Error) return redactText(value.stack ?? value.message);
  if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function')
    return String(value);
  return value;
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, inner) => plain(inner)) ?? 'null';
  } catch {
    return JSON.stringify(String(value));
  }
}

/** One line of JSON: `ts` (RFC 3339), `level`, `msg`, then the fields; without secrets. */
export function formatJson({ level, message, fields }: LogRecord, nowMs: number): string {
  const parts = [
    ['ts', new Date(nowMs).toISOString()],
    ['level', level],
    ['msg', redactText(message)],
    ...Object.entries(redactSecrets(fields)),
  ];
  return `{${parts.map(([key, value]) => `${JSON.stringify(key)}:${toJson(plain(value))}`).join(',')}}`;
}

/** One line for people: time, level, message, then `key=value`; without secrets. */
export function formatPretty({ level, message, fields }: LogRecord, nowMs: number): string {
  const pairs = Object.entries(redactSecrets(fields)).map(([key, value]) => {
    const text = plain(value);
    return `${key}=${typeof text === 'string' && /^[^\s"]+$/.test(text) ? text : toJson(text)}`;
  });
  const time = new Date(nowMs).toISOString().slice(11, 23);
  return [time, level.toUpperCase().padEnd(5), redactText(message), ...pairs].join(' ');
}

/** Writes records to standard error: pretty on a terminal, JSON lines elsewhere. */
export function stderrSink(
  format: LogFormat = process.stderr.isTTY ? 'pretty' : 'json',
): (record: LogRecord) => void {
  const write = format === 'json' ? formatJson : formatPretty;
  return (record) => void process.stderr.write(`${write(record, Date.now())}\n`);
}
