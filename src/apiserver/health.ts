/** Whether this server lives, and whether it is ready: for the store it needs, which it can wait for, it is not restarted. */
import type { Clock } from '../api/index.js';
import { HealthChecks, type HealthEndpoints, type Logger } from '../telemetry/index.js';
import type { WatchCache } from './cache/watch-cache.js';

export interface HealthDeps {
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly log: Logger;
  /** Everything is started, and not yet stopped. */
  readonly isStarted: () => boolean;
}

export function healthEndpoints({ cache, isStarted, ...deps }: HealthDeps): HealthEndpoints {
  const livez = new HealthChecks('livez', deps);
  const readyz = new HealthChecks('readyz', deps);
  readyz.add('etcd', async () => {
    if (cache.failure) throw cache.failure;
    await cache.fresh();
  });
  readyz.add('started', isStarted);
  return { livez, readyz, healthz: readyz };
}
