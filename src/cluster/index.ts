/** A cluster in a process. */
export { ForeignKubeconfig } from './credentials.js';
export {
  EmbeddedCluster,
  type EmbeddedClusterOptions,
  type HttpsOptions,
  type NodesOptions,
} from './embedded-cluster.js';
export { LocalVolumeDirectories } from './local-volumes.js';
