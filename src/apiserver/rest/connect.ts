/** Opening a stream to a pod is something admission has a say in (API-17): the operation CONNECT. */
import type { JsonObject } from '../../api/index.js';
import { admitSubresource } from './admit-subresource.js';
import type { RequestContext } from './context.js';

/** @throws ApiError when a webhook refuses the connection */
export async function admitConnect(ctx: RequestContext): Promise<void> {
  const kind = ctx.info.subresource === 'attach' ? 'PodAttachOptions' : 'PodExecOptions';
  await admitSubresource(ctx, {
    operation: 'CONNECT',
    kind: { group: '', version: 'v1', kind },
    object: optionsOf(ctx.request.query),
    dryRun: false,
  });
}

function optionsOf(query: URLSearchParams): JsonObject {
  const flags = ['stdin', 'stdout', 'stderr', 'tty'].filter(
    (name) => query.has(name) && !['false', '0'].includes(query.get(name) ?? ''),
  );
  const container = query.get('container');
  const command = query.getAll('command');
  return {
    ...Object.fromEntries(flags.map((name) => [name, true])),
    ...(container === null ? {} : { container }),
    ...(command.length === 0 ? {} : { command }),
  };
}
