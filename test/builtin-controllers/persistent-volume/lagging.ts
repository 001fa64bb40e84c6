/** A server whose news of one resource come late: caches are stale in between. */
import { sleep, type Clock } from 'gyre';
import type { Transport, WatchResponse } from 'gyre/api';

/** @param resource the plural whose watches deliver each batch `ms` later */
export function lagging(transport: Transport, resource: string, clock: Clock, ms = 1000): Transport {
  return {
    request: (request) => transport.request(request),
    watch: async <T>(request: Parameters<Transport['watch']>[0]): Promise<WatchResponse<T>> => {
      const { headers, events } = await transport.watch<T>(request);
      if (!request.path.endsWith(`/${resource}`)) return { headers, events };
      async function* late() {
        for await (const batch of events) {
          await sleep(clock, ms);
          yield batch;
        }
      }
      return { headers, events: late() };
    },
    close: () => transport.close(),
  };
}
