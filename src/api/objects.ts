/**
 * The shape every Kubernetes object shares, and the three views of it that the SDK hands out:
 * `Shared<T>` for reads, `Input<T>` for writes, `Draft<T>` inside a patch callback.
 *
 * Objects are plain JSON everywhere: timestamps are RFC 3339 strings, quantities are strings, and no
 * value is ever a class instance.
 */

/** An identifier unique over the lifetime of a cluster. */
export type UID = string;
/** An opaque version; compare two only with `compareResourceVersion`. */
export type ResourceVersion = string;
/** An RFC 3339 time with second precision, `2026-01-02T03:04:05Z`. */
export type Time = string;
/** An RFC 3339 time with microsecond precision, `2026-01-02T03:04:05.000000Z`. */
export type MicroTime = string;

/** Any value that JSON can carry. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };
/** A JSON object whose shape is not known statically. */
export type JsonObject = { readonly [key: string]: JsonValue };

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: UID;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** One manager's ownership of fields, as server-side apply records it. */
export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: 'Apply' | 'Update';
  readonly apiVersion?: string;
  readonly time?: Time;
  readonly fieldsType?: string;
  readonly fieldsV1?: JsonObject;
  readonly subresource?: string;
}

/** Metadata where nothing is guaranteed: in templates, and in what an author writes. */
export interface PartialObjectMeta {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: UID;
  readonly resourceVersion?: ResourceVersion;
  readonly generation?: number;
  readonly creationTimestamp?: Time | null;
  readonly deletionTimestamp?: Time;
  /** Seconds. */
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly ManagedFieldsEntry[];
  readonly selfLink?: string;
}

/** Metadata of an object that a server has stored. */
export interface ObjectMeta extends PartialObjectMeta {
  readonly name: string;
  readonly uid: UID;
  readonly resourceVersion: ResourceVersion;
  readonly creationTimestamp: Time;
}

export interface ListMeta {
  readonly resourceVersion?: ResourceVersion;
  readonly continue?: string;
  readonly remainingItemCount?: number;
  readonly selfLink?: string;
}

/** What every object read from a server has. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

export interface KubernetesList<T = KubernetesObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ListMeta;
  readonly items: readonly T[];
}

/** `metav1.Condition`: one aspect of an object's state. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: Time;
  readonly observedGeneration?: number;
}

type Primitive = string | number | boolean | bigint | symbol | null | undefined;

declare const defaulted: unique symbol;
/**
 * Marks a field of a custom spec as one the schema fills in (`@Default(…)`): always present when read,
 * optional in `Input<T>`.
 */
export type Defaulted<T> = T & { readonly [defaulted]?: true };

type Plain<T> = T extends Primitive
  ? T
  : T extends string & { readonly [defaulted]?: true }
    ? string
    : T extends number & { readonly [defaulted]?: true }
      ? number
      : T;

type MethodKeys<T> = { [K in keyof T]-?: T[K] extends (...args: never[]) => unknown ? K : never }[keyof T];

/** A deep-readonly view without methods: what reads hand out. */
export type Shared<T> = T extends Primitive
  ? T
  : T extends readonly (infer E)[]
    ? readonly Shared<E>[]
    : T extends object
      ? { readonly [K in keyof T as Exclude<K, MethodKeys<T> | typeof defaulted>]: Shared<T[K]> }
      : T;

/** A deep-mutable view, handed only to patch callbacks. */
export type Draft<T> = T extends Primitive
  ? T
  : T extends readonly (infer E)[]
    ? Draft<E>[]
    : T extends object
      ? { -readonly [K in keyof T]: Draft<T[K]> }
      : T;

type IsDefaulted<T> = typeof defaulted extends keyof NonNullable<T> ? true : false;
type DefaultedKeys<T> = { [K in keyof T]-?: IsDefaulted<T[K]> extends true ? K : never }[keyof T];

/** What an author may write for a nested value: readonly is accepted, defaulted fields are optional. */
export type InputValue<T> = T extends Primitive
  ? T
  : T extends readonly (infer E)[]
    ? readonly InputValue<E>[]
    : T extends object
      ? { readonly [K in keyof T as Exclude<K, DefaultedKeys<T> | MethodKeys<T>>]: InputValue<T[K]> } & {
          readonly [K in Exclude<DefaultedKeys<T>, typeof defaulted>]?: InputValue<Plain<T[K]>>;
        }
      : T;

/** What a write verb accepts: identity comes from the kind, metadata needs only what the author sets. */
export type Input<T> = {
  readonly [K in keyof T as Exclude<K, 'apiVersion' | 'kind' | 'metadata' | 'status'>]: InputValue<T[K]>;
} & {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: PartialObjectMeta;
} & ('status' extends keyof T ? { readonly status?: InputValue<NonNullable<T['status']>> } : unknown);
