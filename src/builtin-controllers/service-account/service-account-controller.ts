/**
 * Every namespace has a service account `default` (OC-13), which pods that name none run as. One that is
 * deleted is made again; a namespace that is ending gets none.
 */
import { type Context, Controller, done, isAlreadyExists, type Result, Watches } from 'gyre';
import { Namespace, ServiceAccount } from 'gyre/kinds';
import { isNamespaceTerminating } from '../namespace/terminating.js';

const name = 'default';

@Controller(Namespace, { name: 'serviceaccount-controller' })
@Watches(ServiceAccount, {
  map: ({ metadata: { namespace = '' } }: ServiceAccount) => [namespace],
  predicate: ({ object, deleted }) => deleted && object.metadata.name === name,
})
export class ServiceAccountController {
  async reconcile({ metadata }: Namespace, { cache, client }: Context<Namespace>): Promise<Result> {
    const namespace = metadata.name;
    if (metadata.deletionTimestamp !== undefined) return done;
    if (cache.get(ServiceAccount, { namespace, name })) return done;
    try {
      await client.create(ServiceAccount, { metadata: { namespace, name } });
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
    }
    return done;
  }
}
