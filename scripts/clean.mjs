/** Removes build output: all of it when run, or only what no source stands behind (`removeOrphans`). */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const trees = [
  ['dist', 'src'],
  ['build/test', 'test'],
  ['build/examples', 'examples'],
  ['build/bench', 'bench'],
];

/** A deleted test would otherwise go on running from its compiled form. */
export function removeOrphans() {
  for (const [out, source] of trees) {
    const base = join(root, out);
    if (!existsSync(base)) continue;
    for (const entry of readdirSync(base, { recursive: true, withFileTypes: true })) {
      const match = /^(.*?)\.(?:d\.ts|js)(?:\.map)?$/.exec(entry.name);
      if (!entry.isFile() || !match) continue;
      const folder = join(root, source, entry.parentPath.slice(base.length));
      const candidates = [`${match[1]}.ts`, `${match[1]}.mts`].map((name) => join(folder, name));
      if (!candidates.some((path) => existsSync(path))) rmSync(join(entry.parentPath, entry.name));
    }
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  for (const out of ['dist', 'build']) rmSync(join(root, out), { recursive: true, force: true });
}
