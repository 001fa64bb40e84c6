/** Opening a stream to a pod is something admission has a say in (API-17): the operation CONNECT. */
import type { JsonObject } from '../../api/index.js';
import type { RequestContext } from './context.js';

const kinds: Readonly<Record<string, string>> = { exec: 'PodExecOptions', attach: 'PodAttachOptions' };

/** @throws ApiError when a webhook refuses the connection */
export async function admitConnect(ctx: RequestContext): Promise<void> {
  const { info, request, deps } = ctx;
  const kind = kinds[info.subresource] ?? '';
  const attributes = {
    operation: 'CONNECT' as const,
    resource: ctx.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    user: ctx.user,
    dryRun: false,
    object: optionsOf(kind, request.query),
    oldObject: undefined,
    kind: { group: '', version: 'v1', kind },
    warnings: ctx.warnings,
    ...(request.signal ? { signal: request.signal } : {}),
  };
  await deps.admission.mutate(attributes);
  await deps.admission.validate(attributes);
}

function optionsOf(kind: string, query: URLSearchParams): JsonObject {
  const flags = ['stdin', 'stdout', 'stderr', 'tty'].filter(
    (name) => query.has(name) && !['false', '0'].includes(query.get(name) ?? ''),
  );
  const container = query.get('container');
  const command = query.getAll('command');
  return {
    kind,
    apiVersion: 'v1',
    ...Object.fromEntries(flags.map((name) => [name, true])),
    ...(container === null ? {} : { container }),
    ...(command.length === 0 ? {} : { command }),
  };
}
