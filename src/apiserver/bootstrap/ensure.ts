/** Objects that the server makes of its own. */
import { ApiError, type JsonObject, type Status, type Transport } from '../../api/index.js';

/**
 * Creates the object unless one of its name is there, which is left alone. Gives whether it was created.
 * @throws ApiError when it is refused
 */
export async function ensureNamed(
  transport: Transport,
  collection: string,
  object: JsonObject,
): Promise<boolean> {
  const response = await transport.request({
    method: 'POST',
    path: collection,
    query: { fieldManager: 'kube-apiserver' },
    // The transport owns what it is given; what is given may be a constant that the next server uses again.
    body: structuredClone(object),
  });
  if (response.status < 400) return true;
  const status = response.body as Status;
  if (status.reason === 'AlreadyExists') return false;
  throw new ApiError(status);
}
