/**
 * What is remembered on disk of sandboxes and containers: one JSON file each, replaced atomically, so that a
 * reader sees the old or the new and never half of one.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerConfig, PodSandboxStatus } from '../container-runtime.js';
import type { ResolvedImage } from './images.js';
import type { Isolation } from './isolation.js';
import type { ProcessIdentity } from './process-table.js';

export type SandboxRecord = PodSandboxStatus;

export interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly podUid: string;
  readonly config: ContainerConfig;
  readonly image: ResolvedImage;
  /** How it is, or will be, kept apart; a later life may find the system changed. */
  readonly isolation: Isolation;
  /** The whole command line, image included. */
  readonly argv: readonly string[];
  /** `starting` is written before the shim is: a new life must find out how far it came. */
  readonly state: 'created' | 'starting' | 'running' | 'exited';
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly exitCode?: number;
  readonly reason?: string;
  readonly message?: string;
  /** Outlives us and writes the exit code. */
  readonly shim?: ProcessIdentity;
  /** Process 1 of the container's PID namespace, or the shell in its place. */
  readonly init?: ProcessIdentity;
  /** The command. */
  readonly main?: ProcessIdentity;
}

/** Replaces a file; only its owner may read it. */
export function writeAtomically(path: string, content: string): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, content, { mode: 0o600 });
  renameSync(temporary, path);
}

/** Records of one kind in one directory, by id. */
export class Records<T extends { readonly id: string }> {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  save(record: T): void {
    writeAtomically(join(this.#dir, `${record.id}.json`), JSON.stringify(record));
  }

  remove(id: string): void {
    rmSync(join(this.#dir, `${id}.json`), { force: true });
  }

  /** Every record; files that are none (an atomic write makes none) are left out and told. */
  load(unreadable: (file: string, error: unknown) => void): T[] {
    return readdirSync(this.#dir)
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => {
        try {
          return [JSON.parse(readFileSync(join(this.#dir, name), 'utf8')) as T];
        } catch (error) {
          unreadable(join(this.#dir, name), error);
          return [];
        }
      });
  }
}
