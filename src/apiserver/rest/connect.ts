/** Opening a stream to a pod is something admission has a say in (API-17): the operation CONNECT. */
import type { JsonObject } from '../../api/index.js';
import { admitSubresource } from './admit-subresource.js';
import type { RequestContext } from './context.js';
import { queryFlag } from './query-flag.js';

/**
 * @param path of a proxy request: what follows `/proxy`
 * @throws ApiError when a webhook refuses the connection
 */
export async function admitConnect(ctx: RequestContext, path = ''): Promise<void> {
  const { subresource } = ctx.info;
  const isProxy = subresource === 'proxy';
  await admitSubresource(ctx, {
    operation: 'CONNECT',
    kind: {
      group: '',
      version: 'v1',
      kind: isProxy ? `${ctx.resource.facts.kind}ProxyOptions` : (optionKinds[subresource] ?? ''),
    },
    object: isProxy
      ? { path }
      : subresource === 'portforward'
        ? portsOf(ctx.request.query)
        : optionsOf(ctx.request.query),
    dryRun: false,
  });
}

const optionKinds: Readonly<Record<string, string>> = {
  attach: 'PodAttachOptions',
  exec: 'PodExecOptions',
  portforward: 'PodPortForwardOptions',
};

function portsOf(query: URLSearchParams): JsonObject {
  const ports = query
    .getAll('ports')
    .flatMap((text) => text.split(','))
    .map(Number)
    .filter(Number.isInteger);
  return ports.length === 0 ? {} : { ports };
}

function optionsOf(query: URLSearchParams): JsonObject {
  const flags = ['stdin', 'stdout', 'stderr', 'tty'].filter((name) => queryFlag(query, name));
  const container = query.get('container');
  const command = query.getAll('command');
  return {
    ...Object.fromEntries(flags.map((name) => [name, true])),
    ...(container === null ? {} : { container }),
    ...(command.length === 0 ? {} : { command }),
  };
}
