/** A cluster, a clock that moves only when told to, and chance that repeats. */
export type { ClusterInTest } from './cluster-in-test.js';
export { seededRandom } from './seeded-random.js';
export { TestCluster, type TestClusterOptions, type TestSnapshot } from './test-cluster.js';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.js';
