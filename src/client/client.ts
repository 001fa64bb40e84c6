/**
 * The live, asynchronous view of a cluster: what every verb takes and gives, over any Transport.
 *
 * Verbs take the kind first, so that the object's type is inferred from it. What they return is shared
 * with caches in process: readonly, never to be mutated. What they are given is copied before it is
 * sent: the caller's object is neither kept nor frozen.
 */
import type { Duplex } from 'node:stream';
import type {
  ApiRequest,
  ApiResponse,
  Draft,
  Duration,
  Input,
  JsonObject,
  JsonValue,
  Key,
  Kind,
  KindOf,
  KubernetesList,
  KubernetesObject,
  ObjectDecoder,
  Scope,
  Transport,
  WatchResponse,
} from '../api/index.js';
import type { Scale } from '../api/kinds/autoscaling/v1.js';
import type { AttachOptions, ExecOptions, ExecSession } from './streams/exec-session.js';
import type { LogOptions, LogStream } from './streams/log-stream.js';
import type { ConditionToWaitFor, WaitOptions } from './wait-for.js';

/** What every request takes. */
export interface RequestOptions {
  /** Aborting rejects with the signal's reason; a write that was sent already may still happen. */
  readonly signal?: AbortSignal;
  /**
   * How long the answer may take, attempts and pauses included; a watch or stream, to be opened. When it runs out, a
   * read and what was not sent yet reject with TransportError, a write that was sent with OutcomeUnknown. Default: as
   * long as the server takes.
   */
  readonly timeout?: Duration;
}

export interface GetOptions extends RequestOptions {
  readonly resourceVersion?: string;
  /** Reads this subresource instead of the object, e.g. `status` or `scale`. */
  readonly subresource?: string;
}

export interface ListOptions extends RequestOptions {
  /** Namespaced kinds only; all namespaces when absent. */
  readonly namespace?: string;
  /** Kubernetes label selector syntax: `app=web,tier in (a,b),!legacy`. */
  readonly labelSelector?: string;
  /** Kubernetes field selector syntax: `metadata.name=x,status.phase!=Running`. */
  readonly fieldSelector?: string;
  /** Objects per page. Default 500. */
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

export interface WatchOptions extends RequestOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'NotOlderThan';
  readonly allowWatchBookmarks?: boolean;
  /** Streaming list: the current state as ADDED events, then a bookmark (API-2). */
  readonly sendInitialEvents?: boolean;
  /** Seconds after which the server ends the watch. */
  readonly timeoutSeconds?: number;
}

export interface WriteOptions extends RequestOptions {
  /** Runs everything but the write itself. */
  readonly dryRun?: boolean;
  /** Who owns the fields that are set. Default: the client's own. */
  readonly fieldManager?: string;
  /** What the server does about unknown and duplicate fields (API-10). Default `Warn`. */
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  /** Writes this subresource instead of the object, e.g. `status`. */
  readonly subresource?: string;
}

export interface PatchOptions extends WriteOptions {
  /**
   * Draft patches carry the version read, so that a concurrent change is a 409 Conflict. `false` sends
   * the difference alone. Default true.
   */
  readonly optimisticLock?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  /** Takes over fields that other managers own instead of failing with a conflict. Default false. */
  readonly force?: boolean;
}

export interface DeleteOptions extends RequestOptions {
  /** Seconds the object may take to end; pods only. Default: the object's own. */
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

/** A patch in one of the wire formats; prefer the draft form. */
export type RawPatch =
  | {
      readonly type: 'json';
      readonly patch: readonly {
        readonly op: string;
        readonly path: string;
        readonly value?: JsonValue;
        readonly from?: string;
      }[];
    }
  | { readonly type: 'merge'; readonly patch: object }
  /** Built-in kinds only. */
  | { readonly type: 'strategic'; readonly patch: object };

export interface TokenOptions extends RequestOptions {
  /** Whom it is for. Default: the API server. */
  readonly audiences?: readonly string[];
  /** Seconds; servers round it, 600 at least. Default: as the server does. */
  readonly expirationSeconds?: number;
  /** The token dies with this object: a pod or a secret. */
  readonly boundTo?: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid?: string;
  };
}

export interface IssuedToken {
  readonly token: string;
  /** RFC 3339. */
  readonly expirationTimestamp: string;
}

