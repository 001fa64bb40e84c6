/**
 * What a kubelet may do (https://kubernetes.io/docs/reference/access-authn-authz/node/): read the objects that the pods
 * bound to its node use, its own Node, CSINode and Lease, and what every node needs. A user is a node when it is in the group
 * `system:nodes` and named `system:node:<name>`; about all others this has no opinion.
 */
import type { UserInfo } from '../../../api/index.js';
import type { WatchCache } from '../../cache/watch-cache.js';
import {
  type AuthorizationAttributes,
  type Authorizer,
  type Decision,
  type NonResourceAttributes,
  type PolicyRule,
  selectedBy,
} from '../authorizer.js';
import { rulesAllow } from '../rbac.js';
import { NodeGraph, type OfPods } from './node-graph.js';

export const nodesGroup = 'system:nodes';
const userPrefix = 'system:node:';
const leaseNamespace = 'kube-node-lease';
const ownVerbs = ['get', 'create', 'update', 'patch', 'delete'];
const readVerbs = ['get', 'list', 'watch'];

/** The name of the node a user is; `''` for one that does not say which; undefined for anybody else. */
export function nodeOf({ username, groups }: UserInfo): string | undefined {
  if (!username.startsWith(userPrefix) || !groups?.includes(nodesGroup)) return undefined;
  return username.slice(userPrefix.length);
}

const allowed: Decision = { allowed: true };
const no = (reason?: string): Decision => (reason ? { allowed: false, reason } : { allowed: false });

export class NodeAuthorizer implements Authorizer {
  readonly #graph: NodeGraph;

  /** @param rules what every node may do, of what is not told apart by node */
  constructor(
    cache: WatchCache,
    private readonly rules: readonly PolicyRule[],
  ) {
    this.#graph = new NodeGraph(cache);
  }

  authorize(asked: AuthorizationAttributes): Decision {
    const node = nodeOf(asked.user);
    if (node === undefined) return no();
    if (node === '') return no(`unknown node for user ${JSON.stringify(asked.user.username)}`);
    return this.#special(node, asked) ?? (rulesAllow(this.rules, asked) ? allowed : no());
  }

  authorizeNonResource(_asked: NonResourceAttributes): Decision {
    return no();
  }

  /** What a node may do cannot be told in rules. */
  rulesFor(): readonly PolicyRule[] {
    return [];
  }

  /** Undefined where all nodes may do the same. */
  #special(node: string, asked: AuthorizationAttributes): Decision | undefined {
    switch (`${asked.group}/${asked.resource}`) {
      case '/secrets':
      case '/configmaps':
        return this.#readNamed(node, asked);
      case '/persistentvolumeclaims':
        return asked.subresource === 'status' ? this.#writeStatus(node, asked) : this.#get(node, asked);
      case '/persistentvolumes':
      case 'storage.k8s.io/volumeattachments':
        return this.#get(node, asked);
      case '/serviceaccounts':
        return this.#createToken(node, asked);
      case 'coordination.k8s.io/leases':
        return onLease(node, asked);
      case 'storage.k8s.io/csinodes':
        return onCsiNode(node, asked);
      case '/nodes':
        return onNode(node, asked);
      case '/pods':
        return this.#onPod(node, asked);
      default:
        return undefined;
    }
  }

  #related(node: string, { group, resource, namespace, name }: AuthorizationAttributes): Decision {
    if (name === '') return no('No Object name found');
    const reached =
      group === 'storage.k8s.io'
        ? this.#graph.isAttached(node, name)
        : resource === 'persistentvolumes'
          ? this.#graph.reachesVolume(node, name)
          : this.#graph.reaches(node, resource as OfPods, namespace, name);
    return reached ? allowed : no(`no relationship found between node '${node}' and this object`);
  }

  #readNamed(node: string, asked: AuthorizationAttributes): Decision {
    if (!readVerbs.includes(asked.verb)) return no('can only read resources of this type');
    if (asked.subresource !== '') return no('cannot read subresource');
    if (asked.namespace === '') return no('can only read namespaced object of this type');
    return this.#related(node, asked);
  }

  #get(node: string, asked: AuthorizationAttributes): Decision {
    if (asked.verb !== 'get') return no('can only get individual resources of this type');
    if (asked.subresource !== '') return no('cannot get subresource');
    return this.#related(node, asked);
  }

  #writeStatus(node: string, asked: AuthorizationAttributes): Decision {
    if (asked.verb !== 'update' && asked.verb !== 'patch') return no('can only get/update/patch this type');
    return this.#related(node, asked);
  }

  #createToken(node: string, asked: AuthorizationAttributes): Decision {
    if (asked.verb !== 'create' || asked.name === '')
      return no('can only create tokens for individual service accounts');
    if (asked.subresource !== 'token') return no('can only create token subresource of serviceaccount');
    return this.#related(node, asked);
  }

  /** Which pods a node may create, delete and report about is seen to by admission. */
  #onPod(node: string, asked: AuthorizationAttributes): Decision {
    const { verb, subresource, name } = asked;
    if (subresource === 'status') return verb === 'update' || verb === 'patch' ? allowed : no();
    if (subresource === 'eviction') return verb === 'create' ? allowed : no();
    if (subresource !== '') return no();
    if (verb === 'create' || verb === 'delete') return allowed;
    if (verb === 'get') return this.#get(node, asked);
    if (verb !== 'list' && verb !== 'watch') return no();
    if (selectedBy(asked.fieldSelector ?? '', 'spec.nodeName') === node) return allowed;
    if (name !== '') return this.#related(node, asked);
    return no('can only list/watch pods with spec.nodeName field selector');
  }
}

function onLease(node: string, { verb, namespace, name }: AuthorizationAttributes): Decision {
  if (!ownVerbs.includes(verb)) return no('can only get, create, update, patch, or delete a node lease');
  if (namespace !== leaseNamespace)
    return no(`can only access leases in the ${JSON.stringify(leaseNamespace)} system namespace`);
  // The name of what is created is seen to by admission.
  if (verb !== 'create' && name !== node)
    return no('can only access node lease with the same name as the requesting node');
  return allowed;
}

function onCsiNode(node: string, { verb, subresource, name }: AuthorizationAttributes): Decision {
  if (!ownVerbs.includes(verb)) return no('can only get, create, update, patch, or delete a CSINode');
  if (subresource !== '') return no('cannot authorize CSINode subresources');
  if (verb !== 'create' && name !== node)
    return no('can only access CSINode with the same name as the requesting node');
  return allowed;
}

function onNode(node: string, { verb, subresource, name }: AuthorizationAttributes): Decision {
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? allowed : no();
  if (subresource !== '') return no();
  if (['create', 'update', 'patch'].includes(verb)) return allowed;
  if (!readVerbs.includes(verb)) return no();
  if (name === node) return allowed;
  return no(
    name === ''
      ? `node '${node}' cannot read all nodes, only its own Node object`
      : `node '${node}' cannot read '${name}', only its own Node object`,
  );
}
