/**
 * Conversion between versions of a custom kind, hub and spokes: every version knows the way to the hub and back, and any
 * two meet there. The hub is what is stored.
 *
 * ```ts
 * const websites = conversionFor(Website).version(WebsiteV1beta1, {
 *   toHub: ({ spec }) => ({ spec: { image: spec.picture, replicas: spec.count } }),
 *   fromHub: ({ spec }) => ({ spec: { picture: spec.image, count: spec.replicas } }),
 * });
 * ```
 * Metadata, kind and apiVersion are none of a conversion's business: they stay as they are. What one version cannot say
 * belongs into an annotation; `checkRoundTrip` in a test finds what gets lost.
 */
import {
  apiVersionOf,
  deepEqualJson,
  type InputValue,
  type JsonObject,
  type KindOf,
} from '../../api/index.js';
import type { Logger } from '../../telemetry/index.js';
import { changedFields } from '../observe/changed-fields.js';

/** What a conversion gives: everything of the object but its identity. */
export type Converted<T> = {
  readonly [F in Exclude<keyof T, 'apiVersion' | 'kind' | 'metadata'>]: InputValue<T[F]>;
};

export interface Conversion<Spoke, Hub> {
  readonly toHub: (object: Spoke) => Converted<Hub>;
  readonly fromHub: (object: Hub) => Converted<Spoke>;
}

export interface ConversionDefinition {
  readonly hub: KindOf<unknown>;
  readonly spokes: readonly {
    readonly kind: KindOf<unknown>;
    readonly conversion: {
      readonly toHub: (object: never) => unknown;
      readonly fromHub: (object: never) => unknown;
    };
  }[];
}

export interface ConversionBuilder<Hub> extends ConversionDefinition {
  version<Spoke>(kind: KindOf<Spoke>, conversion: Conversion<Spoke, Hub>): ConversionBuilder<Hub>;
}

/** Begins the conversions of a kind; give the version that is stored. */
export function conversionFor<Hub>(hub: KindOf<Hub>): ConversionBuilder<Hub> {
  return builder<Hub>({ hub: hub as KindOf<unknown>, spokes: [] });
}

function builder<Hub>(so: ConversionDefinition): ConversionBuilder<Hub> {
  return {
    ...so,
    version: (kind, conversion) => {
      if (kind.group !== so.hub.group || kind.kind !== so.hub.kind)
        throw new TypeError(
          `${apiVersionOf(kind)} ${kind.kind} is no version of ${so.hub.kind}.${so.hub.group}`,
        );
      return builder({
        ...so,
        spokes: [...so.spokes, { kind: kind as KindOf<unknown>, conversion }],
      });
    },
  };
}

interface Review {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly request?: {
    readonly uid?: unknown;
    readonly desiredAPIVersion?: string;
    readonly objects?: readonly JsonObject[];
  };
}

/** @throws TypeError for what is no ConversionReview v1 */
export function answerConversion(
  definition: ConversionDefinition,
  body: JsonObject,
  log: Logger,
): { readonly review: JsonObject; readonly failed: boolean } {
  const { apiVersion, kind, request } = body as Review;
  if (
    apiVersion !== 'apiextensions.k8s.io/v1' ||
    kind !== 'ConversionReview' ||
    typeof request?.uid !== 'string'
  )
    throw new TypeError('the body is no ConversionReview of apiextensions.k8s.io/v1');
  const { uid, desiredAPIVersion = '', objects = [] } = request;
  try {
    const convertedObjects = objects.map((object) => convert(definition, object, desiredAPIVersion));
    const response = { uid, convertedObjects, result: { status: 'Success' } };
    return { review: { apiVersion, kind, response } as unknown as JsonObject, failed: false };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    log.error('a conversion failed', { kind: definition.hub.kind, to: desiredAPIVersion, error: message });
    const response = { uid, convertedObjects: [], result: { status: 'Failure', message } };
    return { review: { apiVersion, kind, response } as unknown as JsonObject, failed: true };
  }
}

/** @throws TypeError for a version nobody knows the way to; whatever a conversion throws */
function convert({ hub, spokes }: ConversionDefinition, object: JsonObject, desired: string): JsonObject {
  const wayOf = (apiVersion: unknown) => {
    if (apiVersion === apiVersionOf(hub)) return undefined;
    const spoke = spokes.find(({ kind }) => apiVersionOf(kind) === apiVersion);
    if (!spoke) throw new TypeError(`nobody knows how to convert ${hub.kind} of ${String(apiVersion)}`);
    return spoke.conversion;
  };
  if (object.apiVersion === desired) return object;
  const from = wayOf(object.apiVersion);
  const to = wayOf(desired);
  const identity = { kind: object.kind ?? hub.kind, metadata: object.metadata ?? {} };
  const central = from
    ? { apiVersion: apiVersionOf(hub), ...identity, ...(from.toHub(object as never) as JsonObject) }
    : object;
  const converted = to ? (to.fromHub(central as never) as JsonObject) : central;
  return { ...converted, apiVersion: desired, ...identity };
}

/**
 * For tests: takes an object from its version through each other one and back.
 * @throws Error naming what was lost on the way
 */
export function checkRoundTrip(definition: ConversionDefinition, object: object): void {
  const start = object as JsonObject;
  for (const kind of [definition.hub, ...definition.spokes.map((spoke) => spoke.kind)]) {
    const there = convert(definition, start, apiVersionOf(kind));
    const back = convert(definition, there, String(start.apiVersion));
    if (deepEqualJson(back, start)) continue;
    const lost = changedFields(start, back).map(({ path }) => path);
    throw new Error(
      `${String(start.apiVersion)} ${definition.hub.kind} does not survive ${apiVersionOf(kind)}: ${lost.join(', ')}`,
    );
  }
}
