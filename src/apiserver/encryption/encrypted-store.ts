/**
 * A store whose values of chosen resources are encrypted before they are stored and decrypted when they are read: nothing
 * above it and nothing below it knows. Keys, and what is not chosen, go through as they are.
 */
import type { Random } from '../../api/index.js';
import {
  type CreateOptions,
  KeyExists,
  type ObjectStore,
  RevisionMismatch,
  type StoreEntry,
  type StoreEvent,
  type StoreList,
  type StoreListOptions,
  type StoreObserver,
  type StoreWatch,
} from '../../store/index.js';
import { checkEncryptionConfiguration, type EncryptionConfiguration } from './configuration.js';
import { Transformer } from './transformer.js';

export class EncryptedStore implements ObjectStore {
  readonly #entries: readonly { readonly names: readonly string[]; readonly transformer: Transformer }[];
  /** By the prefix of a resource's keys; undefined for one that is stored plain. */
  readonly #transformers = new Map<string, Transformer | undefined>();
  /** What a driver keeps as it was handed over need not be decrypted again. */
  readonly #opened = new WeakMap<object, { readonly key: string; readonly value: object }>();

  /** @throws BadEncryptionConfiguration */
  constructor(
    private readonly inner: ObjectStore,
    configuration: EncryptionConfiguration,
    random: Random,
  ) {
    checkEncryptionConfiguration(configuration);
    this.#entries = configuration.resources.map((entry) => ({
      names: entry.resources,
      transformer: new Transformer(entry, random),
    }));
  }

  get shared(): boolean {
    return this.inner.shared ?? false;
  }

  async get(key: string, options?: { readonly revision?: number }): Promise<StoreEntry | undefined> {
    const entry = await this.inner.get(key, options);
    return entry && this.#plain(entry);
  }

  async list(prefix: string, options?: StoreListOptions): Promise<StoreList> {
    const page = await this.inner.list(prefix, options);
    return { ...page, entries: page.entries.map((entry) => this.#plain(entry)) };
  }

  async create(key: string, value: object, options?: CreateOptions): Promise<StoreEntry> {
    const entry = await this.inner
      .create(key, this.#stored(key, value), options)
      .catch((error: unknown) => this.#refused(error));
    return { ...entry, value };
  }

  async update(key: string, value: object, expectedRevision: number): Promise<StoreEntry> {
    const entry = await this.inner
      .update(key, this.#stored(key, value), expectedRevision)
      .catch((error: unknown) => this.#refused(error));
    return { ...entry, value };
  }

  async delete(
    key: string,
    expectedRevision: number,
  ): Promise<{ readonly revision: number; readonly previous: StoreEntry }> {
    const { revision, previous } = await this.inner
      .delete(key, expectedRevision)
      .catch((error: unknown) => this.#refused(error));
    return { revision, previous: this.#plain(previous) };
  }

  watch(prefix: string, fromRevision: number, observer: StoreObserver): Promise<StoreWatch> {
    return this.inner.watch(prefix, fromRevision, {
      next: (event) => observer.next(this.#event(event)),
      error: (error) => observer.error(error),
    });
  }

  compact(revision: number): Promise<void> {
    return this.inner.compact(revision);
  }

  revision(): Promise<number> {
    return this.inner.revision();
  }

  oldestRevision(): Promise<number> {
    return this.inner.oldestRevision();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  #event(event: StoreEvent): StoreEvent {
    if (!this.#of(event.key)) return event;
    return {
      ...event,
      ...(event.entry ? { entry: this.#plain(event.entry) } : {}),
      ...(event.previous ? { previous: this.#plain(event.previous) } : {}),
    };
  }

  #refused(error: unknown): never {
    if (error instanceof KeyExists) throw new KeyExists(error.key, this.#plain(error.current));
    if (error instanceof RevisionMismatch && error.current)
      throw new RevisionMismatch(error.key, error.expected, this.#plain(error.current));
    throw error;
  }

  #stored(key: string, value: object): object {
    const stored = this.#of(key)?.toStored(key, value) ?? value;
    if (stored !== value) this.#opened.set(stored, { key, value });
    return stored;
  }

  #plain(entry: StoreEntry): StoreEntry {
    const transformer = this.#of(entry.key);
    if (!transformer) return entry;
    const { key } = entry;
    let opened = this.#opened.get(entry.value);
    if (opened?.key !== key) {
      opened = { key, value: transformer.fromStored(key, entry.value) };
      this.#opened.set(entry.value, opened);
    }
    return opened.value === entry.value ? entry : { ...entry, value: opened.value };
  }

  /** `/group/plural/…` */
  #of(key: string): Transformer | undefined {
    const middle = key.indexOf('/', 1);
    const end = key.indexOf('/', middle + 1);
    const prefix = key.slice(0, end);
    if (this.#transformers.has(prefix)) return this.#transformers.get(prefix);
    const group = key.slice(1, middle);
    const names = namesOf(group === 'core' ? '' : group, key.slice(middle + 1, end));
    const found = this.#entries.find((entry) => entry.names.some((name) => names.includes(name)));
    this.#transformers.set(prefix, found?.transformer);
    return found?.transformer;
  }
}

/** All that a configuration may call a resource. */
function namesOf(group: string, plural: string): readonly string[] {
  return [group === '' ? plural : `${plural}.${group}`, `*.${group}`, '*.*'];
}
