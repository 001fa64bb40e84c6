/** How built-in objects are served: with what Kubernetes always says of its kinds, though nobody stored it. */
import { type JsonObject, zeroFiller } from '../../api/index.js';
import { builtinResources, schemaOfKind } from '../../api/facts/index.js';
import type { Decoder } from '../cache/resource-cache.js';
import { storagePrefix } from '../cache/watch-cache.js';
import { storageGroupOf } from './conversion/conversions.js';

/** What turns a stored object of the resource into what is served; undefined for custom ones. */
export function builtinDecoder(prefix: string): Decoder | undefined {
  const facts = byPrefix.get(prefix);
  if (!facts) return undefined;
  // Made with the first object: most kinds never have one.
  let decode: Decoder | undefined;
  return (stored) => {
    if (!decode) {
      const schema = schemaOfKind(facts);
      const fill = schema && zeroFiller(schema);
      decode = fill ? (object) => fill(object) as JsonObject : (object) => object;
    }
    return decode(stored);
  };
}

const byPrefix = new Map(
  // The version that comes first is the one that is stored.
  [...builtinResources]
    .reverse()
    .map((facts) => [storagePrefix({ group: storageGroupOf(facts), plural: facts.plural }), facts] as const),
);
