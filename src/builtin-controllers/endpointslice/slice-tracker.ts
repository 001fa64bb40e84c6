/**
 * What this process wrote and its cache may not show yet. Slices have generated names: to decide on a
 * cache that lags would create them twice, so as long as it does, the present is read from the server
 * (EP-6).
 */
import { compareResourceVersion } from 'gyre';
import type { EndpointSlice, Service } from 'gyre/kinds';

const gone = Symbol('gone');

export class SliceTracker {
  /** By UID of the Service, by UID of the slice: the version that was written. */
  readonly #written = new Map<string, Map<string, string | typeof gone>>();

  wrote(service: Service, { metadata }: EndpointSlice): void {
    this.#of(service).set(metadata.uid, metadata.resourceVersion);
  }

  removed(service: Service, { metadata }: EndpointSlice): void {
    this.#of(service).set(metadata.uid, gone);
  }

  /** True while the slices lack something that was written. What they show is forgotten. */
  isAheadOf(service: Service, slices: readonly EndpointSlice[]): boolean {
    const written = this.#written.get(service.metadata.uid);
    if (!written) return false;
    const shown = new Map(slices.map(({ metadata }) => [metadata.uid, metadata.resourceVersion]));
    for (const [uid, version] of written) {
      const now = shown.get(uid);
      const caughtUp =
        version === gone
          ? now === undefined
          : now !== undefined && compareResourceVersion(now, version) !== -1;
      if (caughtUp) written.delete(uid);
    }
    if (written.size > 0) return true;
    this.#written.delete(service.metadata.uid);
    return false;
  }

  /** The server was asked: this is what the cache will come to show. */
  learned(service: Service, slices: readonly EndpointSlice[]): void {
    this.#written.delete(service.metadata.uid);
    for (const slice of slices) this.wrote(service, slice);
  }

  #of(service: Service): Map<string, string | typeof gone> {
    const { uid } = service.metadata;
    const written = this.#written.get(uid) ?? new Map<string, string | typeof gone>();
    this.#written.set(uid, written);
    return written;
  }
}
