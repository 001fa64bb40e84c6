/**
 * Which node has to do with which object: by the pods bound to it, the claims they use, the volumes bound to those, and the
 * volumes attached to it. An index over the server's own cache, brought up to date when it is asked.
 */
import type { PersistentVolume, Pod } from '../../../api/kinds/core/v1.js';
import type { VolumeAttachment } from '../../../api/kinds/storage/v1.js';
import type { Given } from '../../builtin/given.js';
import { Follower } from '../../cache/follower.js';
import { storagePrefix, type WatchCache } from '../../cache/watch-cache.js';
import { referencesOf } from './pod-references.js';

/** What pods name, and pods themselves. */
export type OfPods = 'pods' | 'secrets' | 'configmaps' | 'persistentvolumeclaims' | 'serviceaccounts';

/** `secrets/default/db` */
function nameOf(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

/** How many pods of a node name a thing. */
class PodIndex {
  readonly #pods = new Map<string, { readonly node: string; readonly named: readonly string[] }>();
  readonly #nodes = new Map<string, Map<string, number>>();

  has(named: string, node: string): boolean {
    return this.#nodes.get(named)?.has(node) ?? false;
  }

  clear(): void {
    this.#pods.clear();
    this.#nodes.clear();
  }

  set(key: string, object: object | undefined): void {
    const before = this.#pods.get(key);
    if (before) {
      this.#pods.delete(key);
      for (const named of before.named) this.#count(named, before.node, -1);
    }
    const pod = object as Given<Pod> | undefined;
    const node = pod?.spec?.nodeName;
    if (!pod || !node) return;
    const named = namedBy(pod);
    this.#pods.set(key, { node, named });
    for (const each of named) this.#count(each, node, 1);
  }

  #count(named: string, node: string, by: 1 | -1): void {
    const nodes = this.#nodes.get(named) ?? new Map<string, number>();
    const count = (nodes.get(node) ?? 0) + by;
    if (count > 0) nodes.set(node, count);
    else nodes.delete(node);
    if (nodes.size > 0) this.#nodes.set(named, nodes);
    else this.#nodes.delete(named);
  }
}

function namedBy(pod: Given<Pod>): string[] {
  const { namespace = '', name = '', annotations } = pod.metadata ?? {};
  const itself = nameOf('pods', namespace, name);
  // What a node only shows must not let it read: it could name whatever it likes.
  if (annotations && Object.hasOwn(annotations, 'kubernetes.io/config.mirror')) return [itself];
  const { secrets, configMaps, claims } = referencesOf(pod);
  const account = pod.spec?.serviceAccountName;
  return [
    itself,
    ...[...secrets].map((each) => nameOf('secrets', namespace, each)),
    ...[...configMaps].map((each) => nameOf('configmaps', namespace, each)),
    ...[...claims].map((each) => nameOf('persistentvolumeclaims', namespace, each)),
    ...(account ? [nameOf('serviceaccounts', namespace, account)] : []),
  ];
}

/** The claim each volume is bound to, and the volumes each secret opens. */
class VolumeIndex {
  readonly #volumes = new Map<string, { readonly claim: string; readonly secrets: readonly string[] }>();
  readonly #opens = new Map<string, Set<string>>();

  constructor(private readonly prefix: string) {}

  /** The name of the claim in the index of pods. */
  claimOf(volume: string): string | undefined {
    return this.#volumes.get(this.prefix + volume)?.claim;
  }

  claimsOpenedBy(secret: string): string[] {
    return [...(this.#opens.get(secret) ?? [])].flatMap((key) => this.#volumes.get(key)?.claim ?? []);
  }

  clear(): void {
    this.#volumes.clear();
    this.#opens.clear();
  }

  set(key: string, object: object | undefined): void {
    for (const secret of this.#volumes.get(key)?.secrets ?? []) {
      const opened = this.#opens.get(secret);
      opened?.delete(key);
      if (opened?.size === 0) this.#opens.delete(secret);
    }
    this.#volumes.delete(key);
    const volume = object as Given<PersistentVolume> | undefined;
    const { namespace = '', name } = volume?.spec?.claimRef ?? {};
    if (!volume || !name) return;
    const secrets = secretsOf(volume, namespace);
    this.#volumes.set(key, { claim: nameOf('persistentvolumeclaims', namespace, name), secrets });
    for (const secret of secrets) this.#opens.set(secret, (this.#opens.get(secret) ?? new Set()).add(key));
  }
}

interface Reference {
  readonly name?: string;
  readonly namespace?: string;
}

/** The secrets a volume is opened with; those that name no namespace are in that of its claim. */
function secretsOf({ spec = {} }: Given<PersistentVolume>, claimNamespace: string): string[] {
  const { azureFile, csi } = spec;
  const references: (Reference | undefined)[] = [
    {
      ...(azureFile?.secretName ? { name: azureFile.secretName } : {}),
      namespace: azureFile?.secretNamespace ?? '',
    },
    spec.cephfs?.secretRef,
    spec.cinder?.secretRef,
    spec.flexVolume?.secretRef,
    spec.rbd?.secretRef,
    spec.scaleIO?.secretRef,
    spec.iscsi?.secretRef,
    spec.storageos?.secretRef,
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
    csi?.controllerPublishSecretRef,
    csi?.controllerExpandSecretRef,
  ];
  return references.flatMap((reference) =>
    reference?.name ? [nameOf('secrets', reference.namespace || claimNamespace, reference.name)] : [],
  );
}

export class NodeGraph {
  readonly #pods = new PodIndex();
  readonly #volumes: VolumeIndex;
  readonly #followPods: Follower;
  readonly #followVolumes: Follower;

  constructor(private readonly cache: WatchCache) {
    const [pods, volumes] = ['pods', 'persistentvolumes'].map((plural) =>
      storagePrefix({ group: '', plural }),
    ) as [string, string];
    this.#volumes = new VolumeIndex(volumes);
    this.#followPods = new Follower(cache.resource(pods), this.#pods);
    this.#followVolumes = new Follower(cache.resource(volumes), this.#volumes);
  }

  /** Whether a pod bound to the node names the object, itself or by the volume it uses. */
  reaches(node: string, kind: OfPods, namespace: string, name: string): boolean {
    this.#followPods.catchUp();
    const named = nameOf(kind, namespace, name);
    if (this.#pods.has(named, node)) return true;
    if (kind !== 'secrets') return false;
    this.#followVolumes.catchUp();
    return this.#volumes.claimsOpenedBy(named).some((claim) => this.#pods.has(claim, node));
  }

  reachesVolume(node: string, name: string): boolean {
    this.#followPods.catchUp();
    this.#followVolumes.catchUp();
    const claim = this.#volumes.claimOf(name);
    return claim !== undefined && this.#pods.has(claim, node);
  }

  isAttached(node: string, attachment: string): boolean {
    const prefix = storagePrefix({ group: 'storage.k8s.io', plural: 'volumeattachments' });
    const found = this.cache.resource(prefix).get(prefix + attachment)?.object as unknown as
      | Given<VolumeAttachment>
      | undefined;
    return found?.spec?.nodeName === node;
  }
}
