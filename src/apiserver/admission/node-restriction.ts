/**
 * What a node may write is held to what is its own
 * (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction): its Node without taints
 * and without labels that would draw pods to it, the status of its pods, mirror pods, tokens of pods that run on it, its Lease
 * and CSINode. The authorizer lets such requests through, as it does not see what is written.
 */
import {
  type ApiError,
  deepEqualJson,
  forbidden,
  type JsonObject,
  type JsonValue,
  notFound,
} from '../../api/index.js';
import type { Node, PersistentVolumeClaim, Pod } from '../../api/kinds/core/v1.js';
import { nodeOf } from '../auth/node/node-authorizer.js';
import { referencesOf } from '../auth/node/pod-references.js';
import type { Given } from '../builtin/given.js';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.js';
import type { Lookup } from './lookup.js';
import { isMirrorPod } from './pods/pod-plugin.js';

const pods = { group: '', plural: 'pods' };
const nodes = { group: '', plural: 'nodes' };
const leaseNamespace = 'kube-node-lease';
const restricted = 'node-restriction.kubernetes.io';
/** Labels a kubelet has to give its node. */
const kubeletLabels = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
]);
/** Prefixes whose labels, and those of their subdomains, are the kubelet's. */
const kubeletPrefixes = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

type Asked = AdmissionAttributes & { readonly node: string };

const quoted = (text: string): string => JSON.stringify(text);

function refuse({ resource, name }: AdmissionAttributes, why: string): ApiError {
  return forbidden(resource.facts, name, why);
}

export class NodeRestriction implements AdmissionPlugin {
  readonly name = 'NodeRestriction';

  constructor(private readonly lookup: Lookup) {}

  /** Changes nothing; before anybody else is asked. @throws ApiError Forbidden, NotFound */
  mutate(attributes: AdmissionAttributes): undefined {
    const node = nodeOf(attributes.user);
    if (node === undefined) return undefined;
    if (node === '')
      throw refuse(attributes, `could not determine node from user ${quoted(attributes.user.username)}`);
    const { group, plural } = attributes.resource.facts;
    const asked = { ...attributes, node };
    switch (`${group}/${plural}`) {
      case '/pods':
        this.#onPod(asked);
        break;
      case '/nodes':
        onNode(asked);
        break;
      case '/persistentvolumeclaims':
        onClaim(asked);
        break;
      case '/serviceaccounts':
        if (asked.operation === 'CREATE' && asked.subresource === 'token') this.#onToken(asked);
        break;
      case 'coordination.k8s.io/leases':
        onLease(asked);
        break;
      case 'storage.k8s.io/csinodes':
        if (asked.name !== node)
          throw refuse(asked, 'can only access CSINode with the same name as the requesting node');
        break;
      default:
    }
    return undefined;
  }

  #onPod(asked: Asked): void {
    const { operation, subresource, node } = asked;
    switch (subresource) {
      case '':
        if (operation === 'CREATE') this.#onMirrorPod(asked);
        else if (operation === 'DELETE') {
          if ((asked.oldObject as Given<Pod>).spec?.nodeName !== node)
            throw refuse(asked, `node ${quoted(node)} can only delete pods with spec.nodeName set to itself`);
        } else
          throw refuse(
            asked,
            `unexpected operation ${quoted(operation)}, node ${quoted(node)} can only create and delete mirror pods`,
          );
        return;
      case 'status':
        onPodStatus(asked);
        return;
      case 'eviction':
        if (operation !== 'CREATE') throw refuse(asked, `unexpected operation ${operation}`);
        if (this.#pod(asked, asked.name).spec?.nodeName !== node)
          throw refuse(asked, `node ${node} can only evict pods with spec.nodeName set to itself`);
        return;
      default:
        throw refuse(
          asked,
          `unexpected pod subresource ${quoted(subresource)}, only 'status' and 'eviction' are allowed`,
        );
    }
  }

