/**
 * Makes the flow schemas and priority levels that are missing when the server starts, and brings back those whose annotation
 * says that nobody has made them his own.
 */
import { ApiError, deepEqualJson, type JsonObject, type Status } from '../../api/index.js';
import { ensureNamed, type Maker } from '../bootstrap/ensure.js';
import { autoUpdate, flowGroup, flowObjects } from './objects.js';

/** @throws ApiError */
export async function ensureFlowObjects(maker: Maker): Promise<void> {
  for (const plural of ['prioritylevelconfigurations', 'flowschemas'] as const) {
    const collection = `/apis/${flowGroup}/v1/${plural}`;
    await Promise.all(flowObjects[plural].map((object) => restore(maker, collection, object)));
  }
}

async function restore(maker: Maker, collection: string, object: JsonObject): Promise<void> {
  const present = await ensureNamed(maker, collection, object);
  if (!present) return;
  const own = present.metadata.annotations?.[autoUpdate] !== 'true';
  if (own || deepEqualJson(present.spec ?? null, object.spec ?? null)) return;
  const answer = await maker.transport.request({
    method: 'PUT',
    path: `${collection}/${(object.metadata as { name: string }).name}`,
    query: { fieldManager: 'api-priority-and-fairness-config-producer-v1' },
    body: structuredClone({ ...present, spec: object.spec }),
  });
  if (answer.status >= 400) throw new ApiError(answer.body as Status);
}
