/** `gyre generate types`: typed kinds of custom resources that somebody else defines. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { readOptions, UsageError } from '../arguments.js';
import { type Definition, typesOf } from './crd-types.js';

export const generateHelp = `Usage: gyre generate types --crd SOURCE [--crd SOURCE…] [options]

Writes typed kinds for custom resources, to be given to client, informers and controllers.

  --crd SOURCE       a file (YAML or JSON), an http(s) URL, or 'cluster': what the cluster of the kubeconfig serves
  --group GROUP      only definitions of this API group
  --out FILE         where to write; standard output when absent
  --kubeconfig FILE  for --crd cluster                   (default $KUBECONFIG, else ~/.kube/config)
  --context NAME     for --crd cluster                   (default: the current context)
  --help
`;

interface GenerateOptions {
  readonly crd?: readonly string[];
  readonly group?: string;
  readonly out?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** @throws UsageError */
export async function generate(args: readonly string[], print: (text: string) => void): Promise<number> {
  const [what, ...rest] = args;
  if (what === undefined || what === '--help' || what === 'help') {
    print(generateHelp);
    return 0;
  }
  if (what !== 'types')
    throw new UsageError(
      `generate: cannot generate ${JSON.stringify(what)}`,
      'gyre generate types --crd SOURCE',
    );
  const given = readOptions('generate types', rest, {
    crd: { type: 'string', multiple: true },
    group: { type: 'string' },
    out: { type: 'string' },
    kubeconfig: { type: 'string' },
    context: { type: 'string' },
    help: { type: 'boolean', default: false },
  });
  if (given.help) {
    print(generateHelp);
    return 0;
  }
  const sources = given.crd ?? [];
  if (sources.length === 0)
    throw new UsageError('generate types: --crd is missing', "name a file, a URL or 'cluster'");
  const definitions: Definition[] = [];
  for (const source of sources) definitions.push(...(await definitionsOf(source, given)));
  const wanted = definitions.filter(({ spec }) => given.group === undefined || spec.group === given.group);
  if (wanted.length === 0)
    throw new UsageError(
      `generate types: no CustomResourceDefinition${given.group ? ` of the group ${given.group}` : ''} in ${sources.join(', ')}`,
      'give a file that kubectl get crd NAME -o yaml has written',
    );
  const text = typesOf(wanted, sources.map(nameOf).join(', '));
  if (given.out === undefined) print(text);
  else {
    try {
      writeFileSync(given.out, text);
    } catch (error) {
      throw new UsageError(`generate types: ${(error as Error).message}`, 'name a file that may be written');
    }
    print(`${wanted.length} ${wanted.length === 1 ? 'kind' : 'kinds'} written to ${given.out}\n`);
  }
  return 0;
}

/** Generated files must be the same on every machine. */
function nameOf(source: string): string {
  return source === 'cluster' ? 'a cluster' : basename(source);
}

async function definitionsOf(source: string, options: GenerateOptions): Promise<readonly Definition[]> {
  if (source === 'cluster') return definitionsOfCluster(options);
  const text = /^https?:\/\//i.test(source) ? await download(source) : readFile(source);
  return definitionsIn(text, source);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`generate types: ${(error as Error).message}`, "name a file, a URL or 'cluster'");
  }
}

async function download(url: string): Promise<string> {
  let answer: Response;
  try {
    answer = await fetch(url);
  } catch (error) {
    const { cause } = error as { cause?: Error };
    throw new UsageError(`generate types: ${url}: ${cause?.message ?? String(error)}`, 'can it be reached?');
  }
  if (!answer.ok)
    throw new UsageError(`generate types: ${url}: the server answered ${answer.status}`, 'is the URL right?');
  return answer.text();
}

/** The definitions in a file of documents; what else is in it is left out. @throws UsageError */
async function definitionsIn(text: string, source: string): Promise<readonly Definition[]> {
  const { parseAllDocuments } = await import('yaml');
  const documents = parseAllDocuments(text);
  const broken = [...documents].flatMap((document) => document.errors)[0];
  if (broken)
    throw new UsageError(
      `generate types: ${source}: ${broken.message.split('\n')[0]}`,
      'it must be YAML or JSON',
    );
  return [...documents]
    .map((document): unknown => document.toJS())
    .flatMap((value) => (isList(value) ? value.items : [value]))
    .filter(isDefinition);
}

function isList(value: unknown): value is { readonly items: readonly unknown[] } {
  return Array.isArray((value as { items?: unknown } | null)?.items);
}

function isDefinition(value: unknown): value is Definition {
  const candidate = value as {
    kind?: unknown;
    apiVersion?: unknown;
    spec?: Partial<Definition['spec']>;
  } | null;
  return (
    candidate?.kind === 'CustomResourceDefinition' &&
    candidate.apiVersion === 'apiextensions.k8s.io/v1' &&
    Array.isArray(candidate.spec?.versions) &&
    typeof candidate.spec?.names?.kind === 'string'
  );
}

async function definitionsOfCluster({
  kubeconfig,
  context,
}: GenerateOptions): Promise<readonly Definition[]> {
  const [{ connect, createClient, KubeconfigError }, { CustomResourceDefinition }] = await Promise.all([
    import('../../client/index.js'),
    import('../../api/kinds/index.js'),
  ]);
  try {
    const { transport } = await connect({
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      ...(context === undefined ? {} : { context }),
    });
    const found: Definition[] = [];
    try {
      for await (const crd of createClient(transport).list(CustomResourceDefinition))
        found.push(crd as unknown as Definition);
    } finally {
      transport.close();
    }
    return found;
  } catch (error) {
    if (error instanceof KubeconfigError)
      throw new UsageError(`generate types: ${error.message}`, 'name one with --kubeconfig');
    throw new UsageError(`generate types: ${(error as Error).message}`, 'can the cluster be reached?');
  }
}