  /** A pod the kubelet has of its own, shown to the API: it must not give the node anything to read. */
  #onMirrorPod(asked: Asked): void {
    const pod = asked.object as Given<Pod>;
    const node = quoted(asked.node);
    if (!isMirrorPod(pod))
      throw refuse(
        asked,
        `pod does not have "kubernetes.io/config.mirror" annotation, node ${node} can only create mirror pods`,
      );
    if (pod.spec?.nodeName !== asked.node)
      throw refuse(asked, `node ${node} can only create pods with spec.nodeName set to itself`);
    this.#onOwner(asked, pod);
    const { secrets, configMaps } = referencesOf(pod);
    const names = (what: string): ApiError =>
      refuse(asked, `node ${node} can not create pods that reference ${what}`);
    if (pod.spec.serviceAccountName) throw names('a service account');
    if (secrets.size > 0) throw names('secrets');
    if (configMaps.size > 0) throw names('configmaps');
    const volumes = pod.spec.volumes ?? [];
    if (volumes.some(({ projected }) => projected?.sources?.some((source) => source.clusterTrustBundle)))
      throw names('clustertrustbundles');
    if (volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim))
      throw names('persistentvolumeclaims');
  }

  #onOwner(asked: Asked, { metadata }: Given<Pod>): void {
    const node = quoted(asked.node);
    const [owner, ...others] = metadata?.ownerReferences ?? [];
    if (others.length > 0)
      throw refuse(asked, `node ${node} can only create pods with a single owner reference set to itself`);
    if (!owner || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== asked.node)
      throw refuse(asked, `node ${node} can only create pods with an owner reference set to itself`);
    if (!owner.controller)
      throw refuse(
        asked,
        `node ${node} can only create pods with a controller owner reference set to itself`,
      );
    if (owner.blockOwnerDeletion)
      throw refuse(asked, `node ${node} must not set blockOwnerDeletion on an owner reference`);
    const found = this.lookup.get<Node>(nodes, '', asked.node);
    if (!found) throw notFound(nodes, asked.node);
    if (owner.uid !== found.metadata.uid)
      throw refuse(
        asked,
        `node ${asked.node} UID mismatch: expected ${owner.uid ?? ''} got ${found.metadata.uid}`,
      );
  }

  #onToken(asked: Asked): void {
    const { spec } = asked.object as {
      readonly spec?: {
        readonly boundObjectRef?: {
          readonly apiVersion?: string;
          readonly kind?: string;
          readonly name?: string;
          readonly uid?: string;
        };
      };
    };
    const { apiVersion, kind, name, uid } = spec?.boundObjectRef ?? {};
    if (apiVersion !== 'v1' || kind !== 'Pod' || !name)
      throw refuse(asked, 'node requested token not bound to a pod');
    if (!uid) throw refuse(asked, 'node requested token with a pod binding without a uid');
    const pod = this.#pod(asked, name);
    if (uid !== pod.metadata.uid)
      throw refuse(
        asked,
        `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    if (pod.spec?.nodeName !== asked.node)
      throw refuse(asked, 'node requested token bound to a pod scheduled on a different node');
  }

  #pod({ namespace }: Asked, name: string): Pod {
    const found = this.lookup.get<Pod>(pods, namespace, name);
    if (!found) throw notFound(pods, name);
    return found;
  }
}

const same = (a: unknown, b: unknown): boolean =>
  deepEqualJson((a ?? null) as JsonValue, (b ?? null) as JsonValue);

function onPodStatus(asked: Asked): void {
  const { operation } = asked;
  const node = quoted(asked.node);
  if (operation !== 'UPDATE') throw refuse(asked, `unexpected operation ${quoted(operation)}`);
  const [pod, old] = [asked.object as Given<Pod>, asked.oldObject as Given<Pod>];
  if (old.spec?.nodeName !== asked.node)
    throw refuse(asked, `node ${node} can only update pod status for pods with spec.nodeName set to itself`);
  if (!same(pod.metadata?.labels ?? {}, old.metadata?.labels ?? {}))
    throw refuse(asked, `node ${node} cannot update labels through pod status`);
  if (!same(pod.status?.resourceClaimStatuses ?? [], old.status?.resourceClaimStatuses ?? []))
    throw refuse(asked, `node ${node} cannot update resource claim statues`);
}

function onNode(asked: Asked): void {
  const { operation, name, object, oldObject } = asked;
  const node = quoted(asked.node);
  if (name !== asked.node) throw refuse(asked, `node ${node} is not allowed to modify node ${quoted(name)}`);
  if (operation !== 'CREATE' && operation !== 'UPDATE') return;
  const [now, old] = [(object ?? {}) as Given<Node>, (oldObject ?? {}) as Given<Node>];
  const source = now.spec?.configSource;
  if (operation === 'CREATE' && source)
    throw refuse(asked, `node ${node} is not allowed to create pods with a non-nil configSource`);
  if (source && !same(source, old.spec?.configSource))
    throw refuse(asked, `node ${node} is not allowed to update configSource to a new non-nil configSource`);
  if (operation === 'UPDATE' && !same(now.spec?.taints ?? [], old.spec?.taints ?? []))
    throw refuse(asked, `node ${node} is not allowed to modify taints`);
  const labels = forbiddenLabels(now.metadata?.labels ?? {}, old.metadata?.labels ?? {}).join(', ');
  if (labels === '') return;
  throw refuse(
    asked,
    operation === 'CREATE'
      ? `node ${node} is not allowed to set the following labels: ${labels}`
      : `is not allowed to modify labels: ${labels}`,
  );
}

type Labels = Readonly<Record<string, string | undefined>>;

/** Of the labels that differ, those that are not a node's to choose. */
function forbiddenLabels(now: Labels, before: Labels): string[] {
  const keys = new Set([...Object.keys(now), ...Object.keys(before)]);
  return [...keys].filter((key) => now[key] !== before[key] && !mayLabel(key)).sort();
}

function mayLabel(key: string): boolean {
  const [prefix = ''] = key.includes('/') ? key.split('/', 1) : [];
  const within = (domain: string): boolean => prefix === domain || prefix.endsWith(`.${domain}`);
  if (within(restricted)) return false;
  if (!within('kubernetes.io') && !within('k8s.io')) return true;
  return kubeletLabels.has(key) || kubeletPrefixes.some(within);
}

function onClaim(asked: Asked): void {
  if (asked.subresource !== 'status') throw refuse(asked, 'may only update PVC status');
  if (asked.operation !== 'UPDATE') throw refuse(asked, `unexpected operation ${quoted(asked.operation)}`);
  if (!same(withoutSizes(asked.object), withoutSizes(asked.oldObject)))
    throw refuse(
      asked,
      `node ${quoted(asked.node)} is not allowed to update fields other than status.quantity and status.conditions`,
    );
}

/** A claim without what a node reports of it: how large its volume is, and how far it has grown. */
function withoutSizes(object: JsonObject | undefined): object {
  const claim = (object ?? {}) as Given<PersistentVolumeClaim> & { readonly metadata?: JsonObject };
  const { resourceVersion: _, managedFields: __, ...metadata } = (claim.metadata ?? {}) as JsonObject;
  const {
    capacity: ___,
    conditions: ____,
    allocatedResources: _____,
    allocatedResourceStatuses: ______,
    ...status
  } = (claim.status ?? {}) as JsonObject;
  return { ...claim, metadata, status };
}

function onLease(asked: Asked): void {
  if (asked.namespace !== leaseNamespace)
    throw refuse(asked, `can only access leases in the ${quoted(leaseNamespace)} system namespace`);
  if (asked.name !== asked.node)
    throw refuse(asked, 'can only access node lease with the same name as the requesting node');
}
