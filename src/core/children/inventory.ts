/**
 * What an object has made, kept in its own status: how children are found again that the present code does not ask for
 * any more, of whatever kind, wherever they are.
 *
 * It is written before a child is made, so that no crash leaves one behind that nobody knows of.
 */
import {
  type Kind,
  kind,
  type KindFacts,
  parseApiVersion,
  apiVersionOf,
  type Schema,
} from '../../api/index.js';
import { isCustomResource } from '../kinds/custom-resource.js';
import { fieldFactsOf } from '../registration/metadata.js';
import { Schema as SchemaOf } from '../kinds/field-decorators.js';
import type { Context } from '../reconcile/context.js';

/** One child: enough to read and delete it without knowing its type. */
export interface InventoryEntry {
  readonly apiVersion: string;
  readonly kind: string;
  /** The plural. */
  readonly resource: string;
  /** Absent for a cluster-scoped child. */
  readonly namespace?: string;
  readonly name: string;
}

/** Every child has this label: the UID of the object it belongs to. */
export const ownerLabel = 'gyre.dev/owner-uid';

const schema: Schema = {
  type: 'array',
  'x-kubernetes-list-type': 'atomic',
  items: {
    type: 'object',
    required: ['apiVersion', 'kind', 'resource', 'name'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      resource: { type: 'string' },
      namespace: { type: 'string' },
      name: { type: 'string' },
    },
  },
};

/** The field of a status class that holds the inventory: `@Inventory() @IsOptional() inventory?: InventoryEntry[]`. */
export function Inventory(): (prototype: object, field: string) => void {
  return SchemaOf(schema);
}

/** The inventory field of a context's status. */
export class InventoryField<T> {
  constructor(
    private readonly ctx: Context<T>,
    private readonly field: string,
  ) {
    assertField(ctx.kind, field, '@Inventory() @IsOptional()');
  }

  get entries(): readonly InventoryEntry[] {
    const value = (this.ctx.status as Record<string, unknown>)[this.field];
    return Array.isArray(value) ? (value as InventoryEntry[]) : [];
  }

  set(entries: readonly InventoryEntry[]): void {
    (this.ctx.status as Record<string, unknown>)[this.field] = entries.map((entry) => ({ ...entry }));
  }
}

/**
 * A field that the schema does not know is dropped by the server without a word, and with it what was to be remembered.
 * @throws TypeError naming the remedy
 */
export function assertField(kindFacts: KindFacts, field: string, decorators: string): void {
  if (!isCustomResource(kindFacts)) return;
  const { status } = kindFacts.options;
  if (status && fieldFactsOf(status).has(field)) return;
  throw new TypeError(
    `the status of ${kindFacts.kind} has no field ${field}: add ${decorators} ${field} to its status class`,
  );
}

export function entryOf(of: KindFacts, namespace: string | undefined, name: string): InventoryEntry {
  return {
    apiVersion: apiVersionOf(of),
    kind: of.kind,
    resource: of.plural,
    ...(of.scope === 'Namespaced' && namespace ? { namespace } : {}),
    name,
  };
}

export function kindOfEntry({
  apiVersion,
  kind: name,
  resource,
  namespace,
}: InventoryEntry): Kind<Owned, 'Namespaced' | 'Cluster'> {
  return kind<Owned, 'Namespaced' | 'Cluster'>({
    ...parseApiVersion(apiVersion),
    kind: name,
    plural: resource,
    scope: namespace === undefined ? 'Cluster' : 'Namespaced',
  });
}

/** The least that is known of any child. */
export interface Owned {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly uid: string }[];
  };
}

/** Identity without the version: a kind that is applied at another version is the same child. */
export function idOf({ apiVersion, resource, namespace = '', name }: InventoryEntry): string {
  return `${parseApiVersion(apiVersion).group}/${resource}/${namespace}/${name}`;
}
