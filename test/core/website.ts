/** The sample of the README: a custom kind, its controller, and what it depends on. */
import { IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import {
  type Condition,
  Conditions,
  type Context,
  Controller,
  CustomResource,
  Default,
  type Defaulted,
  done,
  Finalizer,
  Inject,
  type Input,
  Owns,
  requeueAfter,
} from 'gyre';
import { Deployment } from 'gyre/kinds';

export class WebsiteSpec {
  @IsString() image!: string;
  @IsInt() @Min(0) @Max(50) @Default(1) replicas!: Defaulted<number>;
}
export class WebsiteStatus {
  @IsInt() @IsOptional() readyReplicas?: number;
  @Conditions() conditions?: Condition[];
}
export class Website extends CustomResource({
  group: 'apps.example.com',
  version: 'v1',
  kind: 'Website',
  shortNames: ['web'],
  spec: WebsiteSpec,
  status: WebsiteStatus,
  columns: { Ready: '.status.readyReplicas' },
}) {}

export abstract class Dns {
  abstract release(name: string, signal: AbortSignal): Promise<boolean>;
}

export function deploymentFor(site: Website): Input<Deployment> {
  const labels = { app: site.metadata.name };
  return {
    metadata: { name: site.metadata.name },
    spec: {
      replicas: site.spec.replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: site.spec.image }] } },
    },
  };
}

@Controller(Website)
@Owns(Deployment)
export class WebsiteController {
  constructor(@Inject(Dns) readonly dns: Dns) {}

  async reconcile(site: Website, ctx: Context<Website>) {
    const web = await ctx.apply(Deployment, deploymentFor(site));
    const ready = web.status?.readyReplicas ?? 0;
    ctx.status.readyReplicas = ready;
    ctx.condition('Ready', ready >= site.spec.replicas, 'Replicas', `${ready}/${site.spec.replicas} ready`);
    return done;
  }

  @Finalizer('apps.example.com/dns')
  async cleanup(site: Website, ctx: Context<Website>) {
    return (await this.dns.release(site.metadata.name, ctx.signal)) ? done : requeueAfter('30s');
  }
}
