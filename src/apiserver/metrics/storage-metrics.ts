/** How much is stored, by resource, as kube-apiserver names it. */
import type { Registry } from '../../telemetry/index.js';
import type { WatchCache } from '../cache/watch-cache.js';

export function storageMetrics(registry: Registry, cache: WatchCache): void {
  const objects = registry.gauge({
    name: 'apiserver_storage_objects',
    help: 'Stored objects, by resource.',
    labels: ['resource'],
    maxSeries: 10_000,
  });
  registry.onCollect(() => {
    for (const { prefix, size } of cache.resources()) objects.of({ resource: resourceOf(prefix) }).set(size);
  });
}

/** `/apps/deployments/` is `deployments.apps`. */
function resourceOf(prefix: string): string {
  const [, group = '', plural = ''] = prefix.split('/');
  return group === 'core' ? plural : `${plural}.${group}`;
}
