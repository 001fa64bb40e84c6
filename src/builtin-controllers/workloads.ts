/** What turns workloads into pods: for `Manager.register` one by one, or all of them. */
import { DeploymentController } from './deployment/deployment-controller.js';
import { ReplicaSetController } from './replicaset/replicaset-controller.js';
import { ReplicationControllerController } from './replicaset/replication-controller.js';

export const workloadControllers = [
  DeploymentController,
  ReplicaSetController,
  ReplicationControllerController,
] as const;
