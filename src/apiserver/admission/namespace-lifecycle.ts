/**
 * Nothing is created in a namespace that does not exist or is ending, and the system namespaces cannot be
 * deleted (NS-1).
 */
import { forbidden, notFound } from '../../api/index.js';
import type { WatchCache } from '../cache/watch-cache.js';
import { storagePrefix } from '../cache/watch-cache.js';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.js';

const undeletable = new Set(['default', 'kube-system', 'kube-public']);
const namespaces = { group: '', plural: 'namespaces' };

export class NamespaceLifecycle implements AdmissionPlugin {
  readonly name = 'NamespaceLifecycle';

  constructor(private readonly cache: WatchCache) {}

  /** Changes nothing; before anybody else is asked. */
  mutate(attributes: AdmissionAttributes): undefined {
    const { operation, resource, namespace, name } = attributes;
    const isNamespace = resource.facts.group === '' && resource.facts.kind === 'Namespace';
    if (operation === 'DELETE' && isNamespace && undeletable.has(name)) {
      throw forbidden(namespaces, name, 'this namespace may not be deleted');
    }
    if (operation !== 'CREATE' || isNamespace || resource.facts.scope !== 'Namespaced') return undefined;
    const prefix = storagePrefix(namespaces);
    const found = this.cache.resource(prefix).get(`${prefix}${namespace}`)?.object;
    if (!found) throw notFound(namespaces, namespace);
    if (found.metadata.deletionTimestamp !== undefined) {
      throw forbidden(
        resource.facts,
        name,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
        [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${namespace} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      );
    }
    return undefined;
  }
}