export interface Client {
  /** @throws ApiError NotFound when there is no such object; NoSuchKind when the kind is not served */
  get<T, S extends Scope>(kind: KindOf<T, S>, key: Key<S>, options?: GetOptions): Promise<T>;
  /** Like `get`, with `undefined` for an object that does not exist. @throws NoSuchKind */
  find<T, S extends Scope>(kind: KindOf<T, S>, key: Key<S>, options?: GetOptions): Promise<T | undefined>;
  /**
   * All objects of one version, page by page. A continue token that expires mid-way throws ApiError Expired: starting
   * over would give again what was given. `metadata.continue` of its status goes on after the last object, at a newer
   * version, for who can do with that (`continue` of a new list).
   */
  list<T>(kind: KindOf<T>, options?: ListOptions): AsyncIterable<T>;
  /** One page. */
  listPage<T>(kind: KindOf<T>, options?: ListOptions): Promise<KubernetesList<T>>;
  watch<T>(kind: KindOf<T>, options?: WatchOptions): Promise<WatchResponse<T>>;

  /** @throws ApiError AlreadyExists, Invalid, Forbidden */
  create<T>(kind: KindOf<T>, object: Input<NoInfer<T>>, options?: WriteOptions): Promise<T>;
  /** Replaces the object. Carries the resourceVersion of `object`. @throws ApiError Conflict */
  update<T>(kind: KindOf<T>, object: NoInfer<T> | Input<NoInfer<T>>, options?: WriteOptions): Promise<T>;
  /**
   * Changes a draft of the object and sends the difference as a JSON patch; nothing is sent when nothing
   * differs. Given a key, the object is read first; given an object, that version is the base.
   * @throws ApiError Conflict when the object changed since it was read
   */
  patch<T, S extends Scope>(
    kind: KindOf<T, S>,
    target: Key<S> | NoInfer<T>,
    change: (draft: Draft<NoInfer<T>>) => void,
    options?: PatchOptions,
  ): Promise<T>;
  /** Sends a patch in one of the wire formats. */
  patchRaw<T, S extends Scope>(
    kind: KindOf<T, S>,
    key: Key<S>,
    patch: RawPatch,
    options?: WriteOptions,
  ): Promise<T>;
  /** Server-side apply (API-9). @throws ApiError Conflict with one cause per contested field */
  apply<T>(kind: KindOf<T>, object: Input<NoInfer<T>>, options?: ApplyOptions): Promise<T>;
  /**
   * Posts to a subresource of an object: a Binding to `binding` of a pod, an Eviction to `eviction`, a
   * TokenRequest to `token` of a service account. Gives what the server answers, an object or a Status.
   * @throws ApiError NotFound, Conflict, Invalid
   */
  createSubresource<T, S extends Scope, B>(
    kind: KindOf<T, S>,
    key: Key<S>,
    subresource: string,
    bodyKind: KindOf<B>,
    body: Input<NoInfer<B>>,
    options?: WriteOptions,
  ): Promise<JsonObject>;
  /** Resolves once the server accepted the deletion; finalizers may keep the object for a while. */
  delete<T, S extends Scope>(kind: KindOf<T, S>, key: Key<S>, options?: DeleteOptions): Promise<void>;
  deleteCollection<T>(kind: KindOf<T>, options?: ListOptions & DeleteOptions): Promise<void>;

  /**
   * Waits until the object is as it should be, and gives it: a predicate (given undefined while there is none), a
   * condition of its status at its present generation, or its deletion. Survives watches that end, break or expire.
   * @throws WaitTimeout, saying what was seen last; ApiError for what waiting cannot change
   */
  waitFor<T, S extends Scope>(
    kind: KindOf<T, S>,
    key: Key<S>,
    condition: ConditionToWaitFor,
    options?: WaitOptions,
  ): Promise<T>;
  waitFor<T, S extends Scope>(
    kind: KindOf<T, S>,
    key: Key<S>,
    condition: 'deleted',
    options?: WaitOptions,
  ): Promise<undefined>;
  waitFor<T, S extends Scope>(
    kind: KindOf<T, S>,
    key: Key<S>,
    condition: (object: T | undefined) => boolean,
    options?: WaitOptions,
  ): Promise<T | undefined>;
  /**
   * A kind that is known only by name at run time, as all verbs take it. What the server said is kept, and asked for
   * anew when something is not in it.
   * @throws NoSuchKind
   */
  kindFor(apiVersion: string, kind: string, options?: RequestOptions): Promise<Kind<AnyObject>>;

