/** Workloads as a test needs them. */
import type { Client } from 'gyre';
import { Event, Pod, ReplicaSet } from 'gyre/kinds';
import type { Deployment } from 'gyre/kinds';
import type { TestCluster } from 'gyre/testing';

export const template = (image: string, labels: Readonly<Record<string, string>> = { app: 'web' }) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'web', image }] },
});

type DeploymentSpec = Partial<Deployment['spec']>;

export const deployment = (image = 'nginx:1', spec: DeploymentSpec = {}, annotations = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default', annotations },
  spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: template(image), ...spec },
});

export const replicaSet = (spec: Partial<ReplicaSet['spec']> = {}, name = 'web') => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name, namespace: 'default' },
  spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: template('nginx:1'), ...spec },
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

export const podsIn = ({ client }: { readonly client: Client }): Promise<Pod[]> =>
  all(client.list(Pod, { namespace: 'default' }));

export async function activePods(t: TestCluster): Promise<Pod[]> {
  return (await podsIn(t)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** Oldest revision first. */
export async function replicaSets(t: TestCluster): Promise<ReplicaSet[]> {
  const sets = await all(t.client.list(ReplicaSet, { namespace: 'default' }));
  return sets.sort((a, b) => revision(a) - revision(b));
}

export const revision = ({ metadata }: ReplicaSet | Deployment): number =>
  Number(metadata.annotations?.['deployment.kubernetes.io/revision']);

/** `Normal SuccessfulCreate`, with the message, of every event about an object of this kind. */
export async function eventsAbout(t: TestCluster, kind: string): Promise<string[]> {
  const events = await all(t.client.list(Event, { namespace: 'default' }));
  return events
    .filter(({ involvedObject }) => involvedObject.kind === kind)
    .map(({ type, reason, message, source }) => `${type} ${reason} ${source?.component}: ${message}`);
}
