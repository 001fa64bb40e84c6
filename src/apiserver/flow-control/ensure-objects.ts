/**
 * Makes the flow schemas and priority levels that are missing when the server starts, and brings back those whose annotation
 * says that nobody has made them his own.
 */
import { ApiError, deepEqualJson, type JsonObject, type Status, type Transport } from '../../api/index.js';
import { ensureNamed } from '../bootstrap/ensure.js';
import { autoUpdate, flowGroup, flowObjects } from './objects.js';

/** @param transport acts as the server itself. @throws ApiError */
export async function ensureFlowObjects(transport: Transport): Promise<void> {
  for (const plural of ['prioritylevelconfigurations', 'flowschemas'] as const) {
    const collection = `/apis/${flowGroup}/v1/${plural}`;
    await Promise.all(flowObjects[plural].map((object) => restore(transport, collection, object)));
  }
}

async function restore(transport: Transport, collection: string, object: JsonObject): Promise<void> {
  const present = await ensureNamed(transport, collection, object);
  if (!present) return;
  const own = present.metadata.annotations?.[autoUpdate] !== 'true';
  if (own || deepEqualJson(present.spec ?? null, object.spec ?? null)) return;
  const answer = await transport.request({
    method: 'PUT',
    path: `${collection}/${(object.metadata as { name: string }).name}`,
    query: { fieldManager: 'api-priority-and-fairness-config-producer-v1' },
    body: structuredClone({ ...present, spec: object.spec }),
  });
  if (answer.status >= 400) throw new ApiError(answer.body as Status);
}
