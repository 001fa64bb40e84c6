import { type Context, Controller } from 'gyre';
import { Deployment } from 'gyre/kinds';

/**
 * Stands in for the Deployment controller and a kubelet, which an embedded cluster does not run yet: says
 * of every Deployment that its replicas are ready. A real cluster needs nothing of the kind.
 */
@Controller(Deployment, { name: 'ready-stand-in' })
export class ReadyStandIn {
  reconcile(deployment: Deployment, ctx: Context<Deployment>) {
    const replicas = deployment.spec.replicas ?? 1;
    Object.assign(ctx.status, {
      observedGeneration: deployment.metadata.generation,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
    });
  }
}
