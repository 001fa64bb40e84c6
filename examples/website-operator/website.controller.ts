import { type Context, Controller, done, Finalizer, Inject, Owns, requeueAfter } from 'gyre';
import { Deployment } from 'gyre/kinds';
import { deploymentFor } from './deployment-for.js';
import { Dns } from './dns.js';
import { Website } from './website.js';

/** Keeps one Deployment per Website, and tells in the status how far it is. */
@Controller(Website)
@Owns(Deployment)
export class WebsiteController {
  constructor(@Inject(Dns) private readonly dns: Dns) {}

  async reconcile(site: Website, ctx: Context<Website>) {
    const web = await ctx.apply(Deployment, deploymentFor(site)); // owned; no request when nothing differs
    const ready = web.status?.readyReplicas ?? 0;
    ctx.status.readyReplicas = ready; // one patch at the end, even if we throw
    ctx.condition('Ready', ready >= site.spec.replicas, 'Replicas', `${ready}/${site.spec.replicas} ready`);
    return done; // woken by the Deployment: no polling
  }

  @Finalizer('apps.example.com/dns')
  async cleanup(site: Website, ctx: Context<Website>) {
    return (await this.dns.release(site.metadata.name, ctx.signal)) ? done : requeueAfter('30s');
  }
}
