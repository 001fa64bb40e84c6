/** The CustomResourceDefinition of a kind's class. */
import { FieldPath, type Schema, structuralErrors } from '../../api/index.js';
import { CustomResourceDefinition } from '../../api/kinds/apiextensions/v1.js';
import type { AnyCustomResource, Column, ColumnType, IdentifiedInput } from './custom-resource.js';
import { factsOfLineage } from '../registration/metadata.js';
import { nameOfClass, RegistrationError } from '../registration/registration-error.js';
import { assertPlainClass, loadValidators, SchemaEmitter } from './schema-emitter.js';

/**
 * The definition that installs a kind: its own version, which is stored, and the others it names, which are served beside
 * it.
 * @throws RegistrationError naming class, field and remedy when a schema cannot be made, or a version is of another kind
 */
export async function crdOf(kind: AnyCustomResource): Promise<IdentifiedInput<CustomResourceDefinition>> {
  const { options, group, plural, singular, scope } = kind;
  const emitter = new SchemaEmitter(await loadValidators());
  const others = options.versions?.() ?? [];
  for (const other of others) checkVersion(kind, other);
  return {
    apiVersion: `${CustomResourceDefinition.group}/${CustomResourceDefinition.version}`,
    kind: CustomResourceDefinition.kind,
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: {
        plural,
        singular,
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        ...(options.shortNames?.length ? { shortNames: options.shortNames } : {}),
        ...(options.categories?.length ? { categories: options.categories } : {}),
      },
      versions: [kind, ...others].map((version) => versionOf(version, emitter, version === kind)),
    },
  };
}

function versionOf(kind: AnyCustomResource, emitter: SchemaEmitter, storage: boolean) {
  assertPlainClass(kind);
  const { options, version } = kind;
  const schema = wholeSchema(kind, emitter);
  checkSchema(kind, schema);
  const columns = columnsOf(kind, schema);
  const { deprecated = false } = options;
  return {
    name: version,
    served: true,
    storage,
    ...(deprecated === false ? {} : { deprecated: true }),
    ...(typeof deprecated === 'string' ? { deprecationWarning: deprecated } : {}),
    schema: { openAPIV3Schema: schema as never },
    ...(options.status || options.scale
      ? {
          subresources: {
            ...(options.status ? { status: {} } : {}),
            ...(options.scale ? { scale: options.scale } : {}),
          },
        }
      : {}),
    ...(columns.length > 0 ? { additionalPrinterColumns: columns } : {}),
  };
}

function checkVersion(hub: AnyCustomResource, other: AnyCustomResource): void {
  const same = (['group', 'kind', 'plural', 'singular', 'scope'] as const).every(
    (part) => hub[part] === other[part],
  );
  if (same && hub.version !== other.version) return;
  throw new RegistrationError(
    nameOfClass(hub),
    `names ${nameOfClass(other)} as another version, which is ${same ? 'the same version' : 'another kind'}`,
    'give it the same group, kind, plural and scope, and another version',
  );
}

const observedGeneration: Schema = {
  type: 'integer',
  format: 'int64',
  description: 'The generation of the spec that this status speaks of.',
};

function wholeSchema(kind: AnyCustomResource, emitter: SchemaEmitter): Schema {
  const { spec, status } = kind.options;
  const description = factsOfLineage(kind).find((f) => f.description !== undefined)?.description;
  const statusSchema = status ? emitter.classSchema(status) : undefined;
  return {
    type: 'object',
    ...(description === undefined ? {} : { description }),
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: emitter.classSchema(spec),
      ...(statusSchema
        ? { status: { ...statusSchema, properties: { observedGeneration, ...statusSchema.properties } } }
        : {}),
    },
  };
}

/** What the API server would refuse, said before it is asked and in terms of the class. */
function checkSchema(kind: AnyCustomResource, schema: Schema): void {
  const [error] = structuralErrors(schema, FieldPath.root);
  if (!error) return;
  throw new RegistrationError(
    nameOfClass(kind),
    `has a schema that the API server refuses (${error.field}: ${error.message})`,
    'change the decorators of that field',
  );
}

interface PrinterColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly jsonPath: string;
  readonly priority?: number;
  readonly format?: string;
  readonly description?: string;
}

const age: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

function columnsOf(kind: AnyCustomResource, schema: Schema): PrinterColumn[] {
  const given = Object.entries(kind.options.columns ?? {});
  if (given.length === 0) return []; // a server shows Age by itself then
  const columns = given.map(([name, column]): PrinterColumn => {
    const { path, type, ...rest }: Column = typeof column === 'string' ? { path: column } : column;
    const derived = columnType(kind, name, path, schema);
    return { name, type: type ?? derived, jsonPath: path, ...rest };
  });
  return columns.some((c) => c.name === age.name) ? columns : [...columns, age];
}

/** The type of the field a path leads to. A path with a filter or index is followed up to there. */
function columnType(kind: AnyCustomResource, name: string, path: string, schema: Schema): ColumnType {
  const where = `${nameOfClass(kind)} column ${JSON.stringify(name)}`;
  if (!path.startsWith('.')) {
    throw new RegistrationError(
      where,
      `has the path ${JSON.stringify(path)}`,
      "begin it with a dot, e.g. '.status.readyReplicas'",
    );
  }
  if (path === '.metadata.creationTimestamp' || path === '.metadata.deletionTimestamp') return 'date';
  if (path.startsWith('.metadata.')) return path === '.metadata.generation' ? 'integer' : 'string';
  const plain = /^(?:\.[A-Za-z_$][\w$]*)*/.exec(path)?.[0] ?? '';
  let at: Schema | undefined = schema;
  for (const step of plain.slice(1).split('.')) {
    if (at['x-kubernetes-preserve-unknown-fields'] || at.additionalProperties) return 'string';
    const next: Schema | undefined =
      at.properties && Object.hasOwn(at.properties, step) ? at.properties[step] : undefined;
    if (!next) {
      throw new RegistrationError(
        where,
        `reads ${path}, and no class has the field ${step}`,
        'name a field of the spec or status class',
      );
    }
    at = next;
  }
  return plain === path ? simpleType(at) : 'string';
}

function simpleType(schema: Schema): ColumnType {
  const { type, format } = schema;
  if (type === 'integer' || type === 'number' || type === 'boolean') return type;
  return type === 'string' && (format === 'date-time' || format === 'date') ? 'date' : 'string';
}
