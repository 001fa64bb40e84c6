/**
 * What a kubelet asks of whatever prepares volumes on its node: set up before the first container starts,
 * torn down after the last one has ended (PV-13). Used only with runtimes whose containers have files.
 */
import type { Shared } from '../api/index.js';
import type {
  ConfigMap,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Secret,
} from '../api/kinds/core/v1.js';

/** Where volumes get their content from; the kubelet answers from its caches or the API. */
export interface VolumeSources {
  configMap(namespace: string, name: string): Promise<Shared<ConfigMap> | undefined>;
  secret(namespace: string, name: string): Promise<Shared<Secret> | undefined>;
  persistentVolumeClaim(namespace: string, name: string): Promise<Shared<PersistentVolumeClaim> | undefined>;
  persistentVolume(name: string): Promise<Shared<PersistentVolume> | undefined>;
  /** A bound token for the pod's service account. */
  serviceAccountToken(
    pod: Shared<Pod>,
    request: { readonly audience?: string; readonly expirationSeconds: number },
  ): Promise<string>;
}

export interface PreparedVolume {
  /** A directory (or, for some hostPath types, a file) of the node. */
  readonly hostPath: string;
  /** The volume may only be mounted read-only, whatever the mount says. */
  readonly readOnly: boolean;
}

/** A volume that cannot be set up (yet): event FailedMount, and the pod waits. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
  constructor(
    readonly volume: string,
    message: string,
  ) {
    super(message);
  }
}

export interface VolumeManager {
  /**
   * Prepares every volume of the pod; repeating it refreshes configMap, secret and projected content
   * atomically and leaves the rest alone. By volume name.
   * @throws VolumeError worded like the kubelet: `MountVolume.SetUp failed for volume "x" : configmap "y" not found`
   */
  setUp(pod: Shared<Pod>, sources: VolumeSources): Promise<ReadonlyMap<string, PreparedVolume>>;
  /**
   * The path to mount for one volumeMount: `subPath` resolved inside the volume without leaving it (no symlink
   * escapes), created when missing. @throws VolumeError
   */
  mountPath(prepared: PreparedVolume, subPath: string | undefined): Promise<string>;
  /** Gives up everything of a pod that has ended: emptyDirs vanish, hostPaths and claims stay. Repeatable. */
  tearDown(podUid: string): Promise<void>;
  /** Pods with volumes on this node, also of a former life. */
  podUids(): Promise<readonly string[]>;
}
