/** Services, pods and nodes as a test needs them. */
import type { Client } from 'gyre';
import { Node, Pod, Service } from 'gyre/kinds';

export interface PodOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly ip?: string;
  readonly ready?: boolean;
  readonly node?: string;
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly deleting?: boolean;
  readonly hostname?: string;
  readonly subdomain?: string;
  readonly ports?: readonly { name: string; containerPort: number; protocol?: 'TCP' | 'UDP' }[];
  readonly since?: string;
}

export function pod(name: string, options: PodOptions = {}): Pod {
  const { labels = { app: 'web' }, ip = '10.64.0.1', ready = true, phase = 'Running' } = options;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels,
      ...(options.deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: {
      containers: [{ name: 'c', image: 'i', ...(options.ports ? { ports: options.ports } : {}) }],
      ...(options.node === undefined ? {} : { nodeName: options.node }),
      ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
      ...(options.subdomain === undefined ? {} : { subdomain: options.subdomain }),
    },
    status: {
      phase,
      ...(ip === '' ? {} : { podIP: ip, podIPs: [{ ip }] }),
      conditions: [
        {
          type: 'Ready',
          status: ready ? 'True' : 'False',
          ...(options.since === undefined ? {} : { lastTransitionTime: options.since }),
        },
      ],
    },
  };
}

export function service(
  spec: NonNullable<Service['spec']> = {},
  metadata: Partial<Service['metadata']> = {},
): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'uid-service',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec: {
      selector: { app: 'web' },
      clusterIP: '127.96.0.9',
      ipFamilies: ['IPv4'],
      ports: [{ port: 80 }],
      ...spec,
    },
  };
}

export function node(name: string, zone?: string): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(zone === undefined ? {} : { labels: { 'topology.kubernetes.io/zone': zone } }),
    },
  };
}

/** Creates it as the API takes it, status included. */
export async function store(client: Client, object: Pod | Service | Node): Promise<void> {
  const { uid: _uid, resourceVersion: _version, creationTimestamp: _at, ...metadata } = object.metadata;
  const status = (object as Pod).status;
  if (object.kind === 'Service') await client.create(Service, { ...object, metadata });
  else if (object.kind === 'Node') await client.create(Node, { ...object, metadata });
  else {
    await client.create(Pod, { ...(object as Pod), metadata });
    await setStatus(client, metadata.name, status);
  }
}

export async function setStatus(client: Client, name: string, status: Pod['status']): Promise<void> {
  const patch = { status };
  const key = { namespace: 'default', name };
  await client.patchRaw(Pod, key, { type: 'merge', patch }, { subresource: 'status' });
}
