/** The one thing the local-path provisioner needs of its machine: directories. */
import { token } from 'gyre';

export interface LocalVolumes {
  /**
   * Makes the directory of a volume, writable by every user, and gives its absolute path; one that is there
   * already is kept as it is.
   */
  create(name: string): Promise<string>;
  /**
   * Removes a directory that `create` made, with what is in it; one that is gone is no error.
   * @throws VolumeInUse; Error for a path that is none of its own
   */
  remove(path: string): Promise<void>;
}

/** Where the binder gets its directories from: `manager.provide(LocalVolumes, …)`. */
export const LocalVolumes = token<LocalVolumes>('LocalVolumes');

/** Something still uses the volume: told as it is, and tried again, without calling it a failure (PV-9). */
export class VolumeInUse extends Error {
  override readonly name = 'VolumeInUse';
}
