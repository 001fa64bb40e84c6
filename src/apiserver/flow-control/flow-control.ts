/**
 * API priority and fairness (https://kubernetes.io/docs/concepts/cluster-administration/flow-control/): how many requests are
 * served at a time, by the level of the flow they are of, so that one client cannot starve the rest. Follows the FlowSchema and
 * PriorityLevelConfiguration objects in the cluster; a change counts from the next request on.
 *
 * Each level has the share of all places that its configuration says; a level does not borrow what others leave idle.
 */
import { type ApiError, type Clock, tooManyRequests, type UserInfo } from '../../api/index.js';
import type { FlowSchema, PriorityLevelConfiguration } from '../../api/kinds/flowcontrol/v1.js';
import type { Registry } from '../../telemetry/index.js';
import { mastersGroup } from '../auth/rbac.js';
import { Follower } from '../cache/follower.js';
import type { StampedObject } from '../cache/resource-cache.js';
import { storagePrefix, type WatchCache } from '../cache/watch-cache.js';
import {
  byPrecedence,
  concerns,
  distinguisherOf,
  type FlowRequest,
  matchesSchema,
  type NamedSchema,
} from './classify.js';
import { type FlowCounters, FlowMetrics } from './flow-metrics.js';
import { flowGroup, mandatoryLevels, mandatorySchemas } from './objects.js';
import { freeSeat, PriorityLevel, type Rejection, type Seat } from './priority-level.js';

/** How long a request waits for its turn at most: a quarter of what a request may take. */
const waitMs = 15_000;
/** Seconds a client is asked to wait. */
const retryAfter = 1;
const defaultShares = 30;

/** The place a request has, and what its answer says of it. */
export interface Place extends Seat {
  readonly headers: Readonly<Record<string, string>>;
}

interface Level {
  readonly uid: string;
  /** Undefined for one that is exempt. */
  readonly queues: PriorityLevel | undefined;
}

interface Route {
  readonly schema: NamedSchema;
  readonly level: Level;
  readonly headers: Readonly<Record<string, string>>;
  readonly counted: FlowCounters;
}

export interface FlowControlOptions {
  readonly cache: WatchCache;
  readonly clock: Clock;
  /** Requests that are served at a time, those of the exempt level aside. */
  readonly maxInFlight: number;
  readonly registry: Registry;
}

/** The objects of one kind, and whether any has changed since it was last asked. */
class Known<T> {
  readonly objects = new Map<string, T & StampedObject>();
  changed = true;

  clear(): void {
    this.objects.clear();
    this.changed = true;
  }

  set(key: string, object: StampedObject | undefined): void {
    if (object) this.objects.set(key, object as unknown as T & StampedObject);
    else this.objects.delete(key);
    this.changed = true;
  }
}

export class FlowControl {
  readonly #options: FlowControlOptions;
  readonly #metrics: FlowMetrics;
  readonly #schemas = new Known<FlowSchema>();
  readonly #levels = new Known<PriorityLevelConfiguration>();
  readonly #followers: readonly Follower[];
  readonly #queues = new Map<string, PriorityLevel>();
  #routes: readonly Route[] = [];
  #exempt: Route | undefined;
  /** The routes that a user's requests can take: who asks often is told apart once. */
  #routesOf = new WeakMap<UserInfo, readonly Route[]>();

