/** `gyre history`: what became of an object, version by version. */
import { isApiError, isTransportError, type Kind, type KubernetesObject } from '../api/index.js';
import {
  connect,
  createClient,
  type Connection,
  type DiscoveredResource,
  discover,
  KubeconfigError,
} from '../client/index.js';
import { historyOf, historyText } from '../core/index.js';
import { readWords, UsageError } from './arguments.js';

export const historyHelp = `Usage: gyre history TYPE/NAME [options]

Tells every version of an object that the server still knows: who wrote it, and what changed from the one before.

  TYPE                as for kubectl: deployment, deploy, deployments.apps
  -n, --namespace NS  where it is                             (default: that of the context)
  --kubeconfig FILE                                           (default $KUBECONFIG, else ~/.kube/config)
  --context NAME                                              (default: the current context)
  -o, --output FORMAT text | json: each version whole         (default text)
  --help

A server keeps history for a while: most for five minutes, gyre up for as long as its --history says.
`;

/** @throws UsageError */
export async function history(args: readonly string[], print: (text: string) => void): Promise<number> {
  const { words, given } = readWords('history', args, ['TYPE/NAME'], {
    namespace: { type: 'string', short: 'n' },
    kubeconfig: { type: 'string' },
    context: { type: 'string' },
    output: { type: 'string', short: 'o', default: 'text' },
    help: { type: 'boolean', default: false },
  });
  if (given.help) {
    print(historyHelp);
    return 0;
  }
  const { output } = given;
  if (output !== 'text' && output !== 'json')
    throw new UsageError(
      `--output must be text or json, not ${JSON.stringify(output)}`,
      'for example -o json',
    );
  const [type = '', name = '', ...more] = (words[0] as string).split('/');
  if (type === '' || name === '' || more.length > 0)
    throw new UsageError(
      `history: ${JSON.stringify(words[0])} names no object`,
      'write TYPE/NAME, for example deployment/web',
    );
  const connection = await connected(given);
  try {
    const client = createClient(connection.transport);
    const kind = await kindOf(type, async () => (await discover(client)).resources);
    const namespace = kind.scope === 'Namespaced' ? (given.namespace ?? connection.namespace) : '';
    const found = await historyOf(client, kind as Kind<KubernetesObject>, { namespace, name } as never);
    if (found.revisions.length === 0)
      throw new UsageError(
        `history: nothing is known of ${kind.plural} ${JSON.stringify(name)}${namespace === '' ? '' : ` in namespace ${namespace}`}`,
        `nor was there any since version ${found.since}; is the name right, and the namespace (-n)?`,
      );
    print(output === 'json' ? `${JSON.stringify(found, null, 2)}\n` : historyText(found));
    return 0;
  } catch (error) {
    if (isApiError(error) || isTransportError(error))
      throw new UsageError(`history: ${error.message}`, `asked ${connection.server}`);
    throw error;
  } finally {
    connection.transport.close();
  }
}

async function connected(given: {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}): Promise<Connection> {
  const { kubeconfig, context } = given;
  try {
    return await connect({
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      ...(context === undefined ? {} : { context }),
    });
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error;
    throw new UsageError(`history: ${error.message}`, 'name one with --kubeconfig');
  }
}

/** As kubectl takes it: any of its names, and after a dot its group. @throws UsageError */
async function kindOf(
  type: string,
  served: () => Promise<readonly DiscoveredResource[]>,
): Promise<DiscoveredResource['kind']> {
  const [name = '', ...group] = type.toLowerCase().split('.');
  const found = (await served()).find(
    ({ kind, aliases, preferred }) =>
      preferred &&
      (kind.plural === name || kind.kind.toLowerCase() === name || aliases.includes(name)) &&
      (group.length === 0 || kind.group === group.join('.')),
  );
  if (found) return found.kind;
  throw new UsageError(
    `history: the server doesn't have a resource type ${JSON.stringify(type)}`,
    'kubectl api-resources lists what it has',
  );
}
