/** All rows that need no node, by what they are about. */
import type { Row } from './row.js';
import { applyRows } from './rows/apply.js';
import { changeRows } from './rows/change.js';
import { createRows, refusalRows } from './rows/create.js';
import { deleteRows } from './rows/delete.js';
import { getRows } from './rows/get.js';
import { serverRows } from './rows/server.js';

export const families: Readonly<Record<string, readonly Row[]>> = {
  'apply and diff': applyRows,
  'get and describe': getRows,
  'create, run and expose': createRows,
  'bad input': refusalRows,
  'label, patch, edit, replace, scale and set': changeRows,
  'delete and wait': deleteRows,
  'the server about itself': serverRows,
};
