/** Which nodes of the graph a change makes worth a look. Pure: the answer is UIDs, the looking is done live. */
import { deepEqualJson } from 'gyre';
import { type Graph, type GraphNode, isReferredTo } from './graph.js';

/** A node came or changed; it is in the graph already. */
export function afterObserved(graph: Graph, node: GraphNode, before: GraphNode | undefined): string[] {
  const uids: string[] = [];
  if (needsLook(graph, node)) uids.push(node.uid);
  if (node.deleting === 'foreground' && before?.deleting !== 'foreground')
    uids.push(...graph.dependentsOf(node.uid).map(({ uid }) => uid));
  // An owner that waits for its dependents may wait for one less.
  if (before && !deepEqualJson(before.owners, node.owners)) uids.push(...waitingOwners(graph, before));
  return uids;
}

/** A node went; it has left the graph already. */
export function afterRemoved(graph: Graph, node: GraphNode): string[] {
  return [...graph.dependentsOf(node.uid).map(({ uid }) => uid), ...waitingOwners(graph, node)];
}

/**
 * True for a node that the collector itself has to bring to its end, and for one whose owners are not all
 * there as far as the graph knows.
 */
export function needsLook(graph: Graph, node: GraphNode): boolean {
  if (node.deleting !== undefined) return node.deleting !== 'background';
  return node.owners.some((reference) => {
    const owner = graph.get(reference.uid);
    return !owner || owner.deleting === 'foreground' || !isReferredTo(owner, reference, node.namespace);
  });
}

function waitingOwners(graph: Graph, { owners }: GraphNode): string[] {
  return owners.map(({ uid }) => uid).filter((uid) => graph.get(uid)?.deleting === 'foreground');
}
