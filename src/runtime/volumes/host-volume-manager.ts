/**
 * Volumes of pods as directories of this machine (PV-13, KL-15), below `<root>/pods/<pod uid>/volumes/<name>`:
 * emptyDir and what is projected from the API. hostPaths and claims stay where they are.
 *
 * Guarantees: setting up twice changes only what differs; tearing down may be interrupted and repeated; nothing
 * outside of the pod's directory is ever deleted, neither through a link nor through a mount.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, realpathSync } from 'node:fs';
import { chmod, lstat, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { type Clock, quantityUnits, type Random, type Shared } from '../../api/index.js';
import type {
  EmptyDirVolumeSource,
  PersistentVolumeClaimVolumeSource,
  Pod,
  Volume,
} from '../../api/kinds/core/v1.js';
import type { Logger } from '../../telemetry/index.js';
import { hostMounts, isBelow } from '../host-mounts.js';
import type { PodFacts } from '../pod-fields.js';
import {
  type PreparedVolume,
  VolumeError,
  type VolumeManager,
  type VolumeSources,
} from '../volume-manager.js';
import { writeAtomicVolume } from './atomic-writer.js';
import { prepareHostPath } from './host-path.js';
import { volumeContent } from './projected-content.js';
import { resolveSubPath } from './sub-path.js';

const run = promisify(execFile);
/** A token is asked for anew after this part of its life. */
const tokenRefresh = 0.8;

export interface HostVolumeManagerOptions {
  /** A directory of this node's own, made when missing. */
  readonly root: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** What the node can give, for downwardAPI files about limits that are not set. Default: all of the machine. */
  readonly allocatable?: PodFacts['allocatable'];
}

interface Token {
  readonly text: string;
  readonly refreshAt: number;
}

export class HostVolumeManager implements VolumeManager {
  readonly #options: HostVolumeManagerOptions;
  readonly #pods: string;
  readonly #tokens = new Map<string, Map<string, Token>>();
  /** One thing at a time per pod. */
  readonly #busy = new Map<string, Promise<unknown>>();

  constructor(options: HostVolumeManagerOptions) {
    this.#options = options;
    const pods = join(options.root, 'pods');
    mkdirSync(pods, { recursive: true });
    // Mounts are listed by their real paths.
    this.#pods = realpathSync(pods);
  }

  setUp(pod: Shared<Pod>, sources: VolumeSources): Promise<ReadonlyMap<string, PreparedVolume>> {
    return this.#oneAtATime(pod.metadata.uid, async () => {
      const prepared = new Map<string, PreparedVolume>();
      for (const volume of pod.spec?.volumes ?? []) {
        prepared.set(volume.name, await this.#setUpVolume(pod, volume, sources));
      }
      return prepared;
    });
  }

  async mountPath(prepared: PreparedVolume, subPath: string | undefined): Promise<string> {
    if (!subPath) return prepared.hostPath;
    try {
      return await resolveSubPath(prepared.hostPath, subPath);
    } catch (error) {
      throw new VolumeError(basename(prepared.hostPath), (error as Error).message);
    }
  }

  tearDown(podUid: string): Promise<void> {
    return this.#oneAtATime(podUid, async () => {
      this.#tokens.delete(podUid);
      await removePodDirectory(this.#podDir(podUid));
    });
  }

  async podUids(): Promise<readonly string[]> {
    return await readdir(this.#pods).catch(() => []);
  }

  async #setUpVolume(
    pod: Shared<Pod>,
    volume: Shared<Volume>,
    sources: VolumeSources,
  ): Promise<PreparedVolume> {
    const { name, emptyDir, hostPath, persistentVolumeClaim } = volume;
    try {
      const path = join(this.#podDir(pod.metadata.uid), 'volumes', component(name));
      if (emptyDir) return { hostPath: await this.#emptyDir(path, emptyDir), readOnly: false };
      if (hostPath) return { hostPath: await prepareHostPath(hostPath), readOnly: false };
      if (persistentVolumeClaim) return await claimed(pod, persistentVolumeClaim, sources);
      const content = await volumeContent(volume, {
        pod,
        sources,
        allocatable: this.#options.allocatable ?? {
          cpuMillis: cpus().length * 1000,
          memoryBytes: totalmem(),
        },
        token: (audience, seconds) => this.#token(pod, sources, audience, seconds),
      });
      if (!content) throw new Error(`volumes of kind ${kindOf(volume)} are not supported by this node`);
      await writeAtomicVolume(path, content, this.#options);
      return { hostPath: path, readOnly: true };
    } catch (error) {
      const message = (error as Error).message;
      throw new VolumeError(name, `MountVolume.SetUp failed for volume ${JSON.stringify(name)} : ${message}`);
    }
  }

  async #emptyDir(path: string, { medium, sizeLimit }: Shared<EmptyDirVolumeSource>): Promise<string> {
    await mkdir(path, { recursive: true });
    const inMemory = medium === 'Memory' && process.platform === 'linux' && process.getuid?.() === 0;
    if (inMemory && !hostMounts().some((mount) => mount.path === path)) {
      const size = sizeLimit ? `,size=${quantityUnits(sizeLimit)}` : '';
      await run('mount', ['-t', 'tmpfs', '-o', `mode=0777${size}`, 'gyre', path]).catch((error) =>
        this.#options.log.warn('no memory file system for an emptyDir; it is a plain directory', {
          path,
          error,
        }),
      );
    }
    // Whatever the umask says. A container may have changed it since: only a new one is set.
    if ((await readdir(path)).length === 0) await chmod(path, 0o777);
    return path;
  }

  async #token(
    pod: Shared<Pod>,
    sources: VolumeSources,
    audience: string | undefined,
    expirationSeconds: number,
  ): Promise<string> {
    const { clock } = this.#options;
    const tokens = this.#tokens.get(pod.metadata.uid) ?? new Map<string, Token>();
    this.#tokens.set(pod.metadata.uid, tokens);
    const key = JSON.stringify([audience, expirationSeconds]);
    const known = tokens.get(key);
    if (known && clock.now() < known.refreshAt) return known.text;
    const text = await sources.serviceAccountToken(pod, {
      expirationSeconds,
      ...(audience === undefined ? {} : { audience }),
    });
    tokens.set(key, { text, refreshAt: clock.now() + expirationSeconds * 1000 * tokenRefresh });
    return text;
  }

  #podDir(uid: string): string {
    return join(this.#pods, component(uid));
  }

  #oneAtATime<T>(uid: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(uid) ?? Promise.resolve();
    const result = before.then(work, work);
    const settled = result.then(
      () => {},
      () => {},
    );
    this.#busy.set(uid, settled);
    void settled.then(() => {
      if (this.#busy.get(uid) === settled) this.#busy.delete(uid);
    });
    return result;
  }
}

