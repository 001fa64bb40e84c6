/**
 * One watch per kind of object, of metadata alone, following what the server serves. There is no cache:
 * the graph is what is kept.
 */
import { apiVersionOf, type Clock, type Kind, type KubernetesObject, type Random } from 'gyre';
import { type Client } from 'gyre/client';
import { watcher$ } from 'gyre/informers';

export interface MonitorsOptions {
  /** One that reads metadata. */
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly onObject: (kind: Kind<KubernetesObject>, object: KubernetesObject) => void;
  readonly onGone: (uid: string) => void;
}

interface Monitor {
  readonly subscription: { unsubscribe(): void };
  readonly ready: Promise<void>;
  /** UIDs of the objects there are, as far as is known. */
  readonly known: () => Iterable<string>;
}

export class Monitors {
  readonly #options: MonitorsOptions;
  readonly #monitors = new Map<string, Monitor>();

  constructor(options: MonitorsOptions) {
    this.#options = options;
  }

  has(kind: Kind<KubernetesObject>): boolean {
    return this.#monitors.has(idOf(kind));
  }

  /** Follows these kinds and no others. */
  follow(kinds: readonly Kind<KubernetesObject>[]): void {
    const wanted = new Set(kinds.map(idOf));
    for (const [id, { subscription, known }] of this.#monitors) {
      if (wanted.has(id)) continue;
      subscription.unsubscribe();
      this.#monitors.delete(id);
      for (const uid of known()) this.#options.onGone(uid);
    }
    for (const kind of kinds) if (!this.has(kind)) this.#monitors.set(idOf(kind), this.#open(kind));
  }

  /** Resolves when all kinds that are followed now have been seen in full. */
  async ready(): Promise<void> {
    await Promise.all([...this.#monitors.values()].map(({ ready }) => ready));
  }

  stop(): void {
    for (const { subscription } of this.#monitors.values()) subscription.unsubscribe();
    this.#monitors.clear();
  }

  #open(kind: Kind<KubernetesObject>): Monitor {
    const { client, clock, random, onObject, onGone } = this.#options;
    let known = new Set<string>();
    let incoming: Set<string> | undefined;
    let seen: () => void = () => {};
    const ready = new Promise<void>((resolve) => {
      seen = resolve;
    });
    const subscription = watcher$(client, kind, {}, { clock, random }).subscribe((event) => {
      switch (event.type) {
        case 'Init':
          incoming = new Set();
          return;
        case 'InitApply':
          incoming?.add(event.object.metadata.uid);
          onObject(kind, event.object);
          return;
        case 'InitDone': {
          const vanished = [...known].filter((uid) => !incoming?.has(uid));
          known = incoming ?? new Set();
          incoming = undefined;
          for (const uid of vanished) onGone(uid);
          seen();
          return;
        }
        case 'Apply':
          (incoming ?? known).add(event.object.metadata.uid);
          onObject(kind, event.object);
          return;
        case 'Delete':
          known.delete(event.object.metadata.uid);
          incoming?.delete(event.object.metadata.uid);
          onGone(event.object.metadata.uid);
      }
    });
    return { subscription, ready, known: () => [...known, ...(incoming ?? [])] };
  }
}

function idOf(kind: Kind<KubernetesObject>): string {
  return `${apiVersionOf(kind)}/${kind.plural}`;
}
