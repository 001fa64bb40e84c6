/**
 * Keeps the Endpoints of every Service that selects pods (EP-1, EP-4, EP-7): the older form of its slices,
 * one object with at most 1,000 addresses.
 *
 * A Service without a selector and an ExternalName are left alone. Endpoints have no owner: the ones of a
 * Service that is gone are removed by EndpointsCleanup.
 */
import { type Context, Controller, done, Index, isConflict, type Result, Watches } from 'gyre';
import { Endpoints, Pod, Service } from 'gyre/kinds';
import { endpointsChange } from '../endpointslice/pod-facts.js';
import {
  labelIndex,
  podLabels,
  podsOf,
  selectorIndex,
  selectsPods,
  serviceSelectorPair,
  servicesOfPod,
} from '../endpointslice/selection.js';
import { triggerTimeAnnotation } from '../endpointslice/trigger-time.js';
import { isNamespaceTerminating } from '../namespace/terminating.js';
import { decide } from './decide.js';
import { leaderAnnotation } from './leader-annotation.js';

const sameName = ({ metadata: { namespace = '', name } }: Endpoints | Service) => [{ namespace, name }];

@Controller(Service, { name: 'endpoint-controller', maxConcurrent: 5 })
@Index(Service, selectorIndex, serviceSelectorPair)
@Watches(Pod, { map: servicesOfPod, predicate: endpointsChange, indexes: { [labelIndex]: podLabels } })
@Watches(Endpoints, { map: sameName })
export class EndpointsController {
  async reconcile(service: Service, ctx: Context<Service>): Promise<Result> {
    if (!selectsPods(service)) return done;
    const { namespace = '', name } = service.metadata;
    const change = decide({
      service,
      pods: podsOf(service, ctx.cache),
      endpoints: ctx.cache.get(Endpoints, { namespace, name }),
    });
    try {
      if (change.do === 'create') await ctx.client.create(Endpoints, change.object);
      if (change.do === 'update') await ctx.client.update(Endpoints, change.object);
    } catch (error) {
      if (isNamespaceTerminating(error)) return done;
      if (!isConflict(error)) {
        const [reason, doing] =
          change.do === 'create'
            ? ['FailedToCreateEndpoint', 'create']
            : ['FailedToUpdateEndpoint', 'update'];
        ctx.event(
          'Warning',
          reason,
          `Failed to ${doing} endpoint ${namespace}/${name}: ${(error as Error).message}`,
        );
      }
      throw error;
    }
    return done;
  }
}

/**
 * Removes Endpoints whose Service went: when it goes, and at start-up those of Services that went while
 * nobody looked. Endpoints that somebody makes before their Service are left in peace.
 */
@Controller(Endpoints, {
  name: 'endpoint-cleanup-controller',
  // Those that the controller above made may come after the end of their Service.
  predicate: ({ object, previous }) =>
    previous === undefined && Object.hasOwn(object.metadata.annotations ?? {}, triggerTimeAnnotation),
})
@Watches(Service, { map: sameName, predicate: ({ deleted }) => deleted })
export class EndpointsCleanup {
  async reconcile(endpoints: Endpoints, { cache, client }: Context<Endpoints>): Promise<Result> {
    const { namespace = '', name, uid, annotations = {} } = endpoints.metadata;
    if (cache.get(Service, { namespace, name }) || Object.hasOwn(annotations, leaderAnnotation)) return done;
    // The cache may lag behind a Service that has just been made.
    if (await client.find(Service, { namespace, name })) return done;
    await client.delete(Endpoints, { namespace, name }, { preconditions: { uid } });
    return done;
  }
}
