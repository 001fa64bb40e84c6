/** What comes of an exec or attach: the Status a client reads its exit code from (control-plane §3.2). */
import { type ExecStreams, isApiError, type Status, type TerminalSize } from '../../api/index.js';
import type { ExecRequest } from '../rest/pod-streams.js';

/** Runs it to its end. Never throws: what goes wrong is the Status. */
export async function runExec(
  { connector, target, attach, command, tty }: ExecRequest,
  streams: ExecStreams,
): Promise<Partial<Status>> {
  try {
    if (attach) {
      await connector.attach(target, { tty }, streams);
      return { metadata: {}, status: 'Success' };
    }
    const code = await connector.exec(target, { command, tty }, streams);
    if (code === 0) return { metadata: {}, status: 'Success' };
    return {
      metadata: {},
      status: 'Failure',
      message: `command terminated with non-zero exit code: exit status ${code}`,
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
    };
  } catch (error) {
    if (isApiError(error)) return error.status;
    return {
      metadata: {},
      status: 'Failure',
      message: `error executing command in container: ${(error as Error).message}`,
      reason: 'InternalError',
      code: 500,
    };
  }
}

/** A size as clients send it, `{"Width":80,"Height":24}`; undefined for anything else. */
export function readSize(bytes: Uint8Array): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
      readonly Width?: unknown;
      readonly Height?: unknown;
    };
    return typeof Width === 'number' && typeof Height === 'number'
      ? { width: Width, height: Height }
      : undefined;
  } catch {
    return undefined;
  }
}
