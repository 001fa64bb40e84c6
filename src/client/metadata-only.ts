/**
 * A client that reads metadata and nothing else, for those who look at every kind there is: the server
 * sends `PartialObjectMetadata` (API-11), so that an object costs its name, labels and references.
 *
 * Writes are those of the client it was made from; what they answer is metadata too.
 */
import type { ApiRequest, Transport } from '../api/index.js';
import { createClient } from './api-client.js';
import type { Client } from './client.js';

/** Its objects say `PartialObjectMetadata` of themselves: ask the kind what they are. */
export function metadataOnly(client: Client): Client {
  const { transport, fieldManager } = client;
  const partial = (request: ApiRequest, list: boolean): ApiRequest => ({
    ...request,
    headers: { ...request.headers, accept: list ? listType : objectType },
  });
  const reduced: Transport = {
    request: (request) => transport.request(partial(request, isList(request))),
    watch: (request) => transport.watch(partial(request, false)),
    close: () => {},
  };
  return createClient(reduced, { fieldManager });
}

const objectType = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
const listType = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

/** A server takes the one for the other, except those that are strict about it. */
function isList({ method, path }: ApiRequest): boolean {
  if (method !== 'GET') return false;
  const segments = path.split('/').slice(path.startsWith('/api/') ? 3 : 4);
  return segments[0] === 'namespaces'
    ? segments.length === 3 || segments.length === 1
    : segments.length === 1;
}
