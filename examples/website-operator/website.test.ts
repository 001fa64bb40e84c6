import { expect } from 'chai';
import { TestCluster } from 'gyre/testing';
import { Deployment } from 'gyre/kinds';
import { Dns, InMemoryDns } from './dns.js';
import { WebsiteController } from './website.controller.js';
import { Website } from './website.js';

describe('WebsiteController', () => {
  const start = (dns: Dns) => TestCluster.start({ controllers: [WebsiteController], provide: [[Dns, dns]] });

  it('reports the Deployment it made as ready', async () => {
    await using t = await start(new InMemoryDns());
    await t.apply(Website.of('default/blog', { image: 'nginx:1.27', replicas: 3 }));
    await t.advance('10m');
    const blog = t.get(Website, 'default/blog');
    expect(blog.status?.readyReplicas).to.equal(3);
    expect(blog.status?.conditions?.[0]).to.include({ type: 'Ready', status: 'True', message: '3/3 ready' });
    expect(t.get(Deployment, 'default/blog').spec.template.spec?.containers[0]?.image).to.equal('nginx:1.27');
  });

  it('fills in one replica when none is asked for', async () => {
    await using t = await start(new InMemoryDns());
    await t.apply(Website.of('default/blog', { image: 'nginx:1.27' }));
    await t.advance('1m');
    expect(t.get(Website, 'default/blog').spec.replicas).to.equal(1);
  });

  it('releases the DNS name before the website goes', async () => {
    const dns = new InMemoryDns();
    await using t = await start(dns);
    await t.apply(Website.of('default/blog', { image: 'nginx:1.27', replicas: 1 }));
    await t.advance('1m');
    await t.client.delete(Website, 'default/blog');
    await t.advance('1m');
    expect(t.find(Website, 'default/blog')).to.equal(undefined);
    expect(dns.released).to.deep.equal(['blog']);
  });
});
