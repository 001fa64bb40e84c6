/** Something outside the cluster that belongs to a website and must be released with it. */
export abstract class Dns {
  /** True once nothing is left. */
  abstract release(name: string, signal: AbortSignal): Promise<boolean>;
}

/** Stands for a real DNS provider: remembers what it was asked. */
export class InMemoryDns extends Dns {
  readonly released: string[] = [];

  override async release(name: string): Promise<boolean> {
    this.released.push(name);
    return true;
  }
}
