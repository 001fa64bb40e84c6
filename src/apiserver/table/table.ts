/**
 * Server-side printing (API-11): objects as the rows that `kubectl get` shows. Cells are finished text, so
 * that a client needs to know nothing about a kind to print it.
 */
import type { JsonObject, ListMeta, PartialObjectMeta } from '../../api/index.js';
import type { Given } from '../builtin/given.js';
import { accessPrinters } from './access.js';
import { admissionPrinters } from './admission.js';
import { clusterPrinters } from './cluster.js';
import { type Cell, type Column, nameColumn, type Printer, printer, type RowCondition } from './column.js';
import { type CrdColumn, customPrinter } from './custom.js';
import { networkPrinters } from './network.js';
import { podPrinters } from './pods.js';
import { policyPrinters } from './policy.js';
import { storagePrinters } from './storage.js';
import { workloadPrinters } from './workloads.js';

export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  /** Above 0: only shown with `-o wide`. */
  readonly priority: number;
}

export interface TableRow {
  readonly cells: readonly Cell[];
  readonly conditions?: readonly RowCondition[];
  /** What the row is about, as much of it as the client asked for; null when it asked for nothing. */
  readonly object: JsonObject | null;
}

export interface Table {
  readonly kind: 'Table';
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly metadata: ListMeta;
  readonly columnDefinitions: readonly TableColumn[];
  readonly rows: readonly TableRow[];
}

export interface TableSubject {
  readonly group: string;
  readonly kind: string;
  /** `additionalPrinterColumns` of a custom kind. */
  readonly columns?: readonly CrdColumn[];
  readonly builtin: boolean;
}

export interface TableOptions {
  /** Wall time in milliseconds since the epoch: what ages are counted to. */
  readonly now: number;
  readonly includeObject: 'None' | 'Metadata' | 'Object';
  readonly metadata?: ListMeta;
  /** False leaves the column definitions out: a watch sends them once. Default true. */
  readonly withHeaders?: boolean;
}

const builtinPrinters = new Map(
  [
    podPrinters,
    workloadPrinters,
    networkPrinters,
    storagePrinters,
    clusterPrinters,
    accessPrinters,
    policyPrinters,
    admissionPrinters,
  ].flatMap((family) => Object.entries(family)),
);

/** How built-in kinds without columns of their own are printed. */
const plainPrinter = printer<{ readonly metadata?: PartialObjectMeta }>([
  nameColumn,
  {
    name: 'Created At',
    type: 'date',
    description: 'When the object was created.',
    cell: ({ metadata }: { readonly metadata?: Given<PartialObjectMeta> }) =>
      metadata?.creationTimestamp ?? '',
  },
]);

function printerFor(subject: TableSubject): Printer {
  if (!subject.builtin) return customPrinter(subject.columns);
  return builtinPrinters.get(`${subject.group}/${subject.kind}`) ?? plainPrinter;
}

function definitionOf(column: Omit<Column<never>, 'cell'> & { readonly priority?: number }): TableColumn {
  return {
    name: column.name,
    type: column.type ?? 'string',
    format: column.format ?? '',
    description: column.description ?? '',
    priority: column.priority ?? (column.wide ? 1 : 0),
  };
}

function included(object: JsonObject, include: TableOptions['includeObject']): JsonObject | null {
  switch (include) {
    case 'None':
      return null;
    case 'Metadata':
      return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata ?? {} };
    case 'Object':
      return object;
  }
}

/** The objects, all of one kind, as a table. */
export function tableOf(subject: TableSubject, objects: readonly JsonObject[], options: TableOptions): Table {
  const way = printerFor(subject);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata ?? {},
    columnDefinitions: options.withHeaders === false ? [] : way.columns.map(definitionOf),
    rows: objects.map((object): TableRow => {
      const conditions = way.conditions?.(object) ?? [];
      return {
        cells: way.cells(object, options.now),
        ...(conditions.length > 0 ? { conditions } : {}),
        object: included(object, options.includeObject),
      };
    }),
  };
}
