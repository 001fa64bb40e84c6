import { type Context, Controller, done, type Input, Owns } from 'gyre';
import { Deployment } from 'gyre/kinds';
import { TemplateKind } from './template-kind.js';

/** Keeps one Deployment per TemplateKind, and tells in the status how far it is. */
@Controller(TemplateKind)
@Owns(Deployment)
export class TemplateKindController {
  async reconcile(object: TemplateKind, ctx: Context<TemplateKind>) {
    const deployment = await ctx.apply(Deployment, deploymentFor(object));
    const ready = deployment.status?.readyReplicas ?? 0;
    ctx.status.readyReplicas = ready;
    ctx.condition(
      'Ready',
      ready >= object.spec.replicas,
      'Replicas',
      `${ready}/${object.spec.replicas} ready`,
    );
    return done; // woken by the Deployment: no polling
  }
}

function deploymentFor(object: TemplateKind): Input<Deployment> {
  const labels = { 'app.kubernetes.io/name': object.metadata.name };
  return {
    metadata: { name: object.metadata.name, labels },
    spec: {
      replicas: object.spec.replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: object.spec.image, ports: [{ containerPort: 8080 }] }] },
      },
    },
  };
}
