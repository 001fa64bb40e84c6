/**
 * A pod that names its node goes nowhere else. Such a pod never reaches the scheduler's queue; filters ask
 * all the same when a pod is tried on a node that it did not choose.
 */
import { plugin, rejection } from '../framework.js';

const otherNode = rejection(false, "node(s) didn't match the requested node name");

export const nodeName = plugin({
  name: 'NodeName',
  preFilter: (pod) => (pod.node === undefined ? 'skip' : { state: undefined }),
  filter: (pod, node) => (pod.node === node.name ? undefined : otherNode),
  wakesOn: (event, pod) =>
    (event.type === 'NodeAdded' || event.type === 'NodeChanged') && event.node.name === pod.node,
});
