/**
 * The clusters that a controller can reach besides its own, by name.
 *
 * A controller is in one cluster: its primary objects, their status, events and children. Others it watches and calls
 * by name. Keys, UIDs and versions of one cluster mean nothing in another, so nothing here ever mixes them.
 */
import type { Client, RequestObserver } from '../../client/index.js';
import { RegistrationError } from '../registration/registration-error.js';
import type { ControllerDefinition } from './definition.js';
import type { InformerSource } from './watching.js';

/** How the Manager's own cluster is called among others. */
export const localCluster = 'local';

/** A cluster as one controller reaches it. */
export interface ClusterLink {
  /** Under the controller's name. */
  readonly client: Client;
  readonly informers: InformerSource;
}

export type ClusterLinks = ReadonlyMap<string, ClusterLink>;

type Located = Pick<ControllerDefinition<never>, 'name' | 'cluster'>;

/** The name of the cluster a controller is in. */
export function homeOf({ cluster = localCluster }: Pick<Located, 'cluster'>): string {
  return cluster;
}

/**
 * The way to a cluster; undefined when it is the one the controller is in.
 * @throws RegistrationError for a name that nobody knows
 */
export function linkTo(
  controller: Located,
  clusters: ClusterLinks | undefined,
  name: string,
): ClusterLink | undefined {
  const home = homeOf(controller);
  if (name === home) return undefined;
  checkCluster(`controller ${JSON.stringify(controller.name)}`, name, [home, ...(clusters?.keys() ?? [])]);
  return clusters?.get(name);
}

/** @throws RegistrationError for a name that is none of them */
export function checkCluster(where: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const names = [...new Set(known)].map((each) => JSON.stringify(each)).join(', ');
  throw new RegistrationError(
    where,
    `names the cluster ${JSON.stringify(name)}, and the Manager knows ${names}`,
    `create the Manager with { clusters: { ${JSON.stringify(name)}: … } }`,
  );
}

/** An observer that is told which cluster a request goes to. */
export function inCluster(cluster: string, observer: RequestObserver): RequestObserver {
  return { begin: (request, attributes) => observer.begin(request, { ...attributes, cluster }) };
}
