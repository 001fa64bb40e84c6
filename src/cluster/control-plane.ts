/**
 * What runs in a cluster beside its API server, put together once: the builtin controllers, scheduler, garbage
 * collector, kubelet and service proxy.
 */
import type { Clock, Random, Transport } from '../api/index.js';
import {
  ClusterRoleAggregationController,
  deploymentController,
  DisruptionController,
  EndpointsCleanup,
  EndpointsController,
  EndpointSliceController,
  EndpointSliceMirroringController,
  GarbageCollector,
  LocalVolumes,
  NamespaceController,
  NodeLifecycleController,
  PersistentVolumeClaimController,
  PersistentVolumeClaimProtectionController,
  PersistentVolumeController,
  PersistentVolumeProtectionController,
  ReplicaSetController,
  ReplicationControllerController,
  ResourceQuotaController,
  RootCaBundle,
  RootCaPublisher,
  Scheduler,
  ServiceAccountController,
  TaintEvictionController,
} from '../builtin-controllers/index.js';
import { Manager } from '../core/index.js';
import { Kubelet, type NodeConfig, ServiceProxy } from '../runtime/index.js';
import type { Logger, Registry } from '../telemetry/index.js';

export interface ControlPlaneOptions {
  readonly target: (identity: string) => Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly nodes: readonly NodeConfig[];
  /** The version its kubelets report: `v1.32.0`. */
  readonly version: string;
  /** Where provisioned volumes live; without it nothing is provisioned. */
  readonly volumes: LocalVolumes | undefined;
  /** PEM; published to every namespace where there is one. */
  readonly rootCa: string | undefined;
  /** Where the controllers count; absent: nowhere. */
  readonly metrics: Registry | undefined;
  /** The node whose Services are proxied; none where pods cannot be reached. */
  readonly proxyOn: string | undefined;
}

/** How long containers may take to end when the cluster stops, ms. */
const drainMs = 10_000;

export class ControlPlane {
  readonly kubelet: Kubelet;
  readonly #manager: Manager;
  readonly #drains: boolean;

  constructor(options: ControlPlaneOptions) {
    const {
      target,
      clock,
      random,
      log,
      nodes,
      version,
      volumes,
      rootCa,
      proxyOn,
      metrics: registry,
    } = options;
    this.kubelet = new Kubelet({ nodes, version });
    this.#drains = nodes.some(({ runtime }) => runtime.hasFilesystem);
    this.#manager = Manager.create({
      cluster: target,
      name: 'kube-controller-manager',
      clock,
      random,
      log,
      ...(registry ? { metrics: { registry } } : {}),
    })
      .add(this.kubelet)
      .add(new Scheduler())
      .add(new GarbageCollector())
      .register(deploymentController())
      .register(ReplicaSetController)
      .register(ReplicationControllerController)
      .register(EndpointSliceController)
      .register(EndpointSliceMirroringController)
      .register(EndpointsController)
      .register(EndpointsCleanup)
      .register(NamespaceController)
      .register(ClusterRoleAggregationController)
      .register(ServiceAccountController)
      .register(ResourceQuotaController)
      .register(DisruptionController)
      .register(NodeLifecycleController)
      .register(TaintEvictionController)
      .register(PersistentVolumeClaimProtectionController)
      .register(PersistentVolumeProtectionController);
    if (volumes)
      this.#manager
        .provide(LocalVolumes, volumes)
        .register(PersistentVolumeClaimController)
        .register(PersistentVolumeController);
    if (rootCa !== undefined) this.#manager.provide(RootCaBundle, rootCa).register(RootCaPublisher);
    if (proxyOn !== undefined) {
      this.#manager.add(new ServiceProxy({ nodeName: proxyOn, nodePortAddresses: ['127.0.0.1'] }));
    }
  }

  start(): Promise<void> {
    return this.#manager.start();
  }

  /** Ends the containers of this process's nodes, then everything else. */
  async stop(): Promise<void> {
    if (this.#drains) await this.kubelet.drain(drainMs);
    await this.#manager.stop();
  }
}
