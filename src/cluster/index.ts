/** A cluster in a process. */
export { ForeignKubeconfig } from './credentials.js';
export {
  type ClusterSnapshot,
  EmbeddedCluster,
  type EmbeddedClusterOptions,
  type HttpsOptions,
  type NodesOptions,
} from './embedded-cluster.js';
export { LocalVolumeDirectories } from './local-volumes.js';
export { restoreEmbedded, storePath } from './restore.js';
