/** What `import 'gyre'` costs over a bare node process, beside what it may cost. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Milliseconds and MiB over those of a process that imports nothing. */
export function importing(side: string): Record<string, number> {
  if (side === 'limit') return { importMs: 250, rssMiB: 35 };
  const [bare, loaded] = [child([]), child(['gyre'])];
  return { importMs: loaded.ms - bare.ms, rssMiB: loaded.rssMiB - bare.rssMiB };
}

function child(names: readonly string[]): { ms: number; rssMiB: number } {
  const script = `${names.map((name) => `await import(${JSON.stringify(name)});`).join('')}
    process.stdout.write(JSON.stringify({ ms: performance.now(), rssMiB: process.memoryUsage().rss / 2 ** 20 }))`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as { ms: number; rssMiB: number };
}
