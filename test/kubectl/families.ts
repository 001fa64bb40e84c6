/** All rows that need no process, by what they are about; and what each family runs against. */
import type { Row } from './row.js';
import { applyRows } from './rows/apply.js';
import { refusalRows } from './rows/bad-input.js';
import { changeRows } from './rows/change.js';
import { createRows } from './rows/create.js';
import { deleteRows } from './rows/delete.js';
import { describeRows } from './rows/describe.js';
import { getRows } from './rows/get.js';
import { nodeRows } from './rows/nodes.js';
import { rolloutRows } from './rows/rollouts.js';
import { runAndExposeRows } from './rows/run-expose.js';
import { serverRows } from './rows/server.js';
import { workloadChangeRows } from './rows/workload-changes.js';

export interface Family {
  readonly name: string;
  readonly rows: readonly Row[];
}

/** Families that run against one server. */
export interface World {
  readonly name: string;
  /** Of `gyre up`. */
  readonly args: readonly string[];
  readonly families: readonly Family[];
}

export const worlds: readonly World[] = [
  {
    name: 'an API server alone',
    args: ['--no-controllers'],
    families: [
      { name: 'apply and diff', rows: applyRows },
      { name: 'get and describe', rows: [...getRows, ...describeRows] },
      { name: 'create, run and expose', rows: [...createRows, ...runAndExposeRows] },
      { name: 'bad input', rows: refusalRows },
      { name: 'label, annotate, patch, edit and replace', rows: changeRows },
      { name: 'scale, set and rollout', rows: workloadChangeRows },
      { name: 'nodes, debug and certificates', rows: nodeRows },
      { name: 'delete and wait', rows: deleteRows },
      { name: 'the server about itself', rows: serverRows },
    ],
  },
  {
    name: 'controllers and simulated nodes',
    args: ['--runtime=simulated', '--nodes=4'],
    families: [{ name: 'rollouts, and what controllers do', rows: rolloutRows }],
  },
];
