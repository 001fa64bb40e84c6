/**
 * One kubectl command as a row of a table: what it is run on, what it says, what it leaves behind. Every
 * row has a namespace of its own, and names what has none after it: rows know nothing of each other, run
 * beside each other, and run again with another kubectl against the same server.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import type { Input, KindOf, KubernetesObject } from 'gyre/api';
import type { AnyObject, Client } from 'gyre/client';
import { Namespace } from 'gyre/kinds';
import type { Invocation, Kubectl, Outcome, RunningKubectl } from './kubectl.js';

/** Lines that must be printed, after `normalised`; or a pattern found in them. */
export type Printed = readonly string[] | RegExp;

/** An object afterwards: what it must contain, or that it is gone. */
export type Leaves = readonly [kind: KindOf<KubernetesObject>, name: string, contains: object | 'nothing'];

/**
 * `$NS` in arguments, objects and names of a row stands for its namespace, `$DIR` for the folder of its files, `$OWNER`
 * in objects that are there before for the UID of the first of them.
 */
export type Command = Invocation & { readonly run: readonly string[] };

/** Files by their names, in `$DIR`. */
export type Files = Readonly<Record<string, string | object>>;

export interface Row extends Command {
  /** The contract. */
  readonly title: string;
  /** Where the expectation comes from: statement ids, or what kubectl documents. */
  readonly source: string;
  /** Objects that are there before, without kubectl having a part in it. */
  readonly has?: readonly object[];
  /** Commands that come first and must succeed. */
  readonly given?: readonly Command[];
  readonly files?: Files | (() => Promise<Files>);
  /**
   * For a command that follows something: commands that are run while it does, each once something was
   * printed. They must succeed.
   */
  readonly meanwhile?: readonly (Command & { readonly after?: RegExp })[];
  /** A command that does not end by itself is ended once this was printed; its exit code says nothing then. */
  readonly until?: RegExp;
  /** Default 0. */
  readonly exit?: number;
  /** Default: nothing is printed. */
  readonly stdout?: Printed;
  readonly stderr?: Printed;
  readonly leaves?: readonly Leaves[];
  /** True for a command about the whole cluster, which takes no namespace. */
  readonly clusterWide?: boolean;
  /** True for what changes which kinds are served: every other row asks for those, and may meet one that is on its way. */
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
  else expect(lines, `${stream}: ${lines.join('\n')}`).to.deep.equal(expected);
}

/** Runs a row in the namespace, which it creates. */
export async function runRow(row: Row, namespace: string, { kubectl, client }: Session): Promise<void> {
  const folder = join(kubectl.home, namespace);
  const filled = <T>(value: T): T =>
    replacedIn(value, (text) => text.replaceAll('$NS', namespace).replaceAll('$DIR', folder));
  const argumentsOf = ({ run }: Command): readonly string[] =>
    filled(row.clusterWide ? run : ['--namespace', namespace, ...run]);
  const invocation = ({ stdin, env }: Command): Invocation => ({
    stdin: filled(stdin ?? ''),
    ...(env ? { env } : {}),
  });
  const succeed = async (command: Command): Promise<void> => {
    const { code, stderr } = await kubectl.run(argumentsOf(command), invocation(command));
    expect(code, `kubectl ${command.run.join(' ')}: ${stderr}`).to.equal(0);
  };

  await client.create(Namespace, { metadata: { name: namespace } });
  let owner = '';
  for (const object of row.has ?? []) {
    const named = replacedIn(filled(object), (text) => text.replaceAll('$OWNER', owner));
    const { metadata } = await create(client, named, namespace);
    owner ||= metadata.uid ?? '';
  }
  const files = typeof row.files === 'function' ? await row.files() : (row.files ?? {});
  for (const [name, content] of Object.entries(filled(files))) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  for (const command of row.given ?? []) await succeed(command);
  const outcome =
    row.meanwhile || row.until
      ? await follow(row, kubectl.start(argumentsOf(row), row), succeed)
      : await kubectl.run(argumentsOf(row), invocation(row));
  expectPrinted('stderr', outcome.stderr, row.stderr ?? [], namespace);
  expectPrinted('stdout', outcome.stdout, row.stdout ?? [], namespace);
  if (!row.until) expect(outcome.code, 'exit code').to.equal(row.exit ?? 0);
  for (const [kind, ...expected] of row.leaves ?? []) {
    const [name, contains] = filled(expected);
    const found = await client.find(kind, kind.scope === 'Namespaced' ? { namespace, name } : name);
    if (contains === 'nothing') expect(found, `${kind.kind} ${name}`).to.equal(undefined);
    else expect(found, `${kind.kind} ${name}`).to.containSubset(contains);
  }
}

/** The value with all its texts replaced. */
function replacedIn<T>(value: T, replace: (text: string) => string): T {
  if (typeof value === 'string') return replace(value) as T;
  if (Array.isArray(value)) return value.map((each: unknown) => replacedIn(each, replace)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [replace(key), replacedIn(each as unknown, replace)]),
  ) as T;
}

async function create(client: Client, object: object, namespace: string): Promise<AnyObject> {
  const { apiVersion, kind: name, metadata, ...others } = object as AnyObject;
  const kind = await client.kindFor(apiVersion, name);
  const made = { ...others, metadata: kind.scope === 'Namespaced' ? { namespace, ...metadata } : metadata };
  return client.create(kind, made as Input<AnyObject>);
}

async function follow(
  { meanwhile = [], until }: Row,
  running: RunningKubectl,
  succeed: (command: Command) => Promise<void>,
): Promise<Outcome> {
  await using following = running;
  for (const { after, ...command } of meanwhile) {
    if (after) await following.waitFor(after);
    await succeed(command);
  }
  if (until) await following.waitFor(until);
  if (until) following.kill();
  const code = await following.exited;
  return { code, stdout: following.stdout, stderr: following.stderr };
}
