/** How custom kinds are printed: by the columns their definition declares, or by their age. */
import type { JsonValue } from '../../api/index.js';
import { ageColumn, type Cell, type Column, nameColumn, type Printer, printer } from './column.js';
import { since } from './human-duration.js';
import { compileJsonPath, type JsonPath } from './json-path.js';

/** One of `additionalPrinterColumns`. */
export interface CrdColumn {
  readonly name: string;
  /** integer, number, string, boolean or date. */
  readonly type: string;
  readonly jsonPath: string;
  readonly format?: string;
  readonly description?: string;
  /** Above 0: only shown with `-o wide`. */
  readonly priority?: number;
}

/** A column with the priority its definition gave it. */
interface CustomColumn extends Column<JsonValue> {
  readonly priority?: number;
}

function cellOf(type: string, value: JsonValue, now: number): Cell {
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? since(value, now) : null;
    case 'string':
      if (typeof value === 'string') return value;
      return value === null ? null : JSON.stringify(value);
    default:
      return null;
  }
}

/** A path nobody can follow shows nothing: definitions are checked loosely, reads must not fail on them. */
function pathOf(text: string): JsonPath {
  try {
    return compileJsonPath(text);
  } catch {
    return { find: () => [] };
  }
}

function columnOf(column: CrdColumn): CustomColumn {
  const path = pathOf(column.jsonPath);
  return {
    name: column.name,
    type: column.type as 'string',
    ...(column.format === undefined ? {} : { format: column.format }),
    ...(column.description === undefined ? {} : { description: column.description }),
    ...(column.priority === undefined ? {} : { priority: column.priority }),
    cell(object, now) {
      const [first] = path.find(object);
      return first === undefined ? null : cellOf(column.type, first, now);
    },
  };
}

const byAge: Printer = printer([nameColumn, { ...ageColumn, type: 'date' }]);
const compiled = new WeakMap<readonly CrdColumn[], Printer>();

export function customPrinter(columns: readonly CrdColumn[] | undefined): Printer {
  if (!columns || columns.length === 0) return byAge;
  let found = compiled.get(columns);
  if (!found) {
    const own = columns.map(columnOf);
    found = {
      columns: [nameColumn, ...own],
      cells: (object, now) => [
        nameColumn.cell(object, now) ?? '',
        ...own.map((c) => c.cell(object, now) ?? null),
      ],
    };
    compiled.set(columns, found);
  }
  return found;
}
