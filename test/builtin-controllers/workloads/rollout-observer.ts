/**
 * Sees every revision of the pods of a namespace, and checks each: never too many pods that are not
 * terminating, and, once enough were available, never too few that are.
 */
import type { Client } from 'gyre';
import type { WatchResponse } from 'gyre/api';
import { Pod } from 'gyre/kinds';

export interface Bounds {
  readonly replicas: number;
  readonly most: number;
  readonly least: number;
}

export class RolloutObserver {
  readonly violations: string[] = [];
  /** What the pods looked like, each different picture once, in order. */
  readonly states: string[] = [];
  /** Revisions looked at. */
  revisions = 0;
  bounds: Bounds;
  readonly #pods = new Map<string, Pod>();
  readonly #stop = new AbortController();
  #complete = false;

  constructor(bounds: Bounds) {
    this.bounds = bounds;
  }

  /** Begins before there are any pods. */
  async start(client: Client): Promise<void> {
    const { events } = await client.watch(Pod, {
      namespace: 'default',
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
      signal: this.#stop.signal,
    });
    void this.#follow(events).catch(() => {});
  }

  stop(): void {
    this.#stop.abort();
  }

  async #follow(batches: WatchResponse<Pod>['events']): Promise<void> {
    for await (const batch of batches) {
      for (const event of batch) {
        if (event.type === 'BOOKMARK' || event.type === 'ERROR') continue;
        const { uid } = event.object.metadata;
        if (event.type === 'DELETED') this.#pods.delete(uid);
        else this.#pods.set(uid, event.object);
        this.#look(event.object.metadata.resourceVersion);
      }
    }
  }

  #look(at: string): void {
    this.revisions++;
    const there = [...this.#pods.values()].filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const available = there.filter(({ status }) =>
      status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    ).length;
    const { replicas, most, least } = this.bounds;
    if (available >= replicas) this.#complete = true;
    if (there.length > most) this.violations.push(`at ${at}: ${there.length} pods, at most ${most} may be`);
    if (this.#complete && available < least)
      this.violations.push(`at ${at}: ${available} available, at least ${least} must be`);
    const images = new Map<string, number>();
    for (const { spec } of there) {
      const image = spec?.containers[0]?.image ?? '';
      images.set(image, (images.get(image) ?? 0) + 1);
    }
    const parts = [...images].sort().map(([image, count]) => `${count} ${image}`);
    const state = `${parts.join(', ')}; ${available} available, ${this.#pods.size - there.length} ending`;
    if (this.states.at(-1) !== state) this.states.push(state);
  }
}
