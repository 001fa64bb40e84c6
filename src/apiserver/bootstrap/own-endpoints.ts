/**
 * Where the API server itself is reached: the Endpoints and the EndpointSlice of `default/kubernetes`, which the server
 * writes and nobody else (EP-8).
 */
import { ApiError, type JsonObject, type Status, type Transport } from '../../api/index.js';
import { ensureNamed } from './ensure.js';

export interface ServerAddress {
  /** An IPv4 address. */
  readonly address: string;
  readonly port: number;
}

const name = 'kubernetes';
const namespace = 'default';

/** @param transport acts as the server itself. @throws ApiError */
export async function publishEndpoints(
  transport: Transport,
  { address, port }: ServerAddress,
): Promise<void> {
  const ports = [{ name: 'https', port, protocol: 'TCP' }];
  await put(transport, `/api/v1/namespaces/${namespace}/endpoints`, {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name, namespace, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: address }], ports }],
  });
  await put(transport, `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports,
  });
  const service = await transport.request({
    method: 'PATCH',
    path: `/api/v1/namespaces/${namespace}/services/${name}`,
    query: { fieldManager: 'kube-apiserver' },
    headers: { 'content-type': 'application/strategic-merge-patch+json' },
    body: { spec: { ports: [{ port: 443, protocol: 'TCP', targetPort: port }] } },
  });
  if (service.status >= 400) throw new ApiError(service.body as Status);
}

/** Creates it, or makes what is there say the same. */
async function put(transport: Transport, collection: string, object: JsonObject): Promise<void> {
  if (!(await ensureNamed({ transport }, collection, object))) return;
  const response = await transport.request({
    method: 'PUT',
    path: `${collection}/${name}`,
    query: { fieldManager: 'kube-apiserver' },
    body: structuredClone(object),
  });
  if (response.status >= 400) throw new ApiError(response.body as Status);
}
