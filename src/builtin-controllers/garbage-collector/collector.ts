/**
 * One look at one object (GC-2 to GC-4): reads it and its owners from the server, decides, acts. What the
 * graph says is only a reason to look, never a reason to delete.
 */
import {
  type EventRecorder,
  isNoSuchKind,
  isNotFound,
  type Key,
  type Kind,
  type KubernetesObject,
  type Logger,
  type OwnerReference,
  TerminalError,
} from 'gyre';
import type { Client } from 'gyre/client';
import { AbsentOwners } from './absent-owners.js';
import { blocking, decide, type Owner, type OwnerState, undeleted } from './decide.js';
import { foregroundFinalizer, type Graph, type GraphNode, isReferredTo, orphanFinalizer } from './graph.js';
import type { ServedKinds } from './kinds.js';

/** The object has to be looked at again, for a reason that is no failure. */
export class LookAgain extends Error {
  override readonly name = 'LookAgain';
}

export interface CollectorOptions {
  readonly graph: Graph;
  readonly kinds: () => ServedKinds;
  readonly events: EventRecorder;
  readonly log: Logger;
  /** Has another node looked at. */
  readonly enqueue: (uid: string) => void;
  /** The server says that the object of this UID is gone. */
  readonly gone: (uid: string) => void;
}

export class Collector {
  readonly #options: CollectorOptions;
  readonly #absent = new AbsentOwners();

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /**
   * @throws LookAgain when an owner is there that the graph does not know yet; TerminalError for a reference
   * that can never be right; ApiError
   */
  async look(uid: string, client: Client): Promise<void> {
    const node = this.#options.graph.get(uid);
    if (!node || node.deleting === 'background') return;
    const object = await read(client, node.kind, keyOf(node));
    if (object?.metadata.uid !== uid) {
      this.#options.gone(uid);
      return;
    }
    if (node.deleting === 'orphan') return this.#orphanDependents(node, object, client);
    if (node.deleting === 'foreground') return this.#awaitDependents(node, object, client);
    if (object.metadata.deletionTimestamp === undefined) await this.#collect(node, object, client);
  }

  /** GC-3 */
  async #collect(node: GraphNode, object: KubernetesObject, client: Client): Promise<void> {
    const { graph, log } = this.#options;
    const owners: Owner[] = [];
    for (const reference of object.metadata.ownerReferences ?? [])
      owners.push({ reference, state: await this.#stateOf(reference, node, client) });
    const dependents = graph.dependentsOf(node.uid);
    const verdict = decide({ owners, finalizers: object.metadata.finalizers ?? [], dependents });
    const key = keyOf(node);
    if (verdict.do === 'delete') {
      const { policy, unblock } = verdict;
      const latest = unblock ? await unblockOwners(client, node.kind, object) : object;
      const { uid, resourceVersion } = latest.metadata;
      log.info('deleting what nobody owns', { object: describe(node), policy });
      try {
        // The version too: it may have been given another owner since.
        await client.delete(node.kind, key, {
          propagationPolicy: policy,
          preconditions: { uid, resourceVersion },
        });
      } catch (error) {
        if (!isNotFound(error) || isNoSuchKind(error)) throw error;
      }
      return;
    }
    if (verdict.do === 'disown')
      await patchMetadata(client, node.kind, object, { ownerReferences: verdict.references });
    this.#expectInGraph(owners);
  }

  /** Reads an owner; what was absent once is not asked for again. */
  async #stateOf(reference: OwnerReference, node: GraphNode, client: Client): Promise<OwnerState> {
    const kind = this.#options.kinds().named(reference);
    // Not knowing the kind is not knowing that the owner is absent.
    if (!kind)
      throw new Error(`no matches for kind "${reference.kind}" in version "${reference.apiVersion}"`);
    const namespace = kind.scope === 'Namespaced' ? node.namespace : '';
    if (kind.scope === 'Namespaced' && node.namespace === '') {
      this.#reportInvalid(reference, node);
      throw new TerminalError(
        `cluster-scoped ${describe(node)} refers to a namespaced owner: ${reference.kind} ${reference.name}`,
      );
    }
    if (this.#absent.has(reference, namespace)) return 'absent';
    const owner = await read(client, kind, keyOf({ kind, namespace, name: reference.name }));
    if (owner?.metadata.uid !== reference.uid) {
      const elsewhere = this.#options.graph.get(reference.uid);
      if (elsewhere && !isReferredTo(elsewhere, reference, node.namespace))
        this.#reportInvalid(reference, node);
      this.#absent.add(reference, namespace);
      return 'absent';
    }
    const { deletionTimestamp, finalizers = [] } = owner.metadata;
    return deletionTimestamp !== undefined && finalizers.includes(foregroundFinalizer) ? 'waiting' : 'solid';
  }

  /** Its end would go unnoticed if the graph never came to know an owner that is there now. */
  #expectInGraph(owners: readonly Owner[]): void {
    const { graph, kinds } = this.#options;
    for (const { reference, state } of owners) {
      const kind = kinds().named(reference);
      if (state === 'absent' || graph.get(reference.uid) || !kind || !kinds().watched(kind)) continue;
      throw new LookAgain(`${reference.kind} ${reference.name} has not been observed yet`);
    }
  }

