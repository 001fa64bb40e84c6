/**
 * Which commands were run with which minor version of kubectl, and how that went. `GYRE_KUBECTL_MATRIX` names the file it is
 * written to, for scripts/kubectl-matrix.mjs.
 */
import { writeFileSync } from 'node:fs';
import { type KubectlMinor, kubectlMinors, kubectlOrSkip } from './kubectl.js';

export type Cell = 'passed' | 'failed' | 'not there yet';

interface Line {
  readonly family: string;
  readonly title: string;
  readonly cells: Record<string, Cell>;
}

const lines = new Map<string, Line>();
const file = process.env.GYRE_KUBECTL_MATRIX;

export function record(family: string, title: string, minor: number, cell: Cell): void {
  const key = `${family}\n${title}`;
  let line = lines.get(key);
  if (!line) lines.set(key, (line = { family, title, cells: {} }));
  line.cells[`1.${minor}`] = cell;
}

if (file !== undefined) process.once('exit', () => writeFileSync(file, JSON.stringify([...lines.values()])));

/** The minor version of the kubectl to test with; the newest that is known where its name does not tell. */
export function minorOf(binary: string): number {
  return Number(/1\.(\d+)$/.exec(binary)?.[1] ?? 99);
}

/**
 * The versions a table is run with: all that are there where `GYRE_KUBECTL_MINORS=all`, else the one to test with. Called while
 * suites are put together; where there is none, the suite skips itself.
 */
export function minorsToRun(): readonly KubectlMinor[] {
  const all = process.env.GYRE_KUBECTL_MINORS === 'all' ? kubectlMinors() : [];
  if (all.length > 0) return all;
  try {
    const binary = kubectlOrSkip(
      { skip: () => undefined } as unknown as Mocha.Context,
      process.env,
      () => {},
    );
    return [{ minor: minorOf(binary), binary }];
  } catch {
    return [];
  }
}
