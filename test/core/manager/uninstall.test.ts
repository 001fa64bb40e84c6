/** Leaving without a trace: every finalizer does its work first. */
import { expect } from 'chai';
import { IsString } from 'class-validator';
import {
  controllerFor,
  createLogger,
  CustomResource,
  done,
  silentLogger,
  uninstall,
  UninstallTimeout,
} from 'gyre';
import { ConfigMap, CustomResourceDefinition } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';

class SiteSpec {
  @IsString() name!: string;
}
class Site extends CustomResource({
  group: 'apps.example.com',
  version: 'v1',
  kind: 'Site',
  spec: SiteSpec,
}) {}

async function installed(release: (name: string) => void) {
  const sites = controllerFor(Site)
    .named('sites')
    .owns(ConfigMap)
    .finalizer('apps.example.com/dns', (site) => release(site.spec.name))
    .reconcile(async (site, ctx) => {
      await ctx.apply(ConfigMap, { metadata: { name: site.metadata.name } });
      return done;
    });
  const t = await TestCluster.start({ controllers: [sites] });
  for (const name of ['a', 'b', 'c']) await t.apply(Site.of(`default/${name}`, { name }));
  return t;
}

/** Runs it while time goes on. */
async function during<R>(t: TestCluster, promise: Promise<R>): Promise<R> {
  let pending = true;
  const outcome = promise.finally(() => {
    pending = false;
  });
  outcome.catch(() => {});
  for (let i = 0; pending && i < 1000; i++) await t.advance('1s');
  return outcome;
}

describe('uninstall', () => {
  it('deletes the custom resources, waits for their finalizers, then deletes the definitions', async () => {
    const released: string[] = [];
    await using t = await installed((name) => released.push(name));
    const lines: string[] = [];
    await during(
      t,
      uninstall({
        client: t.client,
        kinds: [Site],
        clock: t.clock,
        log: createLogger(({ message }) => lines.push(message)),
        deleteCrds: true,
      }),
    );
    expect(released.sort()).to.deep.equal(['a', 'b', 'c']);
    await t.advance('1m');
    expect(t.find(CustomResourceDefinition, 'sites.apps.example.com')).to.equal(undefined);
    expect(t.find(ConfigMap, 'default/a')).to.equal(undefined);
    expect(lines.at(-1)).to.equal('uninstalled');
  });

  it('leaves the definitions while a finalizer holds, and says what is left and why', async () => {
    let holding = true;
    const released: string[] = [];
    await using t = await installed((name) => {
      if (holding && name === 'b') throw new Error('the zone is locked');
      released.push(name);
    });
    const deps = { client: t.client, kinds: [Site], clock: t.clock, log: silentLogger, deleteCrds: true };
    let error: unknown;
    await during(t, uninstall({ ...deps, timeout: '30s' })).catch((thrown: unknown) => {
      error = thrown;
    });
    expect(error).to.be.instanceOf(UninstallTimeout);
    expect((error as UninstallTimeout).message).to.equal(
      '1 objects are left: Site default/b (apps.example.com/dns)',
    );
    expect(t.find(CustomResourceDefinition, 'sites.apps.example.com')).to.not.equal(undefined);
    holding = false;
    await during(t, uninstall({ ...deps, timeout: '30m' }));
    expect(released.sort()).to.deep.equal(['a', 'b', 'c']);
  });
});