  #reportInvalid({ apiVersion, kind, name, uid }: OwnerReference, node: GraphNode): void {
    const { uid: subject, namespace } = node;
    const metadata = { name: node.name, uid: subject, ...(namespace === '' ? {} : { namespace }) };
    this.#options.events.record(
      { metadata },
      node.kind,
      'Warning',
      'OwnerRefInvalidNamespace',
      `ownerRef [${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}] does not exist in namespace "${namespace}"`,
    );
  }

  /** GC-4: an owner deleted in the foreground goes when nothing that blocks it is left. */
  async #awaitDependents(node: GraphNode, object: KubernetesObject, client: Client): Promise<void> {
    const dependents = this.#options.graph.dependentsOf(node.uid);
    const rest = blocking(node.uid, dependents);
    if (rest.length === 0) await removeFinalizer(client, node.kind, object, foregroundFinalizer);
    else for (const { uid } of undeleted(rest)) this.#options.enqueue(uid);
  }

  /** GC-4: its dependents are let go one by one, and then the owner. */
  async #orphanDependents(node: GraphNode, object: KubernetesObject, client: Client): Promise<void> {
    for (const dependent of this.#options.graph.dependentsOf(node.uid)) {
      const latest = await read(client, dependent.kind, keyOf(dependent));
      if (latest?.metadata.uid !== dependent.uid) continue;
      const references = latest.metadata.ownerReferences ?? [];
      const ownerReferences = references.filter(({ uid }) => uid !== node.uid);
      if (ownerReferences.length < references.length)
        await patchMetadata(client, dependent.kind, latest, { ownerReferences });
    }
    await removeFinalizer(client, node.kind, object, orphanFinalizer);
  }
}

function keyOf({ kind, namespace, name }: Pick<GraphNode, 'kind' | 'namespace' | 'name'>): Key {
  return kind.scope === 'Namespaced' ? { namespace, name } : { name };
}

function describe({ kind, namespace, name }: GraphNode): string {
  return `${kind.kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
}

/** Metadata is all that is asked for. */
function read(client: Client, kind: Kind<KubernetesObject>, key: Key): Promise<KubernetesObject | undefined> {
  return client.with({ metadataOnly: true }).find(kind, key);
}

/** Carries the version that was read: an object that changed meanwhile is looked at again. */
function patchMetadata(
  client: Client,
  kind: Kind<KubernetesObject>,
  object: KubernetesObject,
  change: { readonly ownerReferences?: readonly OwnerReference[]; readonly finalizers?: readonly string[] },
): Promise<KubernetesObject> {
  const { uid, resourceVersion, namespace = '', name } = object.metadata;
  const patch = { metadata: { uid, resourceVersion, ...change } };
  return client.patchRaw(kind, keyOf({ kind, namespace, name }), { type: 'merge', patch });
}

async function removeFinalizer(
  client: Client,
  kind: Kind<KubernetesObject>,
  object: KubernetesObject,
  finalizer: string,
): Promise<void> {
  const { finalizers = [] } = object.metadata;
  if (!finalizers.includes(finalizer)) return;
  await patchMetadata(client, kind, object, {
    finalizers: finalizers.filter((other) => other !== finalizer),
  });
}

function unblockOwners(
  client: Client,
  kind: Kind<KubernetesObject>,
  object: KubernetesObject,
): Promise<KubernetesObject> {
  const ownerReferences = (object.metadata.ownerReferences ?? []).map((reference) => ({
    ...reference,
    blockOwnerDeletion: false,
  }));
  return patchMetadata(client, kind, object, { ownerReferences });
}