  /** How many replicas an object has and should have. @throws ApiError NotFound, also for a kind without scale */
  getScale<T, S extends Scope>(kind: KindOf<T, S>, key: Key<S>, options?: RequestOptions): Promise<Scale>;
  /** Sets how many replicas an object should have. @throws ApiError NotFound, Invalid */
  setScale<T, S extends Scope>(
    kind: KindOf<T, S>,
    key: Key<S>,
    replicas: number,
    options?: Omit<WriteOptions, 'subresource'>,
  ): Promise<Scale>;
  /**
   * Deletes a pod unless a PodDisruptionBudget is against it.
   * @throws ApiError TooManyRequests when a budget does not allow it now
   */
  evict(pod: Key<'Namespaced'>, options?: DeleteOptions): Promise<void>;
  /** A token of a service account. @throws ApiError NotFound, Invalid */
  createToken(serviceAccount: Key<'Namespaced'>, options?: TokenOptions): Promise<IssuedToken>;

  /** The log of a container. Nothing is asked before it is read. */
  logs(pod: Key<'Namespaced'>, options?: LogOptions): LogStream;
  /**
   * Runs a command in a container. @throws ApiError when the server refuses; what is wrong with the command is told
   * by `exitCode`
   */
  exec(pod: Key<'Namespaced'>, options: ExecOptions): Promise<ExecSession>;
  /** Connects to the streams of a container's own process. @throws ApiError */
  attach(pod: Key<'Namespaced'>, options?: AttachOptions): Promise<ExecSession>;
  /**
   * One connection to a TCP port of a pod. What goes wrong there destroys it with TransportError. `end()` is not told
   * to the other side before it is destroyed. @throws ApiError when the server refuses
   */
  portForward(pod: Key<'Namespaced'>, port: number, options?: RequestOptions): Promise<Duplex>;

  /** This client bound to a signal, a field manager, a guard that runs before every write, or to metadata. */
  with(binding: ClientBinding): Client;
  readonly transport: Transport;
  /** Default owner of the fields this client sets. */
  readonly fieldManager: string;
}

export interface ClientBinding {
  readonly signal?: AbortSignal;
  readonly fieldManager?: string;
  /** Called before every write is sent; a throw refuses the write. */
  readonly beforeWrite?: () => void;
  /**
   * Reads of whole objects give their metadata and nothing else (`PartialObjectMetadata`, API-11): for those
   * who look at every kind there is. What is read says of itself that it is partial; writes are as before.
   */
  readonly metadataOnly?: boolean;
  /** `false`: one failure is one attempt, for callers with a back-off of their own. */
  readonly retry?: false;
  /** Reads the objects of lists and watches. */
  readonly decoder?: ObjectDecoder;
  /** Hears of every request; several are asked one after the other. */
  readonly observer?: RequestObserver;
  /** Every write runs everything but the write itself. It cannot be taken back for one request. */
  readonly dryRun?: true;
  /**
   * Lists and watches of namespaced kinds stay within this namespace, and what names another one is refused with a
   * TypeError before it is sent. Cluster-scoped kinds are as before.
   */
  readonly namespace?: string;
}

/** Follows the requests of a client: for metrics, traces and recordings. Must not throw. */
export interface RequestObserver {
  /** A request is about to be sent. `attributes` says what it is about. */
  begin(request: ApiRequest, attributes: RequestAttributes): ObservedRequest | undefined;
}

export interface RequestAttributes {
  /** As RBAC names it: get, list, watch, create, update, patch, delete, deletecollection. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  /** The plural. */
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly dryRun?: boolean;
  /** Where a program talks to several clusters: which; absent for its own. */
  readonly cluster?: string;
}

export interface ObservedRequest {
  /** Added to the request, lower-case: a trace context. */
  readonly headers?: Readonly<Record<string, string>>;
  /** It was answered: a watch, when it was opened. Or no answer came. */
  end(result: { readonly response: ApiResponse } | { readonly error: unknown }): void;
}

/** The untyped object type that dynamic callers use. */
export type AnyObject = KubernetesObject & { readonly [field: string]: unknown };
