/**
 * Every namespace has a config map `kube-root-ca.crt` with the authority that signed the API server's
 * certificate (OC-14), for pods to trust it by. One that is deleted is made again, one that is changed is
 * restored; a namespace that is ending gets none.
 *
 * A cluster without HTTPS has no authority: do not register it there.
 */
import {
  type Context,
  Controller,
  deepEqualJson,
  done,
  Inject,
  isAlreadyExists,
  type Result,
  token,
  Watches,
} from 'gyre';
import { ConfigMap, Namespace } from 'gyre/kinds';
import { isNamespaceTerminating } from '../namespace/terminating.js';

/** The certificates of the authority, PEM: `manager.provide(RootCaBundle, pem)`. */
export const RootCaBundle = token<string>('RootCaBundle');

const name = 'kube-root-ca.crt';

@Controller(Namespace, { name: 'root-ca-certificate-publisher' })
@Watches(ConfigMap, {
  map: ({ metadata: { namespace = '' } }: ConfigMap) => [namespace],
  predicate: ({ object }) => object.metadata.name === name,
})
export class RootCaPublisher {
  constructor(@Inject(RootCaBundle) private readonly bundle: string) {}

  async reconcile({ metadata }: Namespace, { cache, client }: Context<Namespace>): Promise<Result> {
    if (metadata.deletionTimestamp !== undefined) return done;
    const key = { namespace: metadata.name, name };
    const data = { 'ca.crt': this.bundle };
    const present = cache.get(ConfigMap, key);
    if (!present) {
      try {
        await client.create(ConfigMap, { metadata: key, data });
      } catch (error) {
        // One that the cache does not show yet is compared when it does.
        if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
      }
    } else if (!deepEqualJson(present.data ?? {}, data)) {
      await client.update(ConfigMap, { ...present, data });
    }
    return done;
  }
}
