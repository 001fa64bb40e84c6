/** How a kind is printed: a list of columns, each with a function from an object to its cell. */
import type { JsonObject, JsonValue, PartialObjectMeta } from '../../api/index.js';
import { type Given, given } from '../builtin/given.js';
import { since } from './human-duration.js';

/** A cell: what JSON carries; `null` where there is nothing to show. */
export type Cell = JsonValue;

export interface Column<T> {
  readonly name: string;
  /** Default `string`. */
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  /** `name` marks the column that identifies the object. */
  readonly format?: string;
  readonly description?: string;
  /** Only shown with `-o wide`. */
  readonly wide?: boolean;
  readonly cell: (object: T, now: number) => Cell | undefined;
}

export interface RowCondition {
  readonly type: 'Completed';
  readonly status: 'True';
  readonly reason: string;
  readonly message?: string;
}

/** One kind's way of being printed. */
export interface Printer {
  readonly columns: readonly Omit<Column<never>, 'cell'>[];
  cells(object: JsonObject, now: number): Cell[];
  conditions?(object: JsonObject): readonly RowCondition[];
}

interface WithMetadata {
  readonly metadata?: Given<PartialObjectMeta>;
}

export const nameColumn: Column<WithMetadata> = {
  name: 'Name',
  format: 'name',
  description: 'The name of the object, unique within its kind and namespace.',
  cell: ({ metadata }) => metadata?.name ?? '',
};

export const ageColumn: Column<WithMetadata> = {
  name: 'Age',
  description: 'How long ago the object was created.',
  cell: ({ metadata }, now) => since(metadata?.creationTimestamp, now),
};

/** Prints kind `T` by these columns. */
export function printer<T>(columns: readonly Column<Given<T>>[]): Printer {
  return viewPrinter<T, Given<T>>((object) => object, columns);
}

/** Prints kind `T` by columns over something worked out once per row. */
export function viewPrinter<T, View>(
  view: (object: Given<T>, now: number) => View,
  columns: readonly Column<View>[],
): Printer {
  return {
    columns,
    cells(object, now) {
      const row = view(given<T>(object), now);
      return columns.map((column) => column.cell(row, now) ?? null);
    },
  };
}

/** A column taken over by a printer whose rows hold the object as `object`. */
export function ofObject<T, View extends { readonly object: T }>(column: Column<T>): Column<View> {
  return { ...column, cell: ({ object }, now) => column.cell(object, now) };
}