/** A name that is one part of a path. @throws Error */
function component(name: string): string {
  if (!/^[\w.-]+$/.test(name) || name === '.' || name === '..')
    throw new Error(`not a name: ${JSON.stringify(name)}`);
  return name;
}

const kindOf = (volume: Shared<Volume>) => Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';

async function claimed(
  pod: Shared<Pod>,
  { claimName, readOnly = false }: Shared<PersistentVolumeClaimVolumeSource>,
  sources: VolumeSources,
): Promise<PreparedVolume> {
  const namespace = pod.metadata.namespace ?? '';
  const claim = await sources.persistentVolumeClaim(namespace, claimName);
  if (!claim) throw new Error(`persistentvolumeclaim ${JSON.stringify(claimName)} not found`);
  const volumeName = claim.spec?.volumeName;
  if (claim.status?.phase !== 'Bound' || !volumeName) {
    throw new Error(`error processing PVC ${namespace}/${claimName}: PVC is not bound`);
  }
  const volume = await sources.persistentVolume(volumeName);
  if (!volume) throw new Error(`persistentvolume ${JSON.stringify(volumeName)} not found`);
  const { claimRef, hostPath, local } = volume.spec ?? {};
  if (claimRef?.uid !== undefined && claimRef.uid !== claim.metadata.uid) {
    throw new Error(
      `error processing PVC ${namespace}/${claimName}: PV ${volumeName} is bound to another claim`,
    );
  }
  if (hostPath) return { hostPath: await prepareHostPath(hostPath), readOnly };
  if (local) {
    if (!(await stat(local.path).catch(() => undefined))) {
      throw new Error(`path ${JSON.stringify(local.path)} does not exist`);
    }
    return { hostPath: local.path, readOnly };
  }
  throw new Error(`persistentvolume ${JSON.stringify(volumeName)} has a source this node does not support`);
}

/** Unmounts what is mounted in it, then deletes it; rather fails than deletes through a mount. */
async function removePodDirectory(dir: string): Promise<void> {
  const mountsBelow = () => hostMounts().filter(({ path }) => path === dir || isBelow(path, dir));
  for (const { path } of mountsBelow().reverse()) {
    await run('umount', [path]).catch((error: Error) => {
      throw new VolumeError(basename(path), `UnmountVolume.TearDown failed for ${path}: ${error.message}`);
    });
  }
  const [left] = mountsBelow();
  if (left)
    throw new VolumeError(
      basename(left.path),
      `UnmountVolume.TearDown failed: ${left.path} is still mounted`,
    );
  try {
    await rm(dir, { recursive: true, force: true });
  } catch {
    // Containers may take their own rights on what they made.
    await makeRemovable(dir);
    await rm(dir, { recursive: true, force: true });
  }
}

async function makeRemovable(dir: string): Promise<void> {
  if (!(await lstat(dir)).isDirectory()) return;
  await chmod(dir, 0o700);
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeRemovable(join(dir, entry.name));
  }
}
