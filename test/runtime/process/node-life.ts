/**
 * One life of a node, for tests that end it with SIGKILL: owns a ProcessRuntime, takes calls as JSON lines on
 * stdin, and answers on stdout. Arguments: root directory, isolation (or `best`), mapped images as JSON.
 */
import { createInterface } from 'node:readline';
import { ProcessRuntime, RuntimeError } from 'gyre/runtime';
import { systemClock, systemRandom } from '#src/system/index.js';
import { createLogger } from '#src/telemetry/index.js';

const [root = '', isolation = 'best', images = '{}'] = process.argv.slice(2);
const log = createLogger(({ message, fields }) =>
  process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
);
const runtime = new ProcessRuntime({
  root,
  clock: systemClock,
  random: systemRandom,
  log,
  images: JSON.parse(images),
  ...(isolation === 'best' ? {} : { isolation: isolation as 'none' }),
});
const tell = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);

async function call(method: string, args: readonly unknown[]): Promise<unknown> {
  if (method === 'isolation') return { isolation: runtime.isolation, note: runtime.isolationNote };
  if (method === 'execStreams') {
    const [id, command, input, tty] = args as [string, string[], string[] | undefined, boolean];
    const said = { stdout: '', stderr: '' };
    const exitCode = await runtime.exec(id, {
      command,
      tty,
      stdout: (chunk) => void (said.stdout += Buffer.from(chunk).toString()),
      stderr: (chunk) => void (said.stderr += Buffer.from(chunk).toString()),
      ...(input
        ? {
            stdin: (async function* () {
              for (const text of input) yield Buffer.from(text);
            })(),
          }
        : {}),
    });
    return { exitCode, ...said };
  }
  const target = runtime as unknown as Record<string, (...args: readonly unknown[]) => Promise<unknown>>;
  return await target[method]?.(...args);
}

await runtime.start();
runtime.events$.subscribe((event) => tell({ event }));
tell({ started: true });
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, args } = JSON.parse(line) as { id: number; method: string; args: unknown[] };
  void call(method, args).then(
    (result) => tell({ id, result }),
    (error: Error) =>
      tell({
        id,
        error: { reason: error instanceof RuntimeError ? error.reason : error.name, message: error.message },
      }),
  );
}
await runtime.close();
