/** All rows that need no process, by what they are about; and what each family runs against. */
import type { Row } from './row.js';
import { applyRows } from './rows/apply.js';
import { changeRows } from './rows/change.js';
import { createRows, refusalRows } from './rows/create.js';
import { deleteRows } from './rows/delete.js';
import { getRows } from './rows/get.js';
import { serverRows } from './rows/server.js';

export interface Family {
  readonly name: string;
  readonly rows: readonly Row[];
}

/** An API server is all they need. */
export const families: readonly Family[] = [
  { name: 'apply and diff', rows: applyRows },
  { name: 'get and describe', rows: getRows },
  { name: 'create, run and expose', rows: createRows },
  { name: 'bad input', rows: refusalRows },
  { name: 'label, patch, edit, replace, scale and set', rows: changeRows },
  { name: 'delete and wait', rows: deleteRows },
  { name: 'the server about itself', rows: serverRows },
];
