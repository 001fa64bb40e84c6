/** Two pods cannot have one port of the node's own (SC-6). */
import { plugin, rejection } from '../framework.js';
import { conflicts } from '../host-ports.js';

const taken = rejection(true, "node(s) didn't have free ports for the requested pod ports");

export const nodePorts = plugin({
  name: 'NodePorts',
  preFilter: ({ hostPorts }) => (hostPorts.length === 0 ? 'skip' : { state: undefined }),
  filter({ hostPorts }, { ports }) {
    for (const port of hostPorts) if (ports.taken(port)) return taken;
    return undefined;
  },
  wakesOn(event, { hostPorts }) {
    if (event.type === 'NodeAdded') return true;
    if (event.type !== 'PodDeleted') return false;
    return event.pod.hostPorts.some((freed) => hostPorts.some((wanted) => conflicts(freed, wanted)));
  },
});
