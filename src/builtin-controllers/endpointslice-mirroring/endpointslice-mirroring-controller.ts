/**
 * Mirrors Endpoints that somebody keeps by hand, for a Service without a selector, into slices (EP-8): service proxies
 * follow nothing else.
 *
 * Left alone are Endpoints with the label `endpointslice.kubernetes.io/skip-mirror: "true"`, those that hold a leader
 * election, and those without a Service, or of one that selects pods.
 */
import { type Context, Controller, done, isNotFound, type Result, Watches } from 'gyre';
import { Endpoints, EndpointSlice, Service } from 'gyre/kinds';
import { managedByLabel, serviceNameLabel } from '../endpointslice/desired.js';
import { selectsPods } from '../endpointslice/selection.js';
import { leaderAnnotation } from '../endpoints/leader-annotation.js';
import { isNamespaceTerminating } from '../namespace/terminating.js';
import { decide, mirroredBy } from './decide.js';

const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
/** Index of EndpointSlices: the Endpoints they mirror. */
const mirrorIndex = 'mirrorOf';

const endpointsOfSlice = ({ metadata: { labels = {}, namespace } }: EndpointSlice): string[] =>
  labels[managedByLabel] === mirroredBy && labels[serviceNameLabel]
    ? [`${namespace}/${labels[serviceNameLabel]}`]
    : [];
const sameName = ({ metadata: { namespace = '', name } }: Service) => [{ namespace, name }];

@Controller(Endpoints, {
  name: 'endpoint-slice-mirroring-controller',
  maxConcurrent: 5,
  predicate: () => true,
})
@Watches(Service, { map: sameName })
@Watches(EndpointSlice, { map: endpointsOfSlice, indexes: { [mirrorIndex]: endpointsOfSlice } })
export class EndpointSliceMirroringController {
  async reconcile(endpoints: Endpoints, { cache, client }: Context<Endpoints>): Promise<Result> {
    const { namespace = '', name } = endpoints.metadata;
    const present = cache.by(EndpointSlice, mirrorIndex, `${namespace}/${name}`);
    const changes = isMirrored(endpoints, cache.get(Service, { namespace, name }))
      ? decide(endpoints, present)
      : { create: [], update: [], remove: present };
    try {
      for (const slice of changes.create) await client.create(EndpointSlice, slice);
      for (const slice of changes.update) await client.update(EndpointSlice, slice);
    } catch (error) {
      if (isNamespaceTerminating(error)) return done;
      throw error;
    }
    for (const { metadata } of changes.remove) {
      try {
        await client.delete(
          EndpointSlice,
          { namespace, name: metadata.name },
          { preconditions: { uid: metadata.uid } },
        );
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return done;
  }
}

function isMirrored({ metadata }: Endpoints, service: Service | undefined): boolean {
  if (metadata.deletionTimestamp !== undefined || !service || selectsPods(service)) return false;
  if (service.spec?.type === 'ExternalName') return false;
  const { labels = {}, annotations = {} } = metadata;
  return labels[skipLabel] !== 'true' && !Object.hasOwn(annotations, leaderAnnotation);
}
