/** Content negotiation of answers (API-11): plain JSON, a Table, or metadata only. */
import { notAcceptable } from '../../api/index.js';

export type Shape = 'object' | 'table' | 'metadata';

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

function parseAccept(accept: string): MediaRange[] {
  return accept
    .split(',')
    .map((part) => {
      const [type = '', ...parameters] = part.split(';').map((s) => s.trim());
      const pairs = parameters.map((p) => {
        const eq = p.indexOf('=');
        return [p.slice(0, eq < 0 ? p.length : eq).toLowerCase(), eq < 0 ? '' : p.slice(eq + 1)] as const;
      });
      return { type: type.toLowerCase(), parameters: new Map(pairs) };
    })
    .filter((range) => range.type !== '');
}

const json = new Set(['application/json', '*/*', 'application/*']);

/** Clients say the same all the time. */
const known = new Map<string, Shape>();
const maxKnown = 256;

/**
 * Picks the first shape the client accepts that can be served. Protobuf is never offered: every client
 * that asks for it also takes JSON.
 * @throws ApiError NotAcceptable when nothing fits
 */
export function negotiateShape(accept = ''): Shape {
  let shape = known.get(accept);
  if (shape === undefined) {
    shape = acceptedShape(accept);
    if (known.size >= maxKnown) known.clear();
    known.set(accept, shape);
  }
  return shape;
}

function acceptedShape(accept: string): Shape {
  const ranges = parseAccept(accept.trim() === '' ? '*/*' : accept);
  for (const { type, parameters } of ranges) {
    if (!json.has(type)) continue;
    const as = parameters.get('as');
    if (as === undefined) return 'object';
    const meta =
      parameters.get('g') === 'meta.k8s.io' && ['v1', 'v1beta1'].includes(parameters.get('v') ?? '');
    if (!meta) continue;
    if (as === 'Table') return 'table';
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return 'metadata';
  }
  throw notAcceptable('only the following media types are accepted: application/json');
}

/** True when the client asks for aggregated discovery, version 2 (API-12). */
export function acceptsAggregatedDiscovery(accept: string | undefined): boolean {
  return parseAccept(accept ?? '').some(
    ({ type, parameters }) =>
      json.has(type) &&
      parameters.get('as') === 'APIGroupDiscoveryList' &&
      parameters.get('g') === 'apidiscovery.k8s.io' &&
      parameters.get('v') === 'v2',
  );
}
