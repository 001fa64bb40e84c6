/**
 * `pods/binding` for servers that do not have it yet, as SC-8 has it: sets the node and PodScheduled=True,
 * 409 for a pod that has a node or is being deleted. A server that answers itself is left to it.
 */
import type { ApiRequest, ApiResponse, Transport } from 'gyre/api';
import { Pod } from 'gyre/kinds';
import type { ObjectStore } from 'gyre/store';
import { storagePrefix } from '#src/apiserver/cache/watch-cache.js';

const pods = storagePrefix(Pod);
const path = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/binding$/;

export function withBinding(transport: Transport, store: ObjectStore): Transport {
  return {
    watch: (request) => transport.watch(request),
    close: () => transport.close(),
    async request(request) {
      const answer = await transport.request(request);
      const match = request.method === 'POST' && answer.status === 405 ? path.exec(request.path) : null;
      return match ? bind(store, match[1] as string, match[2] as string, request) : answer;
    },
  };
}

async function bind(
  store: ObjectStore,
  namespace: string,
  name: string,
  { body }: ApiRequest,
): Promise<ApiResponse> {
  const { metadata, target } = body as { metadata: { uid?: string }; target: { name: string } };
  for (;;) {
    const entry = await store.get(`${pods}${namespace}/${name}`);
    if (!entry) return status(404, 'NotFound', `pods "${name}" not found`);
    const pod = entry.value as Pod;
    const conflict = (why: string) =>
      status(409, 'Conflict', `Operation cannot be fulfilled on pods/binding "${name}": ${why}`);
    if (metadata.uid && metadata.uid !== pod.metadata.uid) return conflict('UID in precondition differs');
    if (pod.metadata.deletionTimestamp)
      return conflict(`pod ${name} is being deleted, cannot be assigned to a host`);
    if (pod.spec.nodeName) {
      return conflict(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
    }
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
    const bound = {
      ...pod,
      spec: { ...pod.spec, nodeName: target.name },
      status: { ...pod.status, conditions: [...others, { type: 'PodScheduled', status: 'True' }] },
    };
    try {
      await store.update(entry.key, bound, entry.revision);
      return status(201, 'Success', '');
    } catch (error) {
      if ((error as Error).name !== 'RevisionMismatch') throw error;
    }
  }
}

function status(code: number, reason: string, message: string): ApiResponse {
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: code < 400 ? 'Success' : 'Failure',
    reason,
    message,
    code,
  };
  return { status: code, headers: {}, body };
}
