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
 * optional in `Input<T>`. A plain value is accepted where it is expected.
 */
export type Defaulted<T> = T & { readonly [defaulted]?: true };

/** `R` carrying the mark of `T`, if it has one. */
type KeepMark<T, R> = typeof defaulted extends keyof T ? Defaulted<R> : R;

type IsMethod<V> = unknown extends V
  ? false
  : NonNullable<V> extends (...args: never[]) => unknown
    ? true
    : false;

/** A deep-readonly view without methods: what reads hand out. */
export type Shared<T> = T extends Primitive
  ? T
  : T extends readonly (infer E)[]
    ? KeepMark<T, readonly Shared<E>[]>
    : T extends object
      ? { readonly [K in keyof T as IsMethod<T[K]> extends true ? never : K]: Shared<T[K]> }
      : T;

/** A deep-mutable view, handed only to patch callbacks. */
export type Draft<T> = T extends Primitive
  ? T
  : T extends readonly (infer E)[]
    ? Draft<E>[]
    : T extends object
      ? { -readonly [K in keyof T]: Draft<T[K]> }
      : T;

type IsDefaulted<V> = unknown extends V
  ? false
  : typeof defaulted extends keyof NonNullable<V>
    ? true
    : false;
type DefaultedKeys<T> = keyof { [K in keyof T as IsDefaulted<T[K]> extends true ? K : never]: true };
type PlainKey<T, K extends keyof T> = K extends typeof defaulted
  ? never
  : IsMethod<T[K]> extends true
    ? never
    : K;

/** What an author may write for a nested value: readonly is accepted, defaulted fields are optional. */
export type InputValue<T> = T extends Primitive
  ? T
  : T extends readonly (infer E)[]
    ? readonly InputValue<E>[]
    : T extends object
      ? [DefaultedKeys<T>] extends [never]
        ? { readonly [K in keyof T as PlainKey<T, K>]: InputValue<T[K]> }
        : {
            readonly [K in keyof T as K extends DefaultedKeys<T> ? never : PlainKey<T, K>]: InputValue<T[K]>;
          } & { readonly [K in keyof T as K extends DefaultedKeys<T> ? K : never]?: InputValue<T[K]> }
      : T;

/** What a write verb accepts: identity comes from the kind, metadata needs only what the author sets. */
export type Input<T> = {
  readonly [K in keyof T as K extends 'apiVersion' | 'kind' | 'metadata' | 'status' ? never : K]: InputValue<
    T[K]
  >;
} & {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: PartialObjectMeta;
} & ('status' extends keyof T
    ? { readonly status?: InputValue<NonNullable<T['status' & keyof T]>> }
    : unknown);