  constructor(options: FlowControlOptions) {
    this.#options = options;
    this.#metrics = new FlowMetrics(options.registry);
    const follow = (plural: string, index: Known<FlowSchema> | Known<PriorityLevelConfiguration>): Follower =>
      new Follower(options.cache.resource(storagePrefix({ group: flowGroup, plural })), index);
    this.#followers = [
      follow('flowschemas', this.#schemas),
      follow('prioritylevelconfigurations', this.#levels),
    ];
  }

  /**
   * Lets a request in, at once where there is a place.
   * @param signal ends the waiting of a request whose client has left
   * @throws ApiError TooManyRequests, at once or as a rejection
   */
  enter(request: FlowRequest, signal: () => AbortSignal | undefined): Place | Promise<Place> {
    const route = this.#routeOf(request);
    const { schema, level, headers } = route;
    if (!level.queues) {
      route.counted.dispatched.inc();
      return { headers, release: freeSeat.release };
    }
    const flow = (): string => `${schema.name} ${distinguisherOf(schema.spec, request)}`;
    const seat = level.queues.take(flow, signal);
    return seat instanceof Promise ? seat.then((taken) => placed(taken, route)) : placed(seat, route);
  }

  #routeOf(request: FlowRequest): Route {
    for (const follower of this.#followers) follower.catchUp();
    if (this.#schemas.changed || this.#levels.changed) this.#compile();
    // The first of all schemas, and nobody may change it.
    if (this.#exempt && request.user.groups?.includes(mastersGroup)) return this.#exempt;
    const found = this.#open(request.user).find(({ schema }) => matchesSchema(schema.spec, request));
    return found ?? (this.#routes.at(-1) as Route);
  }

  #open(user: UserInfo): readonly Route[] {
    let routes = this.#routesOf.get(user);
    if (!routes) {
      routes = this.#routes.filter(({ schema }) => concerns(schema.spec, user));
      this.#routesOf.set(user, routes);
    }
    return routes;
  }

  #compile(): void {
    this.#schemas.changed = false;
    this.#levels.changed = false;
    const levels = this.#compileLevels();
    const schemas = new Map(
      Object.entries(mandatorySchemas).map(([name, spec]): [string, NamedSchema] => [
        name,
        { name, uid: '', spec },
      ]),
    );
    for (const { metadata, spec } of this.#schemas.objects.values())
      schemas.set(metadata.name, { name: metadata.name, uid: metadata.uid, spec });
    this.#routes = byPrecedence(schemas.values()).flatMap((schema) => {
      const { name } = schema.spec.priorityLevelConfiguration;
      const level = levels.get(name);
      // One whose level is not there is passed over.
      if (!level) return [];
      const headers = {
        'x-kubernetes-pf-flowschema-uid': schema.uid,
        'x-kubernetes-pf-prioritylevel-uid': level.uid,
      };
      return [{ schema, level, headers, counted: this.#metrics.of(schema.name, name) }];
    });
    this.#routesOf = new WeakMap();
    this.#exempt = this.#routes.find(({ schema }) => schema.name === 'exempt');
  }

  #compileLevels(): ReadonlyMap<string, Level> {
    const specs = new Map<
      string,
      { readonly uid: string; readonly spec: PriorityLevelConfiguration['spec'] }
    >();
    for (const [name, spec] of Object.entries(mandatoryLevels)) specs.set(name, { uid: '', spec });
    for (const { metadata, spec } of this.#levels.objects.values())
      specs.set(metadata.name, { uid: metadata.uid, spec });
    const shares = (spec: PriorityLevelConfiguration['spec']): number =>
      spec.type === 'Exempt'
        ? (spec.exempt?.nominalConcurrencyShares ?? 0)
        : (spec.limited?.nominalConcurrencyShares ?? defaultShares);
    let sum = 0;
    for (const { spec } of specs.values()) sum += shares(spec);
    const levels = new Map<string, Level>();
    for (const [name, { uid, spec }] of specs) {
      const limit = Math.ceil((this.#options.maxInFlight * shares(spec)) / Math.max(1, sum));
      levels.set(name, {
        uid,
        queues: spec.type === 'Exempt' ? undefined : this.#configured(name, spec, limit),
      });
    }
    // Those who wait at a level that is gone are served still: it keeps its queues, and nobody else comes.
    for (const name of this.#queues.keys()) if (!levels.get(name)?.queues) this.#forget(name);
    return levels;
  }

  #forget(name: string): void {
    this.#queues.delete(name);
    this.#metrics.forget(name);
  }

  #configured(name: string, spec: PriorityLevelConfiguration['spec'], limit: number): PriorityLevel {
    const queues = this.#queues.get(name) ?? new PriorityLevel(this.#options.clock, waitMs);
    this.#queues.set(name, queues);
    queues.configure(spec, limit);
    this.#metrics.follow(name, queues, limit);
    return queues;
  }
}

function placed(seat: Seat | Rejection, { headers, counted }: Route): Place {
  if (typeof seat === 'string') {
    counted.rejected(seat);
    throw rejected();
  }
  counted.dispatched.inc();
  return { headers, release: seat.release };
}

function rejected(): ApiError {
  return tooManyRequests('Too many requests, please try again later.', retryAfter);
}
