/** Server-side printing: `tableOf` turns objects into the table that `kubectl get` shows (API-11). */
export type { CrdColumn } from './custom.js';
export { humanDuration } from './human-duration.js';
export { compileJsonPath, type JsonPath } from './json-path.js';
export {
  type Table,
  type TableColumn,
  tableOf,
  type TableOptions,
  type TableRow,
  type TableSubject,
} from './table.js';
