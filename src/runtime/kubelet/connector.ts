/** What the API server asks of the nodes of this process: logs, exec, attach, connections to ports (KL-19). */
import { existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import {
  badRequest,
  type ContainerTarget,
  internalError,
  type LogOptions,
  type NodeConnector,
  type PodTarget,
  sleep,
} from '../../api/index.js';
import { type ContainerStatus, RuntimeError } from '../container-runtime.js';
import { type LogLine, LogPrinter, parseLogLine, tailStart } from './cri-log.js';
import type { NodeContext } from './node-context.js';
import { observe } from './observed-pod.js';

/** While following, the file is looked at this often. */
const followMs = 100;
const chunkBytes = 64 * 1024;

export function kubeletConnector(nodeOf: (name: string) => NodeContext | undefined): NodeConnector {
  const served = (target: PodTarget): NodeContext => {
    const node = nodeOf(target.nodeName);
    if (!node) throw internalError(`no kubelet of this process serves the node ${target.nodeName}`);
    return node;
  };
  const running = async (target: ContainerTarget): Promise<{ node: NodeContext; run: ContainerStatus }> => {
    const node = served(target);
    const run = await findRun(node, target, false);
    if (run?.state !== 'running')
      throw badRequest(`container ${target.container} is not running in pod ${target.pod}`);
    return { node, run };
  };
  return {
    async logs(target, options, signal) {
      const node = served(target);
      if (!node.runtime.hasFilesystem)
        throw badRequest(`the ${node.runtime.name} runtime runs nothing, so there are no logs`);
      const run = await findRun(node, target, options.previous);
      if (!run) throw badRequest(nothingToShow(target, options.previous));
      return readLog(node, target, run, options, signal);
    },
    async exec(target, options, streams) {
      const { node, run } = await running(target);
      try {
        return await node.runtime.exec(run.id, { ...options, ...streams });
      } catch (error) {
        if (error instanceof RuntimeError) throw internalError(`Internal error occurred: ${error.message}`);
        throw error;
      }
    },
    async attach(target, _options, streams) {
      const { node, run } = await running(target);
      try {
        await node.runtime.attach(run.id, streams);
      } catch (error) {
        if (error instanceof RuntimeError) throw internalError(`Internal error occurred: ${error.message}`);
        throw error;
      }
    },
    async dial(target, port, signal) {
      const { runtime } = served(target);
      const sandboxes = await runtime.listPodSandboxes(target.podUid);
      const sandbox = sandboxes.find(({ state }) => state === 'ready');
      if (!sandbox) throw badRequest(`pod ${target.pod} is not running`);
      try {
        return await runtime.dial(sandbox.id, port, signal);
      } catch (error) {
        if (error instanceof RuntimeError) throw badRequest(error.message);
        throw error;
      }
    },
  };
}

async function findRun(
  { runtime }: NodeContext,
  { podUid, container }: ContainerTarget,
  previous: boolean,
): Promise<ContainerStatus | undefined> {
  const observed = observe([], await runtime.listContainers(podUid));
  return observed.runs(container)[previous ? 1 : 0];
}

function nothingToShow({ container, pod }: ContainerTarget, previous: boolean): string {
  return previous
    ? `previous terminated container "${container}" in pod "${pod}" not found`
    : `container "${container}" in pod "${pod}" is waiting to start: ContainerCreating`;
}

async function* readLog(
  node: NodeContext,
  target: ContainerTarget,
  run: ContainerStatus,
  options: LogOptions,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const printer = new LogPrinter(options);
  const { namespace, pod, podUid } = target;
  const file = `${node.logRoot}/${namespace}_${pod}_${podUid}/${run.config.logPath}`;
  let position = 0;
  if (existsSync(file)) {
    const { lines, bytes } = wholeLines(readFileSync(file));
    position = bytes;
    const from = options.tailLines === undefined ? 0 : tailStart(lines, options.tailLines);
    for (const line of lines.slice(from)) {
      const text = printer.print(line);
      if (text.length > 0) yield text;
      if (printer.full) return;
    }
  }
  if (!options.follow) return;
  while (!signal.aborted) {
    // Looked at before the file: what it wrote before it ended is then in there.
    const [now] = (await node.runtime.listContainers(podUid)).filter(({ id }) => id === run.id);
    const ended = now?.state !== 'running';
    for await (const line of appended(file, position)) {
      position += line.bytes;
      if (!line.line) continue;
      const text = printer.print(line.line);
      if (text.length > 0) yield text;
      if (printer.full) return;
    }
    if (ended) return;
    await sleep(node.clock, followMs, signal).catch(() => {});
  }
}

/** The whole lines that a file has beyond a position, each with its length in bytes. */
async function* appended(
  file: string,
  from: number,
): AsyncIterable<{ readonly line: LogLine | undefined; readonly bytes: number }> {
  if (!existsSync(file)) return;
  const handle = await open(file, 'r');
  try {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for (let position = from; ; ) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(chunkBytes), 0, chunkBytes, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      const lines = (rest + decoder.write(buffer.subarray(0, bytesRead))).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) {
        yield { line: parseLogLine(text), bytes: Buffer.byteLength(text) + 1 };
      }
    }
  } finally {
    await handle.close();
  }
}

/** The whole lines of a log, and how many bytes they take; the last one may still be being written. */
function wholeLines(content: Buffer): { readonly lines: LogLine[]; readonly bytes: number } {
  const end = content.lastIndexOf(0x0a) + 1;
  const texts = content.subarray(0, end).toString('utf8').split('\n');
  texts.pop();
  return { lines: texts.map(parseLogLine).filter((line) => line !== undefined), bytes: end };
}
