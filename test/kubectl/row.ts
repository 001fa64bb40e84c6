/**
 * One kubectl command as a row of a table: what it is run on, what it says, what it leaves behind. Every
 * row has a namespace of its own, so rows know nothing of each other.
 */
import { expect } from 'chai';
import type { KindOf, KubernetesObject } from 'gyre/api';
import type { Client } from 'gyre/client';
import { Namespace } from 'gyre/kinds';
import type { Invocation, Kubectl, Outcome } from './kubectl.js';

/** Lines that must be printed, after `normalised`; or a pattern found in them. */
export type Printed = readonly string[] | RegExp;

/** An object afterwards: what it must contain, or that it is gone. */
export type Leaves = readonly [kind: KindOf<KubernetesObject>, name: string, contains: object | 'nothing'];

/** `$NS` in standard input stands for the row's namespace. */
export type Command = Invocation & { readonly run: readonly string[] };

export interface Row extends Command {
  /** The contract. */
  readonly title: string;
  /** Where the expectation comes from: statement ids, or what kubectl documents. */
  readonly source: string;
  /** Commands that come first and must succeed. */
  readonly given?: readonly Command[];
  /** Default 0. */
  readonly exit?: number;
  /** Default: nothing is printed. */
  readonly stdout?: Printed;
  readonly stderr?: Printed;
  readonly leaves?: readonly Leaves[];
  /** True for a command about the whole cluster, which takes no namespace. */
  readonly clusterWide?: boolean;
  /** Looks at all namespaces: nothing else may run beside it. */
  readonly alone?: boolean;
  /** The first minor version of kubectl that knows the command. Default: every one. */
  readonly since?: number;
  /** What kubectl before some minor version says instead, the oldest first. */
  readonly before?: readonly (Pick<Row, 'stdout' | 'stderr' | 'exit'> & { readonly minor: number })[];
}

/** The row as it is for a minor version of kubectl; undefined when that does not know the command. */
export function rowFor(row: Row, minor: number): Row | undefined {
  if (minor < (row.since ?? 0)) return undefined;
  const other = row.before?.find((each) => minor < each.minor);
  return other ? { ...row, ...other } : row;
}

export interface Session {
  readonly kubectl: Kubectl;
  readonly client: Client;
}

/**
 * What kubectl printed, without what differs from run to run: ages, UIDs, versions, times, ports and the
 * row's namespace. Column widths follow from ages and names, so runs of blanks count as two.
 */
export function normalised(text: string, namespace: string): readonly string[] {
  const lines = text
    // Some versions colour what no terminal reads.
    .replaceAll(new RegExp(`${String.fromCodePoint(27)}\\[[0-9;]*m`, 'g'), '')
    .replaceAll(namespace, 'NS')
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UID')
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| \+0000)/g, 'TIME')
    .replaceAll(/[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000/g, 'TIME')
    .replaceAll(/(127\.0\.0\.1):\d+/g, '$1:PORT')
    .replaceAll(/(resourceVersion: |Resource Version: +)"?\d+"?/g, '$1VERSION')
    .replaceAll(/\S+\/(LIVE|MERGED)-\d+\//g, '$1/')
    .split('\n')
    .map((line) =>
      line
        .replaceAll(/(?<= {2})(?:\d+[smh])+(?=\s|$)/g, 'AGE')
        .replaceAll(/(?<=\S) {3,}/g, '  ')
        .trimEnd(),
    );
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function expectPrinted(stream: string, text: string, expected: Printed, namespace: string): void {
  const lines = normalised(text, namespace);
  if (expected instanceof RegExp) expect(lines.join('\n'), stream).to.match(expected);
  else expect(lines, stream).to.deep.equal(expected);
}

/** Runs a row in the namespace, which it creates. */
export async function runRow(row: Row, namespace: string, { kubectl, client }: Session): Promise<void> {
  const run = ({ run, stdin, env }: Command): Promise<Outcome> =>
    kubectl.run(row.clusterWide ? run : ['--namespace', namespace, ...run], {
      stdin: (typeof stdin === 'object' ? JSON.stringify(stdin) : (stdin ?? '')).replaceAll('$NS', namespace),
      ...(env ? { env } : {}),
    });
  await client.create(Namespace, { metadata: { name: namespace } });
  for (const command of row.given ?? []) {
    const { code, stderr } = await run(command);
    expect(code, `kubectl ${command.run.join(' ')}: ${stderr}`).to.equal(0);
  }
  const outcome = await run(row);
  expectPrinted('stderr', outcome.stderr, row.stderr ?? [], namespace);
  expectPrinted('stdout', outcome.stdout, row.stdout ?? [], namespace);
  expect(outcome.code, 'exit code').to.equal(row.exit ?? 0);
  for (const [kind, name, contains] of row.leaves ?? []) {
    const found = await client.find(kind, kind.scope === 'Namespaced' ? { namespace, name } : name);
    if (contains === 'nothing') expect(found, `${kind.kind} ${name}`).to.equal(undefined);
    else expect(found, `${kind.kind} ${name}`).to.containSubset(contains);
  }
}
