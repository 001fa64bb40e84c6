/** Objects that the server makes of its own. */
import { ApiError, type JsonObject, type Status, type Transport } from '../../api/index.js';
import type { KnownObjects } from './known-objects.js';

/** One that is there already. */
export type PresentObject = JsonObject & {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
};

/** How a server makes objects of its own. */
export interface Maker {
  /** Acts as the server itself. */
  readonly transport: Transport;
  /** Where the cluster is new. */
  readonly known?: KnownObjects | undefined;
}

/**
 * Creates the object unless one of its name is there, which is left alone: what was there, or undefined when it was created.
 * @throws ApiError when it is refused
 */
export async function ensureNamed(
  { transport, known }: Maker,
  collection: string,
  object: JsonObject,
): Promise<PresentObject | undefined> {
  if (await known?.make(collection, object)) return undefined;
  const path = `${collection}/${encodeURIComponent((object.metadata as { name: string }).name)}`;
  // Asked first: most starts are not the first one of their cluster, and a read costs next to nothing.
  const present = await transport.request({ method: 'GET', path });
  if (present.status < 400) return present.body as PresentObject;
  const response = await transport.request({
    method: 'POST',
    path: collection,
    query: { fieldManager: 'kube-apiserver' },
    // The transport owns what it is given; what is given may be a constant that the next server uses again.
    body: structuredClone(object),
  });
  if (response.status < 400) {
    known?.remember(collection, object, response.body as JsonObject);
    return undefined;
  }
  const status = response.body as Status;
  if (status.reason !== 'AlreadyExists') throw new ApiError(status);
  // Another server was quicker.
  const { body, status: code } = await transport.request({ method: 'GET', path });
  if (code >= 400) throw new ApiError(body as Status);
  return body as PresentObject;
}
