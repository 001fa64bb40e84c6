/** Logs and exec of a node, over log files as a runtime writes them. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import type { ContainerTarget, LogOptions, NodeConnector } from 'gyre/api';
import { type ContainerStatus, SimulatedRuntime } from 'gyre/runtime';
import { kubeletConnector } from '#src/runtime/kubelet/connector.js';
import type { NodeContext } from '#src/runtime/kubelet/node-context.js';
import { systemClock } from '#src/system/index.js';
import { observed, pod, type Run } from './pods.js';

const target: ContainerTarget = { nodeName: 'n1', namespace: 'ns', pod: 'p', podUid: 'u1', container: 'web' };
const plain: LogOptions = { follow: false, previous: false, timestamps: false };

describe('the connector of a node', () => {
  let logRoot: string;
  let containers: readonly ContainerStatus[];
  let connector: NodeConnector;
  let filesystem: boolean;

  beforeEach(() => {
    logRoot = mkdtempSync(join(tmpdir(), 'gyre-logs-'));
    filesystem = true;
    runs({ attempt: 1 }, { attempt: 0, exitCode: 1 });
    const runtime = Object.create(new SimulatedRuntime({ clock: systemClock }), {
      hasFilesystem: { get: () => filesystem },
      listContainers: { value: async () => containers },
    }) as SimulatedRuntime;
    const context = { runtime, logRoot, clock: systemClock } as unknown as NodeContext;
    connector = kubeletConnector((name) => (name === 'n1' ? context : undefined));
  });
  afterEach(() => rmSync(logRoot, { recursive: true, force: true }));

  function runs(...web: readonly Run[]): void {
    containers = observed(pod(), { web }).containers;
  }
  function file(attempt: number): string {
    const path = `${logRoot}/ns_p_u1/web/${attempt}.log`;
    mkdirSync(dirname(path), { recursive: true });
    return path;
  }
  const line = (text: string, second = 0, tag = 'F') =>
    `2026-01-01T00:00:0${second}.000000000Z stdout ${tag} ${text}\n`;

  async function logs(options: Partial<LogOptions> = {}): Promise<string> {
    const chunks: Uint8Array[] = [];
    const stream = await connector.logs(target, { ...plain, ...options }, new AbortController().signal);
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }
  async function refusal(promise: Promise<unknown>): Promise<string> {
    const error = await promise.then(
      () => undefined,
      (e: unknown) => e as { readonly code?: number; readonly message: string },
    );
    return `${error?.code} ${error?.message}`;
  }

  it('KL-19 prints what is there: all, the tail, since, so many bytes, with times, of the run before', async () => {
    writeFileSync(file(1), line('a', 1) + line('b1', 2, 'P') + line('b2', 2) + line('c', 3));
    writeFileSync(file(0), line('former'));
    expect(await logs()).to.equal('a\nb1b2\nc\n');
    expect(await logs({ tailLines: 2 })).to.equal('b1b2\nc\n');
    expect(await logs({ tailLines: 0 })).to.equal('');
    expect(await logs({ sinceTime: Date.UTC(2026, 0, 1, 0, 0, 3) })).to.equal('c\n');
    expect(await logs({ limitBytes: 3 })).to.equal('a\nb');
    expect(await logs({ tailLines: 1, timestamps: true })).to.equal('2026-01-01T00:00:03.000000000Z c\n');
    expect(await logs({ previous: true })).to.equal('former\n');
  });

  it('KL-19 prints nothing while there is no file yet', async () => {
    expect(await logs()).to.equal('');
  });

  it('KL-19 follows what is written, past what is no line, until the container has ended', async () => {
    writeFileSync(file(1), `${line('a')}torn in the midd`);
    const seen: string[] = [];
    const stream = await connector.logs(target, { ...plain, follow: true }, new AbortController().signal);
    const steps = [
      () => appendFileSync(file(1), `le\n${line('b')}`),
      () => {
        appendFileSync(file(1), line('ç').slice(0, -1));
        appendFileSync(file(1), `\n${line('d')}`);
        runs({ attempt: 1, exitCode: 0 });
      },
    ];
    for await (const chunk of stream) {
      seen.push(Buffer.from(chunk).toString());
      steps.shift()?.();
    }
    expect(seen).to.deep.equal(['a\n', 'b\n', 'ç\n', 'd\n']);
  });

  it('KL-19 stops following when the client is gone', async () => {
    writeFileSync(file(1), line('a'));
    const abort = new AbortController();
    const stream = await connector.logs(target, { ...plain, follow: true }, abort.signal);
    const seen: string[] = [];
    for await (const chunk of stream) {
      seen.push(Buffer.from(chunk).toString());
      abort.abort();
    }
    expect(seen).to.deep.equal(['a\n']);
  });

  it('KL-19 refuses in the words of a kubelet', async () => {
    runs({ attempt: 0 });
    expect(await refusal(logs({ previous: true }))).to.equal(
      '400 previous terminated container "web" in pod "p" not found',
    );
    runs();
    expect(await refusal(logs())).to.equal(
      '400 container "web" in pod "p" is waiting to start: ContainerCreating',
    );
    const streams = { signal: new AbortController().signal };
    const asked = { command: ['ls'], tty: false };
    expect(await refusal(connector.exec(target, asked, streams))).to.equal(
      '400 container web is not running in pod p',
    );
    filesystem = false;
    expect(await refusal(logs())).to.match(/^400 the simulated runtime runs nothing/);
    expect(await refusal(connector.exec({ ...target, nodeName: 'n2' }, asked, streams))).to.match(
      /^500 .*n2/,
    );
  });
});
